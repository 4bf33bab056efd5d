"""Tail duplication: the code after an `if` that only goes on with what the `if` gave moves into both of its sides.

The *tail* of an `if` is what depends on its results in the segment after it (see `dycl.passes.segments`), and what of
that segment this needs. Each path still runs the tail once, now right behind the ops of the side taken, with which it
can share a kernel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from xdsl.ir import Block, Operation, Region, SSAValue

from dycl.ir.host_ops import is_host_append, is_host_value
from dycl.ir.ops import AtenOp, IfOp, ParamOp, YieldOp
from dycl.ir.rewriting import erase
from dycl.ir.types import shape_of
from dycl.passes.base import Pass
from dycl.passes.segments import blocks_inside, is_barrier, is_free, is_movable, segments
from dycl.program import Program


@dataclass(frozen=True)
class Limits:
    """How large a tail may be: its ATen ops, and the elements of the weights that it uses."""

    ops: int
    weight_elements: int

    def allow(self, tail: Sequence[Operation]) -> bool:
        weights = {operand for op in tail for operand in op.operands if isinstance(operand.owner, ParamOp)}
        elements = sum(prod(size or 0 for size in shape_of(weight.type)) for weight in weights)
        return sum(isinstance(op, AtenOp) for op in tail) <= self.ops and elements <= self.weight_elements


def duplicate_tails(op: Operation, limits: Limits) -> bool:
    """Move tails within the limits into the sides of their `if`s, in all blocks inside `op`; return whether any was."""
    changed = False
    # Inner blocks first: what an outer `if` adds to its sides is then never copied again.
    for block in reversed(blocks_inside(op)):
        for segment in segments(block):
            if not isinstance(segment.before, IfOp) or not _may_grow(segment.before):
                continue
            tail = tail_of(segment.before, segment.ops)
            if any(map(_computes, tail)) and limits.allow(tail):
                for free in filter(is_free, segment.ops):
                    free.detach()
                    block.insert_op_before(free, segment.before)
                move_into_sides(segment.before, tail)
                changed = True
    return changed


def tail_of(branch: IfOp, ops: Sequence[Operation]) -> list[Operation]:
    """Return those of `ops`, the segment after `branch`, that are its tail.

    Constants and weights are left out, and so is what depends on an op that must not be copied.
    """
    given = set[SSAValue](branch.results)
    fixed = set[SSAValue]()
    for op in ops:
        if not is_movable(op) or not fixed.isdisjoint(op.operands):
            fixed.update(op.results)
        elif not given.isdisjoint(op.operands):
            given.update(op.results)
    tail: list[Operation] = []
    needed = set[SSAValue]()
    for op in reversed(ops):
        if is_free(op) or not fixed.isdisjoint(op.results) or not is_movable(op):
            continue
        if not given.isdisjoint(op.results) or not needed.isdisjoint(op.results):
            tail.append(op)
            needed.update(op.operands)
    return tail[::-1]


def move_into_sides(branch: IfOp, tail: Sequence[Operation]) -> None:
    """Put a copy of `tail` at the end of each side of `branch`, and have `branch` give what is used of it elsewhere.

    The constants and weights that `tail` uses must stand before `branch`.
    """
    parent = branch.parent
    assert parent is not None
    inside = set(tail)
    outcome = [
        value
        for op in (branch, *tail)
        for value in op.results
        if any(use.operation not in inside for use in value.uses)
    ]
    for block in (branch.then_block, branch.else_block):
        end = block.last_op
        assert isinstance(end, YieldOp)
        mapping = dict[SSAValue, SSAValue](zip(branch.results, end.values, strict=True))
        block.insert_ops_before([op.clone(mapping) for op in tail], end)
        end.operands = [mapping[value] for value in outcome]
    regions = [Region(), Region()]
    for target, source in zip(regions, (branch.then_region, branch.else_region), strict=True):
        source.move_blocks(target)
    new = IfOp(branch.condition, [value.type for value in outcome], *regions)
    new.location = branch.location
    new.attributes = branch.attributes.copy()
    parent.insert_op_before(new, branch)
    for old, value in zip(outcome, new.results, strict=True):
        old.replace_all_uses_with(value)
        value.name_hint = old.name_hint
    erase((branch, *tail))


def _may_grow(branch: IfOp) -> bool:
    """Whether control always comes back from the `if`, and at least one side ends in computation."""
    ends = [block.last_op for block in (branch.then_block, branch.else_block)]
    return all(isinstance(end, YieldOp) for end in ends) and any(
        _ends_in_computation(block) for block in (branch.then_block, branch.else_block)
    )


def _ends_in_computation(block: Block) -> bool:
    end = block.last_op
    op = end.prev_op if end is not None else None
    while op is not None and not is_barrier(op):
        if _computes(op):
            return True
        op = op.prev_op
    return False


def _computes(op: Operation) -> bool:
    return isinstance(op, AtenOp) and not is_host_value(op) and not is_host_append(op)


@dataclass(frozen=True)
class DuplicateTailsPass(Pass):
    """Move the code between one `if` and the next control flow into both sides of the `if`, where it is small.

    A block and the test of whether to take the next one then are one kernel:

    ```mlir before
    func.func @main(%x: tensor<4xf32>, %c: i1) -> (tensor<4xf32>, i1) {
      %y = dycl.if %c -> (tensor<4xf32>) {
        %block = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
        dycl.yield %block : tensor<4xf32>
      } else {
        dycl.yield %x : tensor<4xf32>
      }
      %gate = dycl.aten any.default(%y) : (tensor<4xf32>) -> tensor<i1>
      %next = dycl.item %gate : tensor<i1> -> i1
      dycl.return %y, %next : tensor<4xf32>, i1
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<4xf32>, %c: i1) -> (tensor<4xf32>, i1) {
      %y, %next = dycl.if %c -> (tensor<4xf32>, i1) {
        %block = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
        %gate = dycl.aten any.default(%block) : (tensor<4xf32>) -> tensor<i1>
        %next = dycl.item %gate : tensor<i1> -> i1
        dycl.yield %block, %next : tensor<4xf32>, i1
      } else {
        %gate = dycl.aten any.default(%x) : (tensor<4xf32>) -> tensor<i1>
        %next = dycl.item %gate : tensor<i1> -> i1
        dycl.yield %x, %next : tensor<4xf32>, i1
      }
      dycl.return %y, %next : tensor<4xf32>, i1
    }
    ```

    Each op is copied at most once, so the program at most doubles. It does not touch an `if` of which a side leaves the
    function or a loop (the code after it belongs to the other side alone), nor one whose sides both end without
    computation (nothing could be shared), nor a tail of more than `max-ops` ATen ops or `max-weight-elements` elements
    of weights. `sink` before it leaves less to copy.
    """

    name = "duplicate-tails"

    max_ops: int = 24
    max_weight_elements: int = 1 << 18

    def apply(self, op: Operation, program: Program) -> bool:
        return duplicate_tails(op, Limits(self.max_ops, self.max_weight_elements))
