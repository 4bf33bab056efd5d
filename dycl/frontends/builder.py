"""Where ops go: a stack of open blocks, the innermost last."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from xdsl.dialects import arith
from xdsl.dialects.builtin import LocationAttr
from xdsl.ir import Block, Operation, SSAValue

from dycl.ir.scalars import constant_scalar, scalar_constant

OpT = TypeVar("OpT", bound=Operation)

_EQUAL, _UNEQUAL = (arith.CMPI_COMPARISON_OPERATIONS.index(name) for name in ("eq", "ne"))

MAX_DEPTH = 150
"""How deep regions may nest: printing and cloning them is recursive."""


@dataclass
class Builder:
    """`where` gives the location of what is emitted. The prologue goes to the start of the function at the end, so
    that weights and constants, emitted once each, dominate all uses."""

    where: Callable[[], LocationAttr]
    entry: Block = field(default_factory=Block)
    prologue: list[Operation] = field(default_factory=list[Operation])
    blocks: list[Block] = field(default_factory=list[Block])
    functions: list[Block] = field(default_factory=list[Block])
    """Those of the open blocks that are whole functions, called from the blocks around them."""
    facts: dict[Block, dict[SSAValue, bool | int]] = field(default_factory=dict[Block, dict[SSAValue, bool | int]])
    """What is known of host scalars in a block: the conditions of the branches that lead to it."""
    order: dict[Operation, int] = field(default_factory=dict[Operation, int])
    """The number of each op, in the order in which they were emitted."""
    later: range = range(0)
    """The numbers of those that are behind the place where ops are emitted now."""

    def __post_init__(self) -> None:
        self.blocks.append(self.entry)

    @property
    def depth(self) -> int:
        return len(self.blocks)

    def emit(self, op: OpT, hint: str | None = None) -> OpT:
        op.location = self.where()
        self.blocks[-1].add_op(op)
        self.order[op] = len(self.order)
        if hint is not None:
            op.results[0].name_hint = hint
        return op

    def emit_first(self, op: OpT) -> OpT:
        """Emit into the prologue."""
        op.location = self.where()
        self.prologue.append(op)
        return op

    def constant(self, value: bool | int | float) -> SSAValue:
        return self.emit(scalar_constant(value)).result

    def push(self, block: Block) -> None:
        self.blocks.append(block)

    def pop(self) -> Block:
        return self.blocks.pop()

    def fold(self, block: Block) -> None:
        """Make an open block part of the one around it."""
        at = next(index for index, open in enumerate(self.blocks) if open is block)
        for op in list(block.ops):
            op.detach()
            self.blocks[at - 1].add_op(op)
        del self.blocks[at]
        self.facts.setdefault(self.blocks[at - 1], {}).update(self.facts.pop(block, {}))

    def assume(self, condition: SSAValue, truth: bool, block: Block | None = None) -> None:
        """Note that a condition holds, or does not, in the rest of a block."""
        facts = self.facts.setdefault(block or self.blocks[-1], {})
        facts[condition] = truth
        match condition.owner:
            case arith.AndIOp(lhs=left, rhs=right) if truth:
                self.assume(left, True, block)
                self.assume(right, True, block)
            case arith.OrIOp(lhs=left, rhs=right) if not truth:
                self.assume(left, False, block)
                self.assume(right, False, block)
            case arith.XOrIOp(lhs=left, rhs=right) if constant_scalar(right) is True:
                self.assume(left, not truth, block)
            case arith.CmpiOp(lhs=left, rhs=right) as op if isinstance(number := constant_scalar(right), int):
                if op.predicate.value.data == (_EQUAL if truth else _UNEQUAL):
                    facts[left] = number
            case _:
                pass

    def note(self, scalar: SSAValue, value: int) -> None:
        """Note what a number is in the rest of the innermost block."""
        self.facts.setdefault(self.blocks[-1], {})[scalar] = value

    def known(self, scalar: SSAValue) -> bool | int | None:
        """Return what a host scalar is here, None where nothing tells."""
        for block in reversed(self.blocks):
            found = self.facts.get(block, {}).get(scalar)
            if found is not None:
                return found
        match scalar.owner:
            case arith.XOrIOp(lhs=left, rhs=right) if constant_scalar(right) is True:
                inner = self.known(left)
                return None if inner is None else not inner
            case arith.CmpiOp(lhs=left, rhs=right) as op if op.predicate.value.data in (_EQUAL, _UNEQUAL):
                number, inner = constant_scalar(right), self.known(left)
                if number is None or inner is None:
                    return None
                return (number == inner) == (op.predicate.value.data == _EQUAL)
            case _:
                return None

    @contextmanager
    def inside(self, block: Block | None) -> Generator[None]:
        """Emit at the end of a block that is open no longer, within those it is nested in; of None, where we are."""
        chain: list[Block] = []
        while block is not None and not any(block is open for open in self.blocks):
            chain.insert(0, block)
            parent = block.parent_op()
            block = parent.parent if parent is not None else None
        before, self.blocks = self.blocks, [*self.blocks, *chain]
        try:
            yield
        finally:
            self.blocks = before

    @contextmanager
    def beside(self, value: SSAValue) -> Generator[None]:
        """Emit before the innermost function, where `value` comes from around it, instead of in it."""
        before = self.blocks
        start = next(
            (index for index, open in enumerate(before) if any(open is body for body in self.functions[-1:])), 0
        )
        self.blocks = before[:start]
        if not start or not self.is_visible(value):
            self.blocks = before
        try:
            yield
        finally:
            self.blocks = before

    @contextmanager
    def back_at(self, op: Operation) -> Generator[None]:
        """Let what was emitted after `op` be out of sight."""
        before, self.later = self.later, range(self.order[op], len(self.order))
        try:
            yield
        finally:
            self.later = before

    def is_visible(self, value: SSAValue) -> bool:
        """Whether `value` was emitted before, in a block that is open, or in the prologue."""
        owner = value.owner
        if isinstance(owner, Block):
            return any(owner is open for open in self.blocks)
        if self.later and self.order.get(owner) in self.later:
            return False
        return owner.parent is None or any(owner.parent is open for open in self.blocks)

    def finish(self) -> Block:
        """Put the prologue in its place and return the function's block."""
        first = self.entry.first_op
        if first is None:
            self.entry.add_ops(self.prologue)
        else:
            self.entry.insert_ops_before(self.prologue, first)
        self.prologue = []
        return self.entry
