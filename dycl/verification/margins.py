"""How close a run came to deciding otherwise.

The margin of a comparison is the distance between its sides; sides that are compared for being equal and are have none,
since they are exact, such as bits. The margin of an argmax is the distance between the two largest values. A value
computed from others has the least of their margins: a decision whose margin is far above rounding error must fall the
same way in every correct compilation.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from xdsl.dialects import arith
from xdsl.ir import Operation, SSAValue

from dycl.ir.ops import AtenOp, BreakOp, ConditionOp, ForOp, KernelOp, LaunchOp, WhileOp, YieldOp

COMPARISONS = frozenset(["eq", "ne", "lt", "le", "gt", "ge"])
EQUALITY_PREDICATES = frozenset(
    index for index, name in enumerate(arith.CMPF_COMPARISON_OPERATIONS) if name in ("oeq", "ueq", "one", "une")
)
SELECTIONS = frozenset(["argmax", "argmin", "max", "min", "topk", "sort"])


class Margins:
    """The margins of the values of one run; give its `observe` to the interpreter.

    A tensor carries its margin wherever the program hands it, into kernels and out of branches. A host scalar's margin
    is known by the value that defines it.
    """

    def __init__(self, kernels: Mapping[str, KernelOp]) -> None:
        self._kernels = kernels
        self._of_scalars: dict[SSAValue, float] = {}
        self._of_tensors: dict[int, tuple[Any, float]] = {}
        """By identity; the tensor is kept so that no other one can have it."""
        self._handed_on: dict[Operation, Sequence[float]] = {}
        """The margins of what the last run of an op's region handed to it."""

    def of(self, value: SSAValue, content: Any = None) -> float:
        """Return the margin of a value, whose tensor is `content`."""
        _, margin = self._of_tensors.get(id(content), (None, math.inf))
        return min(margin, self._of_scalars.get(value, math.inf))

    def observe(self, op: Operation, operands: Sequence[Any], results: Sequence[Any]) -> None:
        """Note the margins of the results of an op that has just run."""
        margins = [self.of(value, content) for value, content in zip(op.operands, operands, strict=True)]
        if isinstance(op, YieldOp | BreakOp | ConditionOp):
            holder = _holder(op)
            if holder is not None:
                self._handed_on[holder] = margins[1:] if isinstance(op, ConditionOp) else margins
        elif isinstance(op, LaunchOp) or op.regions:
            holder = self._kernels[op.kernel] if isinstance(op, LaunchOp) else op
            for result, content, margin in zip(op.results, results, self._handed_on.get(holder, ()), strict=False):
                self._set(result, content, margin)
        else:
            margin = min(min(margins, default=math.inf), _own_margin(op, operands))
            for result, content in zip(op.results, results, strict=True):
                self._set(result, content, margin)

    def _set(self, value: SSAValue, content: Any, margin: float) -> None:
        if hasattr(content, "data_ptr"):
            margin = min(margin, self._of_tensors.get(id(content), (None, math.inf))[1])
            if margin < math.inf:
                self._of_tensors[id(content)] = content, margin
        elif margin < math.inf:
            self._of_scalars[value] = margin
        else:
            self._of_scalars.pop(value, None)


def _holder(op: Operation) -> Operation | None:
    """Return the op that a terminator hands its values to: for `break` the nearest loop."""
    holder = op.parent_op()
    while isinstance(op, BreakOp) and holder is not None and not isinstance(holder, ForOp | WhileOp):
        holder = holder.parent_op()
    return holder


def _own_margin(op: Operation, operands: Sequence[Any]) -> float:
    if isinstance(op, arith.CmpfOp):
        return _distance(operands[0], operands[1], op.predicate.value.data in EQUALITY_PREDICATES)
    if not isinstance(op, AtenOp) or not operands:
        return math.inf
    if op.packet in COMPARISONS:
        values = iter(operands)
        sides: list[Any] = [
            next(values) if isinstance(bound, SSAValue) else bound for bound in op.bind(lambda v: v)[:2]
        ]
        left, right = sides
        return _distance(left, right, op.packet in ("eq", "ne"))
    if op.packet in SELECTIONS and (op.packet.startswith("arg") or len(op.results) > 1):
        return _gap(operands[0])
    return math.inf


def _distance(left: Any, right: Any, equality: bool) -> float:
    """Return the least distance between two values, over the elements of tensors."""
    if not (_is_float(left) or _is_float(right)):
        return math.inf
    distance = abs(left - right)
    if isinstance(distance, float):
        return math.inf if equality and distance == 0.0 else distance
    distances = distance[distance > 0] if equality else distance
    return float(distances.min()) if _size(distances) else math.inf


def _gap(values: Any) -> float:
    if not _is_float(values) or _size(values) < 2:
        return math.inf
    largest = values.flatten().topk(2).values
    return float(largest[0] - largest[1])


def _is_float(value: Any) -> bool:
    return isinstance(value, float) or (hasattr(value, "is_floating_point") and value.is_floating_point())


def _size(value: Any) -> int:
    return value.numel() if hasattr(value, "numel") else 1
