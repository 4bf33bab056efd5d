"""The segments of a block: the runs of ops between one control-flow op and the next.

A *barrier* ends a segment: an op with control flow in it (`if`, `switch`, `for`, `while`), a call, a terminator, or any
op whose effects are not known. What stands in a segment runs whenever its block reaches it, so that the order inside a
segment is only that of the data, of the assertions, and of the ops that draw random numbers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.ir import Block, Operation
from xdsl.traits import IsTerminator

from dycl.ir.effects import is_effect_free, is_unused
from dycl.ir.ops import AssertOp, AtenOp, ConstantOp, KernelOp, LaunchOp, ParamOp, RegionOp
from dycl.ir.ops.aten import AtenEffects
from dycl.ir.rewriting import erase


@dataclass(frozen=True)
class Segment:
    """A run of ops, and the barriers around it; the block's first segment has none before it."""

    before: Operation | None
    ops: tuple[Operation, ...]
    after: Operation


def is_free(op: Operation) -> bool:
    """Whether the op costs nothing wherever it stands: a constant or a weight."""
    return isinstance(op, ParamOp | ConstantOp | arith.ConstantOp)


def is_movable(op: Operation) -> bool:
    """Whether the op may run at any later place where its results are still to be used, and may run twice."""
    if isinstance(op, AtenOp):
        # Nearly all ops are this one, so it is asked for its effects without a walk over its traits.
        return not AtenEffects.get_effects(op)
    return not op.regions and not isinstance(op, LaunchOp) and is_effect_free(op)


def is_barrier(op: Operation) -> bool:
    if isinstance(op, AtenOp | AssertOp | LaunchOp | RegionOp):
        return False
    return op.has_trait(IsTerminator) or not is_movable(op)


def segments(block: Block) -> Iterator[Segment]:
    """Yield the segments of a block in order. The ops of a segment may be moved and erased once it has been yielded."""
    ops = list(block.ops)
    before: Operation | None = None
    start = 0
    for index, op in enumerate(ops):
        if is_barrier(op):
            yield Segment(before, tuple(ops[start:index]), op)
            before, start = op, index + 1


def erase_unused_constants(blocks: Iterable[Block]) -> bool:
    """Erase the constants and weights of `blocks` that nobody uses; return whether there were any."""
    unused = [op for block in blocks for op in block.ops if is_free(op) and is_unused(op)]
    erase(unused)
    return bool(unused)


def blocks_inside(op: Operation) -> list[Block]:
    """Return the blocks inside an op, each after the block that holds it; those of regions and kernels are left out."""
    found = [block for region in op.regions for block in region.blocks]
    for block in found:
        for inner in block.ops:
            if not isinstance(inner, RegionOp | KernelOp):
                found.extend(nested for region in inner.regions for nested in region.blocks)
    return found
