"""What a loop carries: found by evaluating its body until what its ends leave is what its head assumed.

The first round takes every name for what it is before the loop. Where an end of the body leaves something else, the
next round takes it for a carried value: of the same type if that is what all ends leave, of unknown sizes if they
differ, a poison if no one value can stand for it. A round never assumes more than the one before it, so that this ends.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xdsl.ir import Attribute, Block, SSAValue

from dycl.frontends.torch.loops.open_loops import LoopExit
from dycl.frontends.torch.paths.columns import filler
from dycl.frontends.torch.paths.control import Scope
from dycl.frontends.torch.paths.journal import Slot, VariableSlot
from dycl.frontends.torch.paths.merge import Merge, Side
from dycl.frontends.torch.values import ABSENT, UNBOUND, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.activation import Activation
    from dycl.frontends.torch.capture import Capture

MAX_ROUNDS = 12


@dataclass
class Departure:
    """A way out of a loop to the end of a scope around it, or past its `else`: if it was taken, with what value."""

    scope: Scope
    flag: Callable[[], Value]
    value: Callable[[], Value]


@dataclass
class Plan:
    """What stands at a point of a loop for what each way to it leaves."""

    merge: Merge
    write: Callable[[], None]
    departures: list[Departure]
    fillers: dict[Attribute, SSAValue] = field(default_factory=dict[Attribute, SSAValue])

    def filler(self, type: Attribute) -> SSAValue:
        """Return a value, emitted where we are, for a way on which it is never used."""
        if type not in self.fillers:
            self.fillers[type] = filler(self.merge.capture, type)
        return self.fillers[type]

    @property
    def types(self) -> list[Attribute]:
        return [column.type for column in self.merge.columns]

    def agrees(self, other: "Plan | None") -> bool:
        return other is not None and self.merge.trace == other.merge.trace and self.types == other.types

    def enter(self, capture: "Capture", block: Block) -> None:
        """Let new arguments of a block be the values, and write them where they belong."""
        arguments = [block.insert_arg(type, len(block.args)) for type in self.types]
        self.bind(capture, arguments)

    def bind(self, capture: "Capture", values: Sequence[SSAValue]) -> None:
        for column, value in zip(self.merge.columns, values, strict=True):
            column.bind(value)
        self.write()


def plan(
    activation: "Activation",
    sides: Sequence[Side | None],
    exits: Sequence[LoopExit],
    *,
    level: int,
    start: int,
    used: frozenset[str],
    scopes: Sequence[Scope],
) -> Plan:
    """Plan what stands for `sides` and, after them, `exits`; None is a side that is not known yet.

    The loop's own levels of the journal begin with `level`, and its part of the clock after `start`.

    Of the activation's names that are not set before the loop, only those in `used` stand for anything; `scopes` are
    those that exits leave and that must be told apart afterwards.
    """
    capture = activation.capture
    known = [side or Side(Block(), {}, None, None, start, has_ops=False) for side in sides]
    unknown = {id(side) for side, given in zip(known, sides, strict=True) if given is None}
    ways = [*known, *(Side(exit.block, exit.state, None, exit.leave.value, start) for exit in exits)]
    dead = {
        id(side): capture.environments_inside(exit.leave.scope)
        for side, exit in zip(ways[len(sides) :], exits, strict=True)
        if exit.leave.scope.kind in ("function", "try")
    }

    def value_of(side: Side, slot: Slot) -> Value:
        if id(side) in unknown:
            return ABSENT
        before = capture.journal.before(level, slot)
        if isinstance(slot, VariableSlot):
            if slot.env is activation.env and slot.name not in used and before is UNBOUND:
                return ABSENT
            if id(slot.env) in dead.get(id(side), ()):
                return ABSENT
        return side.state[slot.key][1] if slot.key in side.state else before

    merge = Merge(capture, ways, is_loop=True)
    write = merge.state(value_of)
    departures: list[Departure] = []
    for scope in scopes:
        taken = [*(False for _ in sides), *(exit.leave.scope is scope for exit in exits)]
        values = [ABSENT if not take else side.value for take, side in zip(taken, ways, strict=True)]
        value = merge.plan(values, "a returned value") if scope.kind == "function" else lambda: None
        departures.append(Departure(scope, merge.plan(taken, "a flag"), value))
    return Plan(merge, write, departures)
