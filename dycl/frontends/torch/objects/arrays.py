"""What `.numpy()` gives of a traced tensor: an array whose elements the program reads as numbers.

It is the tensor under another type. Elements, comparisons and reductions are taken where numpy computes what torch
computes; code of numpy's own is not.
"""

import ast
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch

from dycl.errors import an
from dycl.frontends.torch.values import Scalar, Symbolic, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


class Array(Symbolic):
    """A numpy array, or a numpy number where the tensor has no dimensions; it shares the tensor's memory."""

    def __init__(self, capture: "Capture", tensor: torch.Tensor) -> None:
        self._capture = capture
        self.tensor = tensor

    def describe(self) -> str:
        return "a numpy array of a traced tensor" if self.tensor.dim() else "a numpy number of a traced tensor"

    @property
    def kind(self) -> type:
        """The class that it has in Python."""
        if self.tensor.dim():
            return np.ndarray
        return np.dtype(str(self.tensor.dtype).removeprefix("torch.")).type

    def _wrapped(self, function: Callable[..., Value], *args: Value, **kwargs: Value) -> "Array":
        given = [arg.tensor if isinstance(arg, Array) else arg for arg in args]
        return Array(self._capture, self._capture.torch_call(function, *given, **kwargs))

    def _arithmetic(self, function: Callable[..., Value], *args: Value) -> "Array":
        """Compute with another array of the dtype, or with a Python number that leaves it as it is."""
        for arg in args:
            same = isinstance(arg, Array) and arg.tensor.dtype == self.tensor.dtype
            number = isinstance(arg, bool | int | float) and (
                self.tensor.is_floating_point() or (isinstance(arg, int) and self.tensor.dtype == torch.int64)
            )
            if not same and not number:
                raise self._capture.error(
                    f"arithmetic of {self.describe()} and {an(type(arg).__name__)}",
                    "numpy and torch differ in the dtype of the result",
                    "compute on the tensors, before `.numpy()`",
                )
        return self._wrapped(function, *args)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.size())

    @property
    def ndim(self) -> int:
        return self.tensor.dim()

    @property
    def size(self) -> int:
        return self.tensor.numel()

    @property
    def T(self) -> "Array":
        return self._wrapped(torch.Tensor.t, self.tensor)

    def item(self) -> Value:
        return self._capture.item(self.tensor)

    def tolist(self) -> Value:
        return self._capture.evaluator.call(self._capture, self.tensor.tolist, [], {})

    def argmax(self) -> Value:
        return self._index(torch.argmax)

    def argmin(self) -> Value:
        return self._index(torch.argmin)

    def _index(self, function: Callable[..., Value]) -> Value:
        found = self._capture.item(self._capture.torch_call(function, self.tensor))
        if isinstance(found, Scalar):
            found.bounds = (0, self.tensor.numel() - 1)
        return found

    def max(self) -> "Array":
        return self._wrapped(torch.amax, self.tensor)

    def min(self) -> "Array":
        return self._wrapped(torch.amin, self.tensor)

    def any(self) -> "Array":
        return self._wrapped(torch.any, self.tensor)

    def all(self) -> "Array":
        return self._wrapped(torch.all, self.tensor)

    def copy(self) -> "Array":
        return self._wrapped(torch.clone, self.tensor)

    def flatten(self) -> "Array":
        return self._wrapped(torch.clone, self._capture.torch_call(torch.flatten, self.tensor))

    def squeeze(self) -> "Array":
        return self._wrapped(torch.squeeze, self.tensor)

    def sum(self) -> "Array":
        return self._wrapped(torch.sum, self.tensor)

    def __getattr__(self, name: str) -> Value:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._capture.error(
            f"`.{name}` of {self.describe()}",
            "its content exists only when the compiled program runs, and numpy's code is not captured",
            "use the torch operation that does the same",
        )

    def __len__(self) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]: it is known
        return self.tensor.size(0)

    def __iter__(self) -> "Iterator[Array]":  # pyright: ignore[reportIncompatibleMethodOverride]: they are known
        for index in range(len(self)):
            yield self[index]

    def __getitem__(self, index: Value) -> "Array":
        return self._wrapped(operator.getitem, self.tensor, index)

    def __setitem__(self, index: Value, value: Value) -> None:
        raise self._capture.error(
            f"a write to {self.describe()}", "numpy's code is not captured", "write to the tensor, before `.numpy()`"
        )

    def __add__(self, other: Value) -> "Array":
        return self._arithmetic(operator.add, self, other)

    def __radd__(self, other: Value) -> "Array":
        return self._arithmetic(operator.add, other, self)

    def __sub__(self, other: Value) -> "Array":
        return self._arithmetic(operator.sub, self, other)

    def __rsub__(self, other: Value) -> "Array":
        return self._arithmetic(operator.sub, other, self)

    def __mul__(self, other: Value) -> "Array":
        return self._arithmetic(operator.mul, self, other)

    def __rmul__(self, other: Value) -> "Array":
        return self._arithmetic(operator.mul, other, self)

    def __neg__(self) -> "Array":
        return self._wrapped(operator.neg, self.tensor)

    def __abs__(self) -> "Array":
        return self._wrapped(torch.abs, self.tensor)

    def compare(self, kind: type[ast.cmpop], other: Value) -> "Array":
        return self._wrapped(_COMPARE[kind], self.tensor, other)


_COMPARE: dict[type[ast.cmpop], Callable[..., Value]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
