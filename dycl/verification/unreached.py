"""The sides of decisions that no run has taken, and why forcing has not led there."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from dycl.ir.decisions import DecisionOp, Side, sides
from dycl.ir.locations import describe
from dycl.ir.ops import IfOp, WhileOp
from dycl.verification.forcing import Plan
from dycl.verification.report import UnreachedSide
from dycl.verification.runs import Step


@dataclass
class Attempt:
    """A forced run."""

    plan: Plan
    error: str
    """What it raised on its way; empty where it came to an end."""


def unreached_sides(
    ops: Sequence[DecisionOp], covered: Collection[Step], attempts: Sequence[Attempt]
) -> Iterator[UnreachedSide]:
    """Yield the sides that are not covered, in the order of the decisions."""
    reached = {index for index, _ in covered}
    for index, op in enumerate(ops):
        for side in sides(op):
            if (index, side) not in covered:
                yield UnreachedSide(describe(op), _kind(op), _text(side), _reason(op, side, index in reached, attempts))


def _reason(op: DecisionOp, side: Side, is_reached: bool, attempts: Sequence[Attempt]) -> str:
    errors = [attempt.error for attempt in attempts if attempt.plan.get(op, ...) == side]
    if errors and all(errors):
        return f"the forced run that was to go there {errors[-1]}"
    if is_reached:
        return "it cannot be forced there"
    return "no run came by: it may be in a loop that had no iterations, or behind code that always raises"


def _kind(op: DecisionOp) -> str:
    return "if" if isinstance(op, IfOp) else "while" if isinstance(op, WhileOp) else "switch"


def _text(side: Side) -> str:
    return "default" if side is None else str(side).lower()
