"""Where ops go: a stack of open blocks, the innermost last."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from xdsl.dialects.builtin import LocationAttr
from xdsl.ir import Block, Operation, SSAValue

from dycl.ir.scalars import scalar_constant

OpT = TypeVar("OpT", bound=Operation)

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

    def __post_init__(self) -> None:
        self.blocks.append(self.entry)

    @property
    def depth(self) -> int:
        return len(self.blocks)

    def emit(self, op: OpT, hint: str | None = None) -> OpT:
        op.location = self.where()
        self.blocks[-1].add_op(op)
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

    def is_visible(self, value: SSAValue) -> bool:
        """Whether `value` was emitted in a block that is open, or in the prologue."""
        owner = value.owner
        block = owner if isinstance(owner, Block) else owner.parent
        return block is None or any(block is open for open in self.blocks)

    def finish(self) -> Block:
        """Put the prologue in its place and return the function's block."""
        first = self.entry.first_op
        if first is None:
            self.entry.add_ops(self.prologue)
        else:
            self.entry.insert_ops_before(self.prologue, first)
        self.prologue = []
        return self.entry
