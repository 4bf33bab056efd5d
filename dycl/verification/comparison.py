"""The difference between two outputs of arbitrary structure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Difference:
    """Largest errors over float values, and in words every difference that is not one of degree."""

    abs_error: float = 0.0
    rel_error: float = 0.0
    excess: float = 0.0
    """The largest absolute error less what the tolerances allow; not above 0 where all is within them."""
    discrete: list[str] = field(default_factory=list[str])


def difference(expected: Any, actual: Any, atol: float, rtol: float) -> Difference:
    """Compare two nestings of tuples, lists, dicts, arrays, tensors, numbers, strings and None."""
    found = Difference(excess=-atol)
    _compare(expected, actual, "output", atol, rtol, found)
    return found


def _compare(expected: Any, actual: Any, place: str, atol: float, rtol: float, found: Difference) -> None:
    if isinstance(expected, tuple | list) and isinstance(actual, tuple | list):
        if type(expected).__name__ != type(actual).__name__ or len(expected) != len(actual):
            found.discrete.append(f"{place} is {_describe(actual)} instead of {_describe(expected)}")
            return
        for index, (left, right) in enumerate(zip(expected, actual, strict=True)):
            _compare(left, right, f"{place}[{index}]", atol, rtol, found)
    elif isinstance(expected, Mapping) and isinstance(actual, Mapping):
        if list(expected) != list(actual):
            found.discrete.append(f"{place} has keys {list(actual)} instead of {list(expected)}")
            return
        for key in expected:
            _compare(expected[key], actual[key], f"{place}[{key!r}]", atol, rtol, found)
    elif expected is None or isinstance(expected, str) or actual is None or isinstance(actual, str):
        if expected is not actual and expected != actual:
            found.discrete.append(f"{place} is {_describe(actual)} instead of {_describe(expected)}")
    else:
        _compare_arrays(_array(expected), _array(actual), place, atol, rtol, found)


def _compare_arrays(
    expected: np.ndarray, actual: np.ndarray, place: str, atol: float, rtol: float, found: Difference
) -> None:
    if expected.shape != actual.shape or expected.dtype != actual.dtype:
        found.discrete.append(f"{place} is {_describe(actual)} instead of {_describe(expected)}")
    elif expected.dtype.kind != "f":
        if not np.array_equal(expected, actual):
            found.discrete.append(f"{place} is {_excerpt(actual)} instead of {_excerpt(expected)}")
    elif expected.size:
        left, right = expected.astype(np.float64), actual.astype(np.float64)
        same = (left == right) | (np.isnan(left) & np.isnan(right))
        with np.errstate(invalid="ignore"):
            error = np.where(same, 0.0, np.abs(left - right))
        if not np.isfinite(error).all():
            found.discrete.append(f"{place} has inf or nan where the source has not, or the reverse")
            return
        largest = float(error.max())
        magnitude = float(np.abs(left[np.isfinite(left)]).max(initial=0.0))
        found.abs_error = max(found.abs_error, largest)
        found.rel_error = max(found.rel_error, largest / magnitude if magnitude else largest)
        found.excess = max(found.excess, float((error - atol - rtol * np.abs(np.where(same, 0.0, left))).max()))


def _array(value: Any) -> np.ndarray:
    """Return a tensor, an array or a Python number as an array; Python's int is int64 and its float float64."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return repr(value)


def _excerpt(array: np.ndarray) -> str:
    return np.array2string(array, threshold=8, edgeitems=3)
