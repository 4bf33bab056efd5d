"""The first difference between two results, in words."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import torch


def difference(
    expected: Any, actual: Any, tolerance: float, *, dtypes: bool = True, place: str = "result"
) -> str | None:
    """Compare structures, Python types, dtypes, shapes, and values up to a relative and absolute tolerance.

    Without `dtypes`, floats of any precision are alike.
    """
    if isinstance(expected, torch.Tensor) and isinstance(actual, torch.Tensor):
        return _tensors(expected, actual, tolerance, dtypes, place)
    if type(expected).__name__ != type(actual).__name__:
        return f"{place} is {_shown(actual)} instead of {_shown(expected)}"
    if isinstance(expected, list | tuple):
        if len(expected) != len(actual):
            return f"{place} has {len(actual)} items instead of {len(expected)}"
        return _items(
            [(f"{place}[{i}]", *pair) for i, pair in enumerate(zip(expected, actual, strict=False))], tolerance, dtypes
        )
    if isinstance(expected, dict):
        if list(expected) != list(actual):
            return f"{place} has the keys {list(actual)} instead of {list(expected)}"
        return _items([(f"{place}[{key!r}]", expected[key], actual[key]) for key in expected], tolerance, dtypes)
    if is_dataclass(expected):
        names = [field.name for field in fields(expected)]
        pairs = [(f"{place}.{name}", getattr(expected, name), getattr(actual, name)) for name in names]
        return _items(pairs, tolerance, dtypes)
    if isinstance(expected, float):
        close = expected == actual or abs(expected - actual) <= tolerance * (1 + abs(expected))
        return (
            None
            if close or (expected != expected and actual != actual)
            else f"{place} is {actual} instead of {expected}"
        )
    return None if expected == actual else f"{place} is {actual!r} instead of {expected!r}"


def _items(pairs: Sequence[tuple[str, Any, Any]], tolerance: float, dtypes: bool) -> str | None:
    found = (difference(one, other, tolerance, dtypes=dtypes, place=place) for place, one, other in pairs)
    return next((text for text in found if text is not None), None)


def _tensors(expected: torch.Tensor, actual: torch.Tensor, tolerance: float, dtypes: bool, place: str) -> str | None:
    if expected.shape != actual.shape:
        return f"{place} has shape {list(actual.shape)} instead of {list(expected.shape)}"
    if expected.dtype != actual.dtype and (dtypes or expected.is_floating_point() != actual.is_floating_point()):
        return f"{place} is of {actual.dtype} instead of {expected.dtype}"
    one, other = expected.double(), actual.double()
    if torch.allclose(other, one, rtol=tolerance, atol=tolerance, equal_nan=True):
        return None
    return f"{place} is {actual.tolist()} instead of {expected.tolist()}"


def _shown(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {list(value.shape)}"
    if isinstance(value, list | tuple | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return repr(value)
