"""Elementwise ops: torch's dtype promotion is made explicit as casts, since ONNX has none."""

import math
from collections.abc import Callable
from functools import partial

import onnx_ir as ir

from dycl.backends.onnxruntime.graph import BOOL, INT64, Graph, Scalar, rank
from dycl.backends.onnxruntime.lowerings import integers, special
from dycl.backends.onnxruntime.lowerings.creation import like
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers


def is_float(dtype: ir.DataType | None) -> bool:
    return dtype is not None and dtype.is_floating_point()


_UNARY = {
    "abs": "Abs",
    "acos": "Acos",
    "asin": "Asin",
    "atan": "Atan",
    "ceil": "Ceil",
    "cos": "Cos",
    "exp": "Exp",
    "floor": "Floor",
    "log": "Log",
    "neg": "Neg",
    "reciprocal": "Reciprocal",
    "round": "Round",
    "sigmoid": "Sigmoid",
    "sign": "Sign",
    "sin": "Sin",
    "sqrt": "Sqrt",
    "tanh": "Tanh",
}


def _unary(op_type: str, call: Call, x: ir.Value) -> Lowered:
    """Integers are promoted where the result is of floats; rounding an integer changes nothing."""
    if op_type in ("Ceil", "Floor", "Round") and not is_float(call.dtype):
        return x
    return call.graph.op(op_type, call.graph.cast(x, call.dtype))


for _name, _op_type in _UNARY.items():
    lowers(f"{_name}.default")(partial(_unary, _op_type))


def _special(function: Callable[[Graph, ir.Value], ir.Value], call: Call, x: ir.Value) -> Lowered:
    return function(call.graph, call.graph.cast(x, call.dtype))


for _name in ("cosh", "erf", "erfc", "sinc", "sinh", "tan"):
    lowers(f"{_name}.default")(partial(_special, getattr(special, _name)))
lowers("special_erf.default")(partial(_special, special.erf))
lowers("special_erfc.default")(partial(_special, special.erfc))


@lowers("angle.default")
def angle(call: Call, x: ir.Value) -> Lowered:
    """The angle of a negative number is pi, that of another 0."""
    if is_float(x.dtype):
        return None
    graph = call.graph
    is_negative = graph.op("Less", graph.cast(x, INT64), graph.constant(0), dtype=BOOL)
    return graph.op("Mul", graph.cast(is_negative, call.dtype), graph.constant(math.pi, call.dtype))


def _logarithm(base: int, call: Call, x: ir.Value) -> Lowered:
    natural = call.graph.op("Log", call.graph.cast(x, call.dtype))
    return call.graph.op("Div", natural, call.graph.constant(math.log(base), call.dtype))


def _scaled(factor: float, call: Call, x: ir.Value) -> Lowered:
    return call.graph.op("Mul", call.graph.cast(x, call.dtype), call.graph.constant(factor, call.dtype))


lowers("deg2rad.default")(partial(_scaled, math.pi / 180))
lowers("rad2deg.default")(partial(_scaled, 180 / math.pi))
lowers("log2.default")(partial(_logarithm, 2))
lowers("log10.default")(partial(_logarithm, 10))


@lowers("rsqrt.default")
def rsqrt(call: Call, x: ir.Value) -> Lowered:
    return call.graph.op("Reciprocal", call.graph.op("Sqrt", call.graph.cast(x, call.dtype)))


@lowers("square.default")
def square(call: Call, x: ir.Value) -> Lowered:
    operand = call.graph.cast(x, call.dtype)
    return call.graph.op("Mul", operand, operand)


@lowers("logical_not.default")
def logical_not(call: Call, x: ir.Value) -> Lowered:
    return call.graph.op("Not", call.graph.cast(x, BOOL))


@lowers("bitwise_not.default")
def bitwise_not(call: Call, x: ir.Value) -> Lowered:
    return call.graph.op("Not" if call.dtype == BOOL else "BitwiseNot", x)


@lowers("isnan.default")
def isnan(call: Call, x: ir.Value) -> Lowered:
    return call.graph.op("IsNaN", x, dtype=BOOL) if is_float(x.dtype) else like(call, x, False)


@lowers("isinf.default", "isposinf.default", "isneginf.default")
def isinf(call: Call, x: ir.Value) -> Lowered:
    return None if is_float(x.dtype) else like(call, x, False)


@lowers("isfinite.default")
def isfinite(call: Call, x: ir.Value) -> Lowered:
    return None if is_float(x.dtype) else like(call, x, True)


