"""Ops that move elements or only re-view them. A re-view to known sizes is one Reshape, whatever torch calls it."""

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from dycl.backends.onnxruntime.graph import BOOL, INT64, Graph, Scalar, Size, known_shape, rank
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers
from dycl.backends.protocol import CannotCompile

_END = 2**63 - 1


@lowers(
    "alias.default",
    "clone.default",
    "contiguous.default",
    "detach.default",
    "lift_fresh.default",
    "lift_fresh_copy.default",
    "positive.default",
    "resolve_conj.default",
    "resolve_neg.default",
)
def identity(call: Call, x: ir.Value, *_: object) -> Lowered:
    return x


@lowers("dropout.default", "feature_dropout.default", "alpha_dropout.default", "feature_alpha_dropout.default")
def dropout(call: Call, x: ir.Value, p: float, train: bool) -> Lowered:
    if train and p:
        raise CannotCompile(["it draws random numbers"])
    return x


@lowers(
    "view.default",
    "reshape.default",
    "_unsafe_view.default",
    "_reshape_copy.default",
    "view_copy.default",
)
def view(call: Call, x: ir.Value, sizes: Sequence[Size]) -> Lowered:
    found = call.graph.reshape(x, call.shape)
    if found is None:
        found = call.graph.op("Reshape", x, call.graph.sizes(sizes), allowzero=int(0 in sizes))
    return found


@lowers("view_as.default", "reshape_as.default", "flatten.using_ints", "unflatten.int", "squeeze.default")
def re_view(call: Call, x: ir.Value, *_: object) -> Lowered:
    return call.graph.reshape(x, call.shape)


@lowers("squeeze.dim", "squeeze.dims")
def squeeze(call: Call, x: ir.Value, dims: int | Sequence[int]) -> Lowered:
    found = call.graph.reshape(x, call.shape)
    if found is None:
        assert x.shape is not None
        axes = [dim % rank(x) for dim in ([dims] if isinstance(dims, int) else dims)]
        return call.graph.op("Squeeze", x, call.graph.constant([axis for axis in axes if x.shape[axis] == 1]))
    return found


@lowers("unsqueeze.default")
def unsqueeze(call: Call, x: ir.Value, dim: int) -> Lowered:
    found = call.graph.reshape(x, call.shape)
    return call.graph.op("Unsqueeze", x, call.graph.constant([dim])) if found is None else found


def transposed(graph: Graph, x: ir.Value, order: Sequence[int]) -> ir.Value:
    """Permute the axes of `x`: a Reshape where only axes of size one move."""
    order = [axis % len(order) for axis in order]
    if order == sorted(order):
        return x
    sizes = known_shape(x)
    shape = None if sizes is None else [sizes[axis] for axis in order]
    if sizes is not None and shape is not None:
        moving = [axis for axis in order if sizes[axis] != 1]
        if moving == sorted(moving) and (found := graph.reshape(x, shape)) is not None:
            return found
    return graph.op("Transpose", x, perm=order, shape=shape)


@lowers("permute.default")
def permute(call: Call, x: ir.Value, dims: Sequence[int]) -> Lowered:
    return transposed(call.graph, x, dims)


@lowers("transpose.int", "swapaxes.default", "swapdims.default")
def transpose(call: Call, x: ir.Value, first: int, second: int) -> Lowered:
    order = list(range(rank(x)))
    if order:
        order[first], order[second] = order[second], order[first]
    return transposed(call.graph, x, order)


@lowers("t.default", "numpy_T.default", "mT.default")
def t(call: Call, x: ir.Value) -> Lowered:
    return transpose(call, x, -2, -1) if rank(x) == 2 or call.overload == "mT.default" else x if rank(x) < 2 else None


@lowers("movedim.int")
def movedim(call: Call, x: ir.Value, source: int, destination: int) -> Lowered:
    order = list(range(rank(x)))
    order.insert(destination % rank(x), order.pop(source))
    return transposed(call.graph, x, order)


@lowers("expand.default")
def expand(call: Call, x: ir.Value, sizes: Sequence[Size], implicit: bool) -> Lowered:
    if call.sizes is not None and known_shape(x) == call.sizes:
        return x
    # -1 keeps a size: ONNX's two-way broadcast does it with 1.
    target = list(call.sizes) if call.sizes is not None else [1 if size == -1 else size for size in sizes]
    return call.graph.op("Expand", x, call.graph.sizes(target))


