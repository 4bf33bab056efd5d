"""Lists whose number of items is known only at run time, because a loop of the program has made them longer.

All items are of one kind: tensors of one type, numbers, or tuples and lists of these. Their parts are stacked, each
along a new leading axis, and the loop carries the stacks.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sympy
import torch
from xdsl.dialects.builtin import f64, i1, i64
from xdsl.ir import Attribute

from dycl.frontends.torch.objects import scalars
from dycl.frontends.torch.objects.numbers import scalar_tensor
from dycl.frontends.torch.paths.columns import Column, Deferred, expression_of
from dycl.frontends.torch.paths.journal import ContentsSlot
from dycl.frontends.torch.paths.merge import Merge, Thunk
from dycl.frontends.torch.tensors.heap import storage_of
from dycl.frontends.torch.values import ABSENT, Kind, Scalar, Symbolic, Value, holds, is_number, kind_of

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

SEVERAL = "a tensor that is more than one item of a list"
_ELEMENTS: dict[Kind, Attribute] = {bool: i1, int: i64, float: f64}
_DTYPES: dict[Kind, torch.dtype] = {bool: torch.bool, int: torch.int64, float: torch.float64}


@dataclass(frozen=True)
class Part:
    """Where a part of an item is: in the stack of this number; `kind` is that of a number."""

    stack: int
    kind: Kind | None


@dataclass(frozen=True)
class Type:
    """What all items have at one place."""

    kind: Kind | None
    """Of a number."""
    dtype: torch.dtype
    sizes: tuple[int | sympy.Expr, ...] = ()


@dataclass(frozen=True)
class Shape:
    """An item's kind: nested tuples of type and items, with a `Part` for each tensor and number."""

    tree: object
    parts: "tuple[Type, ...]"

    @property
    def sizes(self) -> set[sympy.Expr]:
        """Those that are known only at run time."""
        return {size for part in self.parts for size in part.sizes if not isinstance(size, int)}


class Grown(Symbolic):
    """The items of a list, stacked part by part."""

    def __init__(self, shape: Shape, stacks: Sequence[torch.Tensor]) -> None:
        self.shape = shape
        self.stacks = tuple(stacks)

    def describe(self) -> str:
        return "a list whose length is known only at run time"


def grown_of(capture: "Capture", value: Value) -> Grown | None:
    """Return what a list has grown to, None for one whose items are known."""
    found = capture.abstract.get(id(value))
    return found[1] if found is not None and isinstance(found[1], Grown) else None


def plan_grown(merge: Merge, values: Sequence[Value]) -> Thunk | None:
    """Plan a list that each side has made longer by its own number of items; None where the items differ in kind."""
    shapes: list[Shape] = []
    for value in values:
        if isinstance(value, Grown):
            shapes.append(value.shape)
        elif value is not ABSENT:
            for item in value:
                shape = shape_of_item(merge.capture, item)
                if shape is None:
                    return None
                shapes.append(shape)
    if not shapes or not shapes[0].parts or any(shape != shapes[0] for shape in shapes):
        return None
    first = shapes[0]
    if not all(map(merge.capture.symbols.is_at_hand, first.sizes)):
        return None
    if merge.is_loop or merge.capture.open_loops or any(isinstance(value, Grown) for value in values):
        # There may be no items where the size is none.
        if not all(merge.capture.symbols.holds(sympy.Ge(size, 0)) for size in first.sizes):
            return None
    else:
        # The next item may well have another size, and here the items can be kept one by one.
        if merge.capture.keeps_items or not all(map(merge.capture.symbols.is_of_signature, first.sizes)):
            return None
        merge.capture.has_stacked_items = True
    columns: list[Column] = []
    for index in range(len(first.parts)):
        stacks = [_stack(merge.capture, first, value, index) for value in values]
        key = (
            "grown",
            *((id(stack.made_from), index) if isinstance(stack, Deferred) else id(stack) for stack in stacks),
        )
        columns.append(merge.column(key, stacks))

    def make() -> Grown:
        stacks = [merge.tensor(column) for column in columns]
        for number, stack in enumerate(stacks):
            for value in values:
                note_items(merge.capture, stack, _held(value, number))
            if merge.is_loop and _adds_older(merge, values, number):
                merge.capture.heap.freeze(stack, SEVERAL)
        return Grown(first, stacks)

    return make


