"""Sparse conditional constant propagation (Wegman and Zadeck, TOPLAS 1991), on structured control flow.

A value is known where it is the same on every path that can be taken. A branch whose condition is known is followed on
one side only, so that its other side cannot make a value vary (see `dycl.passes.dataflow`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from xdsl.dialects import arith
from xdsl.dialects.builtin import i1
from xdsl.ir import Block, Operation, SSAValue
from xdsl.pattern_rewriter import RewritePattern

from dycl.ir.canonicalization.branches import FlattenLeavingBranch, TakeDecidedBranch
from dycl.ir.canonicalization.loops import EraseEmptyLoop, EraseEmptyWhile, trip_count
from dycl.ir.constants import Known, constant_of, constant_op, fold
from dycl.ir.greedy import rewrite_greedily
from dycl.ir.ops import (
    AtenOp,
    ConditionOp,
    DimOp,
    ForOp,
    IfOp,
    SwitchOp,
    WhileOp,
)
from dycl.ir.rewriting import adopt, can_stand_for, replace
from dycl.ir.scalars import Scalar, attribute_scalar, constant_scalar, is_false, scalar_attribute
from dycl.passes.base import Pass
from dycl.passes.dataflow import Dataflow
from dycl.program import Program


class Unknown(Enum):
    """The fact that nothing is known."""

    VARYING = "varying"


VARYING = Unknown.VARYING

Fact: TypeAlias = Known | Unknown


class ConstantPropagation(Dataflow[Fact]):
    """A fact is the constant that a value is, or that it varies."""

    def top(self, value: SSAValue) -> Fact:
        return VARYING

    def join(self, left: Fact, right: Fact) -> Fact:
        return left if left == right else VARYING

    def transfer(self, op: Operation, operands: Sequence[Fact]) -> Sequence[Fact]:
        nothing = (VARYING,) * len(op.results)
        if isinstance(op, DimOp):
            return fold(op, ()) or nothing
        known = [fact for fact in operands if not isinstance(fact, Unknown)]
        if len(known) == len(operands):
            return fold(op, known) or nothing
        return _decided_by_some(op, operands) if known else nothing

    def scalar(self, value: SSAValue) -> Scalar | None:
        (fact,) = self.of([value])
        return None if isinstance(fact, Unknown) else attribute_scalar(fact)

    def decision(self, op: IfOp | SwitchOp) -> bool | int | None:
        value = self.scalar(op.operands[0])
        return value if isinstance(value, int) else None

    def holds(self, op: ConditionOp) -> bool | None:
        value = self.scalar(op.condition)
        return value if isinstance(value, bool) else None

    def bounds(self, op: ForOp) -> range | None:
        start, stop, step = map(self.scalar, (op.start, op.stop, op.step))
        if not isinstance(start, int) or not isinstance(stop, int) or not isinstance(step, int) or step == 0:
            return None
        return range(start, stop, step)

    def index(self, op: ForOp, bounds: range | None) -> Fact:
        return scalar_attribute(bounds[0]) if bounds is not None and len(bounds) == 1 else VARYING


def _decided_by_some(op: Operation, operands: Sequence[Fact]) -> Sequence[Fact]:
    """Return the results' facts where some operands are known and others vary."""
    match op:
        case arith.AndIOp() if FALSE in operands:
            return (FALSE,)
        case arith.OrIOp() if op.result.type == i1 and TRUE in operands:
            return (TRUE,)
        case arith.MuliOp() if ZERO in operands:
            return (ZERO,)
        case arith.SelectOp():
            condition, yes, no = operands
            if isinstance(condition, Unknown):
                return (yes if yes == no else VARYING,)
            return (yes if attribute_scalar(condition) else no,)
        case _:
            return (VARYING,) * len(op.results)


FALSE, TRUE, ZERO = scalar_attribute(False), scalar_attribute(True), scalar_attribute(0)


