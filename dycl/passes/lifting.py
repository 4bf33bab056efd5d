"""Lifting: what stands behind control flow is computed before it, where that leaves a kernel less.

The code behind a branch or a loop is a kernel of its own: the host acts in between. If none of it depends on what the
branch gave, it can join the kernel before the branch, if there is one. It moves
1. past control flow that it always comes back from, and that nothing but its results tells of: it then runs as often as
   it did;
2. in a loop, past an `if` that may leave the iteration, where it is small and nothing tells that it ran
   (`dycl.passes.speculation`): it then runs in vain when the loop is left, which is once, and saves a launch in every
   other iteration.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from xdsl.ir import Block, Operation, SSAValue

from dycl.ir.canonicalization.branches import leaves
from dycl.ir.effects import is_effect_free
from dycl.ir.host_ops import is_host_view
from dycl.ir.ops import AtenOp, ForOp, IfOp, ItemOp, SwitchOp, WhileOp, YieldOp
from dycl.passes.costs import LAUNCH, computes, cost
from dycl.passes.element_tests import element_test
from dycl.passes.segments import Segment, is_free, is_movable, segments
from dycl.passes.speculation import is_speculable

MAX_COST = 2 * LAUNCH
"""What may run in vain."""


def lift_computation(blocks: Sequence[Block]) -> bool:
    """Move computation up to earlier segments where that leaves a kernel less; return whether any moved."""
    changes = [_lift_in(block) for block in blocks]
    return any(changes)


def _lift_in(block: Block) -> bool:
    changed = False
    way: Way | None = None
    for segment in segments(block):
        if way is not None and segment.before is not None:
            way.pass_by(segment.before)
        moved = computation(segment)
        if way is not None and way.is_open_to(moved):
            for op in moved:
                way.move(op)
            changed |= bool(moved)
            way.leave(segment, moved)
        elif moved:
            way = Way(segment.after)
    return changed


@dataclass
class Way:
    """The way from the end of a segment with a kernel, to where control has come since."""

    end: Operation
    """The op behind that segment."""
    given: set[SSAValue] = field(default_factory=set[SSAValue])
    """What was defined on the way, but for constants and weights."""
    constants: set[Operation] = field(default_factory=set[Operation])
    """The constants and weights on the way."""
    is_closed: bool = False
    in_vain: bool = False
    """Whether control may have left the iteration on the way, or an assertion may have failed."""
    cost: float = 0.0
    """Of what has moved already, and may run in vain."""

    def pass_by(self, op: Operation) -> None:
        """Go on behind control flow."""
        self.given.update(op.results)
        if not is_effect_free(op):
            self.in_vain = True
            self.is_closed |= not (_is_exit(op) and _is_in_loop(op))

    def leave(self, segment: Segment, moved: Iterable[Operation]) -> None:
        """Go on behind a segment of which some ops have moved."""
        for op in set(segment.ops).difference(moved):
            if is_free(op):
                self.constants.add(op)
            else:
                self.given.update(op.results)
                self.in_vain |= not is_movable(op)

    def is_open_to(self, ops: Sequence[Operation]) -> bool:
        """Whether ops that stand where control has come may move to the way's beginning."""
        if self.is_closed or not all(map(is_movable, ops)):
            return False
        if self.in_vain and not (all(map(is_speculable, ops)) and self.cost + cost(ops) <= MAX_COST):
            return False
        return all(self.given.isdisjoint(op.operands) for op in ops)

    def move(self, op: Operation) -> None:
        block = self.end.parent
        assert block is not None
        if self.in_vain:
            self.cost += cost([op])
        needed = {owner for value in op.operands if (owner := value.owner) in self.constants}
        self.constants -= needed
        for moved in (*needed, op):
            assert isinstance(moved, Operation)
            moved.detach()
            block.insert_op_before(moved, self.end)


def becomes_one_kernel(body: Block) -> bool:
    """Whether all that a block computes may move to its first segment."""
    first, *others = segments(body)
    way = Way(first.after)
    for segment in others:
        assert segment.before is not None
        way.pass_by(segment.before)
        ops = computation(segment)
        if not way.is_open_to(ops):
            return False
        way.leave(segment, ops)
    return True


def computation(segment: Segment) -> list[Operation]:
    """Return, in order, what a kernel computes in a segment, what of the segment that needs, and what only depends on
    that: numbers that the host would else ask of the results. Nothing where there is no kernel."""
    on_host = _host_tests(segment)
    needed = set[SSAValue]()
    inside = set[Operation]()
    for op in reversed(segment.ops):
        if (computes(op) and op not in on_host) or not needed.isdisjoint(op.results):
            needed.update(op.operands)
            inside.add(op)
    for op in segment.ops:
        owners = {operand.owner for operand in op.operands if not _is_free(operand)}
        if is_movable(op) and owners and inside.issuperset(owners):
            inside.update((op, *(owner for operand in op.operands if isinstance(owner := operand.owner, Operation))))
    return [op for op in segment.ops if op in inside]


def _host_tests(segment: Segment) -> set[Operation]:
    """Return the comparisons of one element that `hoist-to-host` leaves to the host, which has the element."""
    inside = set(segment.ops)
    found = set[Operation]()
    for op in segment.ops:
        test = element_test(op)
        if test is None or any(value.owner in inside and not _is_view(value.owner) for value in test.operands):
            continue
        assert isinstance(op, ItemOp)
        value = op.tensor
        while value is not test.tensor and isinstance(owner := value.owner, AtenOp) and value.has_one_use():
            found.add(owner)
            value = owner.inputs[0]
    return found


def _is_view(owner: object) -> bool:
    return isinstance(owner, Operation) and is_host_view(owner)


def _is_free(value: SSAValue) -> bool:
    return isinstance(value.owner, Operation) and is_free(value.owner)


def _is_exit(op: Operation) -> bool:
    """Whether control may leave by a branch, and else comes from it without having done anything."""
    if not isinstance(op, IfOp | SwitchOp):
        return False
    staying = [region.block for region in op.regions if not leaves(region.block)]
    return len(staying) < len(op.regions) and all(isinstance(block.first_op, YieldOp) for block in staying)


def _is_in_loop(op: Operation | None) -> bool:
    while op is not None and not isinstance(op, ForOp | WhileOp):
        op = op.parent_op()
    return op is not None