def _held(value: Value, number: int) -> Sequence[Value]:
    """Return the tensors of which a stack holds copies: its items, or a stack of them."""
    if isinstance(value, Grown):
        return [value.stacks[number]]
    return [parts_of(item)[number] for item in value] if value is not ABSENT else []


def _adds_older(merge: Merge, values: Sequence[Value], number: int) -> bool:
    """Whether an iteration adds a tensor from before the loop, as the next one then does too."""
    heap, fake = merge.capture.heap, merge.capture.recorder.fake
    before = {id(item) for item in _held(values[0], number)}
    added = [
        item
        for value in values[1:]
        if isinstance(value, list)
        for item in _held(value, number)
        if isinstance(item, torch.Tensor) and id(item) not in before
    ]
    start = min(side.start for side in merge.sides)
    return any(heap.birth(fake(item)) <= start for item in added)


def note_items(capture: "Capture", stack: torch.Tensor, items: Sequence[Value]) -> None:
    """Note that a write to an item is one to the list, though the stack does not follow it.

    Where two items may be one tensor, the stack has two copies of it, and is not written at all.
    """
    heap = capture.heap
    found = [capture.recorder.fake(item) for item in items if isinstance(item, torch.Tensor)]
    parents = [storage_of(item) for item in found if heap.knows(item)]
    heap.add_names(stack, parents)
    origins = [heap.origins(parent) for parent in parents]
    is_twice = sum(map(len, origins)) > len(set[int]().union(*origins))
    if is_twice or any(heap.roots[parent].frozen == SEVERAL for parent in parents):
        heap.freeze(stack, SEVERAL)


def shape_of_item(capture: "Capture", item: Value) -> Shape | None:
    parts: list[Type] = []

    def tree(value: Value) -> object:
        if isinstance(value, torch.Tensor):
            parts.append(Type(None, value.dtype, tuple(map(expression_of, value.size()))))
            return Part(len(parts) - 1, None)
        if is_number(value):
            kind = kind_of(value)
            parts.append(Type(kind, _DTYPES[kind]))
            return Part(len(parts) - 1, kind)
        if type(value) in (tuple, list) and id(value) not in capture.abstract:
            return (type(value), *(tree(part) for part in value))
        return value if value is None or isinstance(value, str) else _Unlike()

    found = tree(item)
    return None if _is_unlike(found) else Shape(found, tuple(parts))


class _Unlike:
    """A part that cannot be stacked."""


def _is_unlike(tree: object) -> bool:
    return isinstance(tree, _Unlike) or (isinstance(tree, tuple) and any(map(_is_unlike, tree)))


def parts_of(item: Value) -> list[Value]:
    if isinstance(item, tuple | list):
        return [part for inner in item for part in parts_of(inner)]
    return [item] if isinstance(item, torch.Tensor) or is_number(item) else []


def _stack(capture: "Capture", shape: Shape, value: Value, index: int) -> Value:
    """Return a side's stack of one part: what it has, or what will be made of a list's items at its end."""
    if value is ABSENT:
        return None
    if isinstance(value, Grown):
        return value.stacks[index]
    items: list[Value] = list(value)
    kind, dtype = shape.parts[index].kind, shape.parts[index].dtype
    known = [size if isinstance(size, int) else capture.symbols.size_of(size) for size in shape.parts[index].sizes]
    fake = capture.recorder.quietly(lambda: torch.empty([len(items), *known], dtype=dtype))

    def make() -> torch.Tensor:
        if not items:
            return capture.torch_call(torch.zeros, [0, *known], dtype=dtype)
        return stacked(capture, [parts_of(item)[index] for item in items], kind)

    return Deferred(fake, make, value)


