"""Distances between the rows of two matrices."""

import math

import onnx_ir as ir

from dycl.backends.onnxruntime.graph import BOOL, known_shape
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers


@lowers("cdist.default", "_cdist_forward.default")
def cdist(call: Call, left: ir.Value, right: ir.Value, p: float, compute_mode: object) -> Lowered:
    """Return the p-norms of the differences of every row of `left` and every row of `right`."""
    graph = call.graph
    sizes = known_shape(left)
    if isinstance(p, ir.Value) or (sizes is not None and sizes[-1] == 0):
        return None
    difference = graph.op(
        "Sub", graph.op("Unsqueeze", left, graph.constant([-2])), graph.op("Unsqueeze", right, graph.constant([-3]))
    )
    axis = graph.constant([-1])
    if p in (1, 2):
        return graph.op(f"ReduceL{int(p)}", difference, axis, keepdims=0)
    magnitude = graph.op("Abs", difference)
    if math.isinf(p):
        return graph.op("ReduceMax", magnitude, axis, keepdims=0)
    if p == 0:
        is_other = graph.op("Not", graph.op("Equal", difference, graph.constant(0, call.dtype), dtype=BOOL))
        return graph.op("ReduceSum", graph.cast(is_other, call.dtype), axis, keepdims=0)
    total = graph.op("ReduceSum", graph.op("Pow", magnitude, graph.constant(p, call.dtype)), axis, keepdims=0)
    return graph.op("Pow", total, graph.constant(1 / p, call.dtype))


@lowers("_euclidean_dist.default")
def euclidean(call: Call, left: ir.Value, right: ir.Value) -> Lowered:
    return cdist(call, left, right, 2.0, None)
