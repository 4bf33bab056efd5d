"""Rewrites of `dycl.for` and `dycl.while`."""

from collections.abc import Iterator

from xdsl.ir import Block, Operation, SSAValue
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
        if isinstance(op, BreakOp | ContinueOp) or (
            isinstance(op, YieldOp) and isinstance(op.parent_op(), ForOp | WhileOp)
        ):
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


class ForwardHandedOnValues(RewritePattern):
    """What a `while` hands on to its body, and as its result, is the value itself where that comes from outside the
    loop; one that it hands on twice is the first of the two."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, WhileOp) or not isinstance(test := op.before.block.last_op, ConditionOp):
            return
        breaks = [end for end in exits(op.body.block) if isinstance(end, BreakOp)]
        first: dict[SSAValue, int] = {}
        for index, value in enumerate(test.values):
            twin = first.setdefault(value, index)
            if twin < index:
                found, result = op.body.block.args[twin], op.results[twin]
                given = all(end.values[index] is end.values[twin] for end in breaks)
            elif _is_outside(value, op.before.block):
                found = result = value
                given = all(end.values[index] is value for end in breaks)
            else:
                continue
            _put_for(op.body.block.args[index], found, rewriter)
            if given:
                _put_for(op.results[index], result, rewriter)


class ForwardKeptValues(RewritePattern):
    """A value with which all iterations of a `while` begin as the first one does is its initial value."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, WhileOp) or not isinstance(test := op.before.block.last_op, ConditionOp):
            return
        ends = [end for end in exits(op.body.block) if not isinstance(end, BreakOp)]
        for index, (init, argument) in enumerate(zip(op.inits, op.before.block.args, strict=True)):
            kept = {init}
            kept.update(
                inner for inner, value in zip(op.body.block.args, test.values, strict=True) if value is argument
            )
            if all(end.values[index] in kept for end in ends):
                _put_for(argument, init, rewriter)


class DropWhileValues(RewritePattern):
    """A value that a `while` begins its iterations with, or hands on, is dropped where only the loop's handing on
    depends on it."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, WhileOp) or not isinstance(test := op.before.block.last_op, ConditionOp):
            return
        begun, handed = _needed(op, test)
        if len(begun) < len(op.inits) or len(handed) < len(op.results):
            _keep_while_values(op, test, sorted(begun), sorted(handed), rewriter)


def _needed(op: WhileOp, test: ConditionOp) -> tuple[set[int], set[int]]:
    """Return which of the values that iterations begin with are needed, and which of those handed on."""
    ends = list(exits(op.body.block))
    handing: set[Operation] = {test, *ends}
    begun_at: dict[SSAValue, int] = {argument: argument.index for argument in op.before.block.args}
    handed_at: dict[SSAValue, int] = {argument: argument.index for argument in op.body.block.args}
    begun = {index for value, index in begun_at.items() if test.condition is value or _has_uses(value, handing)}
    handed = {index for value, index in handed_at.items() if _has_uses(value, handing)}
    handed.update(result.index for result in op.results if result.first_use is not None)
    size = -1
    while size < len(begun) + len(handed):
        size = len(begun) + len(handed)
        begun.update(begun_at[test.values[index]] for index in handed if test.values[index] in begun_at)
        for end in ends:
            slots = handed if isinstance(end, BreakOp) else begun
            handed.update([handed_at[end.values[index]] for index in slots if end.values[index] in handed_at])
    return begun, handed


def _has_uses(value: SSAValue, besides: set[Operation]) -> bool:
    return any(use.operation not in besides for use in value.uses)


def _keep_while_values(
    op: WhileOp, test: ConditionOp, begun: list[int], handed: list[int], rewriter: PatternRewriter
) -> None:
    """Replace a loop by one with some of the values that its iterations begin with, and some of those handed on."""
    for end in exits(op.body.block):
        end.operands = [end.values[index] for index in (handed if isinstance(end, BreakOp) else begun)]
        rewriter.notify_op_modified(end)
    test.operands = [test.condition, *(test.values[index] for index in handed)]
    rewriter.notify_op_modified(test)
    for block, kept in ((op.before.block, begun), (op.body.block, handed)):
        for argument in [argument for argument in block.args if argument.index not in kept]:
            rewriter.erase_block_argument(argument)
    regions = [rewriter.move_region_contents_to_new_regions(region) for region in op.regions]
    new = WhileOp([op.inits[index] for index in begun], [op.results[index].type for index in handed], *regions)
    new.attributes |= op.attributes
    results: list[SSAValue | None] = [None] * len(op.results)
    for index, result in zip(handed, new.results, strict=True):
        results[index] = result
    rewriter.replace(op, new, results)


def _put_for(old: SSAValue, value: SSAValue, rewriter: PatternRewriter) -> None:
    if old is not value and old.first_use is not None and can_stand_for(value, old):
        rewriter.replace_all_uses_with(old, value)


def _is_outside(value: SSAValue, block: Block) -> bool:
    """Whether a value that `block` uses is defined outside it."""
    return (value.owner if isinstance(value.owner, Block) else value.owner.parent) is not block


LOOP_PATTERNS: tuple[RewritePattern, ...] = (
    EraseEmptyLoop(),
    DropCarriedValues(),
    EraseEmptyWhile(),
    ForwardHandedOnValues(),
    ForwardKeptValues(),
    DropWhileValues(),
)
