"""Reductions, softmax and sorting."""

import math
from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

import onnx_ir as ir

from dycl.backends.onnxruntime.graph import BOOL, INT64, known_shape, rank
from dycl.backends.onnxruntime.lowerings.elementwise import is_float
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers

Dims: TypeAlias = int | Sequence[int] | None


def reduce(call: Call, op_type: str, x: ir.Value, dims: Dims, keepdim: bool) -> ir.Value:
    """Reduce over `dims`, all of them where None or empty."""
    graph, keep = call.graph, int(keepdim)
    if rank(x) == 0 or dims is None or dims == []:
        return graph.op(op_type, x if keepdim else graph.sources.get(x, x), keepdims=keep)
    return graph.op(op_type, x, graph.constant(reduced_axes(x, dims)), keepdims=keep)


def reduced_axes(x: ir.Value, dims: Dims) -> list[int]:
    """Return the axes that a reduction over `dims` is over."""
    if rank(x) == 0:
        return []
    axes = [dims] if isinstance(dims, int) else list(dims or range(rank(x)))
    return sorted(axis % rank(x) for axis in axes)


def _reduction(
    op_type: str, call: Call, x: ir.Value, dims: Dims = None, keepdim: bool = False, dtype: object = None
) -> Lowered:
    return reduce(call, op_type, call.graph.cast(x, call.dtype), dims, keepdim)


lowers("logsumexp.default")(partial(_reduction, "ReduceLogSumExp"))


def _extreme(call: Call, kind: str, x: ir.Value, dims: Dims, keepdim: bool) -> ir.Value:
    """Reduce by Max or Min, which are of at least one element: where there may be none, a first one is asked for."""
    graph, first = call.graph, x
    found = reduce(call, f"Reduce{kind}", x, dims, keepdim)
    assert x.shape is not None
    shape = list(x.shape)
    for axis in reduced_axes(x, dims):
        if not isinstance(shape[axis], int):
            shape[axis] = 1
            first = graph.op("Gather", first, graph.constant([0]), axis=axis)
            first.shape = ir.Shape(shape)
    if first is x:
        return found
    return graph.op(kind, found, reduce(call, f"Reduce{kind}", first, dims, keepdim))


def _extreme_dims(kind: str, call: Call, x: ir.Value, dims: Dims = None, keepdim: bool = False) -> Lowered:
    return _extreme(call, kind, x, dims, keepdim)


lowers("amax.default", "max.default")(partial(_extreme_dims, "Max"))
lowers("amin.default", "min.default")(partial(_extreme_dims, "Min"))


def _truth(op_type: str, call: Call, x: ir.Value, dims: Dims = None, keepdim: bool = False) -> Lowered:
    """`any` is the largest of the truth values, `all` the smallest; of uint8 torch makes uint8 again."""
    graph, truths = call.graph, call.graph.cast(x, BOOL)
    sizes = known_shape(x)
    if sizes is not None and 0 not in sizes:
        return graph.cast(reduce(call, op_type, truths, dims, keepdim), call.dtype)
    # There is no largest or smallest of no values, but there are none that tell.
    telling = truths
    if op_type == "ReduceMin":
        telling = graph.op("Not", truths)
        telling.shape = x.shape
    count = reduce(call, "ReduceSum", graph.cast(telling, INT64), dims, keepdim)
    found = graph.op("Greater" if op_type == "ReduceMax" else "Equal", count, graph.constant(0), dtype=BOOL)
    return graph.cast(found, call.dtype)


lowers("any.default", "any.dim", "any.dims")(partial(_truth, "ReduceMax"))
lowers("all.default", "all.dim", "all.dims")(partial(_truth, "ReduceMin"))


