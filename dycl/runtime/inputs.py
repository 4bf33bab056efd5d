"""A caller's arguments, checked against the signature."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dycl.errors import an
from dycl.runtime.engines.protocol import Array, ValueSpec
from dycl.runtime.signature import Input, Signature


class InputBinder:
    """Takes arguments by position or name, and returns them as arrays in the order of the signature."""

    def __init__(self, signature: Signature):
        self._signature = signature
        self._names = [input.name for input in signature.inputs]
        self._dtypes = [ValueSpec(input.dtype, ()).numpy_dtype() for input in signature.inputs]

    def bind(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> Sequence[Array]:
        """Return an array for each input.

        Raises:
            TypeError: an input is missing, unknown, given twice, no numpy array, or of another dtype
            ValueError: an input has another shape
        """
        values = self._ordered(arguments, named) if named or len(arguments) != len(self._names) else arguments
        sizes: dict[str, tuple[int, str]] = {}
        for input, dtype, value in zip(self._signature.inputs, self._dtypes, values, strict=True):
            if not isinstance(value, np.ndarray | np.generic):
                raise TypeError(f"input {input.name}: expected a numpy array {_kind(input)}, got {_describe(value)}")
            if value.dtype != dtype and value.dtype.newbyteorder("=") != dtype:
                raise TypeError(f"input {input.name}: expected {_kind(input)}, got {_describe(value)}")
            if value.shape != input.shape:
                self._check_shape(input, value.shape, sizes)
        return values

    def _ordered(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
        names = self._names
        if len(arguments) > len(names):
            raise TypeError(f"expected {self._expected()}, got {len(arguments)} inputs")
        found = dict(zip(names, arguments, strict=False))
        for name, value in named.items():
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                raise TypeError(
                    f"unexpected input {name}: "
                    + (f"did you mean {near[0]}?" if near else f"expected {self._expected()}")
                )
            if name in found:
                raise TypeError(f"input {name} is given twice, by position and by name")
            found[name] = value
        missing = [str(input) for input in self._signature.inputs if input.name not in found]
        if missing:
            raise TypeError(f"missing input {', '.join(missing)}")
        return [found[name] for name in names]

    def _expected(self) -> str:
        count = len(self._names)
        return f"{count} input{'' if count == 1 else 's'} ({self._signature})" if count else "no inputs"

    def _check_shape(self, input: Input, shape: Sequence[int], sizes: dict[str, tuple[int, str]]) -> None:
        """Check a shape; `sizes` holds the sizes with names that were seen, and where."""
        if len(shape) != len(input.shape):
            raise ValueError(
                f"input {input.name}: expected {_kind(input)}, which has rank {len(input.shape)}, "
                f"got shape {list(shape)}, which has rank {len(shape)}"
            )
        for axis, (expected, size) in enumerate(zip(input.shape, shape, strict=True)):
            if isinstance(expected, int):
                if size != expected:
                    raise ValueError(
                        f"input {input.name}: expected {_kind(input)}, got shape {list(shape)}: "
                        f"axis {axis} has {size} elements instead of {expected}"
                    )
                continue
            low, high = self._signature.bounds.get(expected, (0, size))
            if not low <= size <= high:
                raise ValueError(
                    f"input {input.name}: axis {axis} has {size} elements, but {low} <= {expected} <= {high}"
                )
            other, place = sizes.setdefault(expected, (size, f"axis {axis} of {input.name}"))
            if size != other:
                raise ValueError(
                    f"input {input.name}: axis {axis} has {size} elements, but {expected} is {other} by {place}"
                )


def _kind(input: Input) -> str:
    return f"{input.dtype}[{', '.join(map(str, input.shape))}]"


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray | np.generic):
        return f"{value.dtype}[{', '.join(map(str, value.shape))}]"
    return an(f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins."))
