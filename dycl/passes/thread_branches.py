"""Branch threading: a condition that has been decided on the way is not tested again.

A condition is *decided* on each side of an `if` that tests it, behind an `if` of which one side leaves, and behind an
assertion of it; so is what negates it. Two `if`s on one condition are one, where nothing stands between them that must
run after the first and before the second.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from xdsl.dialects import arith
from xdsl.ir import Block, Operation, Region, SSAValue

from dycl.ir.decisions import always_leaves
from dycl.ir.ops import AssertOp, IfOp, KernelOp, RegionOp, SwitchOp, YieldOp
from dycl.ir.rewriting import adopt, can_stand_for, erase
from dycl.ir.scalars import constant_scalar, is_true, scalar_constant
from dycl.passes.base import Pass
from dycl.passes.segments import blocks_inside, is_movable
from dycl.passes.speculation import is_speculable
from dycl.program import Program


def thread_branches(op: Operation) -> bool:
    """Join the `if`s inside `op` that have one condition, and put in what is decided; return whether any was."""
    changed = False
    # Inner blocks first: what is joined is then looked at once.
    for block in reversed(blocks_inside(op)):
        for branch in list(block.ops):
            first = branch
            while isinstance(first, IfOp) and first.parent is block and (second := _next_to_join(first)) is not None:
                first = join(first, second)
                changed = True
    decided = _Decided()
    for region in op.regions:
        for block in region.blocks:
            decided.visit(block)
    return changed or decided.changed


@dataclass
class _Decided:
    """The conditions that are decided where the walk over a program has come."""

    known: dict[SSAValue, bool] = field(default_factory=dict[SSAValue, bool])
    changed: bool = False

    def visit(self, block: Block) -> None:
        with self.scope():
            for op in list(block.ops):
                if isinstance(op, RegionOp | KernelOp):
                    continue
                self.use_in(op)
                match op:
                    case IfOp():
                        self.visit_branch(op)
                    case AssertOp():
                        self.decide(op.condition, True)
                    case _:
                        for region in op.regions:
                            self.visit(region.block)
                if _always_leaves(op):
                    # Its block's terminator is never reached, and nothing may stand before that.
                    return

    def visit_branch(self, op: IfOp) -> None:
        for block, value in ((op.then_block, True), (op.else_block, False)):
            with self.scope():
                self.decide(op.condition, value)
                self.visit(block)
        gone = [always_leaves(op.then_block), always_leaves(op.else_block)]
        if any(gone):
            self.decide(op.condition, not gone[0])

    def use_in(self, op: Operation) -> None:
        for index, operand in enumerate(op.operands):
            value = self.value_of(operand)
            if value is None or op.parent is None:
                continue
            constant = scalar_constant(value)
            adopt(constant, op)
            op.parent.insert_op_before(constant, op)
            op.operands[index] = constant.result
            self.changed = True

    def value_of(self, condition: SSAValue) -> bool | None:
        base, negated = _base(condition)
        value = self.known.get(base)
        return None if value is None else value != negated

    def decide(self, condition: SSAValue, value: bool) -> None:
        base, negated = _base(condition)
        if constant_scalar(base) is None:
            self.known.setdefault(base, value != negated)

    @contextmanager
    def scope(self) -> Generator[None]:
        """Forget at the end what is decided in between."""
        outer = len(self.known)
        yield
        while len(self.known) > outer:
            self.known.popitem()


def _base(condition: SSAValue) -> tuple[SSAValue, bool]:
    """Return the value that a condition is, or negates, and whether it does."""
    negated = False
    while isinstance(op := condition.owner, arith.XOrIOp) and is_true(op.rhs):
        condition, negated = op.lhs, not negated
    return condition, negated


def _always_leaves(op: Operation) -> bool:
    """Whether all sides of a branch leave."""
    return isinstance(op, IfOp | SwitchOp) and all(always_leaves(region.block) for region in op.regions)


def _next_to_join(first: IfOp) -> IfOp | None:
    """Return the `if` that can become one with `first`."""
    if always_leaves(first.then_block) or always_leaves(first.else_block):
        return None
    second = first.next_op
    between: list[Operation] = []
    while second is not None and is_movable(second):
        between.append(second)
        second = second.next_op
    if not isinstance(second, IfOp) or _base(second.condition)[0] is not _base(first.condition)[0]:
        return None
    if _always_leaves(second):
        return None
    ends = [block.last_op for block in (first.then_block, first.else_block)]
    if not all(
        can_stand_for(value, result)
        for end in ends
        if isinstance(end, YieldOp)
        for value, result in zip(end.values, first.results, strict=True)
    ):
        return None
    given = set[SSAValue](first.results)
    for op in between:
        if not given.isdisjoint(op.operands):
            given.update(op.results)
    needed = _needed(second, between)
    return second if all(is_speculable(op) and given.isdisjoint(op.operands) for op in needed) else None


def _needed(op: Operation, between: Sequence[Operation]) -> list[Operation]:
    """Return, in order, those of the ops before `op` that it needs."""
    values = {operand for inner in op.walk() for operand in inner.operands}
    found: list[Operation] = []
    for before in reversed(between):
        if not values.isdisjoint(before.results):
            values.update(before.operands)
            found.append(before)
    return found[::-1]


def join(first: IfOp, second: IfOp) -> IfOp:
    """Make one `if` of two on one condition; return it. What the second needs of the ops between them goes before."""
    block = first.parent
    assert block is not None
    between: list[Operation] = []
    op = first.next_op
    while op is not second:
        assert op is not None
        between.append(op)
        op = op.next_op
    for op in _needed(second, between):
        op.detach()
        block.insert_op_before(op, first)
    sides = [second.then_block, second.else_block]
    if _base(first.condition)[1] != _base(second.condition)[1]:
        sides.reverse()
    regions = [Region(), Region()]
    for region, own, other in zip(regions, (first.then_region, first.else_region), sides, strict=True):
        own.move_blocks(region)
        _append(region.block, first, other)
    new = IfOp(first.condition, [*first.result_types, *second.result_types], *regions)
    new.attributes |= first.attributes
    new.location = first.location
    block.insert_op_before(new, first)
    for old, result in zip((*first.results, *second.results), new.results, strict=True):
        result.name_hint = old.name_hint
        old.replace_all_uses_with(result)
    for region in (*first.regions, *second.regions):
        if not region.blocks:
            region.add_block(Block())
    erase((first, second))
    return new


def _append(block: Block, first: IfOp, other: Block) -> None:
    """Put a side of the second `if` behind the same side of the first, whose block it becomes part of."""
    end = block.last_op
    assert isinstance(end, YieldOp)
    given = dict[SSAValue, SSAValue](zip(first.results, end.values, strict=True))
    yielded = list(end.values)
    end.detach()
    end.erase()
    for op in list(other.ops):
        op.detach()
        for inner in op.walk():
            for index, operand in enumerate(inner.operands):
                if operand in given:
                    inner.operands[index] = given[operand]
        if isinstance(op, YieldOp):
            op.operands = [*yielded, *op.operands]
        block.add_op(op)


@dataclass(frozen=True)
class ThreadBranchesPass(Pass):
    """Make one `if` of two that follow each other and have one condition, or one that negates it, and use what is
    known of a condition wherever it has been decided.

    ```mlir before
    func.func @main(%x: tensor<4xf32>, %skip: i1) -> (tensor<4xf32>, i1) {
      %true = arith.constant true
      %zero = dycl.constant dense<0.0> : tensor<4xf32>
      %h = dycl.if %skip -> (tensor<4xf32>) {
        dycl.yield %zero : tensor<4xf32>
      } else {
        %a = dycl.aten exp.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
        dycl.yield %a : tensor<4xf32>
      }
      %run = arith.xori %skip, %true : i1
      %y, %ran = dycl.if %run -> (tensor<4xf32>, i1) {
        %b = dycl.aten add.Tensor(%x, %h, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
        dycl.yield %b, %run : tensor<4xf32>, i1
      } else {
        dycl.yield %x, %skip : tensor<4xf32>, i1
      }
      dycl.return %y, %ran : tensor<4xf32>, i1
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<4xf32>, %skip: i1) -> (tensor<4xf32>, i1) {
      %true = arith.constant true
      %zero = dycl.constant dense<0.0> : tensor<4xf32>
      %run = arith.xori %skip, %true : i1
      %h, %y, %ran = dycl.if %skip -> (tensor<4xf32>, tensor<4xf32>, i1) {
        %true_1 = arith.constant true
        dycl.yield %zero, %x, %true_1 : tensor<4xf32>, tensor<4xf32>, i1
      } else {
        %a = dycl.aten exp.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
        %b = dycl.aten add.Tensor(%x, %a, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
        %true_2 = arith.constant true
        dycl.yield %a, %b, %true_2 : tensor<4xf32>, tensor<4xf32>, i1
      }
      dycl.return %y, %ran : tensor<4xf32>, i1
    }
    ```

    Nothing runs on a path where it did not run, but for what cannot fail and the second condition needs; assertions,
    calls and what draws random numbers keep their order. The pass does not touch `if`s of which the first may leave
    (what follows it runs on one side only), nor a loop's test, and copies nothing.
    """

    name = "thread-branches"

    def apply(self, op: Operation, program: Program) -> bool:
        return thread_branches(op)
