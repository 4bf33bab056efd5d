"""Rewrites of loops that carry a flag which tells the first iteration from the later ones.

`past = None` before a loop and `if past is None` in it become a flag, and a carried value that stands for nothing until
the flag is set.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.ir import Block, Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern

from dycl.ir.canonicalization.loops import exits
from dycl.ir.ops import BreakOp, ConditionOp, ForOp, IfOp, WhileOp, YieldOp
from dycl.ir.rewriting import can_stand_for
from dycl.ir.scalars import is_false, is_true


class BeginAsFirstChosen(RewritePattern):
    """`if later {%a} else {%k}` is `%a`, where `later` is false in a loop's first iteration and true from then on, and
    `%a` is a carried value that nothing else uses: it begins as `%k`."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, ForOp | WhileOp):
            return
        carried = list(_carried(op))
        ends = [end for end in exits(op.body.block) if not isinstance(end, BreakOp)]
        for flag in carried:
            if not is_false(flag.init) or not ends or not all(is_true(end.values[flag.index]) for end in ends):
                continue
            for value in carried:
                if value.result.first_use is not None:
                    continue
                choices = [_choice(use.operation, use.index, flag.argument) for use in value.argument.uses]
                found = [choice for choice in choices if choice is not None]
                firsts = {first for first, _ in found}
                if len(firsts) != 1 or len(found) < len(choices):
                    continue
                (first,) = firsts
                results = [result for _, result in found]
                fits = can_stand_for(first, value.argument) and can_stand_for(value.init, value.argument)
                if not _is_before(first, op) or not fits or first is value.init:
                    continue
                if not all(can_stand_for(value.argument, result) for result in results):
                    continue
                for result in results:
                    rewriter.replace_all_uses_with(result, value.argument)
                op.operands[_first_init(op) + value.index] = first
                rewriter.notify_op_modified(op)


@dataclass(frozen=True)
class _Carried:
    """A value that a loop carries, as its body and its result have it."""

    index: int
    """Among the values with which an iteration begins."""
    init: SSAValue
    argument: SSAValue
    result: SSAValue


def _carried(loop: ForOp | WhileOp) -> Iterator[_Carried]:
    """Yield the values that a loop carries; of those of a `while`, those that its test only hands on."""
    if isinstance(loop, ForOp):
        for index, (init, result) in enumerate(zip(loop.inits, loop.results, strict=True)):
            yield _Carried(index, init, loop.body.block.args[index + 1], result)
        return
    test = loop.before.block.last_op
    if not isinstance(test, ConditionOp):
        return
    for place, value in enumerate(test.values):
        if value.owner is loop.before.block and value.has_one_use():
            index = next(place for place, argument in enumerate(loop.before.block.args) if argument is value)
            yield _Carried(index, loop.inits[index], loop.body.block.args[place], loop.results[place])


def _choice(user: Operation, index: int, flag: SSAValue) -> tuple[SSAValue, SSAValue] | None:
    """Return what is chosen instead of an operand while `flag` is not set, and the outcome, if the user chooses so."""
    match user:
        case arith.SelectOp():
            return (user.rhs, user.result) if index == 1 and user.cond is flag else None
        case YieldOp():
            branch = user.parent_op()
            if not isinstance(branch, IfOp) or branch.condition is not flag or user.parent is not branch.then_block:
                return None
            other = branch.else_block.last_op
            return (other.values[index], branch.results[index]) if isinstance(other, YieldOp) else None
        case _:
            return None


def _is_before(value: SSAValue, loop: Operation) -> bool:
    """Whether a value that the loop uses is defined before it."""
    block: Block | None = value.owner if isinstance(value.owner, Block) else value.owner.parent
    while block is not None:
        holder = block.parent_op()
        if holder is loop:
            return False
        block = holder.parent if holder is not None else None
    return True


def _first_init(loop: ForOp | WhileOp) -> int:
    return 3 if isinstance(loop, ForOp) else 0


FIRST_ITERATION_PATTERNS: tuple[RewritePattern, ...] = (BeginAsFirstChosen(),)
