"""Changes to the IR that keep what a plain rewrite drops: each op's place in the source, and its values' names."""

from collections.abc import Iterable, Mapping, Sequence

from xdsl.dialects.builtin import UNKNOWN_LOC
from xdsl.ir import Block, Operation, Region, SSAValue

from dycl.ir.ops import RegionOp
from dycl.ir.types import refines


def adopt(new: Operation, old: Operation) -> None:
    """Give `new`, and the ops inside it, the location of `old` where they have none of their own."""
    for op in new.walk():
        if op.location == UNKNOWN_LOC:
            op.location = old.location


def replace(op: Operation, new: Sequence[Operation], values: Sequence[SSAValue] | None = None) -> None:
    """Put the ops `new` in the place of `op`, and `values` (by default the last one's results) for its results."""
    if values is None:
        values = new[-1].results if new else ()
    block = op.parent
    assert block is not None
    block.insert_ops_before(new, op)
    for added in new:
        adopt(added, op)
    for old, value in zip(op.results, values, strict=True):
        if value.name_hint is None:
            value.name_hint = old.name_hint
        old.replace_all_uses_with(value)
    op.detach()
    op.erase()


def erase(ops: Iterable[Operation]) -> None:
    """Erase ops whose results have no uses outside them, the last first."""
    for op in reversed(list(ops)):
        op.detach()
        op.erase()


def inline(block: Block, before: Operation, values: Mapping[SSAValue, SSAValue] | Sequence[SSAValue] = ()) -> None:
    """Move a block's ops, all but its terminator, to the place before `before`, with `values` for its arguments."""
    pairs = values.items() if isinstance(values, Mapping) else zip(block.args, values, strict=True)
    for argument, value in pairs:
        argument.replace_all_uses_with(value)
    target = before.parent
    assert target is not None
    for op in list(block.ops)[:-1]:
        op.detach()
        target.insert_op_before(op, before)


def clone_into(source: Region, block: Block, mapping: dict[SSAValue, SSAValue]) -> None:
    """Append copies of a one-block region's ops to `block`; `mapping` holds the values that stand for the source's."""
    for op in source.block.ops:
        block.add_op(op.clone(mapping))


def can_stand_for(value: SSAValue, old: SSAValue) -> bool:
    """Whether `value` may take the place of `old` in all its uses: its type is the same, or a more precise one that
    no user asks to be as it was."""
    if value.type == old.type:
        return True
    return refines(value.type, old.type) and not any(isinstance(use.operation, RegionOp) for use in old.uses)