def _extremum(op_type: str, call: Call, x: ir.Value, dim: int, keepdim: bool) -> Lowered:
    graph = call.graph
    if rank(x) == 0:
        return x, graph.constant(0)
    values = _extreme(call, op_type, x, dim, keepdim) if call.used[0] else None
    indices = None
    if call.used[1]:
        indices = graph.op(f"Arg{op_type}", x, dtype=INT64, axis=dim, keepdims=int(keepdim))
    return values, indices


lowers("max.dim")(partial(_extremum, "Max"))
lowers("min.dim")(partial(_extremum, "Min"))


def _arg_extremum(op_type: str, call: Call, x: ir.Value, dim: int | None, keepdim: bool) -> Lowered:
    graph = call.graph
    if rank(x) == 0:
        return graph.constant(0)
    if dim is not None:
        return graph.op(op_type, x, dtype=INT64, axis=dim, keepdims=int(keepdim))
    flat = x if rank(x) == 1 else graph.op("Reshape", x, graph.constant([-1]))
    index = graph.op(op_type, flat, dtype=INT64, axis=0, keepdims=0)
    return graph.reshape(index, call.shape) if keepdim else index


lowers("argmax.default")(partial(_arg_extremum, "ArgMax"))
lowers("argmin.default")(partial(_arg_extremum, "ArgMin"))


def _spread(
    call: Call, x: ir.Value, dims: Dims, correction: int | float | ir.Value | None, keepdim: bool, root: bool
) -> Lowered:
    """Variance, or its root: the sum of the squared centred values, by n - correction, which is 0 where it is less."""
    if isinstance(correction, ir.Value):
        return None
    graph, sizes = call.graph, known_shape(x)
    taken = 1 if correction is None else correction
    axes = [dims] if isinstance(dims, int) else list(dims or range(rank(x)))
    shape = sizes if sizes is not None else [None] * rank(x)
    centred = graph.op("Sub", x, reduce(call, "ReduceMean", x, dims, True), shape=shape)
    squares = reduce(call, "ReduceSumSquare", centred, dims, keepdim)
    if sizes is not None:
        free = math.prod(sizes[axis] for axis in axes) - taken if sizes else 1 - taken
        if free > 0:
            variance = graph.op("Mul", squares, graph.constant(1 / free, call.dtype))
        else:
            variance = graph.op("Div", squares, graph.constant(0, call.dtype))
    else:
        counted = graph.op("Gather", graph.op("Shape", x, dtype=INT64), graph.constant([a % rank(x) for a in axes]))
        count = graph.cast(graph.op("ReduceProd", counted, keepdims=0), call.dtype)
        free = graph.op("Sub", count, graph.constant(taken, call.dtype))
        variance = graph.op("Div", squares, graph.op("Max", free, graph.constant(0, call.dtype)))
    return graph.op("Sqrt", variance) if root else variance


def _spread_correction(
    root: bool, call: Call, x: ir.Value, dims: Dims, correction: int | float | None, keepdim: bool
) -> Lowered:
    return _spread(call, x, dims, correction, keepdim, root)


def _spread_unbiased(
    root: bool, call: Call, x: ir.Value, dims: Dims = None, unbiased: bool = True, keepdim: bool = False
) -> Lowered:
    return _spread(call, x, dims, int(unbiased), keepdim, root)


def _spread_of_all(root: bool, call: Call, x: ir.Value, unbiased: bool) -> Lowered:
    return _spread(call, x, None, int(unbiased), False, root)


for _name, _root in (("var", False), ("std", True)):
    lowers(f"{_name}.correction")(partial(_spread_correction, _root))
    lowers(f"{_name}.dim")(partial(_spread_unbiased, _root))
    lowers(f"{_name}.default")(partial(_spread_of_all, _root))


def _spread_and_mean(
    root: bool, call: Call, x: ir.Value, dims: Dims, correction: int | float | None, keepdim: bool
) -> Lowered:
    spread = _spread(call, x, dims, correction, keepdim, root)
    return (spread, reduce(call, "ReduceMean", x, dims, keepdim)) if isinstance(spread, ir.Value) else None


