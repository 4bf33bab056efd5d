"""Loop unrolling: a loop that is known to run n times becomes n copies of its body.

A copy that may leave the loop early (`break`) or end early (`continue`) is not followed by code that must not run then:
that code moves into the side of the branch that goes on. One that may `return` needs nothing of the kind.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.ir import Block, Operation, Region, SSAValue

from dycl.ir.canonicalization.branches import FlattenLeavingBranch
from dycl.ir.canonicalization.loops import exits
from dycl.ir.greedy import rewrite_greedily
from dycl.ir.ops import BreakOp, ContinueOp, ForOp, IfOp, ReturnOp, SwitchOp, WhileOp, YieldOp
from dycl.ir.rewriting import adopt, can_stand_for
from dycl.ir.scalars import scalar_constant
from dycl.passes.base import Pass
from dycl.passes.unrolling_gains import gains, known_range
from dycl.program import Program

MAX_DEPTH = 100
"""How deep the regions that early exits need may nest: recursive walks over the IR must stay possible."""


@dataclass(frozen=True)
class Limits:
    """How many iterations a loop may have that is unrolled whatever it gains, and how many ops any may become."""

    trip_count: int
    ops: int


def unroll_loops(region: Region, limits: Limits) -> bool:
    """Unroll the loops in a region that ask for it, outer ones first; return whether there were any."""
    may_return = _unroll_in(region.block, limits, {})
    if any(may_return):
        # Where a loop always returns, a branch around it may now leave on all sides: nothing may stand behind it.
        rewrite_greedily(region, lambda op: (FlattenLeavingBranch(),) if isinstance(op, IfOp | SwitchOp) else ())
    return bool(may_return)


def _unroll_in(block: Block, limits: Limits, shares: dict[Operation, int]) -> list[bool]:
    """Unroll loops; return for each whether control may have left the function in it.

    `shares` holds how many ops a loop in a copy of another's body may become: the copies share what that one may.
    """
    may_return: list[bool] = []
    op = block.first_op
    while op is not None:
        own = Limits(limits.trip_count, shares.get(op, limits.ops))
        if isinstance(op, ForOp) and (bounds := known_range(op)) is not None and asks_for_it(op, bounds, own):
            may_return.append(any(isinstance(inner, ReturnOp) for inner in op.walk()))
            before, behind = op.prev_op, op.next_op
            unroll(op, bounds)
            op = first = before.next_op if before else block.first_op
            while first is not None and first is not behind:
                shares.update({inner: own.ops // len(bounds) for inner in first.walk() if isinstance(inner, ForOp)})
                first = first.next_op
        else:
            for region in op.regions:
                may_return += _unroll_in(region.block, limits, shares)
            op = op.next_op
    return may_return


def asks_for_it(op: ForOp, bounds: range, limits: Limits) -> bool:
    """Whether a loop can be unrolled within the limits, and gains by it."""
    if not _values_fit(op):
        return False
    body = list(op.body.block.ops)
    copy = _copy_of(body, _Copy(nexts=1), False)
    if (
        copy.nexts > 1
        or copy.ops > 2 * sum(1 for _ in op.walk())
        or copy.depth * len(bounds) > MAX_DEPTH
        or copy.ops * len(bounds) > limits.ops
    ):
        return False
    return len(bounds) <= limits.trip_count or gains(op, bounds)


def _values_fit(op: ForOp) -> bool:
    """Whether the users of the carried values and results take the more precise types that unrolling gives them."""
    sources = [op.inits, *(terminator.values for terminator in exits(op.body.block))]
    return all(
        can_stand_for(source, argument) and can_stand_for(source, result)
        for values in sources
        for source, argument, result in zip(values, op.body.block.args[1:], op.results, strict=True)
    )


@dataclass(frozen=True)
class _Copy:
    """What one copy of some code takes: its ops, how often what follows the iteration is copied, and how many regions
    deeper that stands."""

    ops: int = 0
    nexts: int = 0
    depth: int = 0


def _copy_of(ops: Sequence[Operation], at_yield: _Copy, breaks_later: bool) -> _Copy:
    """Return what one copy of `ops` takes, where `at_yield` follows their yield and may break if `breaks_later`."""
    count = 0
    for index, op in enumerate(ops):
        match op:
            case YieldOp():
                return _Copy(count + at_yield.ops, at_yield.nexts, at_yield.depth)
            case ContinueOp():
                return _Copy(count, 1)
            case IfOp() | SwitchOp() if _ends_iteration(op):
                later = breaks_later or any(map(_may_break, ops[index + 1 :]))
                breaks = later or _may_break(op)
                rest = _copy_of(ops[index + 1 :], at_yield, breaks_later)
                sides = [_copy_of(list(region.block.ops), rest, later) for region in op.regions]
                total = count + 1 + sum(side.ops for side in sides)
                if not breaks:
                    return _Copy(total, 1)
                return _Copy(total, sum(side.nexts for side in sides), 1 + max(side.depth for side in sides))
            case _:
                count += sum(1 for _ in op.walk())
    return _Copy(count)


def _terminators_inside(op: Operation) -> Iterator[Operation]:
    """Yield the `break` and `continue` ops inside `op` that belong to a loop around it."""
    if not isinstance(op, ForOp | WhileOp):
        for region in op.regions:
            for inner in region.block.ops:
                if isinstance(inner, BreakOp | ContinueOp):
                    yield inner
                else:
                    yield from _terminators_inside(inner)


def _ends_iteration(op: Operation) -> bool:
    return any(True for _ in _terminators_inside(op))


def _may_break(op: Operation) -> bool:
    return any(isinstance(inner, BreakOp) for inner in _terminators_inside(op))


Place: TypeAlias = Callable[[Operation], None]
"""Adds an op to the end of the code that is being written."""

Values: TypeAlias = Sequence[SSAValue] | None
"""The values with which some code ends, None where control has left the function."""

Next: TypeAlias = Callable[[Place, Values], Values]
"""Writes what follows an iteration that ended with some values, and returns the loop's results."""

