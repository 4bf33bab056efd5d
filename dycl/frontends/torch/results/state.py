"""State that would survive a call.

A compiled program keeps nothing from call to call. An attribute that a call writes before it reads it is a variable
like any other. One that a call reads as an earlier call has left it is state, and is refused: so is a change to a list
that outlives the call.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dycl.errors import an
from dycl.frontends.torch.diagnostics import Place
from dycl.frontends.torch.paths.journal import AttributeSlot, WrittenSlot
from dycl.frontends.torch.values import UNBOUND, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

_CONTAINERS = (list, dict, set, deque)


@dataclass
class CallState:
    capture: "Capture"
    written: dict[tuple[int, str], bool] = field(default_factory=dict[tuple[int, str], bool])
    reads: dict[tuple[int, str], Place] = field(default_factory=dict[tuple[int, str], Place])
    writes: dict[tuple[int, str], Place] = field(default_factory=dict[tuple[int, str], Place])
    lasting: dict[int, Value] = field(default_factory=dict[int, Value])
    """Containers that outlive the call, by id."""
    carried: set[tuple[int, str]] = field(default_factory=set[tuple[int, str]])
    """Attributes that the program carries from call to call."""

    def read(self, owner: Value, name: str, value: Value) -> None:
        """Note a read of an attribute, which has given `value`."""
        if self.capture.birth(owner) or not hasattr(owner, "__dict__"):
            return
        if isinstance(value, _CONTAINERS) and not self.capture.birth(value):
            self.lasting[id(value)] = value
        if callable(value) and AttributeSlot(owner, name).read() is UNBOUND:
            return  # a method of its class; what else a class has, the call may set on the object
        key = (id(owner), name)
        if self.written.get(key, False) or key in self.carried:
            return
        self.reads.setdefault(key, self.capture.stack[-1].place)
        if key in self.writes:
            self._refuse(owner, name, self.writes[key], "writes")

    def write(self, owner: Value, name: str) -> None:
        """Note a write to an attribute."""
        key = (id(owner), name)
        if self.capture.birth(owner) or key in self.carried:
            return
        self.writes.setdefault(key, self.capture.stack[-1].place)
        if key in self.reads:
            self._refuse(owner, name, self.reads[key], "reads")
        self.capture.journal.write(WrittenSlot(self.written, owner, name), True)

    def inherit(self, owner: Value, item: Value) -> None:
        """Note that `item` was found in `owner`."""
        if id(owner) in self.lasting and isinstance(item, _CONTAINERS) and not self.capture.birth(item):
            self.lasting[id(item)] = item

    def keep(self, container: Value) -> None:
        """Note a container that a global name, a closure or a default argument holds."""
        if isinstance(container, _CONTAINERS) and not self.capture.birth(container):
            self.lasting[id(container)] = container

    def clear(self, container: Value) -> None:
        """Note that nothing is left in a container of what an earlier call put there."""
        self.capture.journal.write(WrittenSlot(self.written, container, "contents"), True)

    def mutate(self, container: Value) -> None:
        """Check a change to a container."""
        known = WrittenSlot(self.written, container, "contents").read()
        if id(container) in self.lasting and not known:
            raise self.capture.error(
                f"a change to {an(type(container).__name__)} that outlives the call",
                "it would be state carried from call to call, and a compiled program has none",
                "make a new one in the forward, `.clear()` it there first, or name it with `--state`",
            )

    def _refuse(self, owner: Value, name: str, other: Place, does: str) -> None:
        raise self.capture.error(
            f"the attribute `{name}` of {an(type(owner).__name__)} is state carried from call to call",
            f"{other.frame} {does} it in the same call, so that a later call would see what an earlier one left",
            f"set it at the start of the forward, pass it in and return it, or {self._naming(owner, name)}",
        )

    def _naming(self, owner: Value, name: str) -> str:
        """Return how to say that an attribute is carried from call to call."""
        paths = [path for path, module in self.capture.module.named_modules() if module is owner]
        if not paths:
            return "keep it on the model, and name it with `--state`"
        return f"name it with `--state {paths[0]}.{name}`" if paths[0] else f"name it with `--state {name}`"
