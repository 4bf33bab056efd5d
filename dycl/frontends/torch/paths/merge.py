"""What stands, where paths meet, for what each of them has left.

Paths meet after a branch, at the head of a loop and behind it. Values that agree stay what they are. Tensors and
numbers that differ become columns: results of the branch, or values that the loop carries. Tuples, and lists and dicts
that the paths have made, are merged item by item; functions and modules become a choice. Anything else becomes poison,
which is an error only where it is used.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import nn
from xdsl.dialects import arith
from xdsl.ir import Block, SSAValue

from dycl.errors import an
from dycl.frontends.torch.objects.records import is_record
from dycl.frontends.torch.paths.columns import Column, Deferred, fit_sizes, number_key
from dycl.frontends.torch.paths.control import Completion
from dycl.frontends.torch.paths.forked import plan_forked
from dycl.frontends.torch.paths.journal import ContentsSlot, Slot, State, VariableSlot, WrittenSlot
from dycl.frontends.torch.paths.made_objects import Shared, plan_containers, plan_objects
from dycl.frontends.torch.paths.names import Naming, is_one, naming
from dycl.frontends.torch.syntax.liveness import is_dead
from dycl.frontends.torch.tensors.heap import Cell, key_of
from dycl.frontends.torch.values import (
    ABSENT,
    UNBOUND,
    Choice,
    Forked,
    Guarded,
    Kind,
    Poison,
    Scalar,
    Symbolic,
    Value,
    is_number,
    kind_of,
)

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


@dataclass
class Side:
    """One of the paths, evaluated: its ops, what it has written, how it ends and with what value."""

    block: Block
    state: State
    completion: Completion
    value: Value
    start: int
    """The journal's clock before it."""
    has_ops: bool = True
    """False for what is there without anything being computed."""


Thunk = Callable[[], Value]


