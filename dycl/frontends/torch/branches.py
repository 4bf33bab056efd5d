"""Branches on what is known only at run time.

Both sides are evaluated, each from the state before the branch, and their ends joined:
- sides that both go on are merged: what differs becomes results of the `dycl.if`
- where one side has left the program's function, the code after the branch continues flat in the other
- where one side leaves a scope that both are in, as a `return` of an inlined function, the other side's region stays
  open, and the code up to the end of that scope goes into it; there the two are joined
- where a side must be joined before that scope ends, it takes a flag along that says whether it has left
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from xdsl.dialects import arith
from xdsl.dialects.builtin import LocationAttr
from xdsl.ir import Attribute, Block, SSAValue

from dycl.frontends.torch.builder import MAX_DEPTH
from dycl.frontends.torch.control import Completion, Leave, Left, Mixed, Raised, Scope
from dycl.frontends.torch.merge import Merge, Side
from dycl.frontends.torch.values import Choice, ModelRaised, Scalar, Value
from dycl.ir.ops import AssertOp, IfOp, SwitchOp

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

Outcome: TypeAlias = tuple[Completion, Value]
Run: TypeAlias = Callable[[], Outcome]


@dataclass
class Pending:
    """A branch whose side `open` still receives code, until the end of `scope`, which its side `exit` has left."""

    scope: Scope
    condition: SSAValue
    location: LocationAttr
    exit: Side
    exit_is_then: bool
    start: int


def run_side(capture: "Capture", run: Run) -> Side:
    block, start, open_before = Block(), capture.journal.clock, len(capture.pendings)
    capture.enter(block)
    try:
        completion, value = run()
    except ModelRaised as error:
        completion, value = Raised(error), None
    while len(capture.pendings) > open_before:
        completion = _close(capture, completion, flagged=True)
    block, state = capture.leave()
    return Side(block, state, completion, value, start)


def branch(capture: "Capture", condition: SSAValue, then: Run, otherwise: Run) -> Outcome:
    """Evaluate both sides of a branch and join them."""
    location = capture.where()
    first = run_side(capture, then)
    if isinstance(first.completion, Left | Raised):
        # The other side needs no region: what follows is reached from there alone.
        _attach_exit(capture, condition, location, first, is_then=True)
        return otherwise()
    return join(capture, condition, location, first, run_side(capture, otherwise))


def branch_value(
    capture: "Capture", condition: SSAValue, then: Callable[[], Value], otherwise: Callable[[], Value]
) -> Value:
    """Evaluate an expression on each side of a branch, and return what stands for its value."""
    _, value = branch(capture, condition, lambda: (None, then()), lambda: (None, otherwise()))
    return value


def switch_value(capture: "Capture", index: SSAValue, cases: Sequence[Callable[[], Value]]) -> Value:
    """Evaluate the expression that `index` says, and return what stands for its value; the last case is the default."""

    def run(case: Callable[[], Value]) -> Run:
        return lambda: (None, case())

    location = capture.where()
    sides = [run_side(capture, run(case)) for case in cases]
    for side in sides:
        if isinstance(side.completion, Raised):
            raise side.completion.error
    merge = Merge(capture, sides, lambda values: Choice(Scalar(index), values))
    value, state = merge.plan([side.value for side in sides], "a value"), merge.state()

    def emit(types: Sequence[Attribute]) -> Sequence[SSAValue]:
        blocks = [side.block for side in sides]
        op = capture.builder.emit(SwitchOp(index, types, range(len(blocks) - 1), blocks[:-1], blocks[-1]))
        op.location = location
        return op.res

    merge.finish(emit)
    state()
    return value()


def close(capture: "Capture", scope: Scope, completion: Completion) -> Completion:
    """Join, at the end of a scope, the branches that some side has left for that end.

    A branch opened later, whose exit leaves a scope further out, lies inside these and is joined with them; its flag
    then opens it again.
    """
    completion = _settled(capture, completion, scope)
    while any(pending.scope is scope for pending in capture.pendings):
        only = sum(pending.scope is scope for pending in capture.pendings) == 1
        flagged = not only or capture.pendings[-1].scope is not scope
        capture.pendings[-1].exit.completion = _settled(capture, capture.pendings[-1].exit.completion, scope)
        completion = _settled(capture, _close(capture, completion, flagged), scope)
    return _settle(capture, completion)


def _settled(capture: "Capture", completion: Completion, scope: Scope) -> Completion:
    """A loop's or iteration's end is where those who left it go on; a function's still has a value to hand over."""
    if scope.kind == "function":
        return completion
    if isinstance(completion, Leave) and completion.scope is scope:
        return None
    if not isinstance(completion, Mixed) or all(leave.scope is not scope for _, leave in completion.exits):
        if isinstance(completion, Mixed) and completion.rest is not None and completion.rest.scope is scope:
            return Mixed(completion.exits, None)
        return completion
    return _without(capture, completion, scope)


