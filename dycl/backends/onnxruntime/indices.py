"""Negative indices, counts and classes: errors to torch where ONNX's ops take them.

Gather, GatherElements and the scattering ops count negative indices from the end, and fail for all others that are out
of range. An op of torch that does not take them thus reads its indices through a choice that puts the largest integer
in the place of a negative one. Indices that are known not to be negative are read as they are.
"""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from dycl.backends.onnxruntime.graph import BOOL, INT64, Graph, rank
from dycl.backends.onnxruntime.lowerings import Argument
from dycl.backends.onnxruntime.lowerings.creation import counted
from dycl.ir.indices import STRICT

_INDICES = {"ArgMax": (0,), "ArgMin": (0,), "NonZero": (0,), "Shape": (0,), "Size": (0,), "TopK": (1,)}
"""Ops that give places or counts, and at which outputs."""

_PARTS = frozenset(["Expand", "Flatten", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Tile", "Transpose"])
"""Ops all of whose results' elements are elements of their first operand."""

_COUNTS = frozenset(["bincount", "repeat_interleave"])
_LOSSES = frozenset(["nll_loss", "nll_loss_nd", "cross_entropy_loss"])

_DEPTH = 16
"""How far back it is looked what an operand is made of."""


def checked(graph: Graph, overload: str, arguments: Sequence[Argument]) -> list[Argument]:
    """Return the arguments of a call, with nodes before those that must not be negative, which fail where they are."""
    packet = overload.partition(".")[0]
    found = list(arguments)
    if packet in STRICT:
        index = found[STRICT[packet]]
        if isinstance(index, ir.Value):
            found[STRICT[packet]] = strict(graph, index)
    elif packet in _COUNTS:
        place = int(overload.startswith("repeat_interleave.self"))
        found[place] = _demanded(graph, found[place])
    elif packet in _LOSSES:
        found[1] = _classes(graph, found[1], found[0], found[4])
    return found


def strict(graph: Graph, index: ir.Value) -> ir.Value:
    """Return indices without negative ones: those become the largest integer."""
    if index.dtype is None or is_never_negative(graph, index):
        return index
    zero, largest = (graph.constant(number, index.dtype) for number in (0, np.iinfo(index.dtype.numpy()).max))
    negative = _of_shape(graph.op("Less", index, zero, dtype=BOOL), index)
    return _of_shape(graph.op("Where", negative, largest, index, dtype=index.dtype), index)


def is_never_negative(graph: Graph, value: ir.Value, depth: int = _DEPTH) -> bool:
    """Whether it shows in the graph that no element of a value is negative."""
    if value.dtype in (BOOL, ir.DataType.UINT8):
        return True
    if value.const_value is not None:
        return bool(np.all(value.const_value.numpy() >= 0))
    node = value.producer()
    if node is None:
        return graph.never_negative(value)
    if not depth:
        return False
    if node.op_type in _INDICES:
        return value.index() in _INDICES[node.op_type]
    inputs = [operand for operand in node.inputs if operand is not None]
    match node.op_type:
        case "Abs":
            return True
        case "Cast":
            return _widens(inputs[0].dtype, value.dtype) and is_never_negative(graph, inputs[0], depth - 1)
        case "Gather" | "GatherElements" | "GatherND" | "Compress":
            return is_never_negative(graph, inputs[0], depth - 1)
        case "Where":
            return all(is_never_negative(graph, operand, depth - 1) for operand in inputs[1:])
        case "Max":
            return any(is_never_negative(graph, operand, depth - 1) for operand in inputs)
        case "Concat" | "Min":
            return all(is_never_negative(graph, operand, depth - 1) for operand in inputs)
        case "Clip":
            return len(inputs) > 1 and node.inputs[1] is not None and is_never_negative(graph, inputs[1], depth - 1)
        case name:
            return name in _PARTS and is_never_negative(graph, inputs[0], depth - 1)


def _widens(source: ir.DataType | None, target: ir.DataType | None) -> bool:
    """Whether a cast keeps every integer as it is."""
    if source is None or target is None:
        return False
    return source == BOOL or (source.is_integer() and source.itemsize <= target.itemsize)


def _demanded(graph: Graph, counts: Argument) -> Argument:
    """Return counts, and fail where one is negative: nothing has an element 1."""
    if not isinstance(counts, ir.Value) or counts.dtype is None or is_never_negative(graph, counts):
        return counts
    negative = _of_shape(graph.op("Less", counts, graph.constant(0, counts.dtype), dtype=BOOL), counts)
    nothing = _of_shape(graph.op("Gather", graph.constant([0], counts.dtype), graph.cast(negative, INT64)), counts)
    return _of_shape(graph.op("Add", counts, nothing), counts)


def _classes(graph: Graph, target: Argument, scores: Argument, ignored: Argument) -> Argument:
    """Return the classes of a loss, and fail where one is neither a class nor the one that is left out."""
    if not isinstance(target, ir.Value) or not isinstance(scores, ir.Value) or target.dtype != INT64:
        return target
    if not isinstance(ignored, int):
        return target
    classes = counted(graph, graph.size(scores, min(1, rank(scores) - 1)))
    left_out = _of_shape(graph.op("Equal", target, graph.constant(ignored), dtype=BOOL), target)
    place = _of_shape(graph.op("Where", left_out, graph.constant(0), target, dtype=INT64), target)
    found = _of_shape(graph.op("Gather", classes, strict(graph, place)), target)
    return _of_shape(graph.op("Where", left_out, target, found, dtype=INT64), target)


def _of_shape(value: ir.Value, like: ir.Value) -> ir.Value:
    if value.shape is None:
        value.shape = like.shape
    return value
