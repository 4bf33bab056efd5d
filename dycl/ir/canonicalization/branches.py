"""Rewrites of `dycl.if` and `dycl.switch`."""

from collections.abc import Sequence

from xdsl.dialects import arith
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern
from xdsl.rewriter import InsertPoint

from dycl.ir.ops import BreakOp, ConstantOp, ContinueOp, IfOp, ParamOp, ReturnOp, SwitchOp, YieldOp
from dycl.ir.rewriting import can_stand_for
from dycl.ir.scalars import constant_scalar
from dycl.ir.types import is_scalar


def leaves(block: Block) -> bool:
    """Whether the block ends by leaving the function, a loop or its iteration."""
    return isinstance(block.last_op, ReturnOp | BreakOp | ContinueOp)


def region_taken(op: IfOp | SwitchOp, value: bool | int) -> Region:
    """Return the region that runs for a value of the condition or index."""
    if isinstance(op, IfOp):
        return op.then_region if value else op.else_region
    return dict(zip(op.case_values, op.case_regions, strict=True)).get(value, op.default_region)


class TakeDecidedBranch(RewritePattern):
    """`if true {A} else {B}` is `A`; a `switch` on a constant, or without cases, is the region it takes.

    Where `A` leaves, the code behind the branch cannot run and is erased.
    """

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, IfOp | SwitchOp):
            return
        value = constant_scalar(op.operands[0])
        if isinstance(op, SwitchOp) and not op.case_regions:
            value = 0
        if isinstance(value, int):
            _move_behind(op, region_taken(op, value).block, rewriter)
            rewriter.erase(op)


class FlattenLeavingBranch(RewritePattern):
    """`if c {A; return} else {B}; rest` is `if c {A; return}; B; rest`: only the other side goes on.

    Where all sides leave, the last one takes the place of the code behind the branch, which cannot run.
    """

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, IfOp | SwitchOp):
            return
        staying = [region for region in op.regions if not leaves(region.block)]
        if len(staying) > 1 or len(op.regions) < 2:
            return
        region = staying[0] if staying else op.regions[-1]
        if not op.results and isinstance(region.block.first_op, YieldOp):
            return
        _move_behind(op, region.block, rewriter)
        region.add_block(Block([YieldOp()]))
        _keep_results(op, (), rewriter)


class UseTheOneValue(RewritePattern):
    """A result is `%x` where all sides yield `%x`, or constants equal to it."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, IfOp | SwitchOp):
            return
        yields = _yields(op)
        for result in op.results:
            if result.first_use is None:
                continue
            first, *others = (terminator.values[result.index] for terminator in yields)
            if not others or not can_stand_for(first, result):
                continue
            if all(value is first for value in others):
                rewriter.replace_all_uses_with(result, first)
            elif all(_same_constant(value, first) for value in others):
                rewriter.replace_all_uses_with(result, _copied_before(op, first, rewriter))


class DropUnusedResults(RewritePattern):
    """A result without uses is dropped, with what the sides yield for it."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if isinstance(op, IfOp | SwitchOp):
            used = [result.index for result in op.results if result.first_use is not None]
            if len(used) < len(op.results):
                _keep_results(op, used, rewriter)


class SelectScalars(RewritePattern):
    """An `if` that only chooses between two scalars is a `select`; between true and false, its condition."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, IfOp) or not op.results or len(yields := _yields(op)) < 2:
            return
        only_chooses = all(
            isinstance(inner, YieldOp | arith.ConstantOp) for region in op.regions for inner in region.block.ops
        )
        for result in op.results:
            if result.first_use is None or not is_scalar(result.type):
                continue
            values = [terminator.values[result.index] for terminator in yields]
            flag = all(isinstance(constant_scalar(value), bool) for value in values)
            if only_chooses or flag:
                yes, no = (
                    value if constant_scalar(value) is None else _copied_before(op, value, rewriter) for value in values
                )
                select = rewriter.insert(arith.SelectOp(op.condition, yes, no), InsertPoint.before(op))
                select.result.name_hint = result.name_hint
                rewriter.replace_all_uses_with(result, select.result)


def _move_behind(op: IfOp | SwitchOp, block: Block, rewriter: PatternRewriter) -> None:
    """Move what a side of `op` does, if control goes on only from there, behind `op`.

    Its yield gives `op`'s results; where it leaves, it takes the place of all that is behind `op`.
    """
    last = block.last_op
    if isinstance(last, YieldOp):
        for result, value in zip(op.results, last.values, strict=True):
            value.name_hint = value.name_hint or result.name_hint
            rewriter.replace_all_uses_with(result, value)
        rewriter.erase(last)
    else:
        behind = op.next_op
        tail: list[Operation] = []
        while behind is not None:
            tail.append(behind)
            behind = behind.next_op
        for dead in reversed(tail):
            rewriter.erase(dead)
    rewriter.inline_block(block, InsertPoint.after(op))


def _yields(op: IfOp | SwitchOp) -> list[YieldOp]:
    """Return the terminators of the sides from which control goes on."""
    return [last for region in op.regions if isinstance(last := region.block.last_op, YieldOp)]


def _keep_results(op: IfOp | SwitchOp, kept: Sequence[int], rewriter: PatternRewriter) -> None:
    """Replace `op` by one with only some of its results; the others have no uses."""
    for terminator in _yields(op):
        if terminator.values:
            terminator.operands = [terminator.values[index] for index in kept]
            rewriter.notify_op_modified(terminator)
    types = [op.results[index].type for index in kept]
    regions = [rewriter.move_region_contents_to_new_regions(region) for region in op.regions]
    if isinstance(op, IfOp):
        new = IfOp(op.condition, types, *regions)
    else:
        new = SwitchOp(op.index, types, op.case_values, regions[1:], regions[0])
    new.attributes |= op.attributes
    results: list[SSAValue | None] = [None] * len(op.results)
    for index, result in zip(kept, new.results, strict=True):
        results[index] = result
    rewriter.replace(op, new, results)


def _same_constant(value: SSAValue, other: SSAValue) -> bool:
    a, b = value.owner, other.owner
    return (
        isinstance(a, arith.ConstantOp | ConstantOp | ParamOp)
        and isinstance(b, type(a))
        and value.type == other.type
        and a.properties == b.properties
    )


def _copied_before(op: Operation, constant: SSAValue, rewriter: PatternRewriter) -> SSAValue:
    owner = constant.owner
    assert isinstance(owner, Operation)
    return rewriter.insert(owner.clone(), InsertPoint.before(op)).results[0]


BRANCH_PATTERNS: tuple[RewritePattern, ...] = (
    TakeDecidedBranch(),
    FlattenLeavingBranch(),
    UseTheOneValue(),
    SelectScalars(),
    DropUnusedResults(),
)
