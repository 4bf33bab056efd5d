"""Attributes: read, written and deleted."""

import dataclasses
import functools
from collections.abc import Hashable
from dataclasses import dataclass
from types import MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING

import torch

from dycl.errors import an
from dycl.frontends.torch.paths.forks import fork
from dycl.frontends.torch.paths.journal import AttributeSlot
from dycl.frontends.torch.syntax.subscripts import chosen
from dycl.frontends.torch.values import UNBOUND, Choice, ModelRaised, Scalar, Symbolic, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


def read_attribute(capture: "Capture", owner: Value, name: str) -> Value:
    owner = capture.defined(owner)
    if isinstance(owner, Choice):
        if any(isinstance(option, torch.Tensor | Symbolic) or not hasattr(option, name) for option in owner.options):
            return fork(capture, owner, lambda option: read_attribute(capture, option, name))
        return chosen(capture, owner.index, [read_attribute(capture, option, name) for option in owner.options])
    if isinstance(owner, Scalar):
        return _number_attribute(capture, owner, name)
    if isinstance(owner, torch.Tensor):
        return capture.torch_call(getattr, owner, name)
    found = _of_class(owner, name)
    if isinstance(found, property) and capture.is_user(found.fget):
        return capture.evaluator.call(capture, found.fget, [owner], {})
    if isinstance(found, functools.cached_property) and capture.is_user(found.func):
        return _cached(capture, owner, name, found.func)
    if found is None and _is_missing(capture, owner, name):
        getter = capture.method(owner, "__getattr__")
        if getter is not None:
            return capture.evaluator.call(capture, getter, [name], {})
    value = capture.native(getattr, owner, name)
    capture.state.read(owner, name, value)
    return capture.defined(value)


def _cached(capture: "Capture", owner: Value, name: str, function: Value) -> Value:
    """Return a cached property: of an object of this call once, of one that outlives it as often as it is asked for."""
    if name in vars(owner):
        return vars(owner)[name]
    value = capture.evaluator.call(capture, function, [owner], {})
    if capture.birth(owner):
        capture.journal.write(AttributeSlot(owner, name, capture.birth(owner)), value)
    elif capture.holds_unknown(value):
        raise capture.error(
            f"the cached property `{name}` of {an(type(owner).__name__)} is computed from the call's inputs",
            "a later call would find what an earlier one has left",
            "make it a plain property",
        )
    return value


def _is_missing(capture: "Capture", owner: Value, name: str) -> bool:
    """Whether only a `__getattr__` of the user's could give the attribute."""
    if capture.method(owner, "__getattr__") is None or isinstance(owner, type):
        return False
    tables = AttributeSlot(owner, name).read() if hasattr(owner, "__dict__") else UNBOUND
    return tables is UNBOUND


def has_attribute(capture: "Capture", owner: Value, name: str) -> bool:
    capture.usable(owner)
    if isinstance(owner, Scalar):
        return hasattr(owner.kind(), name)
    if _of_class(owner, name) is None and _is_missing(capture, owner, name):
        try:
            read_attribute(capture, owner, name)
        except ModelRaised as error:
            if isinstance(error.error, AttributeError):
                return False
            raise
        return True
    found = capture.native(hasattr, owner, name)
    capture.state.read(owner, name, UNBOUND)
    return found


def write_attribute(capture: "Capture", owner: Value, name: str, value: Value) -> None:
    owner = capture.usable(owner)
    if isinstance(owner, Choice):
        fork(capture, owner, lambda option: write_attribute(capture, option, name, value))
        return
    if isinstance(owner, torch.Tensor) and name == "data" and capture.is_traced(owner) and capture.is_traced(value):
        _check_data(capture, owner, value)
        capture.journal.write(DataSlot(owner), value)
        return
    if isinstance(owner, torch.Tensor | Scalar):
        kind = "tensor" if isinstance(owner, torch.Tensor) else "run-time value"
        raise capture.error(
            f"a write to the attribute `{name}` of {an(kind)}",
            "only its content can change in a compiled program",
            "use `copy_` to write a tensor's content",
        )
    custom = capture.method(owner, "__setattr__")
    if custom is not None:
        capture.evaluator.call(capture, custom, [name, value], {})
        return
    parameters = getattr(type(owner), "__dataclass_params__", None)
    if parameters is not None and parameters.frozen:
        raise capture.raised(dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}"))
    set_attribute(capture, owner, name, value)


