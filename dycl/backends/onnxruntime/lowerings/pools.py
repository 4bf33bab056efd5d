"""Pools, with or without a batch axis."""

import math
from collections.abc import Sequence
from functools import partial

import onnx_ir as ir

from dycl.backends.onnxruntime.graph import known_shape
from dycl.backends.onnxruntime.lowerings.convolutions import batched, per_axis, unbatched
from dycl.backends.onnxruntime.lowerings.elementwise import is_float
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers
from dycl.backends.protocol import CannotCompile


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
    y = call.graph.op(
        "MaxPool",
        sample,
        kernel_shape=per_axis(kernel, axes),
        strides=per_axis(stride or kernel, axes),
        pads=per_axis(padding, axes) * 2,
        dilations=per_axis(dilation, axes),
        ceil_mode=int(ceil_mode),
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
    if divisor is not None and ceil_mode:
        raise CannotCompile(["it has both ceil_mode and divisor_override"])
    if sample is None:
        return None
    sizes = known_shape(sample)
    if sizes is not None and list(sizes[2:]) == window and divisor is None and not any(per_axis(padding, axes)):
        return unbatched(call, call.graph.op("GlobalAveragePool", sample), axes)
    y = call.graph.op(
        "AveragePool",
        sample,
        kernel_shape=window,
        strides=per_axis(stride or kernel, axes),
        pads=per_axis(padding, axes) * 2,
        ceil_mode=int(ceil_mode),
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
