"""Removes what capture has emitted and nothing uses: variables that no later code reads are results too."""

from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation
from xdsl.traits import is_side_effect_free

from dycl.ir.ops import IfOp, SwitchOp, YieldOp


def prune(function: FuncOp) -> None:
    """Remove unused ops without effects, and unused results of branches, in one walk from the end."""
    _forget_discarded(function)
    pending: list[Operation | Block] = [function.body.block]
    while pending:
        item = pending.pop()
        if isinstance(item, Block):
            # A stack: the last op is visited first, and the blocks of an op before the ops ahead of it.
            pending.extend(item.ops)
            continue
        op = item
        if isinstance(op, IfOp | SwitchOp):
            op = _without_unused_results(op)
        if op is not function and not any(result.uses for result in op.results) and _is_removable(op):
            op.detach()
            op.erase()
            continue
        pending.extend(region.block for region in op.regions)


def _forget_discarded(function: FuncOp) -> None:
    """Remove the uses by ops that were emitted in vain: evaluation was taken back, and they are in no block of it."""
    kept = set(function.walk())
    for op in kept:
        values = [*op.results, *(argument for region in op.regions for argument in region.block.args)]
        for value in values:
            for use in list(value.uses):
                if use.operation not in kept:
                    use.operation.drop_all_references()


def _is_removable(op: Operation) -> bool:
    return bool(op.results or op.regions) and is_side_effect_free(op)


def _without_unused_results(op: IfOp | SwitchOp) -> IfOp | SwitchOp:
    used = [index for index, result in enumerate(op.res) if result.uses]
    if len(used) == len(op.res):
        return op
    for region in op.regions:
        last = region.block.last_op
        if isinstance(last, YieldOp):
            kept = YieldOp([last.values[index] for index in used])
            kept.location = last.location
            last.detach()
            region.block.add_op(kept)
            last.erase()
    types = [op.res[index].type for index in used]
    blocks = [region.detach_block(region.block) for region in op.regions]
    new: IfOp | SwitchOp
    if isinstance(op, IfOp):
        new = IfOp(op.condition, types, blocks[0], blocks[1])
    else:
        new = SwitchOp(op.index, types, op.case_values, blocks[1:], blocks[0])
    new.location = op.location
    block = op.parent
    assert block is not None
    block.insert_op_before(new, op)
    for result, index in zip(new.res, used, strict=True):
        result.name_hint = op.res[index].name_hint
        op.res[index].replace_all_uses_with(result)
    op.detach()
    op.erase()
    return new
