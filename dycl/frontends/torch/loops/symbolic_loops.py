"""Loops whose trip count is known only at run time: they stay `dycl.while` and `dycl.for`."""

import ast
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xdsl.dialects import arith
from xdsl.ir import Block, SSAValue

from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.loops.fixpoint import MAX_ROUNDS, Plan, plan
from dycl.frontends.torch.loops.open_loops import LoopExit, OpenLoop, depart_loop
from dycl.frontends.torch.paths.branches import branch, close
from dycl.frontends.torch.paths.control import LEFT, Completion, Leave, Left, Raised, Scope
from dycl.frontends.torch.paths.guards import caught
from dycl.frontends.torch.paths.journal import State, VariableSlot
from dycl.frontends.torch.paths.merge import Side
from dycl.frontends.torch.results.results import emit_return
from dycl.frontends.torch.syntax.conditions import Truth, condition
from dycl.frontends.torch.syntax.liveness import names_after
from dycl.frontends.torch.values import ModelRaised, Scalar, Value
from dycl.ir.ops import AssertOp, BreakOp, ConditionOp, ContinueOp, ForOp, WhileOp, YieldOp
from dycl.ir.scalars import constant_scalar

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


@dataclass
class Counter:
    """What a `dycl.for` counts, and what each iteration does with it first."""

    start: SSAValue
    stop: SSAValue
    step: SSAValue
    bounds: tuple[int, int] | None
    is_known: bool
    """Whether the loop could be evaluated."""
    assign: Callable[[Scalar], None]

    def note(self, capture: "Capture", index: Scalar) -> None:
        """Note in the body that the index is between the bounds."""
        step = constant_scalar(self.step)
        if step is not None and step > 0:
            capture.symbols.assume(operator.ge, index, Scalar(self.start))
            capture.symbols.assume(operator.lt, index, Scalar(self.stop))


def while_loop(activation: Activation, node: ast.While) -> Completion:
    """Evaluate a `while` as one loop of the program.

    Raises:
        CaptureError: what it carries cannot be carried
    """
    loop = _Loop(activation, node)
    capture, location = loop.capture, loop.capture.where()
    head: Plan | None = None
    now: _Round | None = None
    for _ in range(MAX_ROUNDS):
        mark = capture.mark()
        now = _while_round(loop, head, now)
        new_head = loop.plan([loop.init, now.head, *now.ends], now.continues)
        new_middle = loop.plan([now.tested, now.middle], now.breaks, keep=now.names_tested)
        if new_head.agrees(head) and new_middle.agrees(now.assumed):
            break
        capture.restore(mark)
        head = new_head
    else:
        raise loop.unstable()
    inits, handed_on = _values(new_head, 0), _values(new_middle, 0)
    with capture.builder.inside(now.before):
        test = capture.builder.constant(now.test) if isinstance(now.test, bool) else now.test
        capture.builder.emit(ConditionOp(test, handed_on)).location = location
    _finish_ends(loop, new_head, now)
    _finish_exits(loop, new_middle, 2, now.breaks)
    op = capture.builder.emit(WhileOp(inits, new_middle.types, now.before, now.body))
    op.location = location
    new_middle.bind(capture, op.results)
    return _depart(loop, new_middle, now, ends_by_itself=now.test is not True)


def for_loop(activation: Activation, node: ast.For, counter: Counter) -> Completion:
    """Evaluate a `for` as one loop of the program.

    Raises:
        CaptureError: what it carries cannot be carried
    """
    loop = _Loop(activation, node)
    capture, location = loop.capture, loop.capture.where()
    head: Plan | None = None
    for _ in range(MAX_ROUNDS):
        mark = capture.mark()
        now = _for_round(loop, head, counter)
        new_head = loop.plan([loop.init, now.head, *now.ends], [*now.continues, *now.breaks])
        if new_head.agrees(head):
            break
        capture.restore(mark)
        head = new_head
    else:
        raise loop.unstable()
    inits = _values(new_head, 0)
    _finish_ends(loop, new_head, now)
    _finish_exits(loop, new_head, 2 + len(now.ends) + len(now.continues), now.breaks)
    op = capture.builder.emit(ForOp(counter.start, counter.stop, counter.step, inits, now.body))
    op.location = location
    new_head.bind(capture, op.results)
    return _depart(loop, new_head, now, ends_by_itself=True)


