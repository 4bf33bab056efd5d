"""What torch has taken for granted of the inputs' sizes, as checks of the program.

torch writes these guards as Python on its own names: `(L['x'].size()[0] % 2) == 0`.
"""

import ast
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

from xdsl.ir import SSAValue

from dycl.errors import DyclError, UsageError
from dycl.frontends.builder import Builder
from dycl.frontends.exported.arithmetic import Number, as_ssa, compute
from dycl.frontends.refusal import Refusal
from dycl.ir.ops import AssertOp, DimOp
from dycl.ir.types import shape_of

_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.And: operator.and_,
    ast.Or: operator.or_,
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {"min": min, "max": max, "Min": min, "Max": max}


def emit_guards(builder: Builder, guards: Iterable[str], tensors: Mapping[str, SSAValue]) -> None:
    """Emit an assertion for each guard that does not always hold; `tensors` are the inputs by torch's names.

    Raises:
        UsageError: a guard never holds
        DyclError: a guard says what cannot be checked
    """
    for guard in dict.fromkeys(guards):
        shown = re.sub(r"L\['(\w+)'\]", r"\1", guard)
        try:
            found = _Reader(builder, tensors).read(ast.parse(guard, mode="eval").body)
        except (Refusal, SyntaxError) as error:
            raise DyclError(
                f"the exported program holds only where {shown}, which cannot be checked: {error}; "
                "export it with other dynamic sizes"
            ) from error
        if isinstance(found, SSAValue):
            builder.emit(AssertOp(as_ssa(builder, found), f"Guard failed: {shown}"))
        elif not found:
            raise UsageError(f"the exported program is not made for these sizes: it needs {shown}")


class _Reader:
    def __init__(self, builder: Builder, tensors: Mapping[str, SSAValue]) -> None:
        self._builder = builder
        self._tensors = {ast.dump(ast.parse(name, mode="eval").body): value for name, value in tensors.items()}

    def read(self, node: ast.expr) -> Number:
        match node:
            case ast.Constant(value=bool() | int() | float() as value):
                return value
            case ast.BinOp(left, op, right):
                return self._apply(op, left, right)
            case ast.UnaryOp(op, operand):
                return self._apply(op, operand)
            case ast.BoolOp(op, values):
                return self._all(_OPERATORS[type(op)], [self.read(value) for value in values])
            case ast.Compare(left, ops, comparators):
                sides = [self.read(side) for side in (left, *comparators)]
                pairs = zip(ops, pairwise(sides), strict=True)
                return self._all(operator.and_, [self._compute(_OPERATORS.get(type(op)), *pair) for op, pair in pairs])
            case ast.Subscript(ast.Call(ast.Attribute(tensor, "size"), [], []), ast.Constant(int(axis))):
                return self._size(tensor, axis)
            case ast.Call(ast.Name(name), [*arguments], []) if name in _FUNCTIONS:
                return self._compute(_FUNCTIONS[name], *map(self.read, arguments))
            case _:
                raise Refusal(f"`{ast.unparse(node)}` is no size")

    def _apply(self, op: ast.AST, *operands: ast.expr) -> Number:
        return self._compute(_OPERATORS.get(type(op)), *map(self.read, operands))

    def _compute(self, function: Callable[..., Any] | None, *operands: Number) -> Number:
        if function is None:
            raise Refusal("an operator that sizes do not have")
        return compute(self._builder, function, operands)

    def _all(self, function: Callable[..., Any], values: list[Number]) -> Number:
        first, *rest = values
        for value in rest:
            first = self._compute(function, first, value)
        return first

    def _size(self, tensor: ast.expr, axis: int) -> Number:
        value = self._tensors.get(ast.dump(tensor))
        if value is None:
            raise Refusal(f"{ast.unparse(tensor)} is no input")
        return size_of(self._builder, value, axis)


def size_of(builder: Builder, tensor: SSAValue, axis: int) -> int | SSAValue:
    """Return a size of a tensor: a number where it is known."""
    shape = shape_of(tensor.type)
    known = shape[axis]
    return builder.emit(DimOp(tensor, axis % len(shape))).size if known is None else known
