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

from dycl.ir.ops import AtenOp, KernelOp, LaunchOp, RegionOp

COMPARISONS = frozenset(["eq", "ne", "lt", "le", "gt", "ge"])
EQUALITY_PREDICATES = frozenset(
    index for index, name in enumerate(arith.CMPF_COMPARISON_OPERATIONS) if name in ("oeq", "ueq", "one", "une")
)
SELECTIONS = frozenset(["argmax", "argmin", "max", "min", "topk", "sort"])


class Margins:
    """The margins of the values of one run; give its `observe` to the interpreter."""

    def __init__(self, kernels: Mapping[str, KernelOp]) -> None:
        self._kernels = kernels
        self._margins: dict[SSAValue, float] = {}

    def of(self, value: SSAValue) -> float:
        return self._margins.get(value, math.inf)

    def observe(self, op: Operation, operands: Sequence[Any], results: Sequence[Any]) -> None:
        """Note the margins of the results of an op that has just run."""
        if isinstance(op, LaunchOp | RegionOp):
            body = (self._kernels[op.kernel] if isinstance(op, LaunchOp) else op).body.block
            end = body.last_op
            for result, inner in zip(op.results, end.operands if end else (), strict=True):
                self._set(result, self.of(inner))
            return
        margin = min((self.of(operand) for operand in op.operands), default=math.inf)
        margin = min(margin, _own_margin(op, operands))
        for result in op.results:
            self._set(result, margin)

    def _set(self, value: SSAValue, margin: float) -> None:
        if margin == math.inf:
            self._margins.pop(value, None)
        else:
            self._margins[value] = margin


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