def _without(capture: "Capture", mixed: Mixed, scope: Scope) -> Completion:
    """Let those that left for the end of `scope` go on: a flag counts only where none before it was theirs."""
    emit, true = capture.builder.emit, capture.builder.constant(True)
    goes_on: SSAValue | None = None
    exits: list[tuple[Scalar, Leave]] = []
    for flag, leave in mixed.exits:
        ssa = flag.ssa
        if goes_on is not None:
            ssa = emit(arith.AndIOp(ssa, emit(arith.XOrIOp(goes_on, true)).result)).result
        if leave.scope is not scope:
            exits.append((Scalar(ssa), leave))
        else:
            # Only where no exit before it was taken.
            for earlier, _ in exits:
                ssa = emit(arith.AndIOp(ssa, emit(arith.XOrIOp(earlier.ssa, true)).result)).result
            goes_on = ssa if goes_on is None else emit(arith.OrIOp(goes_on, ssa)).result
    if mixed.rest is not None and mixed.rest.scope is not scope:
        assert goes_on is not None
        exits.append((Scalar(emit(arith.XOrIOp(goes_on, true)).result), mixed.rest))
    return Mixed(tuple(exits), None) if exits else None


def _close(capture: "Capture", completion: Completion, flagged: bool) -> Completion:
    pending = capture.pendings.pop()
    block, state = capture.leave()
    rest = Side(block, state, completion, None, pending.start)
    exit = pending.exit
    sides = (exit, rest) if pending.exit_is_then else (rest, exit)
    return join(capture, pending.condition, pending.location, *sides, flagged=flagged)[0]


def join(
    capture: "Capture", condition: SSAValue, location: LocationAttr, then: Side, otherwise: Side, flagged: bool = False
) -> Outcome:
    """Join two sides; `flagged` where that cannot wait for the end of a scope that one of them has left."""
    for exit, rest in ((then, otherwise), (otherwise, then)):
        if isinstance(exit.completion, Left | Raised):
            _attach_exit(capture, condition, location, exit, is_then=exit is then)
            completion, value = take(capture, rest)
            return (completion if flagged else _settle(capture, completion)), value
    ends = then.completion, otherwise.completion
    if ends[0] is None and ends[1] is None:
        merge = _merge(capture, condition, location, then, otherwise)
        return None, merge([then.value, otherwise.value])
    if isinstance(ends[0], Leave) and isinstance(ends[1], Leave) and ends[0].scope is ends[1].scope:
        merge = _merge(capture, condition, location, then, otherwise)
        return Leave(ends[0].scope, merge([ends[0].value, ends[1].value])), None
    if flagged or isinstance(ends[0], Mixed) or isinstance(ends[1], Mixed):
        mixed = _join_flagged(capture, condition, location, then, otherwise)
        return (mixed if flagged else _settle(capture, mixed)), None
    exit = otherwise if _inner(capture, ends[1], ends[0]) else then
    return _leave_open(capture, condition, location, exit, otherwise if exit is then else then, exit is then), None


def _inner(capture: "Capture", one: Completion, other: Completion) -> bool:
    """Whether `one` leaves a scope that ends before the one `other` leaves; going on leaves none."""
    if one is None or other is None:
        return one is not None
    assert isinstance(one, Leave) and isinstance(other, Leave)
    order = capture.open_scopes()
    return order.index(one.scope) > order.index(other.scope)


def _leave_open(
    capture: "Capture", condition: SSAValue, location: LocationAttr, exit: Side, rest: Side, exit_is_then: bool
) -> Completion:
    assert isinstance(exit.completion, Leave)
    if capture.builder.depth >= MAX_DEPTH:
        raise capture.error(
            f"more than {MAX_DEPTH} exits of one {exit.completion.scope.kind} that depend on tensors",
            "each nests the code after it one level deeper",
            "leave the model's `forward` itself with `return`: such exits do not nest",
        )
    start = min(exit.start, rest.start)
    capture.pendings.append(Pending(exit.completion.scope, condition, location, exit, exit_is_then, start))
    capture.enter(rest.block)
    capture.journal.apply(rest.state)
    return rest.completion


def take(capture: "Capture", side: Side) -> Outcome:
    """Continue flat, in the block around the branch, with what `side` has computed."""
    for op in list(side.block.ops):
        op.detach()
        capture.builder.blocks[-1].add_op(op)
    capture.journal.apply(side.state)
    return side.completion, side.value


