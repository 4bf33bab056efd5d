"""Indices out of range inside a `try` or `with`: what handles the exception is a branch of the program.

Elsewhere nothing is recorded: the operation itself raises when the program runs.
"""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

import torch
from xdsl.ir import SSAValue

from dycl.frontends.torch.values import Value
from dycl.ir.indices import RAISES, STRICT, index_select_raises
from dycl.ir.ops import AtenOp, ItemOp
from dycl.ir.schema import overload_of, schema_of
from dycl.ir.types import shape_of

if TYPE_CHECKING:
    from dycl.frontends.torch.tensors.recorder import Recorder

Size: TypeAlias = int | torch.SymInt

_PLACES = {"argmax": 0, "argmin": 0, "argsort": 0, "max": 1, "min": 1, "sort": 1, "topk": 1}
"""Which result of a packet holds places along the axis `dim`."""


def check_indices(recorder: "Recorder", name: str, arguments: Sequence[Value]) -> None:
    """Record the check that the indices of an operation are in range, with what is raised where they are not."""
    packet = name.partition(".")[0]
    kind = RAISES.get(packet)
    if kind is None:
        return
    if packet == "index_select":
        kind = index_select_raises(arguments[0].dim(), arguments[1])
    for index, size in _indices(packet, arguments):
        if not _is_place(recorder, index, size):
            low = 0 if packet in STRICT else -size
            recorder.symbols.require(_within(recorder, index, low, size), kind, f"`{packet}`: an index is out of range")


def _indices(packet: str, arguments: Sequence[Value]) -> Iterator[tuple[torch.Tensor, Size]]:
    """Yield the tensors of indices, each with the size of what it counts along."""
    source = arguments[0]
    if packet in ("index", "index_put"):
        axis = 0
        for index in arguments[1]:
            if index is None or index.dtype not in (torch.bool, torch.uint8):
                if index is not None:
                    yield index, source.size(axis)
                axis += 1
            else:
                axis += index.dim()
    elif packet in ("take", "put"):
        yield arguments[1], math.prod(source.size())
    elif packet == "embedding":
        yield arguments[1], source.size(0)
    elif packet == "one_hot":
        if arguments[1] >= 0:
            yield source, arguments[1]
    elif packet in STRICT or packet == "index_fill":
        yield arguments[2], source.size(arguments[1]) if source.dim() else 1


def _is_place(recorder: "Recorder", index: torch.Tensor, size: Size) -> bool:
    """Whether indices are places along an axis that is no longer than what they count along."""
    value = recorder.value(index)
    owner = value.owner
    if not isinstance(owner, AtenOp) or owner.packet not in _PLACES:
        return False
    place = _PLACES[owner.packet]
    if len(owner.results) <= place or owner.results[place] is not value:
        return False
    names = [parameter.name for parameter in schema_of(owner.overload.data).parameters]
    axis = owner.bind(lambda operand: operand)[names.index("dim")] if "dim" in names else None
    sizes = shape_of(owner.inputs[0].type)
    if not isinstance(axis, int) or not isinstance(size, int) or not sizes:
        return False
    count = sizes[axis]
    return count is not None and count <= size


def _within(recorder: "Recorder", index: torch.Tensor, low: Size, size: Size) -> SSAValue:
    def call(name: str, *arguments: Value) -> torch.Tensor:
        return recorder.call(name, overload_of(name), list(arguments))

    above, below = call("ge.Scalar", index, low), call("lt.Scalar", index, size)
    held = call("all.default", call("logical_and.default", above, below))
    return recorder.heap.builder.emit(ItemOp(recorder.heap.value(held))).scalar
