"""The difference between two outputs of arbitrary structure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
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
    """Compare two nestings of tuples, lists, dicts, dataclasses, arrays, tensors, numbers, strings and None.

    Containers are of one type where their classes have one name: a deployed program has no class of the source's.
    """
    found = Difference(excess=-atol)
    _compare(expected, actual, "output", atol, rtol, found)
    return found


def _compare(expected: Any, actual: Any, place: str, atol: float, rtol: float, found: Difference) -> None:
    left, right = _parts(expected), _parts(actual)
    if left is not None or right is not None:
        if left is None or right is None or _kind(expected) != _kind(actual):
            found.discrete.append(f"{place} is {_describe(actual)} instead of {_describe(expected)}")
        elif list(left) != list(right):
            found.discrete.append(
                f"{place} is {_describe(actual)} with {', '.join(right)} "
                f"instead of {_describe(expected)} with {', '.join(left)}"
            )
        else:
            for part in left:
                _compare(left[part], right[part], f"{place}{part}", atol, rtol, found)
    elif expected is None or isinstance(expected, str) or actual is None or isinstance(actual, str):
        if expected is not actual and expected != actual:
            found.discrete.append(f"{place} is {_describe(actual)} instead of {_describe(expected)}")
    else:
        _compare_arrays(_array(expected), _array(actual), place, atol, rtol, found)


def _parts(value: Any) -> dict[str, Any] | None:
    """Return what a container holds, by the text that gets it; None for what is none."""
    parts: dict[str, Any] = {}
    if not isinstance(value, type) and is_dataclass(value):
        parts |= {f".{field.name}": getattr(value, field.name) for field in fields(value)}
    elif not isinstance(value, Mapping | tuple | list):
        return None
    elif not isinstance(value, Mapping):
        parts |= {f"[{index}]": item for index, item in enumerate(value)}
    if isinstance(value, Mapping):
        parts |= {f"[{key!r}]": item for key, item in value.items()}
    return parts


def _kind(value: Any) -> str:
    """Return the name of a container's class; of one that a compiled program has no class for, of that it has."""
    name = type(value).__name__
    return {"Size": "tuple", "defaultdict": "dict"}.get(name, name)


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
    """Return a tensor, an array or a number as an array; a number of numpy's is Python's: int64 or float64."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value.item() if isinstance(value, np.generic) else value)


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, tuple | list | Mapping):
        name = type(value).__name__
        return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name} of {len(value)}"
    return repr(value)


def _excerpt(array: np.ndarray) -> str:
    return np.array2string(array, threshold=8, edgeitems=3)
