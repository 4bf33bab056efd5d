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
from typing import TYPE_CHECKING, Protocol, TypeAlias

from xdsl.dialects import arith
from xdsl.dialects.builtin import LocationAttr, i1
from xdsl.dialects.func import CallOp
from xdsl.ir import Attribute, Block, SSAValue

from dycl.frontends.builder import MAX_DEPTH
from dycl.frontends.torch.loops.attempts import Attempt
from dycl.frontends.torch.loops.open_loops import depart_loop
from dycl.frontends.torch.paths.columns import filler
from dycl.frontends.torch.paths.control import Completion, Departed, Leave, Left, Mixed, Raised, Scope
from dycl.frontends.torch.paths.guards import caught, is_guarded
from dycl.frontends.torch.paths.journal import Slot, VariableSlot
from dycl.frontends.torch.paths.merge import Merge, Side, left_in
from dycl.frontends.torch.values import ABSENT, ModelRaised, Scalar, Value
from dycl.ir.ops import AssertOp, BreakOp, ContinueOp, IfOp, ReturnOp, SwitchOp, YieldOp
from dycl.ir.types import join_types

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


class Emit(Protocol):
    """Emits the branch op with results of these types."""

    def __call__(self, types: Sequence[Attribute], /) -> Sequence[SSAValue]: ...


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


def require(capture: "Capture", condition: SSAValue, error: Exception) -> None:
    """Check what Python would raise `error` for; where a `try` is around, its handlers get it."""
    if is_guarded(capture):
        branch(capture, condition, lambda: (None, None), lambda: (Raised(capture.raised(error)), None))
    else:
        capture.builder.emit(AssertOp(condition, capture.text_of(error)))


def run_side(capture: "Capture", run: Run, fact: tuple[SSAValue, bool | int] | None = None) -> Side:
    """Evaluate one side of a branch; `fact` is the condition or the index, and what it is on this side."""
    block, start, open_before = Block(), capture.journal.clock, len(capture.pendings)
    capture.enter(block)
    if fact is not None and fact[0].type == i1:
        capture.builder.assume(fact[0], bool(fact[1]))
    elif fact is not None:
        capture.builder.note(*fact)
    try:
        completion, value = run()
    except ModelRaised as error:
        completion, value = Raised(error), None
    completion = depart_loop(capture, caught(capture, completion))
    while len(capture.pendings) > open_before:
        completion, value = _close(capture, (completion, value), flagged=True)
    block, state = capture.leave()
    return Side(block, state, completion, value, start)


def branch(capture: "Capture", condition: SSAValue, then: Run, otherwise: Run) -> Outcome:
    """Evaluate both sides of a branch and join them."""
    location = capture.where()
    first = run_side(capture, then, (condition, True))
    if isinstance(first.completion, Left | Raised):
        # The other side needs no region: what follows is reached from there alone.
        _attach_exit(capture, condition, location, first, is_then=True)
        return otherwise()
    return join(capture, condition, location, first, run_side(capture, otherwise, (condition, False)))


def branch_value(
    capture: "Capture", condition: SSAValue, then: Callable[[], Value], otherwise: Callable[[], Value]
) -> Value:
    """Evaluate an expression on each side of a branch, and return what stands for its value."""
    return outcome_value(branch(capture, condition, lambda: (None, then()), lambda: (None, otherwise())))


def outcome_value(outcome: Outcome) -> Value:
    """Return the value of an expression that a branch has given.

    Raises:
        Departed: every way has left a scope outside it
    """
    completion, value = outcome
    if isinstance(completion, Leave | Left):
        raise Departed(completion)
    return value


def switch_value(capture: "Capture", index: SSAValue, cases: Sequence[Callable[[], Value]]) -> Value:
    """Evaluate the expression that `index` says, and return what stands for its value; the last case is the default."""

    def run(case: Callable[[], Value]) -> Run:
        return lambda: (None, case())

    found = switch(capture, index, [run(case) for case in cases])
    return _chain_value(capture, index, cases) if found is None else found[0]


def switch(capture: "Capture", index: SSAValue, cases: Sequence[Run]) -> tuple[Value] | None:
    """Execute the case that `index` says; None, and nothing done, where a case leaves a scope or raises."""
    start, location = Attempt(capture), capture.where()
    sides: list[Side] = []
    for number, case in enumerate(cases):
        side = run_side(capture, case, (index, number))
        if side.completion is not None:
            start.discard()
            return None
        sides.append(side)
    merge = Merge(capture, sides, number=index)
    value, state = merge.plan([side.value for side in sides], "a value"), merge.state()

    def emit(types: Sequence[Attribute]) -> Sequence[SSAValue]:
        blocks = [side.block for side in sides]
        op = capture.builder.emit(SwitchOp(index, types, range(len(blocks) - 1), blocks[:-1], blocks[-1]))
        op.location = location
        return op.res

    _finish(merge, emit)
    state()
    result = value()
    start.keep()
    return (result,)


