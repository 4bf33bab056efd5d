"""Sinking: an op moves to the last place from which it still reaches all its uses.

That place is the one branch of an `if` or `switch` that holds all the uses; else the segment (see
`dycl.passes.segments`) of the first use, at its beginning, if that is a later one than the op's own.
"""

from dataclasses import dataclass

from xdsl.ir import Block, Operation

from dycl.ir.effects import is_unused
from dycl.ir.ops import IfOp, SwitchOp
from dycl.passes.base import Pass
from dycl.passes.segments import blocks_inside, is_barrier, is_free, is_movable
from dycl.program import Program


def sink_ops(op: Operation) -> bool:
    """Sink the ops in all blocks inside `op`, and erase those that nobody uses; return whether there were any."""
    # A block comes after the one that holds it, so an op can sink through several levels.
    changes = [_sink_in(block) for block in blocks_inside(op)]
    return any(changes)


def _sink_in(block: Block) -> bool:
    ops = list(block.ops)
    segment_of: dict[Operation, int] = {}
    barriers: list[Operation] = []
    for op in ops:
        segment_of[op] = len(barriers)
        if is_barrier(op):
            barriers.append(op)
    changed = False
    # Backwards, users come first; each op goes to the front of its new place, so that the order stays.
    for op in reversed(ops):
        if not is_movable(op):
            continue
        if is_unused(op):
            op.detach()
            op.erase()
            changed = True
            continue
        if is_free(op):
            continue
        anchors = {_anchor(use.operation, block) for result in op.results for use in result.uses}
        branch = _only_branch(anchors)
        segment = min(segment_of[user] for user, _ in anchors)
        if branch is not None:
            op.detach()
            first = branch.first_op
            assert first is not None
            branch.insert_op_before(op, first)
        elif segment > segment_of[op]:
            op.detach()
            block.insert_op_after(op, barriers[segment - 1])
            segment_of[op] = segment
        else:
            continue
        changed = True
    return changed


def _anchor(user: Operation, block: Block) -> tuple[Operation, Block | None]:
    """Return the op of `block` that is the user or holds it, and the block of that op which holds it."""
    inside: Block | None = None
    parent = user.parent
    while parent is not block:
        assert parent is not None
        inside = parent
        holder = parent.parent_op()
        assert holder is not None
        user, parent = holder, holder.parent
    return user, inside


def _only_branch(anchors: set[tuple[Operation, Block | None]]) -> Block | None:
    if len(anchors) != 1:
        return None
    ((user, inside),) = anchors
    return inside if isinstance(user, IfOp | SwitchOp) else None


@dataclass(frozen=True)
class SinkPass(Pass):
    """Move each op to where its results are first needed: past the branches that do not use them, or into the only
    one that does.

    ```mlir before
    func.func @main(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
      %answer = dycl.aten sigmoid.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
      %next = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.if %c {
        dycl.return %answer : tensor<4xf32>
      }
      dycl.return %next : tensor<4xf32>
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
      dycl.if %c {
        %answer = dycl.aten sigmoid.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
        dycl.return %answer : tensor<4xf32>
      }
      %next = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.return %next : tensor<4xf32>
    }
    ```

    It does not move an op into a loop, where it would run again and again, nor copy one that two branches use; ops that
    draw random numbers, assertions, calls and launches stay, and so do constants and weights, which cost nothing.
    """

    name = "sink"

    def apply(self, op: Operation, program: Program) -> bool:
        return sink_ops(op)
