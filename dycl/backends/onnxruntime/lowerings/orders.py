"""Elements by rank, and the places of values in sorted sequences.

A NaN is greater than every number, and the median of what has one is NaN. Of equal elements torch may give another's
index.
"""

import onnx_ir as ir

from dycl.backends.onnxruntime.graph import BOOL, INT64, Graph, Number, Size, rank
from dycl.backends.onnxruntime.lowerings.comparisons import compare, compared_dtype, promote_tensors
from dycl.backends.onnxruntime.lowerings.elementwise import is_float
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers


def _smallest(
    graph: Graph, x: ir.Value, k: Size, dim: int, keepdim: bool
) -> tuple[ir.Value, ir.Value, ir.Value | None]:
    """Return the k-th smallest numbers along an axis, their indices, and which elements are NaN."""
    assert x.dtype is not None
    is_nan = graph.op("IsNaN", x, dtype=BOOL) if is_float(x.dtype) else None
    numbers = x
    if is_nan is not None:
        numbers = graph.op("Where", is_nan, graph.constant(float("inf"), x.dtype), x, dtype=x.dtype)
    sizes = graph.sizes([k])
    found = graph.ops("TopK", [x.dtype, INT64], numbers, sizes, axis=dim, largest=0, sorted=1)
    last = graph.constant([-1] if keepdim else -1)
    values, indices = (graph.op("Gather", part, last, axis=dim) for part in found)
    return values, indices, is_nan


def _nan_where(graph: Graph, is_nan: ir.Value, values: ir.Value) -> ir.Value:
    assert values.dtype is not None
    return graph.op("Where", is_nan, graph.constant(float("nan"), values.dtype), values, dtype=values.dtype)


@lowers("kthvalue.default")
def kthvalue(call: Call, x: ir.Value, k: Size, dim: int, keepdim: bool) -> Lowered:
    graph = call.graph
    if rank(x) == 0:
        return x, graph.constant(0)
    values, indices, is_nan = _smallest(graph, x, k, dim, keepdim)
    if is_nan is None:
        return values, indices
    numbers = graph.cast(graph.op("Not", is_nan), INT64)
    count = graph.op("ReduceSum", numbers, graph.constant([dim]), keepdims=int(keepdim))
    is_beyond = graph.op("Less", count, graph.scalar(k, INT64), dtype=BOOL)
    return _nan_where(graph, is_beyond, values), indices


@lowers("median.dim")
def median_dim(call: Call, x: ir.Value, dim: int, keepdim: bool) -> Lowered:
    """Of an even number of elements it is the lower of the two in the middle."""
    graph = call.graph
    if rank(x) == 0:
        return x, graph.constant(0)
    size = x.shape[dim] if x.shape is not None else None
    if isinstance(size, int):
        k: Size = (size + 1) // 2
        if k == 0:
            return None
    else:
        k = graph.op("Div", graph.op("Add", graph.size(x, dim), graph.constant(1)), graph.constant(2))
    values, indices, is_nan = _smallest(graph, x, k, dim, keepdim)
    if is_nan is None:
        return values, indices
    marked = graph.cast(is_nan, ir.DataType.UINT8)
    any_nan = graph.cast(graph.op("ReduceMax", marked, graph.constant([dim]), keepdims=int(keepdim)), BOOL)
    first = graph.op("ArgMax", marked, dtype=INT64, axis=dim, keepdims=int(keepdim))
    return _nan_where(graph, any_nan, values), graph.op("Where", any_nan, first, indices, dtype=INT64)


@lowers("median.default")
def median(call: Call, x: ir.Value) -> Lowered:
    flat = x if rank(x) == 1 else call.graph.op("Reshape", x, call.graph.constant([-1]), shape=[None])
    found = median_dim(call, flat, 0, False) if rank(x) else (x,)
    return found[0] if isinstance(found, tuple) else None


def _places(call: Call, ordered: ir.Value, x: ir.Value | Number, after_equals: bool) -> Lowered:
    """Return how many elements of a sorted sequence are less than each value, or not greater; all, for a NaN."""
    graph = call.graph
    assert ordered.dtype is not None
    if isinstance(x, ir.Value):
        dtype = promote_tensors(ordered, x)
        value = graph.cast(x, dtype)
    else:
        dtype = compared_dtype(ordered.dtype, x)
        value = graph.constant(x, dtype)
    row = graph.cast(ordered, dtype)
    if rank(row) > 1:
        row = graph.op("Unsqueeze", row, graph.constant([-2]))
    stops = compare(graph, "gt" if after_equals else "ge", row, graph.op("Unsqueeze", value, graph.constant([-1])))
    passed = graph.cast(graph.op("Not", stops), INT64)
    return graph.cast(graph.op("ReduceSum", passed, graph.constant([-1]), keepdims=0), call.dtype)


@lowers("searchsorted.Tensor", "searchsorted.Scalar")
def searchsorted(
    call: Call,
    ordered: ir.Value,
    x: ir.Value | Number,
    out_int32: bool,
    right: bool,
    side: str | None,
    sorter: ir.Value | None,
) -> Lowered:
    if sorter is not None:
        shape = ordered.shape
        ordered = call.graph.op("GatherElements", ordered, sorter, axis=-1)
        ordered.shape = shape
    return _places(call, ordered, x, right or side == "right")


@lowers("bucketize.Tensor", "bucketize.Scalar")
def bucketize(call: Call, x: ir.Value | Number, boundaries: ir.Value, out_int32: bool, right: bool) -> Lowered:
    return _places(call, boundaries, x, right)
