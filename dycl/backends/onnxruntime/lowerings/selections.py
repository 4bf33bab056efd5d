"""Ops whose results are as long as the content of their operands says, and those that compare with every number."""

import numpy as np
import onnx_ir as ir

from dycl.backends.onnxruntime.graph import BOOL, INT64, Graph, Size, known_shape, rank
from dycl.backends.onnxruntime.lowerings.creation import counted
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers


@lowers("masked_select.default")
def masked_select(call: Call, x: ir.Value, mask: ir.Value) -> Lowered:
    graph = call.graph
    if known_shape(x) is None or known_shape(x) != known_shape(mask):
        x = graph.op("Expand", x, graph.op("Shape", mask, dtype=INT64))
        mask = graph.op("Expand", mask, graph.op("Shape", x, dtype=INT64))
    return graph.op("Compress", x, graph.op("Reshape", mask, graph.constant([-1])))


def _flat(graph: Graph, x: ir.Value) -> ir.Value:
    return graph.op("Reshape", x, graph.constant([-1]), shape=[None])


def _sources(graph: Graph, repeats: ir.Value) -> ir.Value:
    """Return, by position of a result, which element stands there: as many have ended before it."""
    ends = graph.op("CumSum", graph.cast(repeats, INT64), graph.constant(0))
    total = graph.op("ReduceSum", graph.cast(repeats, INT64), keepdims=0, shape=[])
    positions = graph.op("Unsqueeze", counted(graph, total), graph.constant([1]))
    ended = graph.cast(graph.op("GreaterOrEqual", positions, ends, dtype=BOOL), INT64)
    return graph.op("ReduceSum", ended, graph.constant([1]), keepdims=0)


@lowers("repeat_interleave.Tensor")
def repeat_interleave(call: Call, repeats: ir.Value, output_size: object) -> Lowered:
    return _sources(call.graph, repeats)


@lowers("repeat_interleave.self_Tensor")
def repeat_interleave_by(call: Call, x: ir.Value, repeats: ir.Value, dim: int | None, output_size: object) -> Lowered:
    graph = call.graph
    if dim is None or rank(x) == 0:
        x, dim = _flat(graph, x), 0
    size = graph.sizes([graph.size(x, dim)])
    return graph.op("Gather", x, _sources(graph, graph.op("Expand", repeats, size)), axis=dim)


@lowers("repeat_interleave.self_int")
def repeat_interleave_equally(call: Call, x: ir.Value, repeats: Size, dim: int | None, output_size: object) -> Lowered:
    graph = call.graph
    if dim is None or rank(x) == 0:
        x, dim = _flat(graph, x), 0
    times = graph.scalar(repeats, INT64)
    positions = counted(graph, graph.op("Mul", graph.size(x, dim), times))
    return graph.op("Gather", x, graph.op("Div", positions, times), axis=dim)


@lowers("one_hot.default")
def one_hot(call: Call, x: ir.Value, classes: int) -> Lowered:
    if classes < 0:
        return None
    graph = call.graph
    # A class that is none is an error to torch, and so is a place outside of a tensor to Gather.
    found = graph.op("Gather", counted(graph, classes), x, axis=0)
    same = graph.op("Equal", graph.op("Unsqueeze", found, graph.constant([-1])), counted(graph, classes), dtype=BOOL)
    return graph.cast(same, call.dtype)


@lowers("_unique2.default")
def unique(call: Call, x: ir.Value, is_sorted: object, return_inverse: bool, return_counts: bool) -> Lowered:
    """torch sorts in any case; a result that was not asked for is empty."""
    graph = call.graph
    if x.dtype is None or x.dtype.is_floating_point():
        return None
    found = graph.ops("Unique", [INT64] * 4, graph.cast(_flat(graph, x), INT64), sorted=1)
    inverse = graph.op("Reshape", found[2], graph.op("Shape", x, dtype=INT64)) if return_inverse else None
    nothing = graph.constant(np.zeros(0))
    return graph.cast(found[0], call.dtype), inverse or nothing, found[3] if return_counts else nothing