def set_attribute(capture: "Capture", owner: Value, name: str, value: Value) -> None:
    """Write an attribute as `object.__setattr__` does."""
    found = _of_class(owner, name)
    if isinstance(found, property):
        if found.fset is None:
            raise capture.raised(AttributeError(f"property '{name}' of '{type(owner).__name__}' object has no setter"))
        capture.evaluator.call(capture, found.fset, [owner, value], {})
        return
    slot = _slot_of(capture, owner, name)
    if slot is None:
        raise capture.error(
            f"a write to the attribute `{name}` of {an(type(owner).__name__)}",
            "it would outlive the call, and a compiled program keeps nothing from call to call",
            "keep it in a local variable or on an object that the forward makes",
        )
    capture.state.write(owner, name)
    capture.journal.write(slot, value)


def delete_attribute(capture: "Capture", owner: Value, name: str) -> None:
    slot = _slot_of(capture, owner, name)
    if slot is None or slot.read() is UNBOUND:
        raise capture.raised(AttributeError(name))
    capture.state.write(owner, name)
    capture.journal.write(slot, UNBOUND)


def _slot_of(capture: "Capture", owner: Value, name: str) -> "AttributeSlot | MemberSlot | None":
    """Return the place of an object's own attribute, None where it can have none."""
    if isinstance(_of_class(owner, name), MemberDescriptorType):
        return MemberSlot(owner, name, capture.birth(owner))
    if hasattr(owner, "__dict__") and not isinstance(owner, type | ModuleType):
        return AttributeSlot(owner, name, capture.birth(owner))
    return None


def _of_class(owner: Value, name: str) -> Value | None:
    """Return what the classes of an object hold under a name."""
    for base in type(owner).__mro__:
        if name in base.__dict__:
            return base.__dict__[name]
    return None


@dataclass(frozen=True)
class MemberSlot:
    """An attribute that a class lists in `__slots__`."""

    owner: Value
    name: str
    birth: int

    @property
    def key(self) -> Hashable:
        return ("attribute", id(self.owner), self.name)

    @property
    def label(self) -> str:
        return f"{type(self.owner).__name__}.{self.name}"

    def read(self) -> Value:
        return getattr(self.owner, self.name, UNBOUND)

    def write(self, value: Value) -> None:
        if value is not UNBOUND:
            object.__setattr__(self.owner, self.name, value)
        elif self.read() is not UNBOUND:
            object.__delattr__(self.owner, self.name)


@dataclass(frozen=True)
class DataSlot:
    """What memory a tensor stands for: a write to `.data` gives it another tensor's."""

    owner: torch.Tensor
    birth: int = 0
    label: str = "the `.data` of a tensor"

    @property
    def key(self) -> Hashable:
        return ("data", id(self.owner))

    def read(self) -> torch.Tensor:
        return self.owner.data

    def write(self, value: torch.Tensor) -> None:
        self.owner.data = value


def _check_data(capture: "Capture", owner: torch.Tensor, value: torch.Tensor) -> None:
    if owner.dtype != value.dtype or owner.size() != value.size():
        raise capture.error(
            "a write to the `.data` of a tensor of another type or size",
            "the other names of the tensor would change their type too",
            "assign the new tensor to a name",
        )


def _number_attribute(capture: "Capture", owner: Scalar, name: str) -> Value:
    if name == "item":
        return lambda: owner
    if name in ("real", "imag"):
        return owner if name == "real" else owner.kind()
    raise capture.error(
        f"the attribute `{name}` of {owner.describe()}", "it is a plain Python number", "compute it on the tensor"
    )
