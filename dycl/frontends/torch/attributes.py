"""Attributes: read, written and deleted."""

from types import FunctionType
from typing import TYPE_CHECKING

import torch

from dycl.frontends.torch.journal import AttributeSlot
from dycl.frontends.torch.subscripts import chosen
from dycl.frontends.torch.values import UNBOUND, Choice, Scalar, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


def read_attribute(capture: "Capture", owner: Value, name: str) -> Value:
    capture.usable(owner)
    if isinstance(owner, Choice):
        return chosen(capture, owner.index, [read_attribute(capture, option, name) for option in owner.options])
    if isinstance(owner, Scalar):
        return _number_attribute(capture, owner, name)
    if isinstance(owner, torch.Tensor):
        return capture.torch_call(getattr, owner, name)
    getter = _property(owner, name)
    if getter is not None and capture.is_user(getter):
        return capture.evaluator.call(capture, getter, [owner], {})
    value = capture.native(getattr, owner, name)
    capture.state.read(owner, name, value)
    return value


def has_attribute(capture: "Capture", owner: Value, name: str) -> bool:
    capture.usable(owner)
    if isinstance(owner, Scalar):
        return hasattr(owner.kind(), name)
    found = capture.native(hasattr, owner, name)
    capture.state.read(owner, name, UNBOUND)
    return found


def write_attribute(capture: "Capture", owner: Value, name: str, value: Value) -> None:
    capture.usable(owner)
    if isinstance(owner, torch.Tensor | Choice | Scalar):
        kind = "tensor" if isinstance(owner, torch.Tensor) else "run-time value"
        raise capture.error(
            f"a write to the attribute `{name}` of a {kind}",
            "only its content can change in a compiled program",
            "use `copy_` to write a tensor's content",
        )
    setter = _setter(owner, name)
    if setter is not None:
        capture.evaluator.call(capture, setter, [owner, value], {})
        return
    if not hasattr(owner, "__dict__") or isinstance(owner, type):
        raise capture.error(f"a write to the attribute `{name}` of a {type(owner).__name__}")
    custom = type(owner).__setattr__
    if isinstance(custom, FunctionType) and capture.is_user(custom):
        raise capture.error(f"a write to an attribute of a {type(owner).__name__}, which defines `__setattr__`")
    capture.state.write(owner, name)
    capture.journal.write(AttributeSlot(owner, name, capture.birth(owner)), value)


def delete_attribute(capture: "Capture", owner: Value, name: str) -> None:
    slot = AttributeSlot(owner, name, capture.birth(owner))
    if not hasattr(owner, "__dict__") or slot.read() is UNBOUND:
        raise capture.raised(AttributeError(name))
    capture.state.write(owner, name)
    capture.journal.write(slot, UNBOUND)


def _property(owner: Value, name: str) -> Value | None:
    for base in type(owner).__mro__:
        found = base.__dict__.get(name)
        if found is not None:
            return found.fget if isinstance(found, property) else None
    return None


def _setter(owner: Value, name: str) -> Value | None:
    for base in type(owner).__mro__:
        found = base.__dict__.get(name)
        if isinstance(found, property):
            return found.fset
    return None


def _number_attribute(capture: "Capture", owner: Scalar, name: str) -> Value:
    if name == "item":
        return lambda: owner
    if name in ("real", "imag"):
        return owner if name == "real" else owner.kind()
    raise capture.error(
        f"the attribute `{name}` of {owner.describe()}", "it is a plain Python number", "compute it on the tensor"
    )