@dataclass
class Merge:
    capture: "Capture"
    sides: Sequence[Side]
    condition: SSAValue | None = None
    """That of a branch, which holds on the first of its two sides."""
    number: SSAValue | None = None
    """That of the side which is taken, of a switch."""
    is_loop: bool = False
    """Whether the sides are ways to one point of a loop."""
    columns: list[Column] = field(default_factory=list[Column])
    trace: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    """What was planned, in order: two merges with equal traces and column types stand for the same things."""
    owners: dict[int, int] = field(default_factory=dict[int, int])
    """How many columns hold each memory that a side has made."""
    shared: Shared = field(default_factory=Shared)
    _namings: dict[int, Naming] = field(default_factory=dict[int, Naming])
    _known: dict[tuple[object, ...], Column] = field(default_factory=dict[tuple[object, ...], Column])

    def state(self, value_of: "Callable[[Side, Slot], Value] | None" = None) -> Callable[[], None]:
        """Plan the merge of what the sides have written; the result writes it.

        `value_of` may say what a side holds in a slot: `ABSENT` where nothing asks for it, by default what it has left.
        """
        slots: dict[object, Slot] = {}
        start = min(side.start for side in self.sides)
        for side in self.sides:
            slots |= {key: slot for key, (slot, _) in side.state.items() if slot.birth <= start}
        plans: list[tuple[Slot, Thunk]] = []
        for slot in slots.values():
            if not self.is_loop and is_dead(self.capture.stack, slot):
                plans.append((slot, _always(Poison(f"`{slot.label}`, which is not kept after a branch,"))))
                continue
            values = [value_of(side, slot) if value_of else left_in(side, slot) for side in self.sides]
            if all(value is ABSENT for value in values):
                continue
            self.trace.append(("slot", slot.key))
            plans.append((slot, self._slot(slot, values)))

        def write() -> None:
            for slot, thunk in plans:
                value = thunk()
                if isinstance(slot, VariableSlot):
                    self.capture.name_value(slot.name, value)
                self.capture.journal.write(slot, value)

        return write

    def _slot(self, slot: Slot, values: list[Value]) -> Thunk:
        present = [value for value in values if value is not ABSENT]
        if isinstance(present[0], Cell):
            return self._cell(values)
        if isinstance(slot, WrittenSlot):
            return _always(all(present))
        if isinstance(slot, ContentsSlot):
            return self.contents(values)
        return self.plan(values, slot.label)

    def plan(self, values: Sequence[Value], label: str) -> Thunk:
        """Plan the merge of one value a side."""
        values = self._settled(values)
        present = [value for value in values if value is not ABSENT]
        first = present[0]
        for value in present:
            if isinstance(value, Poison):
                return self._poison(value)
        if all(value is first for value in present) and (len(present) == len(values) or not self._is_local(first)):
            return _always(first)
        if any(value is UNBOUND or isinstance(value, Guarded) for value in present):
            return self._guarded(values, label)
        if self.is_loop and self._is_other_object(present):
            return self.refused(
                f"`{label}`, which is another {type_name(first)} in each iteration,",
                "a loop carries tensors and numbers",
                "make the object before the loop, and write to its attributes in it",
            )
        if any(isinstance(value, Choice) for value in present) or self._kinds(present) > 1:
            return self._alternatives(values, label)
        if all(isinstance(value, torch.Tensor) for value in present):
            return self._tensors(values, label)
        if all(map(is_number, present)):
            return self._numbers(values, label)
        if all(map(callable, present)) and _equal(present):
            return _always(first)
        if isinstance(first, tuple):
            items = [self.plan(parts, label) for parts in _transposed(values, len(first))]
            return lambda: _tuple(first, [item() for item in items])
        if isinstance(first, list | dict):
            return plan_containers(self, values, label)
        if self._is_made(first):
            return plan_objects(self, values, label)
        return _always(first)

    def _settled(self, values: Sequence[Value]) -> Sequence[Value]:
        """Return values with the option in the place of each choice that is known on its side."""
        if not any(isinstance(value, Choice) for value in values):
            return values
        found: list[Value] = []
        for value, side in zip(values, self.sides, strict=True):
            if isinstance(value, Choice):
                with self.capture.builder.inside(side.block if side.has_ops else None):
                    known = self.capture.builder.known(value.index.ssa)
                value = value if known is None else value.options[int(known)]
            found.append(value)
        return found

    def _kinds(self, values: Sequence[Value]) -> int:
        """Count the alternatives that values are: one can stand for all if there is only one."""
        found: list[Value] = []
        for value in values:
            if not any(self._is_alike(value, other) for other in found):
                found.append(value)
        return len(found)

    def _is_alike(self, one: Value, other: Value) -> bool:
        """Whether one value can stand for both: the same, tensors of one dtype and rank, numbers of one kind, ..."""
        if one is other:
            return True
        if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
            return one.dtype == other.dtype and one.dim() == other.dim()
        if is_number(one) and is_number(other):
            return kind_of(one) is kind_of(other)
        if type(one) is not type(other):
            return False
        if isinstance(one, tuple):
            return len(one) == len(other) and all(map(self._is_alike, one, other))
        if isinstance(one, list | dict):
            return all(map(self._is_local, (one, other)))
        if self._is_made(one) or self._is_made(other):
            return self._is_made(one) and self._is_made(other)
        return _equal((one, other))

    def _alternatives(self, values: Sequence[Value], label: str) -> Thunk:
        """Plan a choice among values that no one value can stand for."""
        options: list[list[Value]] = []
        places: list[tuple[int, ...]] = []
        # The last side first, so that of a branch's two the first is the one where its condition holds.
        for side, value in reversed(list(enumerate(values))):
            found: list[int] = []
            for part in value.options if isinstance(value, Choice) else () if value is ABSENT else (value,):
                fits = (at for at, column in enumerate(options) if at not in found and self._fits(column, part))
                place = next(fits, None)
                if place is None:
                    place = len(options)
                    options.append([ABSENT] * len(values))
                options[place][side] = part
                found.append(place)
            places.insert(0, tuple(found))
        self.trace.append(("choice", *(self._mark(next(v for v in column if v is not ABSENT)) for column in options)))
        plans = [self.plan(column, label) for column in options]
        index = self.choice_index(values, places, len(options))
        if any(isinstance(value, list | tuple | dict | set) for column in options for value in column):
            self.capture.has_choices = True
        return lambda: _chosen(index(), [plan() for plan in plans])

    def choice_index(self, values: Sequence[Value], places: Sequence[tuple[int, ...]], count: int) -> Thunk:
        """Plan the number of the alternative that each side has; `places` are those of a side's own alternatives."""
        kind: Kind = bool if count == 2 else int
        parts = [_place(self.capture, value, place, kind) for value, place in zip(values, places, strict=True)]
        # What differs by path in the same way, as lists do that are made longer together, has one number.
        keys = [
            (value.index.ssa, place) if isinstance(value, Choice) else place
            for value, place in zip(values, places, strict=True)
        ]
        return self.index(parts, count, keys)

    def _fits(self, column: Sequence[Value], value: Value) -> bool:
        return all(self._is_alike(other, value) for other in column if other is not ABSENT)

    def index(self, parts: Sequence[Value], count: int, keys: Sequence[Hashable] = ()) -> Thunk:
        """Plan the number of the alternative that each side has, of `count`: a bool where there are two.

        Parts of equal `keys` are the same.
        """
        found = self.index_at_hand(parts)
        if found is not None:
            return found
        kind: Kind = bool if count == 2 else int
        keys = keys or [part if isinstance(part, bool | int | None) else id(part) for part in parts]
        column = self.column(("index", kind, count, *keys), parts)
        column.is_index = True
        return lambda: Scalar(column.ssa, None if kind is bool else (0, count - 1))

    def index_at_hand(self, parts: Sequence[Value]) -> Thunk | None:
        """Return `index` if that of the branch itself is one."""
        found: SSAValue | None = None
        if self.condition is not None and parts[0] is True and parts[1] is False:
            found = self.condition
        elif self.number is not None and list(parts) == list(range(len(parts))):
            found = self.number
        return None if found is None else lambda: Scalar(found)

    def _is_local(self, value: Value) -> bool:
        """Whether a value may have been made on a side, where the others do not see it."""
        if isinstance(value, list | dict):
            return self.capture.birth(value) > min(side.start for side in self.sides)
        if isinstance(value, Scalar):
            return not self.capture.builder.is_visible(value.ssa)
        return isinstance(value, torch.Tensor | tuple | Guarded | Choice) or self._is_made(value)

    def _mark(self, option: Value) -> object:
        """Return what tells an alternative from others, and is the same for what each evaluation of a loop makes."""
        if isinstance(option, torch.Tensor):
            return (option.dtype, option.dim())
        if is_number(option):
            return kind_of(option)
        if isinstance(option, tuple):
            return (type(option), *map(self._mark, option))
        if isinstance(option, str | bytes | None):
            return option
        is_new = self._is_made(option) or (isinstance(option, list | dict | set) and self._is_local(option))
        return type(option) if is_new else id(option)

    def _is_made(self, value: Value) -> bool:
        """Whether a value is an object that a side has made, of a class of the user's."""
        return is_record(self.capture, value) and self.capture.birth(value) > min(side.start for side in self.sides)

    def _is_other_object(self, values: Sequence[Value]) -> bool:
        """Whether values are several objects of one class, of which the loop has made one."""
        kinds = {type(value) for value in values if value is not values[0]} | {type(values[0])}
        return len(kinds) == 1 and not self._is_made(values[0]) and any(map(self._is_made, values))

    def _tensors(self, values: Sequence[Value], label: str) -> Thunk:
        fakes = [None if value is ABSENT else self.capture.recorder.fake(value) for value in values]
        tensors = [fake for fake in fakes if fake is not None]
        first = tensors[0]
        keys = tuple(None if fake is None else key_of(fake) for fake in fakes)
        if all(key == keys[0] for key in keys) or is_one(self, tensors):
            return _always(next(value for value in values if value is not ABSENT))
        if any(tensor.dtype != first.dtype or tensor.dim() != first.dim() for tensor in tensors):
            kinds = " or ".join(dict.fromkeys(f"{tensor.dtype} of rank {tensor.dim()}" for tensor in tensors))
            return self.refused(f"`{label}`, which is {kinds} depending on the path,")
        column = self.column(("tensor", *keys), fakes)
        if column.index not in self._namings:
            self._namings[column.index] = naming(self, fakes)
        return lambda: self.tensor(column)

    def tensor(self, column: Column) -> torch.Tensor:
        """Return the tensor that a column is: one object, whatever names it has."""
        if column.merged is None:
            if column.sizes is None:
                fit_sizes(self.capture, self.columns)
            column.merged = self.capture.new_tensor(column.ssa, column.present, column.sizes)
            if column.index in self._namings:
                self._namings[column.index].apply(self, column.merged)
        return column.merged

    def _numbers(self, values: Sequence[Value], label: str) -> Thunk:
        present = [value for value in values if value is not ABSENT]
        kinds = {kind_of(value) for value in present}
        first = present[0]
        if len(kinds) > 1:
            names = " or ".join(sorted(kind.__name__ for kind in kinds))
            return self.refused(f"`{label}`, which is {names} depending on the path,")
        if len(present) == len(values) and all(isinstance(v, Scalar) and v.ssa is first.ssa for v in present):
            return _always(first)
        if not any(isinstance(v, Scalar) for v in present) and all(repr(v) == repr(first) for v in present):
            return _always(first)
        column = self.column(("number", *map(number_key, values)), _masked(values))
        return lambda: self._number(column, present)

    def _number(self, column: Column, values: Sequence[Value]) -> Scalar:
        if column.sizes is None:
            fit_sizes(self.capture, self.columns)
        # What a loop carries may leave the bounds of what it begins with.
        return Scalar(column.ssa, None if self.is_loop else _bounds(values))

    def _cell(self, values: list[Value]) -> Thunk:
        cells: list[Cell] = [value for value in values if value is not ABSENT]
        first = cells[0]
        if len(cells) == len(values) and all(cell.stamp == first.stamp for cell in cells):
            return _always(first)
        poison = next((cell.poison for cell in cells if cell.poison), "")
        if poison:
            self.trace.append(("poison",))
            return lambda: Cell(first.ssa, self.capture.journal.tick(), poison)
        if len(cells) == len(values) and all(cell.ssa is first.ssa for cell in cells):
            return lambda: Cell(first.ssa, self.capture.journal.tick())
        parts = tuple(None if value is ABSENT else value.ssa for value in values)
        column = self.column(("ssa", *parts), parts)
        return lambda: Cell(column.ssa, self.capture.journal.tick())

    def contents(self, values: Sequence[Value]) -> Thunk:
        values = self._settled(values)
        present = [value for value in values if value is not ABSENT]
        first = present[0]
        for value in present:
            if isinstance(value, Poison):
                return self._poison(value)
        if any(isinstance(value, Forked) for value in present):
            return plan_forked(self, values) or self._different(present)
        if any(isinstance(value, Symbolic) for value in present) or (
            isinstance(first, list) and any(len(value) != len(first) for value in present)
        ):
            grown = self.capture.evaluator.merged_lists(self, values)
            return grown or plan_forked(self, values) or self._different(present)
        if isinstance(first, dict):
            if all(list(value) == list(first) for value in present):
                columns = {key: [v if v is ABSENT else v[key] for v in values] for key in first}
                items = {key: self.plan(parts, str(key)) for key, parts in columns.items()}
                return _dict_of(items)
        elif isinstance(first, set):
            if all(value == first for value in present):
                return _always(first)
        elif all(len(value) == len(first) for value in present):
            parts = [self.plan(items, "an item of a list") for items in _transposed(values, len(first))]
            return lambda: [part() for part in parts]
        return plan_forked(self, values) or self._different(present)

    def _different(self, contents: Sequence[Value]) -> Thunk:
        first = contents[0].options[0] if isinstance(contents[0], Forked) else contents[0]
        kind = "list" if isinstance(first, Symbolic) else type(first).__name__
        return self.refused(f"{an(kind)} whose length or keys depend on the path, in too many ways,")

    def _guarded(self, values: Sequence[Value], label: str) -> Thunk:
        """What only some paths set: with a flag that says whether this one has."""
        if all(value is UNBOUND or value is ABSENT for value in values):
            return _always(UNBOUND)
        flags = [v.flag if isinstance(v, Guarded) else ABSENT if v is ABSENT else v is not UNBOUND for v in values]
        inner = [v.value if isinstance(v, Guarded) else ABSENT if v is UNBOUND else v for v in values]
        flag, value = self._numbers(flags, label), self.plan(inner, label)

        def make() -> Value:
            is_set, found = flag(), value()
            return found if is_set is True or isinstance(found, Poison) else Guarded(is_set, found, label)

        return make

    def column(self, key: tuple[object, ...], values: Sequence[Value]) -> Column:
        column = self._known.get(key)
        if column is None:
            column = self._known[key] = Column(tuple(values), len(self.columns))
            self.columns.append(column)
        self.trace.append(("column", column.index))
        return column

    def _poison(self, poison: Poison) -> Thunk:
        self.trace.append(("poison",))
        return _always(poison)

    def refused(self, reason: str, *why: str) -> Thunk:
        """Plan what is an error where it is used; `why` is the reason for that, and the way out."""
        self.trace.append(("poison",))
        return lambda: Poison(reason, *why)

    def row(self, index: int) -> list[SSAValue | None]:
        """Return a side's SSA values, computed at its end, where what it has written holds; None for absent ones."""
        capture, side = self.capture, self.sides[index]
        if not self.columns:
            return []
        capture.journal.push()
        capture.journal.apply(side.state)
        with capture.builder.inside(side.block if side.has_ops else None):
            row = [capture.ssa_of(_made(column.values[index])) for column in self.columns]
        capture.journal.rollback()
        return row


