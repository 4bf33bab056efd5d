"""Convolutions, with or without a batch axis."""

from collections.abc import Sequence

import onnx_ir as ir

from dycl.backends.onnxruntime.graph import Graph, known_shape, rank
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers


def per_axis(values: int | Sequence[int], axes: int) -> list[int]:
    """Return one value for each spatial axis: torch lets one stand for all."""
    listed = [values] if isinstance(values, int) else list(values)
    return listed * axes if len(listed) == 1 else listed


def batched(graph: Graph, x: ir.Value, axes: int) -> ir.Value | None:
    """Return `x` with a batch axis, which torch lets a single sample leave out."""
    if rank(x) == axes + 2:
        return x
    sizes = known_shape(x)
    return None if sizes is None else graph.reshape(x, [1, *sizes])


def unbatched(call: Call, y: ir.Value, axes: int) -> Lowered:
    return y if len(call.shape) == axes + 2 else call.graph.reshape(y, call.shape)


def _convolve(
    call: Call,
    x: ir.Value,
    weight: ir.Value,
    bias: ir.Value | None,
    stride: Sequence[int],
    padding: Sequence[int] | str,
    dilation: Sequence[int],
    groups: int,
) -> Lowered:
    kernel = known_shape(weight)
    if kernel is None:
        return None
    axes = len(kernel) - 2
    sample = batched(call.graph, x, axes)
    if sample is None:
        return None
    dilations = per_axis(dilation, axes)
    if padding == "same":
        totals = [d * (k - 1) for d, k in zip(dilations, kernel[2:], strict=True)]
        pads = [total // 2 for total in totals] + [total - total // 2 for total in totals]
    else:
        pads = per_axis(0 if isinstance(padding, str) else padding, axes) * 2
    y = call.graph.op(
        "Conv",
        sample,
        weight,
        bias,
        kernel_shape=kernel[2:],
        strides=per_axis(stride, axes),
        pads=pads,
        dilations=dilations,
        group=groups,
    )
    return unbatched(call, y, axes)


for _axes in (1, 2, 3):
    lowers(f"conv{_axes}d.default", f"conv{_axes}d.padding")(_convolve)


def _deconvolve(
    call: Call,
    x: ir.Value,
    weight: ir.Value,
    bias: ir.Value | None,
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    groups: int,
    dilation: Sequence[int],
) -> Lowered:
    kernel = known_shape(weight)
    if kernel is None:
        return None
    axes = len(kernel) - 2
    sample = batched(call.graph, x, axes)
    if sample is None:
        return None
    y = call.graph.op(
        "ConvTranspose",
        sample,
        weight,
        bias,
        kernel_shape=kernel[2:],
        strides=per_axis(stride, axes),
        pads=per_axis(padding, axes) * 2,
        output_padding=per_axis(output_padding, axes),
        dilations=per_axis(dilation, axes),
        group=groups,
    )
    return unbatched(call, y, axes)


lowers("conv_transpose1d.default", "conv_transpose2d.input", "conv_transpose3d.input")(_deconvolve)


@lowers("convolution.default")
def convolution(
    call: Call,
    x: ir.Value,
    weight: ir.Value,
    bias: ir.Value | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    is_transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Lowered:
    if is_transposed:
        return _deconvolve(call, x, weight, bias, stride, padding, output_padding, groups, dilation)
    return _convolve(call, x, weight, bias, stride, padding, dilation, groups)
