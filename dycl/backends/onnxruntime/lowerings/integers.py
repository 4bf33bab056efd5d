"""Integer arithmetic as torch has it: it wraps, shifts of any width are defined, and -1 divides the lowest number."""

import numpy as np
import onnx_ir as ir

from dycl.backends.onnxruntime.graph import BOOL, Graph, Scalar
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers

_UNSIGNED = {8: ir.DataType.UINT64}
"""The unsigned dtype that is shifted, by the bytes of the dtype that it stands for; of four bytes for all others."""


def remainder(graph: Graph, left: ir.Value, right: ir.Value) -> ir.Value:
    """Return `left % right`, of the divisor's sign."""
    return graph.op("Mod", left, _without_minus_one(graph, right)[0])


def floor_divide(graph: Graph, left: ir.Value, right: ir.Value) -> ir.Value:
    """Return `left // right`. ONNX Runtime truncates, which is one too many where that leaves another remainder."""
    dtype, content = right.dtype, graph.array(right)
    assert dtype is not None
    if not dtype.is_signed():
        return graph.op("Div", left, right)
    if content is not None and np.all(content > 0):
        sign = _sign_bits(graph, left, dtype)
        return graph.op("BitwiseXor", graph.op("Div", graph.op("BitwiseXor", left, sign), right), sign)
    divisor, is_minus_one = _without_minus_one(graph, right)
    quotient = graph.op("Div", left, divisor)
    rest = graph.op("Sub", left, graph.op("Mul", quotient, divisor))
    is_other = graph.op("Not", graph.op("Equal", rest, graph.op("Mod", left, divisor), dtype=BOOL))
    return _negated_where(graph, is_minus_one, left, graph.op("Sub", quotient, graph.cast(is_other, dtype)))


def _sign_bits(graph: Graph, x: ir.Value, dtype: ir.DataType) -> ir.Value:
    """Return -1, all of whose bits are set, where `x` is negative, else 0."""
    zero = graph.constant(0, dtype)
    return graph.op("Where", graph.op("Less", x, zero, dtype=BOOL), graph.constant(-1, dtype), zero, dtype=dtype)


def truncated_divide(graph: Graph, left: ir.Value, right: ir.Value) -> ir.Value:
    divisor, is_minus_one = _without_minus_one(graph, right)
    return _negated_where(graph, is_minus_one, left, graph.op("Div", left, divisor))


def truncated_remainder(graph: Graph, left: ir.Value, right: ir.Value) -> ir.Value:
    """Return the remainder of the dividend's sign. ONNX Runtime's own goes by way of f64."""
    divisor, _ = _without_minus_one(graph, right)
    return graph.op("Sub", left, graph.op("Mul", graph.op("Div", left, divisor), divisor))


def _without_minus_one(graph: Graph, divisor: ir.Value) -> tuple[ir.Value, ir.Value | None]:
    """Return the divisor with 1 in place of -1, and where it is -1; None where it never is.

    The remainders by 1 and -1 are both 0. The quotient of the lowest number and -1 overflows, which ends the process.
    """
    content = graph.array(divisor)
    assert divisor.dtype is not None
    if not divisor.dtype.is_signed() or (content is not None and not np.any(content == -1)):
        return divisor, None
    one, minus_one = (graph.constant(number, divisor.dtype) for number in (1, -1))
    is_minus_one = graph.op("Equal", divisor, minus_one, dtype=BOOL)
    return graph.op("Where", is_minus_one, one, divisor, dtype=divisor.dtype), is_minus_one


def _negated_where(graph: Graph, is_negated: ir.Value | None, x: ir.Value, other: ir.Value) -> ir.Value:
    return other if is_negated is None else graph.op("Where", is_negated, graph.op("Neg", x), other, dtype=x.dtype)


def power(graph: Graph, base: Scalar, exponent: Scalar, dtype: ir.DataType) -> ir.Value:
    """Return a power by squaring, which is exact and wraps where ONNX's goes by way of f64."""
    if not isinstance(exponent, ir.Value):
        return _known_power(graph, graph.scalar(base, dtype), int(exponent), dtype)
    count = graph.scalar(exponent, dtype)
    if base == 2 and not isinstance(base, ir.Value):
        return _shifted_left(graph, graph.constant(1, dtype), count, dtype)
    return _bitwise_power(graph, graph.scalar(base, dtype), count, dtype)


def _known_power(graph: Graph, base: ir.Value, exponent: int, dtype: ir.DataType) -> ir.Value:
    result = None
    while exponent > 0:
        if exponent % 2:
            result = base if result is None else graph.op("Mul", result, base)
        exponent //= 2
        if exponent:
            base = graph.op("Mul", base, base)
    if result is not None:
        return result
    return graph.op("Add", graph.op("Mul", base, graph.constant(0, dtype)), graph.constant(1, dtype))


