"""The run-time decisions of a program: its `dycl.if`, `dycl.switch` and `dycl.while` ops, in one agreed order."""

from collections.abc import Iterator
from typing import TypeAlias

from typing_extensions import TypeIs
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation

from dycl.ir.ops import BreakOp, ContinueOp, IfOp, ReturnOp, SwitchOp, WhileOp

DecisionOp: TypeAlias = IfOp | SwitchOp | WhileOp

Side: TypeAlias = bool | int | None
"""One way out of a decision: True or False of an `if` or a `while`, a case of a `switch`, None its default."""


def decisions(module: Operation) -> list[DecisionOp]:
    """Return the decisions of a module's functions in the order of their text; a decision's index is its place here."""
    return [
        op for function in module.walk() if isinstance(function, FuncOp) for op in function.walk() if is_decision(op)
    ]


def is_decision(op: Operation) -> TypeIs[DecisionOp]:
    return isinstance(op, IfOp | SwitchOp | WhileOp)


def sides(op: DecisionOp) -> tuple[Side, ...]:
    """Return the ways out of a decision."""
    return (*op.case_values, None) if isinstance(op, SwitchOp) else (True, False)


def side_blocks(op: DecisionOp) -> Iterator[tuple[Side, Block | None]]:
    """Yield each side with the block that it runs: None where the side runs none (a `while` that is not entered)."""
    match op:
        case IfOp():
            yield True, op.then_block
            yield False, op.else_block
        case SwitchOp():
            for value, region in zip(op.case_values, op.case_regions, strict=True):
                yield value, region.block
            yield None, op.default_region.block
        case WhileOp():
            yield True, op.body.block
            yield False, None


def always_leaves(block: Block | None) -> bool:
    """Whether control never reaches the code behind the op that holds `block`."""
    if block is None:
        return False
    last = block.last_op
    if isinstance(last, ReturnOp | BreakOp | ContinueOp):
        return True
    before = last.prev_op if last is not None else None
    return isinstance(before, IfOp | SwitchOp) and all(always_leaves(inner) for _, inner in side_blocks(before))