AtYield: TypeAlias = Callable[[Place, Values, Next], Values]
"""Writes what follows a yield of some values in an iteration, and in the end what follows that iteration."""


def unroll(op: ForOp, bounds: range) -> None:
    """Replace a loop by a copy of its body for each value of its induction variable."""
    block = op.parent
    assert block is not None

    def place(new: Operation) -> None:
        block.insert_op_before(new, op)

    writer = _Writer(op, bounds)
    results = writer.iterations(0, op.inits, place)
    if results is None:
        while block.last_op is not op:
            assert block.last_op is not None
            block.erase_op(block.last_op)
    else:
        for old, value in zip(op.results, results, strict=True):
            value.name_hint = value.name_hint or old.name_hint
            old.replace_all_uses_with(value)
    block.erase_op(op)


@dataclass(frozen=True)
class _Writer:
    """Writes the copies of a loop's body."""

    loop: ForOp
    bounds: range

    def iterations(self, first: int, carried: Values, place: Place) -> Values:
        """Write the iterations from the `first` on, which begins with `carried`, and return the loop's results."""
        ops = list(self.loop.body.block.ops)
        breaks = any(map(_may_break, ops)) or isinstance(ops[-1], BreakOp)
        for number in range(first, len(self.bounds)):
            if carried is None:
                return None
            known = self.start(number, carried, place)
            if breaks:

                def after(place: Place, values: Values, number: int = number) -> Values:
                    return self.iterations(number + 1, values, place)

                return self.code(ops, known, place, _end_iteration, after)
            carried = self.code(ops, known, place, _end_iteration, _end)
        return carried

    def start(self, number: int, carried: Sequence[SSAValue], place: Place) -> dict[SSAValue, SSAValue]:
        induction, *arguments = self.loop.body.block.args
        known = dict[SSAValue, SSAValue](zip(arguments, carried, strict=True))
        if induction.first_use is not None:
            index = scalar_constant(self.bounds[number])
            index.result.name_hint = induction.name_hint
            adopt(index, self.loop)
            place(index)
            known[induction] = index.result
        return known

    def code(
        self,
        ops: Sequence[Operation],
        known: dict[SSAValue, SSAValue],
        place: Place,
        at_yield: AtYield,
        after: Next,
        breaks_later: bool = False,
    ) -> Values:
        """Write copies of `ops`, then what follows their yield, and the iteration at a `continue`.

        `breaks_later` says whether what follows their yield may break.
        """
        for index, op in enumerate(ops):
            match op:
                case YieldOp():
                    return at_yield(place, _mapped(op.values, known), after)
                case ContinueOp():
                    return after(place, _mapped(op.values, known))
                case BreakOp():
                    return _mapped(op.values, known)
                case ReturnOp():
                    place(op.clone(known))
                    return None
                case IfOp() | SwitchOp() if _ends_iteration(op):
                    rest = ops[index + 1 :]
                    later = breaks_later or any(map(_may_break, rest))
                    if later or _may_break(op) or after is _end:
                        return self.branch(op, rest, known, place, at_yield, after, later)
                    # Nothing here leaves the loop: the ways through this iteration meet before the next.
                    return after(place, self.branch(op, rest, known, place, at_yield, _end, later))
                case _:
                    place(op.clone(known))
        raise AssertionError("a loop's body ends in a terminator")

    def branch(
        self,
        op: IfOp | SwitchOp,
        rest: Sequence[Operation],
        known: dict[SSAValue, SSAValue],
        place: Place,
        at_yield: AtYield,
        after: Next,
        breaks_later: bool,
    ) -> Values:
        """Write a branch that may end the iteration, with the `rest` of the iteration in the sides that go on."""

        def go_on(place: Place, values: Values, after: Next) -> Values:
            assert values is not None
            results = dict[SSAValue, SSAValue](zip(op.results, values, strict=True))
            return self.code(rest, known | results, place, at_yield, after, breaks_later)

        blocks: list[Block] = []
        for region in op.regions:
            block = Block()
            values = self.code(list(region.block.ops), dict(known), block.add_op, go_on, after, breaks_later)
            if values is not None:
                block.add_op(YieldOp(values))
            blocks.append(block)
        types = self.loop.result_types
        decider = known.get(op.operands[0], op.operands[0])
        if isinstance(op, IfOp):
            new = IfOp(decider, types, *blocks)
        else:
            new = SwitchOp(decider, types, op.case_values, blocks[1:], blocks[0])
        new.attributes |= op.attributes
        adopt(new, op)
        place(new)
        for result, name in zip(new.results, self.loop.results, strict=True):
            result.name_hint = name.name_hint
        return new.results