def stacked(capture: "Capture", parts: Sequence[Value], kind: Kind | None) -> torch.Tensor:
    stack = capture.torch_call(torch.stack, [as_tensor(capture, part, kind) for part in parts])
    note_items(capture, stack, parts if kind is None else [])
    return stack


def as_tensor(capture: "Capture", part: Value, kind: Kind | None) -> torch.Tensor:
    if isinstance(part, Scalar):
        return scalar_tensor(capture, part, _ELEMENTS[part.kind])
    if kind is not None:
        return capture.torch_call(torch.tensor, part, dtype=_DTYPES[kind])
    return part


def of_list(capture: "Capture", values: Sequence[Value]) -> Grown:
    """Return a list of known length as one of a length known only at run time.

    Raises:
        CaptureError: it is empty, or its items are not of one kind
    """
    shapes = [shape_of_item(capture, value) for value in values]
    first = shapes[0] if shapes else None
    if first is None or any(shape != first for shape in shapes):
        raise other_kind(capture)
    stacks = [
        stacked(capture, [parts_of(value)[index] for value in values], kind)
        for index, kind in enumerate(part.kind for part in first.parts)
    ]
    return Grown(first, stacks)


def is_of_one_kind(capture: "Capture", values: Sequence[Value]) -> bool:
    """Whether a list of known length can be one of a length known only at run time."""
    shapes = [shape_of_item(capture, value) for value in values]
    first = shapes[0] if shapes else None
    return first is not None and bool(first.parts) and all(shape == first for shape in shapes)


def repeated(capture: "Capture", values: Sequence[Value], count: Scalar) -> Grown | None:
    """Return `values * count`; None where the items are not numbers, which have no identity."""
    if not is_of_one_kind(capture, values) or holds(
        tuple(values), lambda value: isinstance(value, torch.Tensor | list)
    ):
        return None
    count = scalars.select(capture, scalars.compare(capture, ast.Gt, count, 0), count, 0)
    grown = of_list(capture, values)
    stacks = [capture.torch_call(torch.Tensor.repeat, stack, count) for stack in grown.stacks]
    return Grown(grown.shape, stacks)


def of_elements(capture: "Capture", tensor: torch.Tensor) -> Grown:
    """Return the elements of a tensor as nested lists of numbers; only the first size may be unknown."""
    dtype = tensor.dtype
    kind = bool if dtype == torch.bool else float if dtype.is_floating_point else int
    rest = [int(size) for size in tensor.size()[1:]]
    stacks: list[torch.Tensor] = []

    def tree(part: torch.Tensor, sizes: Sequence[int]) -> object:
        if not sizes:
            # A list keeps its numbers when the tensor is written to.
            stacks.append(capture.torch_call(torch.Tensor.to, part, _DTYPES[kind], copy=True))
            return Part(len(stacks) - 1, kind)
        return (list, *(tree(item, sizes[1:]) for item in capture.torch_call(torch.unbind, part, 1)))

    found = tree(tensor, rest)
    return Grown(Shape(found, tuple(Type(kind, _DTYPES[kind]) for _ in stacks)), stacks)


def write(capture: "Capture", container: Value, grown: Grown) -> None:
    """Make `grown` what a list holds."""
    capture.state.mutate(container)
    capture.journal.write(ContentsSlot(container, capture.abstract, capture.birth(container)), grown)


def new_list(capture: "Capture", grown: Grown) -> Value:
    made: list[Value] = capture.born([])
    write(capture, made, grown)
    return made


def other_kind(capture: "Capture") -> Exception:
    return capture.error(
        "an item of another kind in a list that grows in a loop",
        "its items are kept as one tensor, and must be tensors of one shape and dtype or numbers of one type",
        "keep what differs in a list of its own",
    )
