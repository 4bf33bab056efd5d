"""The program's results: what each exit returns, and the structure that all share.

Where exits return different things, only what differs becomes `Variants`, and one result says which of them a call has.
A variant's parts are results that the other exits have too, with a value of no meaning; parts of one type that no exit
has at once are one result.
"""

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import torch
from xdsl.dialects import arith
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, FileLineColLoc, IntAttr, StringAttr, i64
from xdsl.ir import Attribute, Operation, SSAValue

from dycl.errors import source_error
from dycl.frontends.torch.capture import Exit
from dycl.frontends.torch.objects.records import attributes_of, is_record, made_record
from dycl.frontends.torch.paths.columns import filler_op
from dycl.frontends.torch.paths.forks import fork
from dycl.frontends.torch.results.outputs import Chosen, Container, Held, Stacked, Tree, outline
from dycl.frontends.torch.values import SCALAR_TYPE, Choice, ModelRaised, Scalar, Value, is_number, kind_of
from dycl.ir.constants import dense_attribute, is_small
from dycl.ir.ops import AssertOp, ConstantOp, ReturnOp
from dycl.ir.scalars import is_held, scalar_constant
from dycl.ir.schema import torch_dtype
from dycl.ir.types import element_of, is_tensor, join, shape_of
from dycl.runtime.structure import Fixed, Group, Leaf, Number, Series, Structure, Variants

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

Column: TypeAlias = Sequence[tuple[int, Tree]]
"""What exits, by number, return at one place."""


def emit_return(capture: "Capture", value: Value) -> None:
    """End the current block with a return of the program."""
    carried = capture.persistent
    if carried is not None and capture.exits is carried.exits:
        parts = carried.values(capture)
        value = (value, parts) if carried.parts else value
    if capture.recursion.open:
        value = _one_object(capture, value)
    tree = outline(capture, value)
    op = capture.builder.emit(ReturnOp([]))
    capture.exits.append(Exit(op, tree))


def _one_object(capture: "Capture", value: Value) -> Value:
    """Return a copy for an object that is one of several of a class: a recursive function hands over no identities."""
    if not isinstance(value, Choice) or len({type(option) for option in value.options}) > 1:
        return value
    if not all(is_record(capture, option) for option in value.options):
        return value

    def copy(option: Value) -> Value:
        return made_record(capture, type(option), attributes_of(option))

    return fork(capture, value, copy)


def emit_failure(capture: "Capture", error: ModelRaised) -> None:
    """End the program with an exception, which every way that has not returned before raises."""
    text = capture.text_of(error)
    op = capture.builder.emit(AssertOp(capture.builder.constant(False), text))
    if error.place is not None:
        frame = error.place.frame
        if not isinstance(error.place.node, ast.Raise) and not error.is_of_option:
            warning = f"what has not returned before always raises {source_error(text)}"
            capture.warnings[f"{frame.file}:{frame.line}: {warning}"] = None
        op.location = FileLineColLoc(StringAttr(frame.file), IntAttr(frame.line), IntAttr(frame.column))
    capture.exits.append(Exit(capture.builder.emit(ReturnOp([])), None))


@dataclass(frozen=True)
class Results:
    types: list[Attribute]
    structure: Structure
    classes: Mapping[str, type]
    """The user's classes of records, by the names that the structure has."""


def finish(exits: Sequence[Exit]) -> Results:
    """Give every exit's return its operands, and return the results' types and structure."""
    merge = _Merge()
    reached = [(index, exit.value) for index, exit in enumerate(exits) if exit.value is not None]
    structure = merge.place(reached)
    for result in merge.results:
        if len(result.values) < len(reached):
            result.type = _joined(result.type, _filler(result.type).results[0].type)
    for index, exit in enumerate(exits):
        emit = _Emitter(exit)
        op = ReturnOp([emit.operand(result, index) for result in merge.results])
        emit(op)
        exit.op.detach()
        exit.op.erase()
    return Results([result.type for result in merge.results], structure, merge.classes)