@dataclass
class _Round:
    """One evaluation of a loop's body."""

    before: Block
    """A `while`'s test,"""
    test: Truth
    tested: Side | None
    """its end,"""
    names_tested: frozenset[str]
    """the names that it sets, and"""
    middle: Side | None
    """what the body assumed after it."""
    head: Side
    """What the head assumed."""
    body: Block
    ends: list[Side]
    """The normal end of the body, if it has one."""
    exits: list[LoopExit]
    iteration: Scope
    raised: Raised | None = None
    """What every iteration raises in the end."""
    assumed: Plan | None = None
    """What the body of a `while` began with."""

    @property
    def continues(self) -> list[LoopExit]:
        return [exit for exit in self.exits if exit.leave.scope is self.iteration]

    def has_break(self, loop: "_Loop") -> bool:
        return any(exit.leave.scope is loop.scope for exit in self.exits)

    @property
    def breaks(self) -> list[LoopExit]:
        return [exit for exit in self.exits if exit.leave.scope is not self.iteration]


@dataclass
class _Loop:
    activation: Activation
    node: ast.For | ast.While
    scope: Scope = field(default_factory=lambda: Scope("loop"))
    iteration: Scope = field(default_factory=lambda: Scope("iteration"))

    def __post_init__(self) -> None:
        self.capture = self.activation.capture
        self.init = Side(Block(), {}, None, None, self.capture.journal.clock, has_ops=False)
        self.level = len(self.capture.journal.levels)
        self.used = names_after(self.activation.code.node, self.node)

    def plan(self, sides: Sequence[Side | None], exits: list[LoopExit], keep: frozenset[str] = frozenset()) -> Plan:
        scopes: dict[int, Scope] = {}
        for exit in exits:
            scope = exit.leave.scope
            if scope is not self.iteration and (scope is not self.scope or self.node.orelse):
                scopes[id(scope)] = scope
        return plan(
            self.activation,
            sides,
            exits,
            level=self.level,
            start=self.init.start,
            used=self.used | keep,
            scopes=list(scopes.values()),
        )

    def side(self, block: Block | None) -> Side:
        """Return what is there now, at the end of `block`."""
        state = self.capture.journal.since(self.level)
        return Side(block or Block(), state, None, None, self.init.start, has_ops=block is not None)

    def unstable(self) -> Exception:
        return self.capture.error(
            "a loop whose end depends on a tensor, and whose variables change their kind in every iteration",
            "what the loop carries could not be found",
            "give the variables that it changes the same type before the loop and at the end of its body",
        )


def _while_round(loop: _Loop, head: Plan | None, last: _Round | None) -> _Round:
    capture, activation = loop.capture, loop.activation
    assert isinstance(loop.node, ast.While)
    before, body = Block(), Block()
    capture.enter(before)
    if head is not None:
        head.enter(capture, before)
    at_head = loop.side(None)
    activation.node = loop.node.test
    test, failed = _test(activation, loop.node.test)
    activation.node = loop.node.test
    tested = loop.side(before)
    names = _names_written(activation, at_head.state, tested.state)
    assumed = loop.plan([tested, last.middle if last else None], last.breaks if last else [], keep=names)
    capture.builder.pop()
    capture.enter(body)
    assumed.enter(capture, body)
    if not isinstance(test, bool):
        capture.builder.assume(test, True)
    middle = loop.side(None)
    endless = test is True and not (last and last.has_break(loop))
    ends, exits, raised = _body(loop, body, is_endless=endless, failed=failed)
    return _Round(before, test, tested, names, middle, at_head, body, ends, exits, loop.iteration, raised, assumed)


def _test(activation: Activation, node: ast.expr) -> tuple[Truth, Raised | None]:
    try:
        return condition(activation, node), None
    except ModelRaised as error:
        return True, Raised(error)


def _for_round(loop: _Loop, head: Plan | None, counter: Counter) -> _Round:
    capture = loop.capture
    body = Block()
    capture.enter(body)
    index = Scalar(body.insert_arg(counter.start.type, 0), counter.bounds)
    index.ssa.name_hint = "i"
    counter.note(capture, index)
    if head is not None:
        head.enter(capture, body)
    at_head = loop.side(None)
    if counter.is_known:
        capture.counters.add(index.ssa)
    ends, exits, raised = _body(loop, body, begin=lambda: counter.assign(index), is_known=counter.is_known)
    capture.counters.discard(index.ssa)
    return _Round(Block(), True, None, frozenset(), None, at_head, body, ends, exits, loop.iteration, raised)