def _made(value: Value) -> Value:
    return value.make() if isinstance(value, Deferred) else value


def left_in(side: Side, slot: Slot) -> Value:
    """Return what a side has left in a slot."""
    return side.state[slot.key][1] if slot.key in side.state else slot.read()


def _dict_of(items: dict[Value, Thunk]) -> Thunk:
    return lambda: {key: item() for key, item in items.items()}


def _place(capture: "Capture", value: Value, places: tuple[int, ...], kind: Kind) -> Value:
    """Return the number of a side's alternative, as a column's value: that of a choice may have to be computed."""
    if value is ABSENT:
        return None
    if not isinstance(value, Choice):
        return kind(places[0])
    index = value.index
    if index.kind is kind and places == tuple(range(len(places))):
        return index

    def renumbered() -> Scalar:
        emit, constant = capture.builder.emit, capture.builder.constant
        found = constant(kind(places[0]))
        for number, place in enumerate(places[1:], 1):
            here = index.ssa
            if index.kind is int:
                here = emit(arith.CmpiOp(index.ssa, constant(number), "eq")).result
            found = emit(arith.SelectOp(here, constant(kind(place)), found)).result
        return Scalar(found)

    return Deferred(kind(), renumbered, value)


def _chosen(index: Value, options: Sequence[Value]) -> Value:
    for option in options:
        if isinstance(option, Poison):
            return option
    return Choice(index, options) if isinstance(index, Scalar) else options[int(index)]