@lowers("expand_as.default")
def expand_as(call: Call, x: ir.Value, other: ir.Value) -> Lowered:
    return None if call.sizes is None else expand(call, x, call.sizes, False)


@lowers("select.int")
def select(call: Call, x: ir.Value, dim: int, index: Size) -> Lowered:
    sizes = known_shape(x)
    if sizes is not None and sizes[dim] == 1 and not isinstance(index, ir.Value):
        return call.graph.reshape(x, call.shape)
    source, axis = call.graph.axis_in_source(x, dim)
    shape = known_shape(source)
    kept = None if shape is None else [*shape[:axis], *shape[axis:][1:]]
    element = call.graph.op("Gather", source, call.graph.scalar(index, INT64), axis=axis, shape=kept)
    return element if source is x else call.graph.reshape(element, call.shape)


@lowers("slice.Tensor")
def slice_tensor(call: Call, x: ir.Value, dim: int, start: Size | None, end: Size | None, step: Size) -> Lowered:
    if call.sizes is not None and known_shape(x) == call.sizes and step == 1:
        return x
    return _sliced(call.graph, x, dim, 0 if start is None else start, _END if end is None else end, step)


def _sliced(graph: Graph, x: ir.Value, dim: int, start: Size, end: Size, step: Size = 1) -> ir.Value:
    return graph.op("Slice", x, *(graph.sizes([size]) for size in (start, end, dim, step)))


@lowers("narrow.default")
def narrow(call: Call, x: ir.Value, dim: int, start: Size, length: Size) -> Lowered:
    graph = call.graph
    sizes = known_shape(x)
    if isinstance(start, int) and isinstance(length, int) and (start >= 0 or sizes is not None):
        first = start if sizes is None or start >= 0 else start + sizes[dim]
        return slice_tensor(call, x, dim, first, first + length, 1)
    size = graph.size(x, dim)
    begin = graph.scalar(start, INT64)
    negative = graph.op("Less", begin, graph.constant(0), dtype=BOOL)
    # An end of 0 that is counted from the front would be an empty part.
    begin = graph.op("Where", negative, graph.op("Add", begin, size), begin, dtype=INT64)
    return _sliced(graph, x, dim, begin, graph.op("Add", begin, graph.scalar(length, INT64)))


@lowers("flip.default")
def flip(call: Call, x: ir.Value, dims: Sequence[int]) -> Lowered:
    graph, n = call.graph, len(dims)
    return graph.op("Slice", x, *[graph.constant(part) for part in ([-1] * n, [-_END] * n, list(dims), [-1] * n)])


@lowers("cat.default", "concat.default", "concatenate.default")
def cat(call: Call, tensors: Sequence[ir.Value], dim: int) -> Lowered:
    """torch lets an empty 1-D tensor be joined to anything."""
    graph = call.graph
    axes = len(call.shape)
    parts = [graph.cast(t, call.dtype) for t in tensors if not (known_shape(t) == (0,) and axes != 1)]
    return parts[0] if len(parts) == 1 else graph.op("Concat", *parts, axis=dim)


@lowers("stack.default")
def stack(call: Call, tensors: Sequence[ir.Value], dim: int) -> Lowered:
    graph = call.graph
    axis = dim % len(call.shape)
    parts: list[ir.Value] = []
    for tensor in tensors:
        part = graph.cast(tensor, call.dtype)
        shape = [*call.shape[:axis], 1, *call.shape[axis + 1 :]]
        parts.append(graph.reshape(part, shape) or graph.op("Unsqueeze", part, graph.constant([axis])))
    return parts[0] if len(parts) == 1 else graph.op("Concat", *parts, axis=axis)