@dataclass(frozen=True)
class _Which:
    """The variant that an exit has, where a run-time choice decides: `variants[index]`."""

    index: Scalar
    variants: tuple[int, ...]


@dataclass
class _Result:
    """A result of the program: its value at each exit, by number, that has one."""

    type: Attribute
    values: dict[int, "Value | _Which"]


@dataclass
class _Merge:
    results: list[_Result] = field(default_factory=list[_Result])
    classes: dict[str, type] = field(default_factory=dict[str, type])
    _which: dict[tuple[tuple[int, int], ...], int] = field(default_factory=dict[tuple[tuple[int, int], ...], int])

    def place(self, column: Column) -> Structure:
        """Return the structure at one place, and note the results that it takes."""
        variants: dict[object, list[tuple[int, Tree]]] = {}
        numbers: dict[object, int] = {}
        which: dict[int, int | _Which] = {}
        for exit, tree in column:
            options = tree.options if isinstance(tree, Chosen) else (tree,)
            found: list[int] = []
            seen = Counter[object]()
            for option in options:
                # Two options of one choice need results of their own, however alike they are.
                kind = _kind(option)
                key = (kind, seen[kind])
                seen[kind] += 1
                variants.setdefault(key, []).append((exit, option))
                found.append(numbers.setdefault(key, len(numbers)))
            which[exit] = _Which(tree.index, tuple(found)) if isinstance(tree, Chosen) else found[0]
        if len(variants) == 1:
            return self._merged(next(iter(variants.values())))
        index = self._index(which)
        return Variants(index, tuple(map(self._merged, variants.values())))

    def _index(self, which: Mapping[int, int | _Which]) -> int:
        known = tuple((exit, number) for exit, number in which.items() if isinstance(number, int))
        if len(known) < len(which):
            return self._result(i64, which)
        if known not in self._which:
            self._which[known] = self._result(i64, which)
        return self._which[known]

    def _merged(self, column: Column) -> Structure:
        """Merge trees of one kind."""
        match column[0][1]:
            case Held():
                return self._leaf({exit: tree for exit, tree in column if isinstance(tree, Held)})
            case Chosen():
                return self.place(column)
            case Container(kind, items, keys, cls):
                parts = [
                    [(exit, tree.items[at]) for exit, tree in column if isinstance(tree, Container)]
                    for at in range(len(items))
                ]
                return Group(kind, tuple(map(self.place, parts)), keys, self._name(cls) if cls is not None else "")
            case Stacked(kind, _, length):
                series = {exit: tree for exit, tree in column if isinstance(tree, Stacked)}
                lengths = {exit: tree.length for exit, tree in series.items()}
                place = None if length is None else self._result(i64, lengths)
                return Series(kind, self.place([(exit, tree.item) for exit, tree in series.items()]), place)

    def _leaf(self, column: Mapping[int, Held]) -> Structure:
        values = {exit: tree.value for exit, tree in column.items()}
        exit, first = next(iter(values.items()))
        if isinstance(first, SSAValue):
            index = self._result(first.type, values)
            return Number(index) if column[exit].is_number else Leaf(index)
        if all(not isinstance(value, Scalar) and repr(value) == repr(first) for value in values.values()):
            return Fixed(first)
        return Leaf(self._result(SCALAR_TYPE[kind_of(first)], values))

    def _result(self, type: Attribute, values: Mapping[int, Value]) -> int:
        """Return the result that holds `values`: one that other exits have already, or a new one."""
        for value in values.values():
            type = _joined(type, value.type) if isinstance(value, SSAValue) else type
        free = [place for place, result in enumerate(self.results) if result.values.keys().isdisjoint(values)]
        same = [place for place in free if self.results[place].type == type]
        alike = [place for place in free if join(self.results[place].type, type) is not None]
        for place in (*same[:1], *alike[:1]):
            result = self.results[place]
            result.type = _joined(result.type, type)
            result.values |= values
            return place
        self.results.append(_Result(type, dict(values)))
        return len(self.results) - 1

    def _name(self, cls: type) -> str:
        """Return the name that stands for a class: its own, unless another one has it."""
        plain = cls.__name__ if cls.__name__.isidentifier() else "Output"
        name, number = plain, 1
        while self.classes.setdefault(name, cls) is not cls:
            number += 1
            name = f"{plain}#{number}"
        return name


