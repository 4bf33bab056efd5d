"""What stands, after a branch, for what its sides have left.

Values that agree stay what they are. Tensors and numbers that differ become results of the branch; tuples, and lists
and dicts that both sides have made, are merged item by item; functions and modules become a choice. Anything else
becomes poison, which is an error only where it is used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Protocol

import torch
from torch import nn
from xdsl.ir import Attribute, Block, SSAValue

from dycl.frontends.torch.control import Completion
from dycl.frontends.torch.heap import Cell, key_of
from dycl.frontends.torch.journal import ContentsSlot, Slot, State, VariableSlot, WrittenSlot
from dycl.frontends.torch.values import KIND, UNBOUND, Choice, Kind, Poison, Scalar, Value, is_number, kind_of
from dycl.ir.ops import YieldOp
from dycl.ir.types import is_tensor, join

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


@dataclass
class Side:
    """One side of a branch, evaluated: its ops, what it has written, how it ends and with what value."""

    block: Block
    state: State
    completion: Completion
    value: Value
    start: int
    """The journal's clock before it."""


class Emit(Protocol):
    """Emits the branch op with results of these types."""

    def __call__(self, types: Sequence[Attribute], /) -> Sequence[SSAValue]: ...


Thunk = Callable[[], Value]


@dataclass
class Column:
    """A result of the branch: on each side a tensor, a number, an SSA value, or None for what is not used there."""

    values: tuple[Value, ...]
    result: SSAValue | None = None
    merged: torch.Tensor | None = None

    @property
    def ssa(self) -> SSAValue:
        assert self.result is not None
        return self.result