@lowers(
    "split.Tensor",
    "split_with_sizes.default",
    "split.sizes",
    "chunk.default",
    "tensor_split.sections",
    "unsafe_split.Tensor",
    "unsafe_split_with_sizes.default",
    "unsafe_chunk.default",
)
def split(call: Call, x: ir.Value, asked: Size | Sequence[Size], dim: int) -> Lowered:
    """Whatever asked for the parts, their sizes are those of the results."""
    if len(call.results) == 1:
        return [x]
    sizes = [result.shape[dim] for result in call.results]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return _split_at_run_time(call, x, asked, dim)
    return call.graph.ops("Split", [x.dtype] * len(sizes), x, call.graph.constant(known), axis=dim)


def _split_at_run_time(call: Call, x: ir.Value, asked: Size | Sequence[Size], dim: int) -> Lowered:
    graph, count = call.graph, len(call.results)
    if not isinstance(asked, int | ir.Value):
        return graph.ops("Split", [x.dtype] * count, x, graph.sizes(asked), axis=dim)
    if "split.Tensor" not in call.overload:
        if call.overload.startswith("tensor_split") or isinstance(asked, ir.Value):
            return None
        # As many parts as asked for, but for the last ones, of the same size.
        size = graph.op("Add", graph.size(x, dim), graph.constant(asked - 1))
        asked = graph.op("Div", size, graph.constant(asked))
    step = graph.scalar(asked, INT64)
    starts = [graph.op("Mul", step, graph.constant(index)) for index in range(count)]
    return [_sliced(graph, x, dim, start, end) for start, end in zip(starts, [*starts[1:], _END], strict=True)]


@lowers("unbind.int")
def unbind(call: Call, x: ir.Value, dim: int) -> Lowered:
    return [
        call.graph.op("Gather", x, call.graph.constant(index), axis=dim) if used else None
        for index, used in enumerate(call.used)
    ]


@lowers("index_select.default")
def index_select(call: Call, x: ir.Value, dim: int, index: ir.Value) -> Lowered:
    if rank(x) == 0:
        return x
    if rank(index) == 0:
        index = call.graph.op("Reshape", index, call.graph.constant([1]))
    return call.graph.op("Gather", x, index, axis=dim)


@lowers("index_add.default")
def index_add(call: Call, x: ir.Value, dim: int, index: ir.Value, source: ir.Value, alpha: Scalar) -> Lowered:
    graph = call.graph
    if rank(x) == 0 or rank(index) != 1 or (call.dtype == BOOL and alpha != 1):
        return None
    if alpha != 1:
        source = graph.op("Mul", source, graph.scalar(alpha, call.dtype))
    axis = dim % rank(x)
    shape = [-1 if place == axis else 1 for place in range(rank(x))]
    size = graph.op("Shape", source, dtype=INT64)
    spread = graph.op("Expand", graph.op("Reshape", index, graph.constant(shape)), size)
    return graph.op("ScatterElements", x, spread, source, axis=axis, reduction="add")


@lowers("embedding.default")
def embedding(call: Call, weight: ir.Value, indices: ir.Value, *_: object) -> Lowered:
    return call.graph.op("Gather", weight, indices, axis=0)


@lowers("gather.default")
def gather(call: Call, x: ir.Value, dim: int, index: ir.Value, sparse_grad: bool) -> Lowered:
    return None if rank(x) == 0 or rank(index) == 0 else call.graph.op("GatherElements", x, index, axis=dim)


@lowers("repeat.default")
def repeat(call: Call, x: ir.Value, repeats: Sequence[Size]) -> Lowered:
    graph = call.graph
    extra = len(repeats) - rank(x)
    if extra:
        sizes = known_shape(x)
        if sizes is None:
            return None
        x = graph.reshape(x, [*[1] * extra, *sizes]) or x
    return graph.op("Tile", x, graph.sizes(repeats))


@lowers("diagonal_scatter.default")
def diagonal_scatter(call: Call, x: ir.Value, source: ir.Value, offset: int, first: int, second: int) -> Lowered:
    sizes, graph = known_shape(x), call.graph
    if sizes is None or known_shape(source) is None:
        return None
    places = np.diagonal(np.arange(math.prod(sizes)).reshape(sizes), offset, first, second)
    content, written = (graph.op("Reshape", value, graph.constant([-1])) for value in (x, source))
    flat = graph.op("ScatterElements", content, graph.constant(places.ravel()), written, axis=0)
    return graph.op("Reshape", flat, graph.constant(sizes))