def _bitwise_power(graph: Graph, base: ir.Value, exponent: ir.Value, dtype: ir.DataType) -> ir.Value:
    """A power with a negative exponent is 0 but for those of 1 and -1, which the exponent's lowest bit decides."""
    one, zero = graph.constant(1, dtype), graph.constant(0, dtype)
    result, square = one, base
    content = graph.array(exponent)
    bits = _bits(dtype) - int(dtype.is_signed())
    if content is not None and np.all(content >= 0):
        bits = max(1, int(content.max(initial=0)).bit_length())
    for bit in range(bits):
        is_set = graph.cast(graph.op("BitwiseAnd", exponent, graph.constant(1 << bit, dtype)), BOOL)
        result = graph.op("Mul", result, graph.op("Where", is_set, square, one, dtype=dtype))
        square = graph.op("Mul", square, square)
    if not dtype.is_signed() or (content is not None and np.all(content >= 0)):
        return result
    vanishes = graph.op(
        "And",
        graph.op("Less", exponent, zero, dtype=BOOL),
        graph.op("Not", graph.op("Equal", graph.op("Abs", base), one, dtype=BOOL)),
    )
    return graph.op("Where", vanishes, zero, result, dtype=dtype)


def _bits(dtype: ir.DataType) -> int:
    return 8 * int(dtype.itemsize)


def _unsigned(dtype: ir.DataType) -> ir.DataType:
    return _UNSIGNED.get(int(dtype.itemsize), ir.DataType.UINT32)


def _in_range(graph: Graph, count: Scalar, dtype: ir.DataType) -> tuple[ir.Value, ir.Value | bool]:
    """Return by how much to shift, and whether it is by less than all bits; if not, by all but one."""
    bits = _bits(dtype)
    if not isinstance(count, ir.Value):
        is_less = 0 <= count < bits
        return graph.constant(int(count) if is_less else bits - 1, _unsigned(dtype)), is_less
    given = graph.scalar(count, dtype)
    last = graph.constant(bits - 1, dtype)
    is_less = graph.op("LessOrEqual", given, last, dtype=BOOL)
    if dtype.is_signed():
        is_less = graph.op("And", is_less, graph.op("GreaterOrEqual", given, graph.constant(0, dtype), dtype=BOOL))
    return graph.cast(graph.op("Where", is_less, given, last, dtype=dtype), _unsigned(dtype)), is_less


def _shifted_left(graph: Graph, x: ir.Value, count: Scalar, dtype: ir.DataType) -> ir.Value:
    amount, is_less = _in_range(graph, count, dtype)
    shifted = graph.op("BitShift", graph.cast(x, _unsigned(dtype)), amount, direction="LEFT")
    shifted = graph.cast(shifted, dtype)
    zero = graph.constant(0, dtype)
    if isinstance(is_less, ir.Value):
        return graph.op("Where", is_less, shifted, zero, dtype=dtype)
    return shifted if is_less else graph.op("Mul", x, zero)


def _shifted_right(graph: Graph, x: ir.Value, count: Scalar, dtype: ir.DataType) -> ir.Value:
    """The sign moves in: the complement of a negative number is shifted, which is none."""
    amount, is_less = _in_range(graph, count, dtype)
    unsigned, zero = _unsigned(dtype), graph.constant(0, dtype)
    if not dtype.is_signed():
        shifted = graph.cast(graph.op("BitShift", graph.cast(x, unsigned), amount, direction="RIGHT"), dtype)
        if isinstance(is_less, ir.Value):
            return graph.op("Where", is_less, shifted, zero, dtype=dtype)
        return shifted if is_less else graph.op("Mul", x, zero)
    sign = _sign_bits(graph, x, dtype)
    magnitude = graph.cast(graph.op("BitwiseXor", x, sign), unsigned)
    shifted = graph.cast(graph.op("BitShift", magnitude, amount, direction="RIGHT"), dtype)
    return graph.op("BitwiseXor", shifted, sign)


_SHIFTS = {"left": _shifted_left, "right": _shifted_right}
_OPERANDS = ("Tensor", "Tensor_Scalar", "Scalar_Tensor")


def _shift(direction: str, call: Call, left: Scalar, right: Scalar) -> Lowered:
    if not call.dtype.is_integer():
        return None
    return _SHIFTS[direction](call.graph, call.graph.scalar(left, call.dtype), right, call.dtype)


@lowers("__lshift__.Scalar", "__lshift__.Tensor", *(f"bitwise_left_shift.{kind}" for kind in _OPERANDS))
def left_shift(call: Call, left: Scalar, right: Scalar) -> Lowered:
    return _shift("left", call, left, right)


@lowers("__rshift__.Scalar", "__rshift__.Tensor", *(f"bitwise_right_shift.{kind}" for kind in _OPERANDS))
def right_shift(call: Call, left: Scalar, right: Scalar) -> Lowered:
    return _shift("right", call, left, right)
