"""Objects that a forward makes of classes."""

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from types import MethodType
from typing import TYPE_CHECKING

from torch import nn

from dycl.frontends.torch.syntax.attributes import set_attribute
from dycl.frontends.torch.values import Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


def construct(capture: "Capture", kind: type, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    """Make an object; NotImplemented where the class is not interpreted."""
    if issubclass(kind, nn.Module):
        return _module(capture, kind, args, kwargs)
    initializer = kind.__init__
    if issubclass(kind, BaseException) and not capture.is_user(kind.__new__):
        # An exception keeps what it is given and looks at none of it.
        value = capture.born(capture.native(kind.__new__, kind, *args, **kwargs))
        if capture.is_user(initializer):
            capture.evaluator.call(capture, MethodType(initializer, value), args, kwargs)
        else:
            capture.native(initializer, value, *args, **kwargs)
        return value
    if dataclasses.is_dataclass(kind) and not capture.is_user(initializer) and kind.__new__ is object.__new__:
        return _construct_dataclass(capture, kind, args, kwargs)
    if capture.is_user(initializer) and kind.__new__ is object.__new__:
        value = capture.born(capture.native(kind.__new__, kind))
        capture.evaluator.call(capture, MethodType(initializer, value), args, kwargs)
        return value
    if hasattr(kind, "_fields") or (dataclasses.is_dataclass(kind) and issubclass(kind, dict)):
        # Both keep what they are given and look at none of it.
        return capture.born(capture.native(kind, *args, **kwargs))
    return NotImplemented


def _construct_dataclass(capture: "Capture", kind: type, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    """Do what the `__init__` that `dataclass` writes does."""
    bound = capture.native(inspect.signature(kind).bind, *args, **kwargs)
    value = capture.born(capture.native(kind.__new__, kind))
    later: list[Value] = []
    for field in kind.__dataclass_fields__.values():  # pyright: ignore[reportAttributeAccessIssue]: it is a dataclass
        is_argument = str(field._field_type) == "_FIELD_INITVAR"
        if str(field._field_type) == "_FIELD_CLASSVAR":
            continue
        if field.name in bound.arguments:
            given = bound.arguments[field.name]
        elif field.default_factory is not dataclasses.MISSING:
            given = capture.evaluator.call(capture, field.default_factory, [], {})
        elif field.default is not dataclasses.MISSING:
            given = field.default
            capture.state.keep(given)
        else:
            continue
        if is_argument:
            later.append(given)
        else:
            set_attribute(capture, value, field.name, given)
    method = capture.method(value, "__post_init__")
    if method is not None:
        capture.evaluator.call(capture, method, later, {})
    return value


def _module(capture: "Capture", kind: type, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    """Make a module of torch's that has no weights, as `nn.Softmax(dim=1)`."""
    if kind.__module__.startswith("torch.nn.") and not any(map(capture.holds_unknown, (*args, *kwargs.values()))):
        made = capture.without_modes(lambda: capture.native(kind, *args, **kwargs))
        if not [*made.parameters(), *made.buffers()]:
            return capture.born(made)
    raise capture.error(
        f"a new {kind.__name__} in a forward", "its weights would differ from call to call", "make it in `__init__`"
    )
