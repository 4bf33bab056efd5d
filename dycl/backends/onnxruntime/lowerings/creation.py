"""Tensors made from nothing: constants, where sizes and contents are known."""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from dycl.backends.onnxruntime.graph import BOOL, INT64, Graph, Scalar, Size, element_count
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers

_INLINE_ELEMENTS = 4096
"""A larger constant is one element, expanded when the kernel runs."""


def filled(call: Call, sizes: Sequence[Size], value: Scalar) -> Lowered:
    """Return a tensor of the call's dtype that holds `value` everywhere."""
    graph = call.graph
    known = call.sizes
    if known is not None and not isinstance(value, ir.Value) and element_count(known) <= _INLINE_ELEMENTS:
        return graph.constant(np.full(known, value), call.dtype)
    target = graph.constant(list(known)) if known is not None else graph.sizes(sizes)
    return graph.op("Expand", graph.scalar(value, call.dtype), target)


@lowers("full.default")
def full(call: Call, sizes: Sequence[Size], value: Scalar, *_: object) -> Lowered:
    return filled(call, sizes, value)


@lowers("zeros.default", "empty.memory_format")
def zeros(call: Call, sizes: Sequence[Size], *_: object) -> Lowered:
    return filled(call, sizes, 0)


@lowers("ones.default")
def ones(call: Call, sizes: Sequence[Size], *_: object) -> Lowered:
    return filled(call, sizes, 1)


@lowers("new_full.default")
def new_full(call: Call, x: ir.Value, sizes: Sequence[Size], value: Scalar, *_: object) -> Lowered:
    return filled(call, sizes, value)


@lowers("new_zeros.default", "new_empty.default")
def new_zeros(call: Call, x: ir.Value, sizes: Sequence[Size], *_: object) -> Lowered:
    return filled(call, sizes, 0)


@lowers("new_ones.default")
def new_ones(call: Call, x: ir.Value, sizes: Sequence[Size], *_: object) -> Lowered:
    return filled(call, sizes, 1)


def like(call: Call, x: ir.Value, value: Scalar) -> Lowered:
    """Return a tensor of the call's dtype and the shape of `x` that holds `value` everywhere."""
    if call.sizes is not None:
        return filled(call, call.sizes, value)
    graph = call.graph
    shape = graph.op("Shape", x, dtype=INT64)
    return graph.op("Expand", graph.scalar(value, call.dtype), shape)


@lowers("full_like.default")
def fulllike(call: Call, x: ir.Value, value: Scalar, *_: object) -> Lowered:
    return like(call, x, value)


@lowers("zeros_like.default", "empty_like.default")
def zeroslike(call: Call, x: ir.Value, *_: object) -> Lowered:
    return like(call, x, 0)


@lowers("ones_like.default")
def oneslike(call: Call, x: ir.Value, *_: object) -> Lowered:
    return like(call, x, 1)


@lowers("fill.Scalar", "fill.Tensor")
def fill(call: Call, x: ir.Value, value: Scalar) -> Lowered:
    return like(call, x, value)


@lowers("scalar_tensor.default")
def scalar_tensor(call: Call, value: Scalar, *_: object) -> Lowered:
    return call.graph.scalar(value, call.dtype)


def _arange(call: Call, start: Scalar, end: Scalar, step: Scalar) -> Lowered:
    graph = call.graph
    if isinstance(start, ir.Value) or isinstance(end, ir.Value) or isinstance(step, ir.Value):
        return graph.op("Range", *[graph.scalar(bound, call.dtype) for bound in (start, end, step)])
    (count,) = call.sizes or (None,)
    return None if count is None else graph.constant(start + step * np.arange(count), call.dtype)


@lowers("arange.default")
def arange(call: Call, end: Scalar, *_: object) -> Lowered:
    return _arange(call, 0, end, 1)


@lowers("arange.start")
def arange_start(call: Call, start: Scalar, end: Scalar, *_: object) -> Lowered:
    return _arange(call, start, end, 1)


@lowers("arange.start_step")
def arange_step(call: Call, start: Scalar, end: Scalar, step: Scalar, *_: object) -> Lowered:
    return _arange(call, start, end, step)


@lowers("eye.default")
def eye(call: Call, size: Size, *_: object) -> Lowered:
    return eye_m(call, size, size)


@lowers("eye.m")
def eye_m(call: Call, rows: Size, columns: Size, *_: object) -> Lowered:
    graph = call.graph
    if not isinstance(rows, ir.Value) and not isinstance(columns, ir.Value) and rows * columns <= _INLINE_ELEMENTS:
        return graph.constant(np.eye(rows, columns), call.dtype)
    down, across = (
        graph.op("Unsqueeze", counted(graph, size), graph.constant([axis])) for axis, size in ((1, rows), (0, columns))
    )
    return graph.cast(graph.op("Equal", down, across, dtype=BOOL), call.dtype)


def counted(graph: Graph, size: Size) -> ir.Value:
    """Return 0, 1, ..., size - 1."""
    if not isinstance(size, ir.Value):
        return graph.constant(np.arange(size))
    return graph.op("Range", graph.constant(0), graph.scalar(size, INT64), graph.constant(1), shape=[None])