lowers("var_mean.correction")(partial(_spread_and_mean, False))
lowers("std_mean.correction")(partial(_spread_and_mean, True))


@lowers("norm.ScalarOpt_dim")
def norm_dim(call: Call, x: ir.Value, p: float | None, dims: Dims, keepdim: bool) -> Lowered:
    return vector_norm(call, x, 2 if p is None else p, dims, keepdim, None)


@lowers("norm.Scalar")
def norm(call: Call, x: ir.Value, p: float) -> Lowered:
    return vector_norm(call, x, p, None, False, None)


@lowers("linalg_vector_norm.default")
def vector_norm(call: Call, x: ir.Value, order: float, dims: Dims, keepdim: bool, dtype: object) -> Lowered:
    x = call.graph.cast(x, call.dtype)
    if order in (1, 2):
        return reduce(call, f"ReduceL{int(order)}", x, dims, keepdim)
    if order in (float("inf"), float("-inf")):
        magnitude = call.graph.op("Abs", x)
        magnitude.shape = x.shape
        return reduce(call, "ReduceMax" if order > 0 else "ReduceMin", magnitude, dims, keepdim)
    return None


def _softmax(op_type: str, call: Call, x: ir.Value, dim: int, _: object) -> Lowered:
    if rank(x) == 0:
        return None
    graph = call.graph
    x = graph.cast(x, call.dtype)
    source, axis = graph.axis_in_source(x, dim)
    if source is x or axis != rank(source) - 1:  # ONNX Runtime transposes for another axis than the last.
        return graph.op(op_type, x, axis=dim)
    return graph.reshape(graph.op(op_type, source, axis=axis, shape=known_shape(source)), call.shape)


lowers("softmax.int", "_softmax.default")(partial(_softmax, "Softmax"))
lowers("log_softmax.int", "_log_softmax.default")(partial(_softmax, "LogSoftmax"))


_SORTED = (ir.DataType.FLOAT, ir.DataType.DOUBLE, ir.DataType.INT32, INT64)
"""What ONNX Runtime's TopK takes."""


@lowers("topk.default")
def topk(call: Call, x: ir.Value, k: int | ir.Value, dim: int, largest: bool, sorted: bool) -> Lowered:
    if rank(x) == 0:
        return None
    graph = call.graph
    return graph.ops("TopK", [x.dtype, INT64], x, graph.sizes([k]), axis=dim, largest=int(largest), sorted=int(sorted))


@lowers("sort.default")
def sort(call: Call, x: ir.Value, dim: int, descending: bool) -> Lowered:
    """ONNX Runtime's TopK puts the lower index first among equals, so that the sort is stable."""
    if rank(x) == 0 or x.dtype is None:
        return None
    graph, dtype = call.graph, x.dtype
    kind = dtype if dtype in _SORTED else ir.DataType.FLOAT if is_float(dtype) else INT64
    found = topk(call, graph.cast(x, kind), graph.size(x, dim), dim, descending, True)
    if not isinstance(found, Sequence) or found[0] is None:
        return None
    return [graph.cast(found[0], dtype), found[1]]


@lowers("sort.stable")
def sort_stable(call: Call, x: ir.Value, stable: object, dim: int, descending: bool) -> Lowered:
    return sort(call, x, dim, descending)


@lowers("argsort.default")
def argsort(call: Call, x: ir.Value, dim: int, descending: bool) -> Lowered:
    found = sort(call, x, dim, descending)
    return found[1] if isinstance(found, Sequence) else None


@lowers("argsort.stable")
def argsort_stable(call: Call, x: ir.Value, stable: object, dim: int, descending: bool) -> Lowered:
    return argsort(call, x, dim, descending)


@lowers("msort.default")
def msort(call: Call, x: ir.Value) -> Lowered:
    found = sort(call, x, 0, False)
    return found[0] if isinstance(found, Sequence) else None
