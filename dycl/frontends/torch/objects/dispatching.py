"""`functools.singledispatch`: which function a call is of, by the type of its first argument."""

import functools
from collections.abc import Callable, Sequence
from types import FunctionType

from dycl.frontends.torch.values import Value


def _function(value: object) -> None: ...


class _Example:
    @functools.singledispatchmethod
    def method(self, value: object) -> None: ...


_FUNCTION = getattr(functools.singledispatch(_function), "__code__", None)
_METHOD = getattr(_Example().method, "__code__", None)
"""The code that all such functions share, and that all such methods do."""


def is_dispatched(function: Value) -> bool:
    return isinstance(function, FunctionType) and function.__code__ in (_FUNCTION, _METHOD)


def dispatched(function: Value, args: Sequence[Value], type_of: Callable[[Value], type]) -> Value:
    """Return the function that a call is of; the function itself where it has no arguments, which is an error."""
    if not args:
        return function
    if function.__code__ is _FUNCTION:
        return function.dispatch(type_of(args[0]))
    cells = dict(zip(function.__code__.co_freevars, function.__closure__, strict=True))
    chosen = cells["self"].cell_contents.dispatcher.dispatch(type_of(args[0]))
    return chosen.__get__(cells["obj"].cell_contents, cells["cls"].cell_contents)