def _transposed(values: Sequence[Value], length: int) -> list[list[Value]]:
    return [[value if value is ABSENT else value[index] for value in values] for index in range(length)]


def _masked(values: Sequence[Value]) -> tuple[Value, ...]:
    return tuple(None if value is ABSENT else value for value in values)


def _always(value: Value) -> Thunk:
    return lambda: value


def type_name(value: Value) -> str:
    if isinstance(value, torch.Tensor):
        return "a tensor"
    if value is None:
        return "None"
    if is_number(value):
        return kind_of(value).__name__
    return type(value).__name__


def _bounds(values: Sequence[Value]) -> tuple[int, int] | None:
    pairs = [value.bounds if isinstance(value, Scalar) else (value, value) for value in values]
    if kind_of(values[0]) is not int or None in pairs:
        return None
    return (min(pair[0] for pair in pairs if pair), max(pair[1] for pair in pairs if pair))


def _equal(values: Sequence[Value]) -> bool:
    """Whether the values are objects of one type that say they are equal."""
    first = values[0]
    if isinstance(first, nn.Module) or any(type(value) is not type(first) for value in values):
        return False
    try:
        return all(bool(value == first) for value in values[1:])
    except Exception:
        return False


def _tuple(like: tuple[Value, ...], items: list[Value]) -> tuple[Value, ...]:
    return type(like)(*items) if hasattr(like, "_fields") else tuple(items)