def _kind(tree: Tree) -> object:
    """Return what is equal for trees that merge without variants at the top."""
    match tree:
        case Held(value) if isinstance(value, SSAValue):
            return "tensor", element_of(value.type), len(shape_of(value.type)), tree.is_number
        case Held(value) if isinstance(value, Scalar) or (is_number(value) and is_held(value)):
            return "number", kind_of(value)
        case Held(value):
            return "constant", type(value), value
        case Container(kind, items, keys, cls):
            # True and 1 are equal, but different keys.
            return kind, len(items), tuple((type(key), key) for key in keys), cls
        case Chosen():
            return "choice"
        case Stacked(kind, item, length):
            return "series", kind, length is None, _content(item)


def _content(tree: Tree) -> object:
    """Return the kinds of an item of a series: nothing in it can vary but tensors."""
    match tree:
        case Held(value) if not isinstance(value, SSAValue):
            return "constant", type(value), repr(value)
        case Container(items=items):
            return _kind(tree), tuple(map(_content, items))
        case Stacked(item=item):
            return _kind(tree), _content(item)
        case _:
            return _kind(tree)


def _joined(left: Attribute, right: Attribute) -> Attribute:
    found = join(left, right)
    assert found is not None, f"{left} and {right} are of one kind"
    return found


class _Emitter:
    """Emits ops before an exit's return, with its location."""

    def __init__(self, exit: Exit) -> None:
        self._before = exit.op
        self._is_reached = exit.value is not None

    def __call__(self, op: Operation) -> None:
        block = self._before.parent
        assert block is not None
        op.location = self._before.location
        block.insert_op_before(op, self._before)

    def operand(self, result: _Result, exit: int) -> SSAValue:
        """Return what the exit of this number returns as `result`."""
        if exit not in result.values:
            return self._first(_filler(result.type) if self._is_reached else filler_op(result.type))
        value = result.values[exit]
        if isinstance(value, _Which):
            return self._which(value)
        if isinstance(value, Scalar):
            return value.ssa
        return value if isinstance(value, SSAValue) else self._constant(value)

    def _which(self, which: _Which) -> SSAValue:
        index = which.index.ssa
        if which.index.kind is bool:
            index = self._first(arith.ExtUIOp(index, i64))
        if which.variants == tuple(range(len(which.variants))):
            return index
        found = self._constant(which.variants[0])
        for option, variant in enumerate(which.variants[1:], 1):
            is_option = self._first(arith.CmpiOp(index, self._constant(option), "eq"))
            found = self._first(arith.SelectOp(is_option, self._constant(variant), found))
        return found

    def _constant(self, value: bool | int | float) -> SSAValue:
        return self._first(scalar_constant(value))

    def _first(self, op: Operation) -> SSAValue:
        self(op)
        return op.results[0]


def _filler(type: Attribute) -> Operation:
    """Return what stands for a result that an exit does not have: zero, or a tensor of zeros."""
    op = ConstantOp(_zeros(type)) if is_tensor(type) else scalar_constant(_ZEROS[type])
    op.results[0].name_hint = "absent"
    return op


@cache
def _zeros(type: Attribute) -> DenseIntOrFPElementsAttr:
    """Return zeros of the type, or where that is not small, a tensor of its rank without elements."""
    sizes = [size or 0 for size in shape_of(type)]
    if all(sizes) and not is_small(type):
        sizes[0] = 0
    return dense_attribute(torch.zeros(sizes, dtype=torch_dtype(element_of(type))))


_ZEROS: dict[Attribute, bool | int | float] = {type: kind() for kind, type in SCALAR_TYPE.items()}