@lowers("trunc.default", "fix.default")
def trunc(call: Call, x: ir.Value) -> Lowered:
    return None if is_float(x.dtype) else x


def _arithmetic(op_type: str, call: Call, left: ir.Value, right: Scalar, alpha: Scalar = 1) -> Lowered:
    graph = call.graph
    dtype = call.dtype
    if dtype == BOOL:
        if op_type != "Add" or isinstance(alpha, ir.Value):
            return None
        return graph.op("Or", left, graph.scalar(right, BOOL)) if alpha else left
    if not isinstance(right, ir.Value) and not isinstance(alpha, ir.Value):
        right, alpha = right * alpha, 1
    operand = graph.scalar(right, dtype)
    if isinstance(alpha, ir.Value) or alpha != 1:
        operand = graph.op("Mul", operand, graph.scalar(alpha, dtype))
    return graph.op(op_type, graph.cast(left, dtype), operand)


for _name in ("Tensor", "Scalar"):
    lowers(f"add.{_name}")(partial(_arithmetic, "Add"))
    lowers(f"sub.{_name}")(partial(_arithmetic, "Sub"))


@lowers("rsub.Scalar", "rsub.Tensor")
def rsub(call: Call, left: ir.Value, right: Scalar, alpha: Scalar) -> Lowered:
    graph = call.graph
    scaled = graph.cast(left, call.dtype)
    if isinstance(alpha, ir.Value) or alpha != 1:
        scaled = graph.op("Mul", scaled, graph.scalar(alpha, call.dtype))
    return graph.op("Sub", graph.scalar(right, call.dtype), scaled)


@lowers("mul.Tensor", "mul.Scalar")
def mul(call: Call, left: ir.Value, right: Scalar) -> Lowered:
    graph = call.graph
    op_type = "And" if call.dtype == BOOL else "Mul"
    return graph.op(op_type, graph.cast(left, call.dtype), graph.scalar(right, call.dtype))


@lowers("div.Tensor", "div.Scalar", "true_divide.Tensor", "true_divide.Scalar")
def div(call: Call, left: ir.Value, right: Scalar) -> Lowered:
    graph = call.graph
    return graph.op("Div", graph.cast(left, call.dtype), graph.scalar(right, call.dtype))


def _signs_differ(graph: Graph, left: ir.Value, right: ir.Value, dtype: ir.DataType) -> ir.Value:
    zero = graph.constant(0, dtype)
    return graph.op(
        "Xor", graph.op("Less", left, zero, dtype=BOOL), graph.op("Less", right, zero, dtype=BOOL), dtype=BOOL
    )


def _remainder(graph: Graph, left: ir.Value, right: ir.Value, dtype: ir.DataType) -> ir.Value:
    """Python's `%`: the result has the divisor's sign. ONNX has it for integers only."""
    if not is_float(dtype):
        return integers.remainder(graph, left, right)
    mod = graph.op("Mod", left, right, fmod=1)
    wrong = graph.op(
        "And",
        graph.op("Not", graph.op("Equal", mod, graph.constant(0, dtype), dtype=BOOL)),
        _signs_differ(graph, mod, right, dtype),
    )
    return graph.op("Where", wrong, graph.op("Add", mod, right), mod, dtype=dtype)


def _floor_divide(graph: Graph, left: ir.Value, right: ir.Value, dtype: ir.DataType) -> ir.Value:
    """Python's `//`. For floats as torch computes it: the floor of the rounded quotient may be one too many."""
    if not is_float(dtype):
        return integers.floor_divide(graph, left, right)
    quotient = graph.op("Div", graph.op("Sub", left, _remainder(graph, left, right, dtype)), right)
    by_zero = graph.op("Equal", right, graph.constant(0, dtype), dtype=BOOL)
    return graph.op("Where", by_zero, graph.op("Div", left, right), graph.op("Round", quotient), dtype=dtype)


@lowers("remainder.Tensor", "remainder.Scalar")
def remainder(call: Call, left: ir.Value, right: Scalar) -> Lowered:
    graph = call.graph
    return _remainder(graph, graph.cast(left, call.dtype), graph.scalar(right, call.dtype), call.dtype)