@dataclass
class Merge:
    capture: "Capture"
    sides: Sequence[Side]
    choose: Callable[[Sequence[Value]], Choice]
    """Makes a choice among one object a side."""
    columns: list[Column] = field(default_factory=list[Column])
    known: dict[tuple[object, ...], Column] = field(default_factory=dict[tuple[object, ...], Column])

    def state(self, dying: tuple[set[int], tuple[bool, bool]] | None = None) -> Callable[[], None]:
        """Plan the merge of what the sides have written; the result writes it.

        `dying` are environments, by id, and the sides that go on using their names.
        """
        slots: dict[object, Slot] = {}
        start = min(side.start for side in self.sides)
        for side in self.sides:
            slots |= {key: slot for key, (slot, _) in side.state.items() if slot.birth <= start}
        plans: list[tuple[Slot, Thunk]] = []
        for key, slot in slots.items():
            values = [side.state[key][1] if key in side.state else slot.read() for side in self.sides]
            if dying is not None and isinstance(slot, VariableSlot) and id(slot.env) in dying[0]:
                plans.append((slot, self.fill(values, dying[1], slot.label)))
            else:
                plans.append((slot, self._slot(slot, values)))

        def write() -> None:
            for slot, thunk in plans:
                value = thunk()
                if isinstance(slot, VariableSlot):
                    self.capture.name_value(slot.name, value)
                self.capture.journal.write(slot, value)

        return write

    def _slot(self, slot: Slot, values: list[Value]) -> Thunk:
        if isinstance(values[0], Cell):
            return self._cell(values)
        if isinstance(slot, WrittenSlot):
            return lambda: all(values)
        if isinstance(slot, ContentsSlot):
            return self._contents(values)
        return self.plan(values, slot.label)

    def plan(self, values: Sequence[Value], label: str) -> Thunk:
        """Plan the merge of one value a side."""
        first = values[0]
        if all(value is first for value in values):
            return _always(first)
        for value in values:
            if isinstance(value, Poison):
                return _always(value)
        if any(value is UNBOUND for value in values):
            return _poison(f"`{label}`, which only some paths set,")
        if all(isinstance(value, torch.Tensor) for value in values):
            return self._tensors(values, label)
        if all(map(is_number, values)):
            return self._numbers(values, label)
        if all(map(callable, values)):
            return _always(first) if _equal(values) else lambda: self.choose(values)
        if any(type(value) is not type(first) for value in values):
            kinds = " or ".join(sorted({_type_name(value) for value in values}))
            return _poison(f"`{label}`, which is {kinds} depending on the path,")
        if isinstance(first, tuple) and all(len(value) == len(first) for value in values):
            items = [self.plan(parts, label) for parts in zip(*values, strict=True)]
            return _always_tuple(first, items)
        if isinstance(first, list | dict):
            return self._containers(values, label)
        if _equal(values):
            return _always(first)
        return _poison(f"`{label}`, which is a different {_type_name(first)} on each path,")

    def _tensors(self, values: Sequence[Value], label: str) -> Thunk:
        tensors: list[torch.Tensor] = [self.capture.recorder.fake(value) for value in values]
        first = tensors[0]
        keys = tuple(map(key_of, tensors))
        if all(key == keys[0] for key in keys):
            return lambda: values[0]
        if any(tensor.dtype != first.dtype or tensor.dim() != first.dim() for tensor in tensors):
            kinds = " or ".join(f"{tensor.dtype} of rank {tensor.dim()}" for tensor in tensors)
            return _poison(f"`{label}`, which is {kinds} depending on the path,")
        column = self._column(("tensor", *keys), tensors)

        def merged() -> torch.Tensor:
            if column.merged is None:
                column.merged = self.capture.new_tensor(column.ssa, tensors)
            return column.merged

        return merged

    def _numbers(self, values: Sequence[Value], label: str) -> Thunk:
        kinds = {kind_of(value) for value in values}
        first = values[0]
        if len(kinds) > 1:
            names = " or ".join(sorted(kind.__name__ for kind in kinds))
            return _poison(f"`{label}`, which is {names} depending on the path,")
        if all(isinstance(value, Scalar) and value.ssa is first.ssa for value in values) or (
            not any(isinstance(value, Scalar) for value in values) and all(repr(v) == repr(first) for v in values)
        ):
            return lambda: first
        column = self._column(("number", *(_number_key(value) for value in values)), values)
        return lambda: Scalar(column.ssa, _bounds(values))

    def _cell(self, cells: list[Cell]) -> Thunk:
        first = cells[0]
        if all(cell.stamp == first.stamp for cell in cells):
            return lambda: first
        poison = next((cell.poison for cell in cells if cell.poison), "")
        if poison:
            return lambda: Cell(first.ssa, self.capture.journal.tick(), poison)
        if all(cell.ssa is first.ssa for cell in cells):
            return lambda: Cell(first.ssa, self.capture.journal.tick())
        values = tuple(cell.ssa for cell in cells)
        column = self._column(("ssa", *values), values)
        return lambda: Cell(column.ssa, self.capture.journal.tick())

    def _contents(self, values: list[Value]) -> Thunk:
        first = values[0]
        for value in values:
            if isinstance(value, Poison):
                return lambda: value
        if isinstance(first, dict):
            if all(list(value) == list(first) for value in values):
                items = {key: self.plan([value[key] for value in values], str(key)) for key in first}
                return _always_dict(items)
        elif isinstance(first, set):
            if all(value == first for value in values):
                return _always(first)
        elif all(len(value) == len(first) for value in values):
            parts = [self.plan(items, "an item of a list") for items in zip(*values, strict=True)]
            return lambda: [part() for part in parts]
        return _poison(f"a {type(first).__name__} whose length or keys depend on the path")

    def _containers(self, values: Sequence[Value], label: str) -> Thunk:
        """Lists or dicts that the sides have made themselves."""
        born = [self.capture.birth(value) > side.start for value, side in zip(values, self.sides, strict=True)]
        if not all(born):
            return _poison(f"`{label}`, which is a different {_type_name(values[0])} on each path,")
        contents = [
            side.state[key][1] if (key := ("contents", id(value))) in side.state else value
            for value, side in zip(values, self.sides, strict=True)
        ]
        inner = self._contents(contents)
        return lambda: self.capture.born(inner())

    def _column(self, key: tuple[object, ...], values: Sequence[Value]) -> Column:
        column = self.known.get(key)
        if column is None:
            column = self.known[key] = Column(tuple(values))
            self.columns.append(column)
        return column

    def flag(self, values: Sequence[bool]) -> Thunk:
        """Plan a bool that tells the sides apart."""
        column = self._column(("number", *(_number_key(value) for value in values)), values)
        return lambda: Scalar(column.ssa)

    def fill(self, values: Sequence[Value], used: Sequence[bool], label: str) -> Thunk:
        """Plan a value of which only the sides in `used` are ever asked."""
        asked = [value for value, use in zip(values, used, strict=True) if use]
        if len(asked) == len(values):
            return self.plan(values, label)
        first = asked[0]
        if isinstance(first, torch.Tensor):
            fake = self.capture.recorder.fake(first)
            column = Column(tuple(fake if use else None for use in used))
            self.columns.append(column)
            return lambda: self.capture.new_tensor(column.ssa, [fake])
        if isinstance(first, Scalar):
            column = Column(tuple(first if use else None for use in used))
            self.columns.append(column)
            return lambda: Scalar(column.ssa, first.bounds)
        if isinstance(first, tuple):
            items = [self.fill([item] * len(values), used, label) for item in first]
            return _always_tuple(first, items)
        if isinstance(first, list):
            parts = [self.fill([item] * len(values), used, label) for item in first]
            return lambda: self.capture.born([part() for part in parts])
        if isinstance(first, dict):
            entries = {key: self.fill([item] * len(values), used, label) for key, item in first.items()}
            return lambda: self.capture.born({key: item() for key, item in entries.items()})
        return lambda: first

    def finish(self, emit: Emit) -> None:
        """Let each side yield its part of the columns, and emit the branch."""
        rows = [self._yields(index, side) for index, side in enumerate(self.sides)]
        types = [reduce(_join, (part.type for part in parts if part is not None)) for parts in zip(*rows, strict=True)]
        for side, row in zip(self.sides, rows, strict=True):
            self.capture.builder.push(side.block)
            values = [self._filler(type) if value is None else value for value, type in zip(row, types, strict=True)]
            self.capture.builder.emit(YieldOp(values))
            self.capture.builder.pop()
        for column, result in zip(self.columns, emit(types), strict=True):
            column.result = result

    def _yields(self, index: int, side: Side) -> list[SSAValue | None]:
        """The side's SSA values, computed at its end, where what it has written holds."""
        capture = self.capture
        if not self.columns:
            return []
        capture.journal.push()
        capture.journal.apply(side.state)
        capture.builder.push(side.block)
        row = [capture.ssa_of(column.values[index]) for column in self.columns]
        capture.builder.pop()
        capture.journal.rollback()
        return row

    def _filler(self, type: Attribute) -> SSAValue:
        """A value for a side on which it is never used."""
        if not is_tensor(type):
            return self.capture.builder.constant(KIND[type]())
        tensor = self.capture.recorder.zeros(type)
        return self.capture.heap.value(tensor)


def _join(left: Attribute, right: Attribute) -> Attribute:
    joined = join(left, right)
    assert joined is not None, f"{left} and {right} were merged"
    return joined


def _always(value: Value) -> Thunk:
    return lambda: value


def _always_tuple(like: Value, items: Sequence[Thunk]) -> Thunk:
    return lambda: _tuple(like, [item() for item in items])


def _always_dict(items: dict[Value, Thunk]) -> Thunk:
    return lambda: {key: item() for key, item in items.items()}


def _poison(reason: str) -> Thunk:
    return lambda: Poison(reason)


def _type_name(value: Value) -> str:
    if isinstance(value, torch.Tensor):
        return "a tensor"
    if value is None:
        return "None"
    if is_number(value):
        return kind_of(value).__name__
    return type(value).__name__


def _number_key(value: Value) -> tuple[object, object]:
    return (Kind, id(value.ssa)) if isinstance(value, Scalar) else (type(value), repr(value))


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