def _chain_value(capture: "Capture", index: SSAValue, cases: Sequence[Callable[[], Value]]) -> Value:
    """Evaluate the expression that `index` says where some of them leave or raise: by one branch after the other."""

    def rest(first: int) -> Value:
        if first == len(cases) - 1:
            return cases[first]()
        here = capture.builder.emit(arith.CmpiOp(index, capture.builder.constant(first), "eq")).result
        return branch_value(capture, here, cases[first], lambda: rest(first + 1))

    return rest(0)


def close(capture: "Capture", scope: Scope, completion: Completion) -> Completion:
    """Join, at the end of a scope, the branches that some side has left for that end.

    A branch opened later, whose exit leaves a scope further out, lies inside these and is joined with them; its flag
    then opens it again.
    """
    if isinstance(completion, Raised) and any(pending.scope is scope for pending in capture.pendings):
        completion = caught(capture, completion)
    outcome = _arrived(capture, (completion, None), scope)
    while any(pending.scope is scope for pending in capture.pendings):
        only = sum(pending.scope is scope for pending in capture.pendings) == 1
        flagged = not only or capture.pendings[-1].scope is not scope
        exit = capture.pendings[-1].exit
        exit.completion, exit.value = _arrived(capture, (exit.completion, exit.value), scope)
        outcome = _arrived(capture, _close(capture, outcome, flagged), scope)
    completion = _settle(capture, outcome[0])
    return Leave(scope, outcome[1]) if scope.kind == "function" and completion is None else completion


def _arrived(capture: "Capture", outcome: Outcome, scope: Scope) -> Outcome:
    """Who has left for the end of `scope` goes on there, from a function with the value that it returns."""
    completion, value = outcome
    if scope.kind != "function":
        return _settled(capture, completion, scope), value
    rest = completion.rest if isinstance(completion, Mixed) else completion
    if not isinstance(rest, Leave) or rest.scope is not scope:
        return outcome
    return (Mixed(completion.exits, None) if isinstance(completion, Mixed) else None), rest.value


def _settled(capture: "Capture", completion: Completion, scope: Scope) -> Completion:
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


def _close(capture: "Capture", outcome: Outcome, flagged: bool) -> Outcome:
    completion, value = outcome
    completion = depart_loop(capture, completion)
    pending = capture.pendings.pop()
    block, state = capture.leave()
    rest = Side(block, state, completion, value, pending.start)
    exit = pending.exit
    sides = (exit, rest) if pending.exit_is_then else (rest, exit)
    return join(capture, pending.condition, pending.location, *sides, flagged=flagged)


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
        mixed, value = _join_flagged(capture, condition, location, then, otherwise)
        return (mixed if flagged else _settle(capture, mixed)), value
    exit = otherwise if _inner(ends[1], ends[0]) else then
    rest = otherwise if exit is then else then
    return _leave_open(capture, condition, location, exit, rest, exit is then), rest.value


def _inner(one: Completion, other: Completion) -> bool:
    """Whether `one` leaves a scope that ends before the one `other` leaves; going on leaves none."""
    if one is None or other is None:
        return one is not None
    assert isinstance(one, Leave) and isinstance(other, Leave)
    return one.scope.number > other.scope.number


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
    capture.builder.assume(condition, not is_then)
    if isinstance(exit.completion, Raised) and any(isinstance(op, _ENDS) for op in exit.block.walk()):
        # What the side does before it raises can be seen: a return or another check.
        capture.builder.push(exit.block)
        capture.builder.emit(AssertOp(capture.builder.constant(False), capture.text_of(exit.completion.error)))
        capture.builder.emit(YieldOp([]))
        capture.builder.pop()
    elif isinstance(exit.completion, Raised):
        if is_then:
            condition = capture.builder.emit(arith.XOrIOp(condition, capture.builder.constant(True))).result
        capture.builder.emit(AssertOp(condition, capture.text_of(exit.completion.error))).location = location
        return
    blocks = (exit.block, None) if is_then else (None, exit.block)
    capture.builder.emit(IfOp(condition, [], *blocks)).location = location


_ENDS = (AssertOp, BreakOp, CallOp, ContinueOp, ReturnOp)


def _merge(
    capture: "Capture", condition: SSAValue, location: LocationAttr, then: Side, otherwise: Side
) -> Callable[[Sequence[Value]], Value]:
    """Return the merge of the two sides' states and of one value each."""

    def finish(values: Sequence[Value]) -> Value:
        merge = _start_merge(capture, condition, then, otherwise)
        value, state = merge.plan(values, "a value"), merge.state()
        _finish(merge, _emit_if(capture, condition, location, then, otherwise))
        state()
        return value()

    return finish


