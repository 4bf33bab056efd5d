"""Pools, with or without a batch axis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from dycl.backends.onnxruntime.graph import Graph, known_shape
from dycl.backends.onnxruntime.lowerings.convolutions import batched, per_axis, unbatched
from dycl.backends.onnxruntime.lowerings.elementwise import is_float
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers
from dycl.backends.protocol import CannotCompile

_POOLED = (ir.DataType.FLOAT, ir.DataType.FLOAT16)
"""What ONNX Runtime averages."""


@dataclass(frozen=True)
class _Windows:
    """The windows along one axis of `size` elements, with `padding` on either side."""

    size: int
    starts: NDArray[np.int64]
    length: int
    padding: int

    @property
    def end(self) -> int:
        """Where the last one ends."""
        return int(self.starts.max(initial=-self.padding)) + self.length

    def counts(self, count_include_pad: bool) -> NDArray[np.int64]:
        """How many elements each one is divided by: those that a last one has beyond the padding never count."""
        first, last = (-self.padding, self.size + self.padding) if count_include_pad else (0, self.size)
        return np.minimum(self.starts + self.length, last) - np.maximum(self.starts, first)


def _windows(
    sizes: Sequence[int],
    counts: Sequence[int | None],
    lengths: Sequence[int],
    strides: Sequence[int],
    paddings: Sequence[int],
) -> list[_Windows]:
    return [
        _Windows(size, np.arange(count or 0) * stride - padding, length, padding)
        for size, count, length, stride, padding in zip(sizes, counts, lengths, strides, paddings, strict=True)
    ]


def _ends(windows: Sequence[_Windows]) -> list[int]:
    """Return the padding behind each axis with which its windows are those of torch, whose count may be rounded up.

    ONNX Runtime has several ways to round it up, and does not keep to one.
    """
    return [max(0, axis.end - axis.size) for axis in windows]


def _averaged(
    graph: Graph, sample: ir.Value, windows: Sequence[_Windows], count_include_pad: bool, divisor: int | None
) -> ir.Value:
    """Average as ONNX's own pool does not: in any dtype, by any divisor. Windows are gathered and summed by axis."""
    dtype = sample.dtype
    assert dtype is not None
    before = [0, 0, *(axis.padding for axis in windows)]
    after = [0, 0, *_ends(windows)]
    if any(before) or any(after):
        sample = graph.op("Pad", sample, graph.constant([*before, *after]))
    counts = np.ones([1] * len(windows), np.int64)
    for index, axis in enumerate(windows):
        places = axis.starts[:, None] + axis.padding + np.arange(axis.length)
        gathered = graph.op("Gather", sample, graph.constant(places), axis=index + 2)
        sample = graph.op("ReduceSum", gathered, graph.constant([index + 3]), keepdims=0)
        shape = [-1 if place == index else 1 for place in range(len(windows))]
        counts = counts * axis.counts(count_include_pad).reshape(shape)
    return graph.op("Div", sample, graph.constant(counts if divisor is None else divisor, dtype))


