"""Calls of code that is not interpreted: torch's, and what Python itself does with known objects."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from torch import nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from dycl.frontends.torch.diagnostics import CaptureError, Refusal
from dycl.frontends.torch.paths.forks import choice_in, forked_call
from dycl.frontends.torch.size_tests import run_tested
from dycl.frontends.torch.tensors.symbols import SYMBOLIC
from dycl.frontends.torch.values import Escape, ModelRaised, Scalar, Symbolic, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

DATA_DEPENDENT = (GuardOnDataDependentSymNode, DataDependentOutputException, DynamicOutputShapeException)
_UNSUPPORTED = (UnsupportedFakeTensorException, UnsupportedOperatorException)
_INTERNAL = ("'FakeTensor' and 'FakeTensor'", "SymInt", "SymBool", "SymFloat", "symbols to int")


def call_native(
    capture: "Capture", function: Callable[..., Value], args: Sequence[Value], kwargs: Mapping[str, Value]
) -> Value:
    """Call what is not interpreted.

    Raises:
        ModelRaised: the user's program raises there
        CaptureError: the call asks for what is known only at run time, or torch cannot do it without data
    """
    try:
        return run_tested(capture, _name(function), lambda: function(*args, **kwargs))
    except (CaptureError, ModelRaised):
        raise
    except Refusal as refusal:
        raise capture.error(refusal.message, refusal.reason, refusal.advice) from None
    except Escape as escape:
        raise capture.error(
            str(escape), "it is known only when the program runs", "keep it in tensors or in Python arithmetic"
        ) from None
    except GuardOnDataDependentSymNode as error:
        raise capture.error(
            "code that is not interpreted decides by a size or number known only at run time",
            f"torch says: {_first_line(error)}",
            "give that size as a number in the signature, or do in the model's own Python code what it does",
        ) from error
    except DATA_DEPENDENT as error:
        raise capture.error(
            "code that is not interpreted asks for a tensor's content",
            f"torch says: {_first_line(error)}",
            "branch on it in the model's own Python code",
        ) from error
    except _UNSUPPORTED as error:
        raise capture.error(f"an operation that torch cannot run without data: {_first_line(error)}") from error
    except Exception as error:
        if _is_internal(error):
            raise capture.error(
                f"{type(error).__name__} in code that is not interpreted: {_first_line(error)}",
                "capture has failed there, not the program",
                "report it, or write it in another way",
            ) from error
        raise capture.raised(error) from error


def _name(function: Callable[..., Value]) -> str:
    owner = getattr(function, "__self__", function)
    return type(owner).__name__ if isinstance(owner, nn.Module) else getattr(function, "__name__", "a call")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")


def _is_internal(error: Exception) -> bool:
    """Whether an exception is about stand-ins of capture, which the program knows nothing of."""
    return any(word in str(error) for word in _INTERNAL)


def call_torch(
    capture: "Capture", function: Callable[..., Value], args: Sequence[Value], kwargs: Mapping[str, Value]
) -> Value:
    """Call torch's code: run-time numbers go in as torch's symbols and come back as numbers."""
    check_known(capture, [*args, *kwargs.values()])
    if any(map(_is_lowered, args)) or any(map(_is_lowered, kwargs.values())):
        if choice_in([*args, *kwargs.values()]) is not None:
            return forked_call(capture, lambda args, kwargs: call_torch(capture, function, args, kwargs), args, kwargs)
        args = [_lower(capture, value) for value in args]
        kwargs = {name: _lower(capture, value) for name, value in kwargs.items()}
    return _lift(capture, call_native(capture, function, args, kwargs))


def check_known(capture: "Capture", values: Sequence[Value]) -> None:
    """Raise an error where the items of a container among values are not known."""
    for value in values if capture.abstract else ():
        if isinstance(value, list | tuple | dict | set):
            capture.usable(value)
            check_known(capture, list(value.values()) if isinstance(value, dict) else list(value))


def _is_lowered(value: Value) -> bool:
    """Whether there is something in an argument that torch does not take as it is."""
    if isinstance(value, tuple | list):
        return any(map(_is_lowered, value))
    if isinstance(value, dict):
        return any(map(_is_lowered, value.values()))
    if isinstance(value, slice):
        return _is_lowered((value.start, value.stop, value.step))
    return isinstance(value, Symbolic)


def _lower(capture: "Capture", value: Value) -> Value:
    if isinstance(value, Scalar):
        return capture.symbols.lower(value)
    if isinstance(value, Symbolic):
        capture.usable(value)
        raise capture.error(f"{value.describe()} as an argument of a torch operation")
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(_lower(capture, item) for item in value)
    if isinstance(value, list):
        return [_lower(capture, item) for item in value]
    if isinstance(value, dict):
        return {key: _lower(capture, item) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(*(_lower(capture, part) for part in (value.start, value.stop, value.step)))
    return value


def _lift(capture: "Capture", value: Value) -> Value:
    if isinstance(value, SYMBOLIC):
        return capture.refusable(lambda: capture.symbols.raised(value))
    if isinstance(value, tuple | list) and any(isinstance(item, SYMBOLIC) for item in value):
        return (
            [_lift(capture, item) for item in value]
            if isinstance(value, list)
            else tuple(_lift(capture, item) for item in value)
        )
    return value
