"""Sums, products and means.

ONNX Runtime reduces integers by way of f64, which neither holds all of them nor wraps: a sum of them is a product with
ones, and a product is halved until it is one element.
"""

from collections.abc import Callable, Sequence

import numpy as np
import onnx_ir as ir

from dycl.backends.onnxruntime.graph import Graph, Size, known_shape, rank
from dycl.backends.onnxruntime.lowerings.elementwise import is_float
from dycl.backends.onnxruntime.lowerings.reductions import Dims, reduce, reduced_axes
from dycl.backends.onnxruntime.lowerings.shapes import transposed
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers

_END = 2**63 - 1


def _is_small(x: ir.Value) -> bool:
    """Whether f64 holds every sum of as many elements as memory does: those cast from no more than 16 bits."""
    node = x.producer()
    source = x if node is None or node.op_type != "Cast" else node.inputs[0]
    return source is not None and source.dtype is not None and source.dtype.itemsize <= 2


@lowers("sum.dim_IntList")
def sum_dim(call: Call, x: ir.Value, dims: Dims = None, keepdim: bool = False, dtype: object = None) -> Lowered:
    x = call.graph.cast(x, call.dtype)
    if is_float(call.dtype) or (_is_small(x) and call.dtype.itemsize == 8):
        return reduce(call, "ReduceSum", x, dims, keepdim)
    return _reduced_by_axis(call, x, dims, keepdim, _summed)


@lowers("sum.default")
def sum_all(call: Call, x: ir.Value, dtype: object) -> Lowered:
    return sum_dim(call, x)


@lowers("prod.dim_int", "prims.prod.default")
def prod_dim(call: Call, x: ir.Value, dims: Dims = None, keepdim: bool = False, dtype: object = None) -> Lowered:
    x = call.graph.cast(x, call.dtype)
    if is_float(call.dtype) or known_shape(x) is None:
        return reduce(call, "ReduceProd", x, dims, keepdim)
    return _reduced_by_axis(call, x, dims, keepdim, _multiplied)


@lowers("prod.default")
def prod_all(call: Call, x: ir.Value, dtype: object) -> Lowered:
    return prod_dim(call, x)


def _reduced_by_axis(
    call: Call, x: ir.Value, dims: Dims, keepdim: bool, reduce_last: Callable[[Graph, ir.Value], ir.Value]
) -> Lowered:
    graph, axes = call.graph, reduced_axes(x, dims)
    count = rank(x)
    if count == 0:
        return x
    if len(axes) == count > 1:
        sizes = known_shape(x)
        flat = None if sizes is None else 1
        for size in sizes or ():
            flat = None if flat is None else flat * size
        x = graph.op("Reshape", x, graph.constant([-1 if flat is None else flat]), shape=[flat])
        return _kept(graph, reduce_last(graph, x), range(count), keepdim)
    for axis in sorted(axes, reverse=True):
        left = [place for place in range(rank(x)) if place != axis]
        shape = [x.shape[place] if x.shape is not None else None for place in left]
        moved = transposed(graph, x, [*left, axis])
        if moved.shape is None and x.shape is not None:
            moved.shape = ir.Shape([*shape, x.shape[axis]])
        x = reduce_last(graph, moved)
        x.shape = ir.Shape(shape)
    return _kept(graph, x, axes, keepdim)


def _kept(graph: Graph, x: ir.Value, axes: Sequence[int], keepdim: bool) -> ir.Value:
    return graph.op("Unsqueeze", x, graph.constant(sorted(axes))) if keepdim else x


def _summed(graph: Graph, x: ir.Value) -> ir.Value:
    """Sum over the last axis. ONNX Runtime's product over nothing has no elements: there a zero is added."""
    dtype, shape = x.dtype, x.shape
    assert dtype is not None and shape is not None
    size: Size | ir.SymbolicDim | None = shape[-1]
    if not isinstance(size, int) or size == 0:
        x = graph.op("Pad", x, graph.constant([0] * (2 * rank(x) - 1) + [1]))
        x.shape = ir.Shape([*shape[:-1], None])
        size = graph.size(x, len(shape) - 1)
    if len(shape) == 1:
        return graph.op("MatMul", x, graph.op("Expand", graph.constant([1], dtype), graph.sizes([size])))
    # It multiplies no rows by a matrix, but not by a vector.
    column = graph.op("MatMul", x, graph.op("Expand", graph.constant(np.ones((1, 1)), dtype), graph.sizes([size, 1])))
    return graph.op("Squeeze", column, graph.constant([-1]))


def _multiplied(graph: Graph, x: ir.Value) -> ir.Value:
    """Multiply over the last axis, whose size is known."""
    sizes = known_shape(x)
    assert x.dtype is not None and sizes is not None
    size, axes = sizes[-1], graph.constant([-1])
    if size == 0:
        return graph.constant(np.ones(sizes[:-1]), x.dtype)
    while size > 1:
        half, odd = divmod(size, 2)
        parts = [
            graph.op("Slice", x, graph.constant([start]), graph.constant([end]), axes)
            for start, end in ((0, half), (half, 2 * half), (2 * half, _END))
        ]
        x = graph.op("Mul", parts[0], parts[1])
        if odd:
            x = graph.op("Concat", x, parts[2], axis=-1)
        size = half + odd
    return graph.op("Squeeze", x, axes)


@lowers("mean.dim")
def mean_dim(call: Call, x: ir.Value, dims: Dims = None, keepdim: bool = False, dtype: object = None) -> Lowered:
    """The mean of nothing is NaN, which ONNX Runtime has as 0."""
    graph, x = call.graph, call.graph.cast(x, call.dtype)
    assert x.shape is not None
    sizes = [x.shape[axis] for axis in reduced_axes(x, dims)]
    if all(isinstance(size, int) and size > 0 for size in sizes):
        return reduce(call, "ReduceMean", x, dims, keepdim)
    total = reduce(call, "ReduceSum", x, dims, keepdim)
    count = graph.constant(1, call.dtype)
    for axis in reduced_axes(x, dims):
        count = graph.op("Mul", count, graph.cast(graph.size(x, axis), call.dtype))
    return graph.op("Div", total, count)


@lowers("mean.default")
def mean_all(call: Call, x: ir.Value, dtype: object) -> Lowered:
    return mean_dim(call, x)
