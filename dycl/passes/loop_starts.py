"""The start of an iteration, done by the one before it.

The *start* of a loop's body is what it computes before all control flow in it. Done at the end of the iteration
before, and once before the loop, it can share a kernel with what that iteration computes last. The values that the body
needs of it are carried.

It then runs once more than it did: for an iteration that never begins. So it must be small, and nothing must tell that
it ran (`dycl.passes.speculation`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.ir import Block, Operation, Region, SSAValue

from dycl.ir.canonicalization.loops import exits
from dycl.ir.ops import BreakOp, ConditionOp, ForOp, ReturnOp, WhileOp
from dycl.ir.rewriting import adopt, can_stand_for, replace
from dycl.passes.costs import LAUNCH, computes, cost
from dycl.passes.lifting import becomes_one_kernel, computation
from dycl.passes.segments import segments
from dycl.passes.speculation import is_speculable

MAX_COST = 2 * LAUNCH
"""What a start may take, since it runs once too often."""

MAX_COPIES = 4
"""Places that need a copy: before the loop, the end of its body, each `continue`."""

MAX_CARRIED = 4


@dataclass(frozen=True)
class Start:
    """The ops of a start in order, and the values of theirs that the rest of the loop needs."""

    ops: Sequence[Operation]
    values: Sequence[SSAValue]


def advance_start(loop: ForOp | WhileOp) -> bool:
    """Do the start of a loop's iterations ahead, where that saves a kernel; return whether it does."""
    found = _start(loop.body.block)
    if found is None or not _saves_a_kernel(found, loop.body.block):
        return False
    begins = _arguments(loop)
    if begins is None or len(begins) > MAX_COPIES:
        return False
    pairs = [pair for values in begins.values() for pair in zip(values, loop.body.block.args, strict=True)]
    if not all(value is None or can_stand_for(value, argument) for value, argument in pairs):
        return False
    _advance(loop, found, begins)
    return True


def _start(body: Block) -> Start | None:
    first = next(iter(segments(body)))
    if becomes_one_kernel(body):
        return None
    ops = computation(first)
    inside = set(ops)
    values = [result for op in ops for result in op.results if any(use.operation not in inside for use in result.uses)]
    return Start(ops, values)


def _saves_a_kernel(start: Start, body: Block) -> bool:
    inside = set(start.ops)
    return (
        any(map(computes, start.ops))
        and all(map(is_speculable, start.ops))
        and cost(start.ops) <= MAX_COST
        and len(start.values) <= MAX_CARRIED
        and any(computes(op) and op not in inside for op in body.walk() if _goes_on(op, body))
    )


def _goes_on(op: Operation, body: Block) -> bool:
    """Whether another iteration may follow where an op in a loop's body has run."""
    block = op.parent
    while block is not None and block is not body:
        if isinstance(block.last_op, ReturnOp | BreakOp):
            return False
        holder = block.parent_op()
        block = holder.parent if holder is not None else None
    return True


Arguments = dict[Operation | None, list[SSAValue | None]]
"""What the body's arguments are, by the op that ends the iteration before; by None, in the first iteration. None stands
for the induction variable's next value."""


def _arguments(loop: ForOp | WhileOp) -> Arguments | None:
    ends = [end for end in exits(loop.body.block) if not isinstance(end, BreakOp)]
    if isinstance(loop, ForOp):
        return {None: [loop.start, *loop.inits], **{end: [None, *end.values] for end in ends}}
    test = loop.before.block.last_op
    if test is not loop.before.block.first_op or not isinstance(test, ConditionOp):
        return None
    index: dict[SSAValue, int] = {argument: argument.index for argument in loop.before.block.args}

    def handed(values: Sequence[SSAValue]) -> list[SSAValue | None]:
        return [values[index[value]] if value in index else value for value in test.values]

    return {None: handed(loop.inits), **{end: handed(end.values) for end in ends}}


def _advance(loop: ForOp | WhileOp, start: Start, begins: Arguments) -> None:
    body = loop.body.block
    inits: list[SSAValue] = []
    for end, values in begins.items():
        mapping: dict[SSAValue, SSAValue] = {}
        ops: list[Operation] = []
        for argument, value in zip(body.args, values, strict=True):
            if value is None and argument.first_use is not None:
                assert isinstance(loop, ForOp)
                following = arith.AddiOp(argument, loop.step)
                ops.append(following)
                value = following.result
            if value is not None:
                mapping[argument] = value
        ops += [op.clone(mapping) for op in start.ops]
        carried = [mapping[value] for value in start.values]
        if end is None:
            place = loop
            inits = carried
        else:
            place = end
            end.operands = [*end.operands, *carried]
        assert place.parent is not None
        place.parent.insert_ops_before(ops, place)
        for op in ops:
            adopt(op, loop)
    for value in start.values:
        argument = body.insert_arg(value.type, len(body.args))
        argument.name_hint = value.name_hint
        value.replace_all_uses_with(argument)
    for op in reversed(start.ops):
        op.detach()
        op.erase()
    # What breaks gives these results, nobody asks for.
    for end in [end for end in exits(body) if isinstance(end, BreakOp)]:
        end.operands = [*end.operands, *body.args[len(body.args) - len(start.values) :]]
    _rebuild(loop, inits)


def _rebuild(loop: ForOp | WhileOp, inits: Sequence[SSAValue]) -> None:
    """Replace a loop by one with more carried values, which its body has already."""
    content = Region()
    loop.body.move_blocks(content)
    if isinstance(loop, ForOp):
        new = ForOp(loop.start, loop.stop, loop.step, [*loop.inits, *inits], content)
    else:
        before = loop.before.block
        test = before.last_op
        assert test is not None
        more = [before.insert_arg(value.type, len(before.args)) for value in inits]
        for argument, value in zip(more, inits, strict=True):
            argument.name_hint = value.name_hint
        test.operands = [*test.operands, *more]
        head = Region()
        loop.before.move_blocks(head)
        types = [*loop.result_types, *(value.type for value in inits)]
        new = WhileOp([*loop.inits, *inits], types, head, content)
    new.attributes |= loop.attributes
    replace(loop, [new], new.results[: len(loop.results)])