def _body(
    loop: _Loop,
    body: Block,
    begin: Callable[[], None] = lambda: None,
    is_endless: bool = False,
    failed: Raised | None = None,
    is_known: bool = False,
) -> tuple[list[Side], list[LoopExit], Raised | None]:
    """Evaluate a body whose block is open, and close it."""
    capture, activation = loop.capture, loop.activation
    here = OpenLoop(loop.scope, loop.iteration, loop.level, is_endless, capture.journal.tick())
    capture.open_loops.append(here)
    activation.loops.append((loop.scope, loop.iteration))
    try:
        begin()
        completion = failed if failed is not None else activation.execute(loop.node.body)
    except ModelRaised as error:
        completion = Raised(error)
    completion = close(capture, loop.iteration, completion)
    completion = depart_loop(capture, caught(capture, completion))
    raised = completion if isinstance(completion, Raised) else None
    if isinstance(completion, Raised):
        if is_known:
            raise capture.error(f"a loop that Python decides, and whose iterations raise {completion.error}")
        # What follows is never reached, but is there to end the block.
        never = capture.builder.constant(False)
        capture.builder.emit(AssertOp(never, capture.text_of(completion.error)))
        completion = None
    activation.loops.pop()
    capture.open_loops.pop()
    ends: list[Side] = []
    if completion is None:
        ends.append(loop.side(body))
    else:
        assert isinstance(completion, Left), completion
    capture.builder.pop()
    while len(capture.journal.levels) > loop.level:
        capture.journal.rollback()
    return ends, here.exits, raised


def _names_written(activation: Activation, before: State, after: State) -> frozenset[str]:
    """Return the activation's names that hold something else after the test than before it."""
    return frozenset(
        slot.name
        for key, (slot, value) in after.items()
        if isinstance(slot, VariableSlot)
        and slot.env is activation.env
        and (key not in before or before[key][1] is not value)
    )


def _values(plan: Plan, index: int) -> list[SSAValue]:
    """Return what a side hands over, emitted at its end; what it does not have is filled from outside the loop."""
    row = plan.merge.row(index)
    return [plan.filler(type) if value is None else value for value, type in zip(row, plan.types, strict=True)]


def _finish_ends(loop: _Loop, head: Plan, now: _Round) -> None:
    builder = loop.capture.builder
    for index, end in enumerate(now.ends):
        values = _values(head, 2 + index)
        with builder.inside(end.block):
            builder.emit(YieldOp(values))
    _finish_exits(loop, head, 2 + len(now.ends), now.continues)


def _finish_exits(loop: _Loop, plan: Plan, first: int, exits: list[LoopExit]) -> None:
    """Give exits their operands; `first` is the number of the first among the plan's sides."""
    builder = loop.capture.builder
    for index, exit in enumerate(exits):
        block = exit.block
        plan.merge.sides[first + index].block = block
        exit.op.detach()
        with builder.back_at(exit.op):
            values = _values(plan, first + index)
        with builder.inside(block):
            op: BreakOp | ContinueOp = builder.emit(type(exit.op)(values))
            op.location = exit.op.location
        exit.op.erase()


def _depart(loop: _Loop, plan: Plan, now: _Round, ends_by_itself: bool) -> Completion:
    """Go on after the loop: where an exit has left a scope further out, at its end; else with the `else`, if any."""
    capture, activation = loop.capture, loop.activation
    activation.node = loop.node
    goes_on = ends_by_itself or now.has_break(loop)
    departures = [(part.scope, part.flag(), part.value()) for part in plan.departures]
    outer = [part for part in departures if part[0] is not loop.scope]
    for index, (scope, flag, value) in enumerate(outer):
        if not goes_on and index == len(outer) - 1:
            return _leave(activation, scope, value)
        assert isinstance(flag, Scalar)
        completion, _ = branch(
            capture,
            flag.ssa,
            lambda scope=scope, value=value: (_leave(activation, scope, value), None),
            lambda: (None, None),
        )
        assert completion is None, completion
    if not goes_on:
        return now.raised or LEFT
    if not loop.node.orelse or not ends_by_itself:
        return None
    own = next((part for part in departures if part[0] is loop.scope), None)
    if own is None:
        return activation.execute(loop.node.orelse)
    broken = own[1].ssa
    normal = capture.builder.emit(arith.XOrIOp(broken, capture.builder.constant(True))).result
    completion, _ = branch(capture, normal, lambda: (activation.execute(loop.node.orelse), None), lambda: (None, None))
    return completion


def _leave(activation: Activation, scope: Scope, value: Value) -> Completion:
    if activation.is_main and scope is activation.scope:
        if any(loop.is_endless for loop in activation.capture.open_loops):
            return Leave(scope, value)
        emit_return(activation.capture, value)
        return LEFT
    return Leave(scope, value)