def _end(place: Place, values: Values) -> Values:
    return values


def _end_iteration(place: Place, values: Values, after: Next) -> Values:
    return after(place, values)


def _mapped(values: Sequence[SSAValue], known: Mapping[SSAValue, SSAValue]) -> Sequence[SSAValue]:
    return [known.get(value, value) for value in values]


@dataclass(frozen=True)
class UnrollLoopsPass(Pass):
    """Replace a `dycl.for` that runs a known number of times by copies of its body, where that gains something.

    ```mlir before
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %c0 = arith.constant 0 : i64
      %c1 = arith.constant 1 : i64
      %c2 = arith.constant 2 : i64
      %r = dycl.for %i = %c0 to %c2 step %c1 iter_args(%a = %x : tensor<4xf32>) {
        %b = dycl.aten relu.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
        dycl.yield %b : tensor<4xf32>
      }
      dycl.return %r : tensor<4xf32>
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %c0 = arith.constant 0 : i64
      %c1 = arith.constant 1 : i64
      %c2 = arith.constant 2 : i64
      %b = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
      %r = dycl.aten relu.default(%b) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.return %r : tensor<4xf32>
    }
    ```

    A loop gains where the induction variable decides a branch, the bounds of an inner loop, a size, or which part of a
    weight is used; where all iterations become one kernel; and where a carried value grows by known sizes and the
    copies are few and small. One that runs at most `max-trip-count` times is unrolled in any case, none if that makes
    more than `max-ops` ops. It does not unroll a `while`, a loop with bounds that only become known at run time or a
    step of zero, one in which both `break` and `continue` would copy what follows, nor one whose breaks would nest
    regions too deep.
    """

    max_trip_count: int = 1
    max_ops: int = 10_000

    name = "unroll-loops"

    def apply(self, op: Operation, program: Program) -> bool:
        limits = Limits(self.max_trip_count, self.max_ops)
        changed = False
        for region in op.regions:
            changed |= unroll_loops(region, limits)
        return changed
