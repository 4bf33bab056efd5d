"""Arithmetic on host scalars inside a kernel, on tensors without dimensions: i1 is bool, i64 int64, f64 double."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import onnx_ir as ir
from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, IntegerAttr
from xdsl.ir import Operation

from dycl.backends.onnxruntime.graph import BOOL, DOUBLE, INT64, Graph
from dycl.backends.onnxruntime.lowerings.comparisons import compare, compare_widened

ScalarLowering: TypeAlias = Callable[[Graph, Operation, Sequence[ir.Value]], ir.Value | None]
"""Returns None where it does not take this case."""


def _binary(op_type: str, graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value | None:
    return None if operands[0].dtype == BOOL else graph.op(op_type, *operands)


def _bitwise(op_type: str, graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value:
    return graph.op(op_type if operands[0].dtype == BOOL else f"Bitwise{op_type}", *operands)


def _truncated_remainder(graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value | None:
    return None if operands[0].dtype == BOOL else graph.op("Mod", *operands, fmod=1)


def _floor_divide(graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value | None:
    if operands[0].dtype == BOOL:
        return None
    left, right = operands
    return graph.op("Div", graph.op("Sub", left, graph.op("Mod", left, right)), right)


def _constant(graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value | None:
    assert isinstance(op, arith.ConstantOp)
    match op.value:
        case IntegerAttr(value=number):
            return graph.constant(bool(number.data) if _is_bool(op) else number.data, BOOL if _is_bool(op) else INT64)
        case FloatAttr(value=number):
            return graph.constant(number.data, DOUBLE)
        case _:
            return None


def _is_bool(op: Operation) -> bool:
    return str(op.results[0].type) == "i1"


def _negate(graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value:
    return graph.op("Neg", operands[0])


def _unsigned_extension(graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value:
    return graph.cast(operands[0], INT64)


def _signed_extension(graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value:
    return graph.op("Neg", graph.cast(operands[0], INT64))


def _truncation(graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value:
    return graph.cast(graph.op("BitwiseAnd", operands[0], graph.constant(1)), BOOL)


def _signed_to_float(graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value:
    number = graph.cast(operands[0], DOUBLE)
    return graph.op("Neg", number) if operands[0].dtype == BOOL else number


def _unsigned_to_float(graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value | None:
    return graph.cast(operands[0], DOUBLE) if operands[0].dtype == BOOL else None


def _float_to_signed(graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value | None:
    return None if _is_bool(op) else graph.cast(operands[0], INT64)


_INTEGER_PREDICATES = ("eq", "ne", "lt", "le", "gt", "ge")


def _compare_integers(graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value | None:
    """As a signed number the i1 `true` is -1: the smaller of the two."""
    assert isinstance(op, arith.CmpiOp)
    number = op.predicate.value.data
    left, right = operands
    if left.dtype == BOOL and number > 1:
        if number > 5:
            return compare(graph, _INTEGER_PREDICATES[number - 4], left, right)
        return compare(graph, _INTEGER_PREDICATES[number], right, left)
    return compare(graph, _INTEGER_PREDICATES[number], left, right) if number < 6 else None


_ORDERED = {1: "eq", 2: "gt", 3: "ge", 4: "lt", 5: "le"}
_NEGATED = {9: "le", 10: "lt", 11: "ge", 12: "gt", 13: "eq"}
"""The ordered predicate whose negation an unordered one is."""


def _compare_floats(graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value | None:
    assert isinstance(op, arith.CmpfOp)
    number = op.predicate.value.data
    left, right = operands
    if number in _ORDERED:
        return _compare_ordered(graph, _ORDERED[number], left, right)
    if number in _NEGATED:
        return graph.op("Not", _compare_ordered(graph, _NEGATED[number], left, right))
    return None


_SWAPPED = {"eq": "eq", "gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}


def _compare_ordered(graph: Graph, name: str, left: ir.Value, right: ir.Value) -> ir.Value:
    """Compare f64 scalars. One that was read from an f32 tensor is compared with a constant where it is."""
    for value, bound, way in ((left, right, name), (right, left, _SWAPPED[name])):
        narrow, content = graph.wide.get(value), graph.array(bound)
        if narrow is not None and content is not None:
            found = compare_widened(graph, way, narrow, float(content))
            scalar = None if found is None else graph.reshape(found, ())
            if scalar is not None:
                return scalar
    return compare(graph, name, left, right)


def _select(graph: Graph, op: Operation, operands: Sequence[ir.Value]) -> ir.Value:
    return graph.op("Where", *operands, dtype=operands[1].dtype)


SCALAR_LOWERINGS: dict[type[Operation], ScalarLowering] = {
    arith.ConstantOp: _constant,
    arith.AddiOp: partial(_binary, "Add"),
    arith.SubiOp: partial(_binary, "Sub"),
    arith.MuliOp: partial(_binary, "Mul"),
    arith.DivSIOp: partial(_binary, "Div"),
    arith.FloorDivSIOp: _floor_divide,
    arith.RemSIOp: _truncated_remainder,
    arith.MinSIOp: partial(_binary, "Min"),
    arith.MaxSIOp: partial(_binary, "Max"),
    arith.AndIOp: partial(_bitwise, "And"),
    arith.OrIOp: partial(_bitwise, "Or"),
    arith.XOrIOp: partial(_bitwise, "Xor"),
    arith.AddfOp: partial(_binary, "Add"),
    arith.SubfOp: partial(_binary, "Sub"),
    arith.MulfOp: partial(_binary, "Mul"),
    arith.DivfOp: partial(_binary, "Div"),
    arith.MinimumfOp: partial(_binary, "Min"),
    arith.MaximumfOp: partial(_binary, "Max"),
    arith.NegfOp: _negate,
    arith.ExtUIOp: _unsigned_extension,
    arith.ExtSIOp: _signed_extension,
    arith.TruncIOp: _truncation,
    arith.SIToFPOp: _signed_to_float,
    arith.UIToFPOp: _unsigned_to_float,
    arith.FPToSIOp: _float_to_signed,
    arith.CmpiOp: _compare_integers,
    arith.CmpfOp: _compare_floats,
    arith.SelectOp: _select,
}