def _max_pool(
    axes: int,
    call: Call,
    x: ir.Value,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> Lowered:
    sample = batched(call.graph, x, axes)
    if sample is None or not is_float(x.dtype):
        return None
    window, strides, dilations = (per_axis(given, axes) for given in (kernel, stride or kernel, dilation))
    begins, sizes = per_axis(padding, axes), known_shape(sample)
    ends = begins
    if ceil_mode and sizes is not None:
        spans = [step * (length - 1) + 1 for step, length in zip(dilations, window, strict=True)]
        ends = _ends(_windows(sizes[2:], call.shape[-axes:], spans, strides, begins))
        if any(end >= length for end, length in zip(ends, window, strict=True)):  # ONNX Runtime wants less.
            pads = call.graph.constant([0, 0, *begins, 0, 0, *ends])
            sample = call.graph.op("Pad", sample, pads, call.graph.constant(float("-inf"), call.dtype))
            begins = ends = [0] * axes
    y = call.graph.op(
        "MaxPool",
        sample,
        kernel_shape=window,
        strides=strides,
        pads=[*begins, *ends],
        dilations=dilations,
        ceil_mode=int(ceil_mode and sizes is None),
    )
    return unbatched(call, y, axes)


def _max_pool_with_indices(
    axes: int,
    call: Call,
    x: ir.Value,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> Lowered:
    y = None if call.used[1] else _max_pool(axes, call, x, kernel, stride, padding, dilation, ceil_mode)
    return (y, None) if isinstance(y, ir.Value) else None


def _average_pool(
    axes: int,
    call: Call,
    x: ir.Value,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: int | None = None,
) -> Lowered:
    sample = batched(call.graph, x, axes)
    window = per_axis(kernel, axes)
    if sample is None:
        return None
    sizes = known_shape(sample)
    strides, begins = per_axis(stride or kernel, axes), per_axis(padding, axes)
    ends = begins
    if x.dtype not in _POOLED or ceil_mode:
        if sizes is None:
            raise CannotCompile(["its sizes are known only at run time"])
        windows = _windows(sizes[2:], call.shape[-axes:], window, strides, begins)
        ends = _ends(windows)
        is_counted = any(begins) and (count_include_pad or divisor is not None)
        if x.dtype not in _POOLED or divisor is not None or (is_counted and ends != begins):
            return unbatched(call, _averaged(call.graph, sample, windows, count_include_pad, divisor), axes)
        count_include_pad = is_counted
    if sizes is not None and list(sizes[2:]) == window and divisor is None and not any(begins):
        return unbatched(call, call.graph.op("GlobalAveragePool", sample), axes)
    y = call.graph.op(
        "AveragePool",
        sample,
        kernel_shape=window,
        strides=strides,
        pads=[*begins, *ends],
        count_include_pad=int(count_include_pad or divisor is not None),
    )
    if divisor is not None:
        y = call.graph.op("Mul", y, call.graph.constant(math.prod(window) / divisor, call.dtype))
    return unbatched(call, y, axes)


def _adaptive_window(x: ir.Value, axes: int, output: int | Sequence[int]) -> list[int] | None:
    """The window that adaptive pooling slides, where all its windows are of one size."""
    sizes = known_shape(x)
    if sizes is None:
        return None
    spatial = sizes[-axes:]
    wanted = per_axis(output, axes)
    if any(not isinstance(o, int) or o == 0 or size % o for size, o in zip(spatial, wanted, strict=True)):  # pyright: ignore[reportUnnecessaryIsInstance]: a size may be a value
        return None
    return [size // o for size, o in zip(spatial, wanted, strict=True)]


def _adaptive_average_pool(axes: int, call: Call, x: ir.Value, output: int | Sequence[int]) -> Lowered:
    window = _adaptive_window(x, axes, output)
    if window is None:
        return None
    return _average_pool(axes, call, x, window, window, [0], False, True)


def _adaptive_max_pool(axes: int, call: Call, x: ir.Value, output: int | Sequence[int]) -> Lowered:
    window = _adaptive_window(x, axes, output)
    if window is None or call.used[1]:
        return None
    y = _max_pool(axes, call, x, window, window, [0], [1], False)
    return (y, None) if isinstance(y, ir.Value) else None


for _axes in (1, 2, 3):
    lowers(f"max_pool{_axes}d.default")(partial(_max_pool, _axes))
    lowers(f"max_pool{_axes}d_with_indices.default")(partial(_max_pool_with_indices, _axes))
    lowers(f"avg_pool{_axes}d.default")(partial(_average_pool, _axes))
    lowers(f"adaptive_avg_pool{_axes}d.default")(partial(_adaptive_average_pool, _axes))
    lowers(f"adaptive_max_pool{_axes}d.default")(partial(_adaptive_max_pool, _axes))
lowers("_adaptive_avg_pool2d.default")(partial(_adaptive_average_pool, 2))
