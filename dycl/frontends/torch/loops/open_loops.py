"""Loops that stay loops in the program, while their bodies are evaluated.

A `break` or `continue` out of such a body, and a `return` or a handled exception that leaves a scope around it, ends
its side of a branch at once: in a `dycl.break` or `dycl.continue`, whose operands wait until it is known what the loop
carries. What a loop hands to a scope further out, it hands on behind itself.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xdsl.ir import Block

from dycl.frontends.torch.paths.control import LEFT, Completion, Leave, Scope
from dycl.frontends.torch.paths.journal import State
from dycl.ir.ops import BreakOp, ContinueOp

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


@dataclass
class LoopExit:
    """Where an iteration or the loop is left."""

    op: BreakOp | ContinueOp
    """Stands, without operands, for the op that it becomes."""
    state: State
    """What had been written since before the loop."""
    leave: Leave

    @property
    def block(self) -> Block:
        block = self.op.parent
        assert block is not None
        return block


@dataclass(eq=False)
class OpenLoop:
    scope: Scope
    iteration: Scope
    level: int
    """The journal's first level that belongs to it."""
    is_endless: bool = False
    """Whether only its own exits end it."""
    start: int = 0
    """The journal's clock before its body."""
    exits: list[LoopExit] = field(default_factory=list[LoopExit])


def depart_loop(capture: "Capture", completion: Completion) -> Completion:
    """Return how a side ends that leaves a scope: where that is the innermost open loop or outside it, by an exit."""
    if not capture.open_loops or not isinstance(completion, Leave):
        return completion
    loop = capture.open_loops[-1]
    if completion.scope.number > loop.iteration.number:
        return completion
    op = capture.builder.emit(ContinueOp() if completion.scope is loop.iteration else BreakOp())
    loop.exits.append(LoopExit(op, capture.journal.since(loop.level), completion))
    return LEFT
