"""Loops that are there to write a program: over modules, or with branches on the number of the iteration."""

from typing import TYPE_CHECKING

from xdsl.dialects.builtin import i1, i64
from xdsl.ir import Block, SSAValue

from dycl.ir.interpret.scalars import is_scalar_op

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


def evaluate_instead(capture: "Capture", decided: SSAValue, what: str) -> None:
    """Give up keeping a loop where evaluating its iterations would decide `decided`.

    Raises:
        CaptureError: a loop that can be evaluated is being kept, and only to see whether its iterations are alike
    """
    if capture.loops == "auto" and capture.counters and _is_counted(capture, decided):
        raise capture.error(what)


def _is_counted(capture: "Capture", value: SSAValue) -> bool:
    """Whether a host scalar is computed from nothing but constants and the numbers of iterations."""
    pending, counted = [value], False
    while pending:
        found = pending.pop()
        owner = found.owner
        if isinstance(owner, Block):
            if found not in capture.counters:
                return False
            counted = True
        elif not is_scalar_op(owner) or found.type not in (i1, i64):
            return False
        else:
            pending.extend(owner.operands)
    return counted
