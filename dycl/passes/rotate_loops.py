"""Loop rotation: the test of a `while` moves from the beginning of an iteration to the end of the one before it.

A `while` computes its test, then its body, then its test: with the test on tensors these are two kernels an iteration.
Rotated, the test is computed once before the loop, and from then on behind the body, with which it can share a kernel.
The test still runs as often as it did, and in the same order with all else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from xdsl.dialects.builtin import i1
from xdsl.ir import Block, Operation, Region, SSAValue

from dycl.ir.canonicalization.loops import exits
from dycl.ir.ops import AtenOp, BreakOp, ConditionOp, ContinueOp, ForOp, ParamOp, WhileOp, YieldOp
from dycl.ir.rewriting import can_stand_for, clone_into, replace
from dycl.ir.types import shape_of
from dycl.passes.base import Pass
from dycl.passes.costs import computes
from dycl.passes.loop_starts import advance_start
from dycl.program import Program


@dataclass(frozen=True)
class Limits:
    """How large a test may be that is copied: its ATen ops, the elements of the weights that it uses, and how often."""

    ops: int
    weight_elements: int
    copies: int

    def allow(self, op: WhileOp, copies: int) -> bool:
        test = list(op.before.walk())
        weights = {operand for inner in test for operand in inner.operands if isinstance(operand.owner, ParamOp)}
        elements = sum(prod(size or 0 for size in shape_of(weight.type)) for weight in weights)
        atens = sum(isinstance(inner, AtenOp) for inner in test)
        return copies <= self.copies and atens <= self.ops and elements <= self.weight_elements


def rotate_loops(op: Operation, limits: Limits) -> bool:
    """Rotate the loops inside `op` that gain by it, within the limits; return whether there were any."""
    changed = False
    # Inner loops first: one in a test is copied with it.
    for loop in reversed([inner for inner in op.walk() if isinstance(inner, ForOp | WhileOp)]):
        if isinstance(loop, WhileOp) and gains(loop) and _can_rotate(loop, limits):
            loop = rotate(loop)
            changed = True
        changed |= advance_start(loop)
    return changed


def gains(op: WhileOp) -> bool:
    """Whether a kernel computes the test of a loop."""
    return any(map(computes, op.before.walk()))


def _can_rotate(op: WhileOp, limits: Limits) -> bool:
    starts = [op.inits, *(end.values for end in ends_of_iterations(op))]
    return limits.allow(op, len(starts)) and all(
        can_stand_for(value, argument)
        for values in starts
        for value, argument in zip(values, op.before.block.args, strict=True)
    )


def ends_of_iterations(op: WhileOp) -> list[YieldOp | ContinueOp]:
    return [end for end in exits(op.body.block) if not isinstance(end, BreakOp)]


def rotate(op: WhileOp) -> WhileOp:
    """Compute the test of a loop before it, and wherever an iteration ends; return the loop that it becomes."""
    first = _copy_of_test(op, op.inits)
    for terminator in ends_of_iterations(op):
        *ops, test = _copy_of_test(op, terminator.values)
        replace(terminator, [*ops, type(terminator)(test.operands)], ())
        test.erase()
    *ops, test = first
    before = Block(arg_types=[i1, *op.result_types])
    condition, *carried = before.args
    condition.name_hint = test.operands[0].name_hint
    for argument, value in zip(carried, op.body.block.args, strict=True):
        argument.name_hint = value.name_hint
    before.add_op(ConditionOp(condition, carried))
    body = Region()
    op.body.move_blocks(body)
    new = WhileOp(test.operands, op.result_types, before, body)
    new.attributes |= op.attributes
    replace(op, [*ops, new])
    test.erase()
    return new


def _copy_of_test(op: WhileOp, values: Sequence[SSAValue]) -> list[Operation]:
    """Return copies of the ops that compute a loop's test from `values`; the last one is its terminator."""
    block = Block()
    clone_into(op.before, block, dict(zip(op.before.block.args, values, strict=True)))
    ops = list(block.ops)
    for copy in ops:
        copy.detach()
    return ops


@dataclass(frozen=True)
class RotateLoopsPass(Pass):
    """Compute the test of a `dycl.while` at the end of each iteration, for the next one, where a kernel computes it.

    The body and the test then are one kernel:

    ```mlir before
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %r = dycl.while (%a = %x : tensor<4xf32>) -> (tensor<4xf32>) {
        %any = dycl.aten any.default(%a) : (tensor<4xf32>) -> tensor<i1>
        %go = dycl.item %any : tensor<i1> -> i1
        dycl.condition(%go) %a : tensor<4xf32>
      } do (%b: tensor<4xf32>) {
        %next = dycl.aten relu.default(%b) : (tensor<4xf32>) -> tensor<4xf32>
        dycl.yield %next : tensor<4xf32>
      }
      dycl.return %r : tensor<4xf32>
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %any = dycl.aten any.default(%x) : (tensor<4xf32>) -> tensor<i1>
      %go = dycl.item %any : tensor<i1> -> i1
      %r = dycl.while (%go_1 = %go : i1, %b = %x : tensor<4xf32>) -> (tensor<4xf32>) {
        dycl.condition(%go_1) %b : tensor<4xf32>
      } do (%b_1: tensor<4xf32>) {
        %next = dycl.aten relu.default(%b_1) : (tensor<4xf32>) -> tensor<4xf32>
        %any_1 = dycl.aten any.default(%next) : (tensor<4xf32>) -> tensor<i1>
        %go_2 = dycl.item %any_1 : tensor<i1> -> i1
        dycl.yield %go_2, %next : i1, tensor<4xf32>
      }
      dycl.return %r : tensor<4xf32>
    }
    ```

    The test runs as often as before, in the same order with all else. What the body of a loop computes before its first
    control flow is done ahead likewise, where it is small, cannot fail, and would be a kernel of its own: it then runs
    once more than before, for an iteration that never begins.

    The pass does not touch a loop whose test the host does, nor a test of more than `max-ops` ATen ops, of more than
    `max-weight-elements` elements of weights, or one that more than `max-copies` places would need: the loop's
    beginning, the end of its body, each `continue`.
    """

    name = "rotate-loops"

    max_ops: int = 24
    max_weight_elements: int = 1 << 18
    max_copies: int = 4

    def apply(self, op: Operation, program: Program) -> bool:
        return rotate_loops(op, Limits(self.max_ops, self.max_weight_elements, self.max_copies))
