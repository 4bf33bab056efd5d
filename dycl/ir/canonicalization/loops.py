"""Rewrites of `dycl.for` and `dycl.while`."""

from collections.abc import Iterator

from xdsl.ir import Block, Operation
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern
from xdsl.rewriter import InsertPoint

from dycl.ir.ops import BreakOp, ConditionOp, ContinueOp, ForOp, WhileOp, YieldOp
from dycl.ir.rewriting import can_stand_for
from dycl.ir.scalars import constant_scalar, is_false


def trip_count(op: ForOp) -> int | None:
    """Return how often the body of a loop runs if it does not break; None where that is not known."""
    bounds = range_of(op)
    return None if bounds is None else len(bounds)


def range_of(op: ForOp) -> range | None:
    """Return the values of the induction variable, None where they are not known; a step of zero has none."""
    start, stop, step = (constant_scalar(bound) for bound in (op.start, op.stop, op.step))
    if not isinstance(start, int) or not isinstance(stop, int) or not isinstance(step, int) or step == 0:
        return None
    return range(start, stop, step)


def exits(block: Block) -> Iterator[YieldOp | BreakOp | ContinueOp]:
    """Yield the terminators that end an iteration of the loop whose body is `block`, or leave that loop."""
    for op in block.ops:
        if isinstance(op, BreakOp | ContinueOp) or (isinstance(op, YieldOp) and isinstance(op.parent_op(), ForOp)):
            yield op
        elif not isinstance(op, ForOp | WhileOp):
            for region in op.regions:
                yield from exits(region.block)


class EraseEmptyLoop(RewritePattern):
    """A `for` that never runs its body gives its initial values."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, ForOp) or trip_count(op) != 0:
            return
        if all(can_stand_for(init, result) for init, result in zip(op.inits, op.results, strict=True)):
            rewriter.replace(op, (), op.inits)


class DropCarriedValues(RewritePattern):
    """A value that a `for` carries is dropped where it never changes, or where only itself depends on it."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, ForOp) or not op.results:
            return
        terminators = list(exits(op.body.block))
        for result in op.results:
            index = result.index
            init, argument = op.inits[index], op.body.block.args[index + 1]
            if all(terminator.values[index] in (argument, init) for terminator in terminators):
                if not (can_stand_for(init, argument) and can_stand_for(init, result)):
                    continue
                rewriter.replace_all_uses_with(argument, init)
                rewriter.replace_all_uses_with(result, init)
            elif result.first_use is not None or not all(
                use.operation in terminators and use.index == index for use in argument.uses
            ):
                continue
            _drop_carried(op, index, terminators, rewriter)
            return


def _drop_carried(
    op: ForOp, index: int, terminators: list[YieldOp | BreakOp | ContinueOp], rewriter: PatternRewriter
) -> None:
    for terminator in terminators:
        terminator.operands = [value for place, value in enumerate(terminator.values) if place != index]
        rewriter.notify_op_modified(terminator)
    block = op.body.block
    rewriter.erase_block_argument(block.args[index + 1])
    inits = [value for place, value in enumerate(op.inits) if place != index]
    new = ForOp(op.start, op.stop, op.step, inits, rewriter.move_region_contents_to_new_regions(op.body))
    new.attributes |= op.attributes
    rewriter.replace(op, new, [*new.results[:index], None, *new.results[index:]])


class EraseEmptyWhile(RewritePattern):
    """A `while` whose condition is false computes that condition once."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, WhileOp):
            return
        block = op.before.block
        last = block.last_op
        if not isinstance(last, ConditionOp) or not is_false(last.condition):
            return
        carried = list(zip((*op.inits, *last.values), (*block.args, *op.results), strict=True))
        if not all(can_stand_for(value, old) for value, old in carried):
            return
        for result, value in zip(op.results, last.values, strict=True):
            rewriter.replace_all_uses_with(result, value)
        rewriter.erase(last)
        rewriter.inline_block(block, InsertPoint.before(op), op.inits)
        op.before.add_block(Block())
        rewriter.erase(op)


LOOP_PATTERNS: tuple[RewritePattern, ...] = (EraseEmptyLoop(), DropCarriedValues(), EraseEmptyWhile())
