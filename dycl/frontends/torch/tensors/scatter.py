"""Writes through views: the content of a tensor after a part of it, seen through one view call, has changed."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from xdsl.dialects import arith
from xdsl.ir import SSAValue

from dycl.frontends.builder import Builder
from dycl.frontends.torch.diagnostics import Refusal
from dycl.frontends.torch.values import Value
from dycl.ir.ops import AtenOp, DimOp
from dycl.ir.ops.aten import Argument
from dycl.ir.types import shape_of


@dataclass(frozen=True)
class Write:
    """Result `index` of the view call `overload(arguments)` on `parent` becomes `value`."""

    builder: Builder
    overload: str
    arguments: Sequence[Value]
    index: int
    parent: SSAValue
    value: SSAValue

    def emit(self, overload: str, *arguments: Argument) -> SSAValue:
        """Emit the parent's new content."""
        return self.builder.emit(AtenOp(overload, arguments, [self.parent.type])).res[0]


def scatter(write: Write) -> SSAValue:
    """Emit the parent's new content and return it.

    Raises:
        Refusal: writes through this view are not taken
    """
    rule = _RULES.get(write.overload)
    if rule is None:
        raise Refusal(
            f"a write through the view that `{write.overload}` makes", advice="write to the tensor itself, or to a copy"
        )
    return rule(write)


def _size(write: Write, axis: int) -> int | SSAValue:
    sizes = shape_of(write.parent.type)
    size = sizes[axis]
    return write.builder.emit(DimOp(write.parent, axis % len(sizes))).size if size is None else size


def _sum(write: Write, numbers: Sequence[int | SSAValue]) -> int | SSAValue:
    unknown = [number for number in numbers if isinstance(number, SSAValue)]
    known = sum(number for number in numbers if isinstance(number, int))
    if not unknown:
        return known
    total = unknown[0]
    for addend in unknown[1:] if known == 0 else [*unknown[1:], write.builder.constant(known)]:
        total = write.builder.emit(arith.AddiOp(total, addend)).result
    return total


def _same_order(write: Write) -> SSAValue:
    shape = shape_of(write.parent.type)
    if shape_of(write.value.type) == shape:
        return write.value
    if shape.count(None) == 1:
        return write.emit("reshape.default", write.value, [-1 if size is None else size for size in shape])
    sizes = [_size(write, axis) if size is None else size for axis, size in enumerate(shape)]
    return write.emit("reshape.default", write.value, sizes)


def _select(write: Write) -> SSAValue:
    return write.emit("select_scatter.default", write.parent, write.value, *write.arguments[1:])


def _slice(write: Write) -> SSAValue:
    if write.value.type == write.parent.type and None not in shape_of(write.parent.type):
        return write.value
    return write.emit("slice_scatter.default", write.parent, write.value, *write.arguments[1:])


def _unbind(write: Write) -> SSAValue:
    return write.emit("select_scatter.default", write.parent, write.value, write.arguments[1], write.index)


def _narrow(write: Write) -> SSAValue:
    _, dim, start, length = write.arguments
    if isinstance(start, int) and start < 0:
        start = _sum(write, [_size(write, dim), start])
    return write.emit("slice_scatter.default", write.parent, write.value, dim, start, _sum(write, [start, length]), 1)


def _split(write: Write) -> SSAValue:
    _, step, dim = write.arguments
    length = shape_of(write.value.type)[dim]
    start = _sum(write, [step] * write.index)
    end = _sum(write, [start, step if length is None else length])
    return write.emit("slice_scatter.default", write.parent, write.value, dim, start, end, 1)


def _split_sizes(write: Write) -> SSAValue:
    _, sizes, dim = write.arguments
    start = _sum(write, sizes[: write.index])
    end = _sum(write, [start, sizes[write.index]])
    return write.emit("slice_scatter.default", write.parent, write.value, dim, start, end, 1)


def _chunk(write: Write) -> SSAValue:
    _, chunks, dim = write.arguments
    whole = shape_of(write.parent.type)[dim]
    assert whole is not None, "torch does not chunk a size known only at run time"
    return _split(replace(write, arguments=[None, math.ceil(whole / chunks), dim]))


def _transpose(write: Write) -> SSAValue:
    return write.emit("transpose.int", write.value, write.arguments[1], write.arguments[2])


def _swap_last(write: Write) -> SSAValue:
    if len(shape_of(write.parent.type)) < 2:
        return write.value
    return write.emit("transpose.int", write.value, -2, -1)


def _permute(write: Write) -> SSAValue:
    dims = [int(dim) % len(write.arguments[1]) for dim in write.arguments[1]]
    return write.emit("permute.default", write.value, [dims.index(axis) for axis in range(len(dims))])


def _diagonal(write: Write) -> SSAValue:
    return write.emit("diagonal_scatter.default", write.parent, write.value, *write.arguments[1:])


_RULES: dict[str, Callable[[Write], SSAValue]] = {
    "alias.default": _same_order,
    "chunk.default": _chunk,
    "contiguous.default": _same_order,
    "diagonal.default": _diagonal,
    "flatten.using_ints": _same_order,
    "mT.default": _swap_last,
    "narrow.default": _narrow,
    "permute.default": _permute,
    "reshape.default": _same_order,
    "select.int": _select,
    "slice.Tensor": _slice,
    "split.Tensor": _split,
    "split.sizes": _split_sizes,
    "split_with_sizes.default": _split_sizes,
    "squeeze.default": _same_order,
    "squeeze.dim": _same_order,
    "squeeze.dims": _same_order,
    "swapaxes.default": _transpose,
    "swapdims.default": _transpose,
    "t.default": _swap_last,
    "transpose.int": _transpose,
    "unbind.int": _unbind,
    "unflatten.int": _same_order,
    "unsqueeze.default": _same_order,
}
