"""Matrix products, normalisations and attention."""

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from dycl.backends.onnxruntime.graph import BOOL, known_shape, rank
from dycl.backends.onnxruntime.lowerings.elementwise import is_float
from dycl.backends.onnxruntime.lowerings.shapes import transposed
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers
from dycl.backends.protocol import CannotCompile


@lowers("linear.default")
def linear(call: Call, x: ir.Value, weight: ir.Value, bias: ir.Value | None) -> Lowered:
    graph = call.graph
    is_gemm = rank(weight) == 2 and is_float(call.dtype)
    if rank(x) == 2 and is_gemm:
        return graph.op("Gemm", x, weight, bias, transB=1)
    sizes = known_shape(x)
    if sizes is not None and is_gemm and 0 not in sizes:
        rows = graph.reshape(x, [math.prod(sizes[:-1]), sizes[-1]])
        weights = known_shape(weight)
        if rows is not None and weights is not None:
            y = graph.op("Gemm", rows, weight, bias, transB=1, shape=[math.prod(sizes[:-1]), weights[0]])
            return graph.reshape(y, call.shape)
    product = graph.op("MatMul", x, transposed(graph, weight, [1, 0]) if rank(weight) == 2 else weight)
    return product if bias is None else graph.op("Add", product, bias)


@lowers("matmul.default", "mm.default", "bmm.default", "mv.default", "dot.default")
def matmul(call: Call, left: ir.Value, right: ir.Value) -> Lowered:
    return call.graph.op("MatMul", left, right)


@lowers("addmm.default")
def addmm(call: Call, x: ir.Value, left: ir.Value, right: ir.Value, beta: float, alpha: float) -> Lowered:
    if not is_float(call.dtype) or isinstance(beta, ir.Value) or isinstance(alpha, ir.Value):
        return baddbmm(call, x, left, right, beta, alpha)
    return call.graph.op("Gemm", left, right, x, alpha=float(alpha), beta=float(beta))


@lowers("baddbmm.default")
def baddbmm(call: Call, x: ir.Value, left: ir.Value, right: ir.Value, beta: float, alpha: float) -> Lowered:
    graph = call.graph
    product = graph.op("MatMul", left, right)
    if alpha != 1:
        product = graph.op("Mul", product, graph.scalar(alpha, call.dtype))
    if beta == 0:
        return product
    scaled = x if beta == 1 else graph.op("Mul", x, graph.scalar(beta, call.dtype))
    return graph.op("Add", product, scaled)


def _normalized(
    call: Call,
    x: ir.Value,
    weight: ir.Value | None,
    bias: ir.Value | None,
    mean: ir.Value | None,
    variance: ir.Value | None,
    epsilon: float,
) -> ir.Value | None:
    if mean is None or variance is None or mean.shape is None:
        return None
    graph = call.graph
    channels = known_shape(mean)
    if channels is None or mean.dtype is None:
        return None
    scale = graph.constant(np.ones(channels), mean.dtype) if weight is None else weight
    shift = graph.constant(np.zeros(channels), mean.dtype) if bias is None else bias
    return graph.op("BatchNormalization", x, scale, shift, mean, variance, epsilon=epsilon)


def _refuse_training(training: bool) -> None:
    if training:
        raise CannotCompile(["it is in training mode"])


@lowers("batch_norm.default")
def batch_norm(
    call: Call,
    x: ir.Value,
    weight: ir.Value | None,
    bias: ir.Value | None,
    mean: ir.Value | None,
    variance: ir.Value | None,
    training: bool,
    momentum: float,
    epsilon: float,
    cudnn: bool,
) -> Lowered:
    _refuse_training(training)
    return _normalized(call, x, weight, bias, mean, variance, epsilon)


@lowers("native_batch_norm.default")
def native_batch_norm(
    call: Call,
    x: ir.Value,
    weight: ir.Value | None,
    bias: ir.Value | None,
    mean: ir.Value | None,
    variance: ir.Value | None,
    training: bool,
    momentum: float,
    epsilon: float,
) -> Lowered:
    _refuse_training(training)
    y = _normalized(call, x, weight, bias, mean, variance, epsilon)
    # torch saves no statistics where it does not train.
    empty = call.graph.constant(np.zeros(0), call.dtype)
    return None if y is None else (y, empty, empty)


@lowers("_native_batch_norm_legit_no_training.default")
def batch_norm_inference(
    call: Call,
    x: ir.Value,
    weight: ir.Value | None,
    bias: ir.Value | None,
    mean: ir.Value,
    variance: ir.Value,
    momentum: float,
    epsilon: float,
) -> Lowered:
    return native_batch_norm(call, x, weight, bias, mean, variance, False, momentum, epsilon)


@lowers("layer_norm.default")
def layer_norm(
    call: Call,
    x: ir.Value,
    shape: Sequence[int],
    weight: ir.Value | None,
    bias: ir.Value | None,
    epsilon: float,
    *_: object,
) -> Lowered:
    if any(isinstance(size, ir.Value) for size in shape):
        return None
    scale = call.graph.constant(np.ones(shape), call.dtype) if weight is None else weight
    return call.graph.op("LayerNormalization", x, scale, bias, axis=-len(shape), epsilon=epsilon)


@lowers("native_layer_norm.default")
def native_layer_norm(
    call: Call, x: ir.Value, shape: Sequence[int], weight: ir.Value | None, bias: ir.Value | None, epsilon: float
) -> Lowered:
    y = None if any(call.used[1:]) else layer_norm(call, x, shape, weight, bias, epsilon)
    return (y, None, None) if isinstance(y, ir.Value) else None


@lowers("scaled_dot_product_attention.default")
def attention(
    call: Call,
    query: ir.Value,
    key: ir.Value,
    value: ir.Value,
    mask: ir.Value | None,
    dropout: float,
    causal: bool,
    scale: float | None,
    grouped: bool,
) -> Lowered:
    """ONNX Runtime makes one product of the transpose, the product and the scale."""
    sizes, lengths = known_shape(query), known_shape(key)
    if dropout:
        raise CannotCompile(["it draws random numbers"])
    if grouped or isinstance(scale, ir.Value) or sizes is None or call.dtype != query.dtype:
        return None
    graph, dtype, axes = call.graph, call.dtype, rank(key)
    swapped = transposed(graph, key, [*range(axes - 2), axes - 1, axes - 2])
    factor = sizes[-1] ** -0.5 if scale is None else scale
    scores = graph.op("Mul", graph.op("MatMul", query, swapped), graph.constant(factor, dtype))
    if causal:
        if lengths is None:
            return None
        visible = np.tril(np.ones((sizes[-2], lengths[-2]), bool))
        scores = graph.op("Add", scores, graph.constant(np.where(visible, 0, -np.inf), dtype))
    if mask is not None and mask.dtype == BOOL:
        hidden = graph.constant(-np.inf, dtype)
        scores = graph.op("Where", mask, scores, hidden, dtype=dtype)
    elif mask is not None:
        scores = graph.op("Add", scores, graph.cast(mask, dtype))
    weights = graph.op("Softmax", scores, axis=-1)
    if mask is not None and mask.dtype == BOOL:
        # Where a row is hidden altogether torch gives zeros.
        empty = graph.op("IsNaN", weights, dtype=BOOL)
        weights = graph.op("Where", empty, graph.constant(0, dtype), weights, dtype=dtype)
    return graph.op("MatMul", weights, value)