@lowers("fmod.Tensor", "fmod.Scalar")
def fmod(call: Call, left: ir.Value, right: Scalar) -> Lowered:
    graph = call.graph
    dividend, divisor = graph.cast(left, call.dtype), graph.scalar(right, call.dtype)
    if not is_float(call.dtype):
        return integers.truncated_remainder(graph, dividend, divisor)
    return graph.op("Mod", dividend, divisor, fmod=1)


@lowers("floor_divide.default", "floor_divide.Scalar")
def floor_divide(call: Call, left: ir.Value, right: Scalar) -> Lowered:
    graph = call.graph
    return _floor_divide(graph, graph.cast(left, call.dtype), graph.scalar(right, call.dtype), call.dtype)


@lowers("div.Tensor_mode", "div.Scalar_mode")
def div_mode(call: Call, left: ir.Value, right: Scalar, rounding_mode: str | None) -> Lowered:
    if rounding_mode == "floor":
        return floor_divide(call, left, right)
    graph = call.graph
    dividend, divisor = graph.cast(left, call.dtype), graph.scalar(right, call.dtype)
    if not is_float(call.dtype):
        return integers.truncated_divide(graph, dividend, divisor)
    quotient = graph.op("Div", dividend, divisor)
    if rounding_mode is None:
        return quotient
    magnitude = graph.op("Floor", graph.op("Abs", quotient))
    return graph.op("Mul", graph.op("Sign", quotient), magnitude)


@lowers("pow.Tensor_Tensor", "pow.Tensor_Scalar", "pow.Scalar")
def power(call: Call, base: Scalar, exponent: Scalar) -> Lowered:
    graph = call.graph
    if not is_float(call.dtype):
        return None if call.dtype == BOOL else integers.power(graph, base, exponent, call.dtype)
    operand = graph.scalar(base, call.dtype)
    if not isinstance(exponent, ir.Value):
        if exponent == 2:
            return graph.op("Mul", operand, operand)
        if exponent == 0.5:
            return graph.op("Sqrt", operand)
    return graph.op("Pow", operand, graph.scalar(exponent, call.dtype))


def _extremum(op_type: str, call: Call, left: ir.Value, right: ir.Value) -> Lowered:
    graph = call.graph
    if call.dtype == BOOL:
        return graph.op("Or" if op_type == "Max" else "And", left, right)
    return graph.op(op_type, graph.cast(left, call.dtype), graph.cast(right, call.dtype))


lowers("maximum.default", "max.other")(partial(_extremum, "Max"))
lowers("minimum.default", "min.other")(partial(_extremum, "Min"))


@lowers("clamp.default", "clip.default", "hardtanh.default", "clamp.Tensor", "clip.Tensor")
def clamp(call: Call, x: ir.Value, low: Scalar | None, high: Scalar | None) -> Lowered:
    graph = call.graph
    x = graph.cast(x, call.dtype)
    bounds = [None if bound is None else graph.scalar(bound, call.dtype) for bound in (low, high)]
    if all(bound is None or rank(bound) == 0 for bound in bounds):
        return graph.op("Clip", x, *bounds)
    for op_type, bound in zip(("Max", "Min"), bounds, strict=True):
        if bound is not None:
            x = graph.op(op_type, x, bound)
    return x


@lowers("clamp_min.default", "clamp_min.Tensor")
def clamp_min(call: Call, x: ir.Value, low: Scalar) -> Lowered:
    return clamp(call, x, low, None)


@lowers("clamp_max.default", "clamp_max.Tensor")
def clamp_max(call: Call, x: ir.Value, high: Scalar) -> Lowered:
    return clamp(call, x, None, high)


@lowers("relu6.default")
def relu6(call: Call, x: ir.Value) -> Lowered:
    return clamp(call, x, 0, 6)


@lowers("where.self", "where.ScalarOther", "where.ScalarSelf", "where.Scalar")
def where(call: Call, condition: ir.Value, left: Scalar, right: Scalar) -> Lowered:
    graph = call.graph
    branches = [graph.scalar(branch, call.dtype) for branch in (left, right)]
    return graph.op("Where", graph.cast(condition, BOOL), *branches, dtype=call.dtype)


@lowers("masked_fill.Scalar", "masked_fill.Tensor")
def masked_fill(call: Call, x: ir.Value, mask: ir.Value, value: Scalar) -> Lowered:
    return where(call, mask, value, x)


@lowers("to.dtype", "to.dtype_layout", "to.device", "to.other", "_to_copy.default", "type_as.default")
def to_dtype(call: Call, x: ir.Value, *_: object) -> Lowered:
    return call.graph.cast(x, call.dtype)
