"""The log of what a branch writes.

Every place that interpreted code can write is a `Slot`. A branch opens a level; the level keeps, for each slot that it
writes first, what was there before. Rolling a level back restores these and returns what the branch had left: the cost
is what the branch wrote, whatever else the program holds.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Protocol

from dycl.errors import an
from dycl.frontends.torch.values import UNBOUND, Symbolic, Value


class Slot(Protocol):
    """A place that holds a value. `key` tells places apart; `birth` is when its owner came to be."""

    @property
    def key(self) -> Hashable: ...
    @property
    def birth(self) -> int: ...
    @property
    def label(self) -> str: ...
    def read(self) -> Value: ...
    def write(self, value: Value) -> None: ...


State = dict[Hashable, tuple[Slot, Value]]
"""What slots hold, by key."""


@dataclass
class Journal:
    """A stack of levels, the last the innermost branch; and a clock of births, which never goes back."""

    levels: list[State] = field(default_factory=lambda: [{}])
    clock: int = 0

    def tick(self) -> int:
        self.clock += 1
        return self.clock

    def write(self, slot: Slot, value: Value) -> None:
        self.save(slot)
        slot.write(value)

    def save(self, slot: Slot) -> None:
        """Log what a slot holds before something else than `write` changes it."""
        level = self.levels[-1]
        if slot.key not in level:
            level[slot.key] = (slot, slot.read())

    def push(self) -> None:
        self.levels.append({})

    def rollback(self) -> State:
        """Undo and close the innermost level; return what it had left in the slots that it wrote."""
        level = self.levels.pop()
        left = {key: (slot, slot.read()) for key, (slot, _) in level.items()}
        for slot, before in level.values():
            slot.write(before)
        return left

    def fold(self, level: int) -> None:
        """Make a level part of the one before it."""
        for key, entry in self.levels.pop(level).items():
            self.levels[level - 1].setdefault(key, entry)

    def since(self, level: int) -> State:
        """Return what is now in the slots that the levels from `level` on have written."""
        slots = {key: slot for written in self.levels[level:] for key, (slot, _) in written.items()}
        return {key: (slot, slot.read()) for key, slot in slots.items()}

    def before(self, level: int, slot: Slot) -> Value:
        """Return what a slot held before the levels from `level` on."""
        for written in self.levels[level:]:
            if slot.key in written:
                return written[slot.key][1]
        return slot.read()

    def apply(self, state: State) -> None:
        for slot, value in state.values():
            self.write(slot, value)


@dataclass
class Env:
    """The names of a function's activation, or of a comprehension in it."""

    birth: int
    parent: "Env | None" = None
    names: dict[str, Value] = field(default_factory=dict[str, Value])
    is_comprehension: bool = False
    escapes: bool = False
    """Whether a function defined inside may read its names at any time."""
    has_ended: bool = False
    """Whether the activation has no more statements to run."""

    def escape(self) -> None:
        """Note that a function is defined here, which may read the names later."""
        env: Env | None = self
        while env is not None:
            env.escapes, env = True, env.parent

    def find(self, name: str) -> "Env | None":
        """Return the innermost environment that has `name`, from this one outwards."""
        env: Env | None = self
        while env is not None and name not in env.names:
            env = env.parent
        return env


@dataclass(frozen=True)
class VariableSlot:
    env: Env
    name: str

    @property
    def key(self) -> Hashable:
        return (id(self.env), self.name)

    @property
    def birth(self) -> int:
        return self.env.birth

    @property
    def label(self) -> str:
        return self.name

    def read(self) -> Value:
        return self.env.names.get(self.name, UNBOUND)

    def write(self, value: Value) -> None:
        if value is UNBOUND:
            self.env.names.pop(self.name, None)
        else:
            self.env.names[self.name] = value


@dataclass(frozen=True)
class AttributeSlot:
    """An attribute in an object's own dictionary; those of a module's parameters, buffers and submodules too."""

    owner: Any
    name: str
    birth: int = 0

    @property
    def key(self) -> Hashable:
        return ("attribute", id(self.owner), self.name)

    @property
    def label(self) -> str:
        return f"{type(self.owner).__name__}.{self.name}"

    def read(self) -> Value:
        for table in self._tables():
            if self.name in table:
                return table[self.name]
        return UNBOUND

    def write(self, value: Value) -> None:
        # Straight into the tables: `nn.Module.__setattr__` would refuse or re-register what it is given.
        tables = self._tables()
        home = next((table for table in tables if self.name in table), tables[0])
        if value is UNBOUND:
            home.pop(self.name, None)
        else:
            home[self.name] = value

    def _tables(self) -> list[dict[str, Value]]:
        own = vars(self.owner)
        return [own, *(own[name] for name in ("_parameters", "_buffers", "_modules") if name in own)]


@dataclass(frozen=True)
class ContentsSlot:
    """The contents of a list, dict, set or deque."""

    container: Any
    abstract: dict[int, tuple[Any, Symbolic]]
    """What stands for the contents of containers that are not known, by id."""
    birth: int = 0

    @property
    def key(self) -> Hashable:
        return ("contents", id(self.container))

    @property
    def label(self) -> str:
        return an(type(self.container).__name__)

    def read(self) -> Value:
        if id(self.container) in self.abstract:
            return self.abstract[id(self.container)][1]
        return self.container.copy()

    def write(self, value: Value) -> None:
        if isinstance(value, Symbolic):
            self.abstract[id(self.container)] = (self.container, value)
            return
        self.abstract.pop(id(self.container), None)
        self.container.clear()
        if isinstance(self.container, dict | set):
            self.container.update(value)
        else:
            self.container.extend(value)


@dataclass(frozen=True)
class WrittenSlot:
    """Whether this call has certainly written an attribute of an object that outlives it."""

    written: dict[tuple[int, str], bool]
    owner: Any
    name: str
    birth: int = 0

    @property
    def key(self) -> Hashable:
        return ("written", id(self.owner), self.name)

    @property
    def label(self) -> str:
        return f"{type(self.owner).__name__}.{self.name}"

    def read(self) -> bool:
        return self.written.get((id(self.owner), self.name), False)

    def write(self, value: bool) -> None:
        self.written[(id(self.owner), self.name)] = value
