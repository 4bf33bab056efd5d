"""Objects as the attributes that they have: what a call of a recursive function hands over in their place."""

import enum
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn

from dycl.frontends.torch.values import Symbolic, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

_LIBRARIES = frozenset(["builtins", "collections", "dycl", "functools", "numpy", "torch"])
_OTHER = (
    Symbolic,
    torch.Tensor,
    nn.Module,
    type,
    enum.Enum,
    BaseException,
    tuple,
    list,
    dict,
    set,
    deque,
    str,
    int,
    float,
)


def record_fields(capture: "Capture", value: Value) -> Mapping[str, Value] | None:
    """Return the attributes of an object that the program has made, the items of a named tuple; None for others."""
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        return None if names is None else dict(zip(names, value, strict=True))
    return attributes_of(value) if is_record(capture, value) else None


def is_record(capture: "Capture", value: Value) -> bool:
    """Whether a value is an object that the program has made of a class of the user's."""
    return (
        not isinstance(value, _OTHER)
        and capture.birth(value) > 0
        and type(value).__module__.partition(".")[0] not in _LIBRARIES
    )


def attributes_of(value: Value) -> dict[str, Value]:
    """Return an object's own attributes."""
    slots = [name for cls in type(value).__mro__ for name in _slots(cls) if hasattr(value, name)]
    return {**{name: getattr(value, name) for name in slots}, **getattr(value, "__dict__", {})}


def _slots(cls: type) -> tuple[str, ...]:
    found = cls.__dict__.get("__slots__", ())
    return (found,) if isinstance(found, str) else tuple(found)


def made_record(capture: "Capture", cls: type, fields: Mapping[str, Value]) -> Value:
    """Return an object of a class with these attributes; its `__init__` has run where it was first made."""
    if issubclass(cls, tuple):
        return tuple.__new__(cls, fields.values())
    made = capture.born(object.__new__(cls))
    for name, value in fields.items():
        object.__setattr__(made, name, value)
    return made