def _attach_exit(capture: "Capture", condition: SSAValue, location: LocationAttr, exit: Side, is_then: bool) -> None:
    """Emit the branch whose one side leaves the function, or the check that it is not taken where it raises."""
    if isinstance(exit.completion, Raised):
        if capture.handlers:
            raise capture.error(
                "an exception that depends on a tensor, inside a `try`",
                "whether its handler runs is known only at run time",
                "use a flag or a returned value instead of the exception",
            )
        if is_then:
            condition = capture.builder.emit(arith.XOrIOp(condition, capture.builder.constant(True))).result
        capture.builder.emit(AssertOp(condition, capture.text_of(exit.completion.error))).location = location
        return
    blocks = (exit.block, None) if is_then else (None, exit.block)
    capture.builder.emit(IfOp(condition, [], *blocks)).location = location


def _merge(
    capture: "Capture", condition: SSAValue, location: LocationAttr, then: Side, otherwise: Side
) -> Callable[[Sequence[Value]], Value]:
    """Return the merge of the two sides' states and of one value each."""

    def finish(values: Sequence[Value]) -> Value:
        merge = _start_merge(capture, condition, then, otherwise)
        value, state = merge.plan(values, "a value"), merge.state()
        merge.finish(_emit_if(capture, condition, location, then, otherwise))
        state()
        return value()

    return finish


def _start_merge(capture: "Capture", condition: SSAValue, then: Side, otherwise: Side) -> Merge:
    return Merge(capture, (then, otherwise), lambda values: Choice(Scalar(condition), (values[1], values[0])))


def _emit_if(
    capture: "Capture", condition: SSAValue, location: LocationAttr, then: Side, otherwise: Side
) -> Callable[[Sequence[Attribute]], Sequence[SSAValue]]:
    def emit(types: Sequence[Attribute]) -> Sequence[SSAValue]:
        op = capture.builder.emit(IfOp(condition, types, then.block, otherwise.block))
        op.location = location
        return op.res

    return emit


def _join_flagged(
    capture: "Capture", condition: SSAValue, location: LocationAttr, then: Side, otherwise: Side
) -> Completion:
    """Merge two sides that end differently; flags tell, after the branch, how."""
    merge = _start_merge(capture, condition, then, otherwise)
    exits: list[tuple[Callable[[], Value], Scope, Callable[[], Value]]] = []
    rests: list[Leave | None] = []
    for side, used in ((then, (True, False)), (otherwise, (False, True))):
        assert not isinstance(side.completion, Left | Raised)
        mixed = side.completion if isinstance(side.completion, Mixed) else Mixed((), side.completion)
        for flag, leave in mixed.exits:
            taken = merge.plan([flag if use else False for use in used], "a flag")
            exits.append((taken, leave.scope, merge.fill([leave.value] * 2, used, "a returned value")))
        rests.append(mixed.rest)
    rest = rests[0]
    if rests[0] is None or rests[1] is None or rests[0].scope is not rests[1].scope:
        for index, leave in enumerate(rests):
            if leave is not None and (index == 0 or rests[0] is None):
                used = (index == 0, index == 1)
                exits.append((merge.flag(used), leave.scope, merge.fill([leave.value] * 2, used, "a returned value")))
                rest = rests[1 - index]
        finish_rest = None
    else:
        finish_rest = merge.plan([rests[0].value, rests[1].value], "a returned value")
    state = merge.state(_dying(capture, then, otherwise))
    merge.finish(_emit_if(capture, condition, location, then, otherwise))
    state()
    if finish_rest is not None and rest is not None:
        rest = Leave(rest.scope, finish_rest())
    return Mixed(tuple((taken(), Leave(scope, value())) for taken, scope, value in exits), rest)


def _dying(capture: "Capture", then: Side, otherwise: Side) -> "tuple[set[int], tuple[bool, bool]] | None":
    """The environments of which only one side's content is ever used, as the other has left their function."""
    for exit, used in ((then, (False, True)), (otherwise, (True, False))):
        if isinstance(exit.completion, Leave) and exit.completion.scope.kind == "function":
            return capture.environments_inside(exit.completion.scope), used
    return None


def _settle(capture: "Capture", completion: Completion) -> Completion:
    """Turn flags into branches again, where the exits that they stand for may stay open."""
    if not isinstance(completion, Mixed):
        return completion
    for flag, leave in completion.exits:
        start = capture.journal.clock
        sides = [Side(Block(), {}, end, None, start) for end in (leave, None)]
        join(capture, flag.ssa, capture.where(), sides[0], sides[1])
    return completion.rest


__all__ = ["Pending", "branch", "branch_value", "close", "join", "run_side", "switch_value", "take"]