def propagate_constants(op: Operation) -> bool:
    """Put constants in the place of what is known in a function, and take the branches that this decides; return
    whether anything changed."""
    changed = False
    for region in op.regions:
        analysis = ConstantPropagation()
        analysis.follow(region.block, (VARYING,) * len(region.block.args))
        replaced = [_replace(value, fact) for value, fact in analysis.facts.items() if not isinstance(fact, Unknown)]
        inlined = [_inline_scalars(inner) for inner in list(region.walk()) if isinstance(inner, AtenOp)]
        changed |= any(replaced) or any(inlined)
        if changed or any(map(_is_decided, region.walk())):
            changed |= rewrite_greedily(region, lambda op: PATTERNS.get(type(op), ()))
    return changed


PATTERNS: Mapping[type[Operation], Sequence[RewritePattern]] = {
    IfOp: (TakeDecidedBranch(), FlattenLeavingBranch()),
    SwitchOp: (TakeDecidedBranch(), FlattenLeavingBranch()),
    ForOp: (EraseEmptyLoop(),),
    WhileOp: (EraseEmptyWhile(),),
}


def _is_decided(op: Operation) -> bool:
    match op:
        case IfOp() | SwitchOp():
            return constant_scalar(op.operands[0]) is not None
        case ForOp():
            return trip_count(op) == 0
        case WhileOp():
            return isinstance(last := op.before.block.last_op, ConditionOp) and is_false(last.condition)
        case _:
            return False


def _replace(value: SSAValue, fact: Known) -> bool:
    """Put a constant in the place of a value, in front of the op that gives it."""
    owner = value.owner
    if value.first_use is None or (isinstance(owner, Operation) and constant_of(owner) is not None):
        return False
    new = constant_op(fact)
    (result,) = new.results
    if not can_stand_for(result, value):
        return False
    result.name_hint = value.name_hint
    if isinstance(owner, Block):
        assert owner.first_op is not None
        owner.insert_op_before(new, owner.first_op)
        around = owner.parent_op()
    else:
        assert owner.parent is not None
        owner.parent.insert_op_before(new, owner)
        around = owner
    if around is not None:
        adopt(new, around)
    value.replace_all_uses_with(result)
    return True


def _inline_scalars(op: AtenOp) -> bool:
    """Write an op's constant scalar operands into its argument list."""
    constants = {operand: value for operand in op.operands if (value := constant_scalar(operand)) is not None}
    if constants:
        replace(op, [op.replace_operand_arguments(constants)])
    return bool(constants)


@dataclass(frozen=True)
class PropagateConstantsPass(Pass):
    """Find the values that are the same on every path that can be taken, through branches and around loops; put
    constants in their place, and take the branches and drop the loops that this decides.

    ```mlir before
    func.func @main(%x: tensor<2x4xf32>, %c: i1) -> tensor<2x4xf32> {
      %two = dycl.dim %x, 0 : tensor<2x4xf32>
      %one = arith.constant 1 : i64
      %n = dycl.if %c -> (i64) {
        %a = arith.addi %one, %one : i64
        dycl.yield %a : i64
      } else {
        dycl.yield %two : i64
      }
      %many = arith.cmpi sgt, %n, %two : i64
      dycl.if %many {
        dycl.return %x : tensor<2x4xf32>
      }
      %y = dycl.aten mul.Scalar(%x, %n) : (tensor<2x4xf32>, i64) -> tensor<2x4xf32>
      dycl.return %y : tensor<2x4xf32>
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<2x4xf32>, %c: i1) -> tensor<2x4xf32> {
      %y = dycl.aten mul.Scalar(%x, 2) : (tensor<2x4xf32>) -> tensor<2x4xf32>
      dycl.return %y : tensor<2x4xf32>
    }
    ```

    Constants are host scalars, sizes that the types state, and tensors of at most 1 KB that torch computes from other
    constants. A constant scalar that an ATen op takes becomes part of its argument list. The pass does not read
    weights, nor look into called functions or kernels, and what a branch's own condition says about its sides is not
    used.
    """

    name = "propagate-constants"

    def apply(self, op: Operation, program: Program) -> bool:
        return propagate_constants(op)
