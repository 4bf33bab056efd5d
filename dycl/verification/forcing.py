"""Plans that force a program through every side of every branch.

A plan gives the side to take at each decision on its way: where a decision stands behind an early exit, the exit is not
taken; where it stands inside a branch, that branch is. A `while` is forced at its first test only, so that it ends.
"""

from collections.abc import Iterator
from typing import TypeAlias

from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Block, Operation
from xdsl.traits import SymbolTable

from dycl.ir.decisions import DecisionOp, Side, always_leaves, decisions, is_decision, side_blocks, sides
from dycl.ir.ops import ForOp, WhileOp

Plan: TypeAlias = dict[DecisionOp, Side]
Target: TypeAlias = tuple[DecisionOp, Side]


def plans(main: FuncOp, module: Operation) -> Iterator[Plan]:
    """Yield plans that together take every side that can be reached from `main`."""
    open_sides: dict[Target, None] = {(op, side): None for op in decisions(module) for side in sides(op)}
    tried: set[Target] = set()
    while target := next((candidate for candidate in open_sides if candidate not in tried), None):
        tried.add(target)
        op, side = target
        plan = {**_way_to(op, module), op: side}
        taken = _follow(main.body.block, plan, open_sides, set())
        plan.update(taken)
        for step in plan.items():
            open_sides.pop(step, None)
        yield plan


def _way_to(op: Operation, module: Operation) -> Plan:
    """Return the sides that lead to `op` from the start of its function, and to a call of that function."""
    plan: Plan = {}
    while not isinstance(op, FuncOp):
        block = op.parent_block()
        assert block is not None
        before = op.prev_op
        while before is not None:
            plan |= _way_past(before)
            before = before.prev_op
        holder = block.parent_op()
        assert holder is not None
        if is_decision(holder):
            plan[holder] = next((side for side, inner in side_blocks(holder) if inner is block), True)
        op = holder
    call = next((c for c in module.walk() if isinstance(c, CallOp) and _calls(c, op) and not op.is_ancestor(c)), None)
    return plan if call is None else {**_way_to(call, module), **plan}


def _way_past(op: Operation) -> Plan:
    """Return the sides by which control reaches the code behind `op`; nothing where every side does."""
    if not is_decision(op):
        return {}
    blocks = list(side_blocks(op))
    if not any(_may_leave(block) for _, block in blocks):
        return {}
    for side, block in blocks:
        if not always_leaves(block):
            plan: Plan = {op: side}
            for inner in block.ops if block is not None else ():
                plan |= _way_past(inner)
            return plan
    return {}


def _may_leave(block: Block | None) -> bool:
    if block is None:
        return False
    if always_leaves(block):
        return True
    return any(is_decision(op) and any(_may_leave(inner) for _, inner in side_blocks(op)) for op in block.ops)


def _follow(block: Block, plan: Plan, wanted: dict[Target, None], calls: set[str]) -> Plan:
    """Walk the way that `plan` takes, choosing at free decisions a wanted side that does not leave, and return it."""
    taken: Plan = {}
    for op in block.ops:
        if is_decision(op):
            blocks = dict(side_blocks(op))
            side = plan[op] if op in plan else _preferred(op, blocks, wanted)
            taken[op] = side
            if isinstance(op, WhileOp):
                taken |= _follow(op.before.block, plan, wanted, calls)
            if (inner := blocks[side]) is not None:
                taken |= _follow(inner, plan, wanted, calls)
                if always_leaves(inner):
                    return taken
        elif isinstance(op, ForOp):
            taken |= _follow(op.body.block, plan, wanted, calls)
        elif isinstance(op, CallOp):
            callee = SymbolTable.lookup_symbol(op, op.callee)
            if isinstance(callee, FuncOp) and callee.sym_name.data not in calls:
                taken |= _follow(callee.body.block, plan, wanted, calls | {callee.sym_name.data})
    return taken


def _preferred(op: DecisionOp, blocks: dict[Side, Block | None], wanted: dict[Target, None]) -> Side:
    staying = [side for side in blocks if not always_leaves(blocks[side])] or list(blocks)
    return next((side for side in staying if (op, side) in wanted), staying[0])


def _calls(call: CallOp, function: Operation) -> bool:
    return isinstance(function, FuncOp) and call.callee.string_value() == function.sym_name.data