def _start_merge(capture: "Capture", condition: SSAValue, then: Side, otherwise: Side) -> Merge:
    return Merge(capture, (then, otherwise), condition)


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
) -> tuple[Mixed, Value]:
    """Merge two sides that end differently; flags tell, after the branch, how. The value is that of going on."""
    merge = _start_merge(capture, condition, then, otherwise)
    exits: list[tuple[Callable[[], Value], Scope, Callable[[], Value]]] = []
    rests: list[Leave | None] = []
    for side, used in ((then, (True, False)), (otherwise, (False, True))):
        assert not isinstance(side.completion, Left | Raised)
        mixed = side.completion if isinstance(side.completion, Mixed) else Mixed((), side.completion)
        for flag, leave in mixed.exits:
            taken = merge.plan([flag if use else False for use in used], "a flag")
            exits.append((taken, leave.scope, merge.plan(_used(leave.value, used), "a returned value")))
        rests.append(mixed.rest)
    rest, finish_rest = rests[0], None
    if rests[0] is not None and rests[1] is not None and rests[0].scope is rests[1].scope:
        finish_rest = merge.plan([rests[0].value, rests[1].value], "a returned value")
    elif rests[0] is not None or rests[1] is not None:
        # The side that stays inside is the rest, so that a scope that is closed has no exits of its own left.
        index = 1 if rests[0] is None or (rests[1] is not None and _inner(rests[0], rests[1])) else 0
        leave, rest, used = rests[index], rests[1 - index], (index == 0, index == 1)
        assert leave is not None
        exits.append(
            (merge.plan(list(used), "a flag"), leave.scope, merge.plan(_used(leave.value, used), "a returned value"))
        )
        if rest is not None:
            finish_rest = merge.plan(_used(rest.value, (index == 1, index == 0)), "a returned value")
    on = (rests[0] is None, rests[1] is None)
    ways = [side.value if goes_on else ABSENT for side, goes_on in zip((then, otherwise), on, strict=True)]
    value = merge.plan(ways, "a value") if any(on) else lambda: None
    state = merge.state(_dying(capture, then, otherwise))
    _finish(merge, _emit_if(capture, condition, location, then, otherwise))
    state()
    if finish_rest is not None and rest is not None:
        rest = Leave(rest.scope, finish_rest())
    return Mixed(tuple((taken(), Leave(scope, value())) for taken, scope, value in exits), rest), value()


def _used(value: Value, used: tuple[bool, bool]) -> list[Value]:
    return [value if use else ABSENT for use in used]


def _dying(capture: "Capture", then: Side, otherwise: Side) -> Callable[[Side, Slot], Value] | None:
    """Names of which only one side's content is ever used, as the other has left their function."""
    for exit in (then, otherwise):
        if isinstance(exit.completion, Leave) and exit.completion.scope.kind in ("function", "try"):
            inside = capture.environments_inside(exit.completion.scope)

            def value_of(side: Side, slot: Slot, exit: Side = exit, inside: set[int] = inside) -> Value:
                dead = side is exit and isinstance(slot, VariableSlot) and id(slot.env) in inside
                return ABSENT if dead else left_in(side, slot)

            return value_of
    return None


def _finish(merge: Merge, emit: Emit) -> None:
    """Let each side yield its part of the columns, and emit the branch."""
    builder = merge.capture.builder
    rows = [merge.row(index) for index in range(len(merge.sides))]
    types = [join_types([part.type for part in parts if part is not None]) for parts in zip(*rows, strict=True)]
    for side, row in zip(merge.sides, rows, strict=True):
        with builder.inside(side.block):
            missing = dict.fromkeys(type for value, type in zip(row, types, strict=True) if value is None)
            fillers = {type: filler(merge.capture, type) for type in missing}
            builder.emit(YieldOp([fillers[t] if v is None else v for v, t in zip(row, types, strict=True)]))
    for column, result in zip(merge.columns, emit(types), strict=True):
        column.bind(result)


def _settle(capture: "Capture", completion: Completion) -> Completion:
    """Turn flags into branches again, where the exits that they stand for may stay open."""
    if not isinstance(completion, Mixed):
        return completion
    for flag, leave in completion.exits:
        start = capture.journal.clock
        sides = [Side(Block(), {}, end, None, start) for end in (leave, None)]
        join(capture, flag.ssa, capture.where(), sides[0], sides[1])
    return completion.rest


__all__ = [
    "Pending",
    "branch",
    "branch_value",
    "close",
    "join",
    "outcome_value",
    "require",
    "run_side",
    "switch_value",
    "take",
]
