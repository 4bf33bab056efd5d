"""Activation functions."""

import onnx_ir as ir

from dycl.backends.onnxruntime.graph import BOOL, DOUBLE, Graph, Scalar
from dycl.backends.onnxruntime.lowerings import special
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers

_SELU = (1.6732632423543772848170429916717, 1.0507009873554804934193349852946)


@lowers("relu.default")
def relu(call: Call, x: ir.Value) -> Lowered:
    if call.dtype.is_floating_point():
        return call.graph.op("Relu", x)
    return call.graph.op("Max", x, call.graph.constant(0, call.dtype))


@lowers("silu.default")
def silu(call: Call, x: ir.Value) -> Lowered:
    return call.graph.op("Mul", x, call.graph.op("Sigmoid", x))


@lowers("gelu.default")
def gelu(call: Call, x: ir.Value, approximate: str) -> Lowered:
    return special.gelu(call.graph, x, approximate)


@lowers("leaky_relu.default")
def leaky_relu(call: Call, x: ir.Value, negative_slope: Scalar) -> Lowered:
    if isinstance(negative_slope, ir.Value) or not call.dtype.is_floating_point():
        return None
    return special.leaky_relu(call.graph, x, float(negative_slope))


@lowers("hardswish.default")
def hardswish(call: Call, x: ir.Value) -> Lowered:
    if x.dtype != DOUBLE:
        return call.graph.op("HardSwish", x)
    return call.graph.op("Mul", x, special.hard_sigmoid(call.graph, x))


@lowers("hardsigmoid.default")
def hardsigmoid(call: Call, x: ir.Value) -> Lowered:
    return special.hard_sigmoid(call.graph, x)


def _scaled(graph: Graph, x: ir.Value, factor: float) -> ir.Value:
    assert x.dtype is not None
    return x if factor == 1 else graph.op("Mul", x, graph.constant(factor, x.dtype))


@lowers("elu.default")
def elu(call: Call, x: ir.Value, alpha: Scalar, scale: Scalar, input_scale: Scalar) -> Lowered:
    """torch scales the operand only where it is negative."""
    if isinstance(alpha, ir.Value) or isinstance(scale, ir.Value) or isinstance(input_scale, ir.Value):
        return None
    graph = call.graph
    if input_scale == 1:
        return _scaled(graph, special.elu(graph, x, float(alpha)), scale)
    if x.dtype != DOUBLE or not input_scale > 0:
        return None
    grown = special.elu(graph, _scaled(graph, x, input_scale), float(alpha))
    is_positive = graph.op("Greater", x, graph.constant(0, DOUBLE), dtype=BOOL)
    return _scaled(graph, graph.op("Where", is_positive, x, grown, dtype=DOUBLE), scale)


@lowers("selu.default")
def selu(call: Call, x: ir.Value) -> Lowered:
    return elu(call, x, *_SELU, 1) if x.dtype == DOUBLE else None


@lowers("celu.default")
def celu(call: Call, x: ir.Value, alpha: Scalar) -> Lowered:
    if isinstance(alpha, ir.Value) or x.dtype != DOUBLE:
        return None
    return elu(call, x, alpha, 1, 1 / alpha)


@lowers("softplus.default")
def softplus(call: Call, x: ir.Value, beta: Scalar, threshold: Scalar) -> Lowered:
    """From the threshold on the result is the operand, from which it then differs by little."""
    if isinstance(beta, ir.Value) or isinstance(threshold, ir.Value) or x.dtype != DOUBLE:
        return None
    graph = call.graph
    scaled = _scaled(graph, x, beta)
    is_linear = graph.op("Greater", scaled, graph.constant(threshold, DOUBLE), dtype=BOOL)
    return graph.op("Where", is_linear, x, _scaled(graph, special.softplus(graph, scaled), 1 / beta), dtype=DOUBLE)


@lowers("mish.default")
def mish(call: Call, x: ir.Value) -> Lowered:
    if x.dtype != DOUBLE:
        return None
    return call.graph.op("Mul", x, call.graph.op("Tanh", special.softplus(call.graph, x)))
