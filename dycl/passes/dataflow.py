"""Forward dataflow analysis on structured control flow.

A *fact* says something about a value, and facts are ordered: the join of two holds wherever either does. A block is
followed op by op; a branch is followed on each side that can be taken and its results' facts are joined; a loop is
followed until the facts about its carried values settle. Code that no path reaches is not followed, and says nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeAlias, TypeVar

from xdsl.ir import Block, Operation, SSAValue

from dycl.ir.canonicalization.branches import region_taken
from dycl.ir.ops import (
    BreakOp,
    ConditionOp,
    ContinueOp,
    ForOp,
    IfOp,
    RegionOp,
    ReturnOp,
    SwitchOp,
    WhileOp,
    YieldOp,
)

ROUNDS = 3
"""How often a loop is followed before what has not settled is given up."""

Fact = TypeVar("Fact")

State: TypeAlias = tuple[Fact, ...] | None
"""The facts about the values with which control arrives somewhere; None where it never does."""


@dataclass
class Exits(Generic[Fact]):
    """With what control leaves some code: at its end, and to the nearest loop's end or next iteration."""

    end: State[Fact] = None
    breaks: State[Fact] = None
    continues: State[Fact] = None


@dataclass
class Dataflow(ABC, Generic[Fact]):
    """The facts about the values that are reached; a subclass says what ops do to facts."""

    results_are_carried: ClassVar[bool] = False
    """Whether a loop's results must have the facts of the values it carries into its body."""

    facts: dict[SSAValue, Fact] = field(default_factory=dict[SSAValue, Fact])
    returned: State[Fact] = None
    """The join of the facts about what the function returns."""

    @abstractmethod
    def top(self, value: SSAValue) -> Fact:
        """Return what holds of a value in any case."""

    @abstractmethod
    def join(self, left: Fact, right: Fact) -> Fact:
        """Return the most that holds wherever one of the two does."""

    @abstractmethod
    def transfer(self, op: Operation, operands: Sequence[Fact]) -> Sequence[Fact]:
        """Return the facts about the results of an op without control flow."""

    def decision(self, op: IfOp | SwitchOp) -> bool | int | None:
        """Return the value of a branch's condition or index where it is known."""
        return None

    def holds(self, op: ConditionOp) -> bool | None:
        """Return whether a loop goes on where that is known."""
        return None

    def bounds(self, op: ForOp) -> range | None:
        """Return the values of a loop's induction variable where they are known."""
        return None

    def index(self, op: ForOp, bounds: range | None) -> Fact:
        """Return the fact about the induction variable."""
        return self.top(op.body.block.args[0])

    def of(self, values: Sequence[SSAValue]) -> tuple[Fact, ...]:
        return tuple(self.facts[value] if value in self.facts else self.top(value) for value in values)

    def assume(self, values: Sequence[SSAValue], facts: Sequence[Fact]) -> None:
        self.facts.update(zip(values, facts, strict=True))

    def join_states(self, left: State[Fact], right: State[Fact]) -> State[Fact]:
        if left is None or right is None:
            return right if left is None else left
        return tuple(self.join(a, b) for a, b in zip(left, right, strict=True))

    def follow(self, block: Block, arguments: Sequence[Fact] = ()) -> Exits[Fact]:
        """Follow a block from the facts about its arguments."""
        self.assume(block.args, arguments)
        exits = Exits[Fact]()
        for op in block.ops:
            match op:
                case YieldOp():
                    exits.end = self.of(op.values)
                case ConditionOp():
                    exits.end = self.of(op.values)
                case BreakOp():
                    exits.breaks = self.join_states(exits.breaks, self.of(op.values))
                case ContinueOp():
                    exits.continues = self.join_states(exits.continues, self.of(op.values))
                case ReturnOp():
                    self.returned = self.join_states(self.returned, self.of(op.values))
                case IfOp() | SwitchOp() | ForOp() | WhileOp() | RegionOp():
                    inner = self._control_flow(op)
                    exits.breaks = self.join_states(exits.breaks, inner.breaks)
                    exits.continues = self.join_states(exits.continues, inner.continues)
                    if inner.end is None:
                        break
                    self.assume(op.results, inner.end)
                case _ if op.results:
                    self.assume(op.results, self.transfer(op, self.of(op.operands)))
                case _:
                    pass
        return exits

    def _control_flow(self, op: IfOp | SwitchOp | ForOp | WhileOp | RegionOp) -> Exits[Fact]:
        match op:
            case ForOp():
                return Exits(self._counted_loop(op))
            case WhileOp():
                return Exits(self._conditional_loop(op))
            case RegionOp():
                return self.follow(op.body.block, self.of(op.inputs))
            case _:
                return self._branch(op)

    def _branch(self, op: IfOp | SwitchOp) -> Exits[Fact]:
        exits = Exits[Fact]()
        value = self.decision(op)
        for region in op.regions if value is None else [region_taken(op, value)]:
            inner = self.follow(region.block)
            exits.end = self.join_states(exits.end, inner.end)
            exits.breaks = self.join_states(exits.breaks, inner.breaks)
            exits.continues = self.join_states(exits.continues, inner.continues)
        return exits

    def _counted_loop(self, op: ForOp) -> State[Fact]:
        bounds, head, carried = self.bounds(op), self.of(op.inits), op.body.block.args[1:]
        if bounds is not None and not bounds:
            return head
        for number in range(ROUNDS + 2):
            inner = self.follow(op.body.block, (self.index(op, bounds), *head))
            following = self.join_states(inner.end, inner.continues)
            settled = self.join_states(head, following)
            if self.results_are_carried:
                settled = self.join_states(settled, inner.breaks)
            assert settled is not None
            if settled == head or (bounds is not None and len(bounds) == 1):
                # A loop that surely runs ends with what an iteration gave; another may never have begun one.
                return self.join_states(following if bounds else head, inner.breaks)
            head = settled if number < ROUNDS else tuple(map(self.top, carried))
        raise AssertionError("nothing holds less than what holds in any case")

    def _conditional_loop(self, op: WhileOp) -> State[Fact]:
        head = self.of(op.inits)
        condition = op.before.block.last_op
        left: State[Fact] = None
        for number in range(ROUNDS + 2):
            before = self.follow(op.before.block, head)
            if self.results_are_carried:
                before.end = self.join_states(before.end, left)
            done: State[Fact] = None
            following: State[Fact] = None
            if before.end is not None:
                holds = self.holds(condition) if isinstance(condition, ConditionOp) else None
                if holds is not True:
                    done = before.end
                if holds is not False:
                    inner = self.follow(op.body.block, before.end)
                    done = self.join_states(done, inner.breaks)
                    following = self.join_states(inner.end, inner.continues)
            settled = self.join_states(head, following)
            assert settled is not None
            if settled == head and (not self.results_are_carried or done == before.end):
                return done
            head = settled if number < ROUNDS else tuple(map(self.top, op.before.block.args))
            left = done if number < ROUNDS else tuple(map(self.top, op.results))
        raise AssertionError("nothing holds less than what holds in any case")
