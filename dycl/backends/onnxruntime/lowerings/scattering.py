"""Ops that write elements to the places that a tensor of indices names."""

import onnx_ir as ir

from dycl.backends.onnxruntime.graph import INT64, Graph, known_shape, rank
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers

_REDUCTIONS = {"sum": "add", "prod": "mul", "amax": "max", "amin": "min"}


@lowers("scatter.src")
def scatter(call: Call, x: ir.Value, dim: int, index: ir.Value, source: ir.Value) -> Lowered:
    return _scattered(call.graph, x, dim, index, source, "none")


@lowers("scatter_add.default")
def scatter_add(call: Call, x: ir.Value, dim: int, index: ir.Value, source: ir.Value) -> Lowered:
    return _scattered(call.graph, x, dim, index, source, "add")


@lowers("scatter_reduce.two")
def scatter_reduce(
    call: Call, x: ir.Value, dim: int, index: ir.Value, source: ir.Value, reduce: str, include_self: bool
) -> Lowered:
    if reduce not in _REDUCTIONS or not include_self:
        return None
    return _scattered(call.graph, x, dim, index, source, _REDUCTIONS[reduce])


def _scattered(graph: Graph, x: ir.Value, dim: int, index: ir.Value, source: ir.Value, reduction: str) -> Lowered:
    """torch leaves out what the source has beyond the indices."""
    if rank(x) == 0 or rank(index) != rank(x) or rank(source) != rank(x):
        return None
    if known_shape(index) is None or known_shape(index) != known_shape(source):
        sizes = graph.op("Shape", index, dtype=INT64, shape=[rank(index)])
        source = graph.op("Slice", source, graph.constant([0] * rank(index)), sizes)
    return graph.op("ScatterElements", x, index, source, axis=dim, reduction=reduction)
