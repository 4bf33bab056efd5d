"""Columns: what has one SSA value where paths meet, and another on each of them.

A column is a tensor, a number, or the content of a tensor that the paths have written. Sizes of tensors that are known
only at run time are columns of a kind too: two of them that are equal on every path, or differ by one constant, are
the same symbol where the paths meet, so that `hidden[keep]` and `index[keep]` still fit each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sympy
import torch
from xdsl.ir import Attribute, Operation, SSAValue

from dycl.frontends.torch.tensors.heap import type_of
from dycl.frontends.torch.values import KIND, SCALAR_TYPE, Kind, Scalar, Value, is_number, kind_of
from dycl.ir.ops import AtenOp
from dycl.ir.ops.aten import Argument
from dycl.ir.scalars import scalar_constant
from dycl.ir.types import element_of, is_tensor, join_types, shape_of, tensor_type

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

Size = int | torch.SymInt


@dataclass(eq=False)
class Deferred:
    """What is made only where it is needed, at the end of a path; `fake` is a tensor or number of its type."""

    fake: Value
    make: Callable[[], Value]
    made_from: Value


@dataclass(eq=False)
class Column:
    """On each path a fake tensor, one to be made, a number or an SSA value; None for what is never asked for there."""

    values: tuple[Value, ...]
    index: int
    is_index: bool = False
    """Whether it numbers alternatives."""
    result: SSAValue | None = None
    merged: torch.Tensor | None = None
    sizes: list[Size] | None = None
    """Of a tensor, where the paths meet."""

    @property
    def ssa(self) -> SSAValue:
        assert self.result is not None
        return self.result

    @property
    def known(self) -> list[Value]:
        """The values, None for absent ones, a fake tensor for one that is to be made."""
        return [value.fake if isinstance(value, Deferred) else value for value in self.values]

    @property
    def present(self) -> list[Value]:
        return [value for value in self.known if value is not None]

    @property
    def type(self) -> Attribute:
        """The most precise type of which the values of all paths are."""
        return join_types([_type(value) for value in self.present])

    def bind(self, ssa: SSAValue) -> None:
        """Let `ssa` be what the column is where the paths meet."""
        self.result, self.merged, self.sizes = ssa, None, None


def _type(value: Value) -> Attribute:
    if isinstance(value, SSAValue):
        return value.type
    return type_of(value) if isinstance(value, torch.Tensor) else SCALAR_TYPE[kind_of(value)]


def filler(capture: "Capture", type: Attribute) -> SSAValue:
    """Emit a value for a path on which it is never used; a size that the type leaves open is 1."""
    return capture.builder.emit(filler_op(type)).results[0]


def filler_op(type: Attribute) -> Operation:
    """Return the op of a value that is never used; a size that the type leaves open is 1."""
    if not is_tensor(type):
        return scalar_constant(KIND[type]())
    sizes = [1 if size is None else size for size in shape_of(type)]
    element_type: Argument = element_of(type)  # pyright: ignore[reportAssignmentType]: an element type is one
    result = tensor_type(sizes, element_of(type))
    return AtenOp("zeros.default", [list(sizes), element_type, None, None, None], [result])


def number_key(value: Value) -> tuple[object, object]:
    return (Kind, id(value.ssa)) if isinstance(value, Scalar) else (type(value), repr(value))


@dataclass
class _Group:
    """A symbol where the paths meet, and what it is on each of them."""

    parts: tuple[sympy.Expr | None, ...]
    symbol: Size


def fit_sizes(capture: "Capture", columns: Sequence[Column]) -> None:
    """Give every column of a merge its sizes, once all have their SSA values."""
    groups: list[_Group] = []
    open_sizes = False
    for column in columns:
        column.sizes = []
        if isinstance(column.present[0], torch.Tensor):
            for axis in range(column.present[0].dim()):
                sizes = [None if value is None else value.size(axis) for value in column.known]
                column.sizes.append(_size(capture, groups, sizes))
            open_sizes = open_sizes or any(isinstance(size, torch.SymInt) for size in column.sizes)
    if not open_sizes:
        return
    for column in columns:
        first = column.present[0]
        if is_number(first) and kind_of(first) is int and not column.is_index:
            numbers = [capture.symbols.lower(v) if isinstance(v, Scalar) else v for v in column.values]
            size = _known_size(groups, numbers)
            if isinstance(size, torch.SymInt):
                capture.symbols.bind(size, column.ssa)


def _known_size(groups: list[_Group], sizes: Sequence[Size | None]) -> Size | None:
    """Return the size that stands for one on each path: the same, or a symbol in a known relation to another."""
    present = [size for size in sizes if size is not None]
    whole = len(present) == len(sizes)
    expressions = tuple(None if size is None else expression_of(size) for size in sizes)
    known = [expression for expression in expressions if expression is not None]
    if all(expression == known[0] for expression in known) and (whole or known[0].is_number):
        return present[0]
    for group in groups:
        offset = _offset(expressions, group.parts)
        if offset is not None:
            return group.symbol + offset if offset else group.symbol
    return None


def _size(capture: "Capture", groups: list[_Group], sizes: Sequence[Size | None]) -> Size:
    known = _known_size(groups, sizes)
    if known is not None:
        return known
    symbol = capture.symbols.fresh()
    groups.append(_Group(tuple(None if size is None else expression_of(size) for size in sizes), symbol))
    return symbol


def expression_of(size: Size) -> sympy.Expr:
    """Return what torch knows a size as."""
    return size.node.expr if isinstance(size, torch.SymInt) else sympy.Integer(size)


def _offset(left: Sequence[sympy.Expr | None], right: Sequence[sympy.Expr | None]) -> int | None:
    """Return the integer by which `left` is larger than `right` on every path, None where it differs."""
    found: set[sympy.Expr] = set()
    for a, b in zip(left, right, strict=True):
        if (a is None) != (b is None):
            return None
        if a is not None and b is not None:
            found.add(a - b)
    difference = found.pop() if len(found) == 1 else None
    return int(difference) if isinstance(difference, sympy.Integer) else None
