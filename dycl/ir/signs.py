"""Which integers are never negative: places that the program has found itself, counts, sizes, and copies of these.

A value that a loop carries is none of the negative ones if neither its first value nor what any iteration hands on is,
under the assumption that it is none; so it is with a kernel's inputs, over all the kernel's launches.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr, IntegerType
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from dycl.ir.ops import (
    AtenOp,
    BreakOp,
    ConditionOp,
    ConstantOp,
    ContinueOp,
    DimOp,
    ForOp,
    IfOp,
    ItemOp,
    KernelOp,
    LaunchOp,
    ScalarTensorOp,
    SwitchOp,
    WhileOp,
    YieldOp,
)
from dycl.ir.types import DTYPE_NAMES, element_of, is_tensor

_PLACES = {"argmax": 0, "argmin": 0, "argsort": 0, "max": 1, "min": 1, "nonzero": 0, "one_hot": 0, "sort": 1, "topk": 1}
"""Overload packets that give places, and with which result; with one result, `max` and `min` give a number."""

_PARTS = frozenset(
    [
        "alias",
        "clone",
        "contiguous",
        "detach",
        "expand",
        "flatten",
        "gather",
        "index",
        "index_select",
        "lift_fresh",
        "lift_fresh_copy",
        "narrow",
        "permute",
        "repeat",
        "reshape",
        "select",
        "slice",
        "squeeze",
        "transpose",
        "unsqueeze",
        "view",
    ]
)
"""Overload packets whose results' elements are elements of their first operand."""

_ZEROS = frozenset(["new_ones", "new_zeros", "ones", "ones_like", "zeros", "zeros_like"])


def never_negative(value: SSAValue) -> bool:
    """Whether no element of an integer tensor, or a host scalar, is ever negative."""
    assumed: set[SSAValue] = set()
    waiting = [value]
    while waiting:
        next_value = waiting.pop()
        if next_value in assumed:
            continue
        assumed.add(next_value)
        needed = _needed(next_value)
        if needed is None:
            return False
        waiting += needed
    return True


def _needed(value: SSAValue) -> list[SSAValue] | None:
    """Return the values that must not be negative lest this one is; None where it may be in any case."""
    if isinstance(value, BlockArgument):
        return _carried(value)
    owner = value.owner
    if not isinstance(owner, Operation):
        return None
    place = next(index for index, result in enumerate(owner.results) if result is value)
    match owner:
        case ConstantOp():
            kind = DTYPE_NAMES[element_of(owner.value.type)]
            name = kind.replace("i", "int") if kind[:1] == "i" else None
            return [] if name and np.all(np.frombuffer(owner.value.data.data, name) >= 0) else None
        case arith.ConstantOp(value=IntegerAttr(value=number)):
            return [] if number.data >= 0 else None
        case DimOp():
            return []
        case ItemOp():
            return [owner.tensor] if isinstance(element_of(owner.tensor.type), IntegerType) else None
        case ScalarTensorOp():
            return [owner.scalar] if isinstance(owner.scalar.type, IntegerType) else None
        case AtenOp():
            return _of_aten(owner, place)
        case LaunchOp():
            kernel = next((op for op in _beside(owner) if isinstance(op, KernelOp) and op.symbol == owner.kernel), None)
            return None if kernel is None else _handed(kernel.body.block.last_op, place)
        case IfOp() | SwitchOp():
            ends = [region.block.last_op for region in owner.regions]
            return [end.values[place] for end in ends if isinstance(end, YieldOp)]
        case ForOp():
            ends = [end for end in _ends(owner.body.block) if isinstance(end, YieldOp | ContinueOp | BreakOp)]
            return [owner.inits[place], *(end.values[place] for end in ends)]
        case WhileOp():
            breaks = [end for end in _ends(owner.body.block) if isinstance(end, BreakOp)]
            return [*_conditions(owner, place), *(end.values[place] for end in breaks)]
        case _:
            return None


def _carried(value: BlockArgument) -> list[SSAValue] | None:
    block = value.block
    holder = block.parent_op()
    match holder:
        case KernelOp():
            launches = [op for op in _module(holder).walk() if isinstance(op, LaunchOp) and op.kernel == holder.symbol]
            return [op.inputs[value.index] for op in launches] or None
        case ForOp() if value.index:
            ends = [end for end in _ends(block) if isinstance(end, YieldOp | ContinueOp)]
            return [holder.inits[value.index - 1], *(end.values[value.index - 1] for end in ends)]
        case WhileOp() if block is holder.body.block:
            return _conditions(holder, value.index)
        case WhileOp():
            ends = [end for end in _ends(holder.body.block) if isinstance(end, YieldOp | ContinueOp)]
            return [holder.inits[value.index], *(end.values[value.index] for end in ends)]
        case _:
            return None


def _of_aten(op: AtenOp, place: int) -> list[SSAValue] | None:
    if not is_tensor(op.results[place].type) or not isinstance(element_of(op.results[place].type), IntegerType):
        return None
    is_number = op.packet in ("max", "min") and len(op.results) == 1
    if op.packet in _ZEROS or (_PLACES.get(op.packet) == place and not is_number):
        return []
    if op.packet in ("cat", "stack"):
        return list(op.inputs)
    if op.packet == "where" and len(op.inputs) == 3:
        return list(op.inputs[1:])
    return [op.inputs[0]] if op.packet in _PARTS and op.inputs else None


def _conditions(loop: WhileOp, place: int) -> list[SSAValue]:
    end = loop.before.block.last_op
    return [end.values[place]] if isinstance(end, ConditionOp) else []


def _handed(end: Operation | None, place: int) -> list[SSAValue] | None:
    return [end.values[place]] if isinstance(end, YieldOp) else None


def _ends(body: Block) -> Iterator[Operation]:
    """Yield the terminators of a loop's body that belong to it: its own, and those of branches in it."""
    for op in body.ops:
        if isinstance(op, IfOp | SwitchOp):
            for region in op.regions:
                yield from (end for end in _ends(region.block) if not isinstance(end, YieldOp))
    if body.last_op is not None:
        yield body.last_op


def _module(op: Operation) -> Operation:
    while (parent := op.parent_op()) is not None:
        op = parent
    return op


def _beside(op: Operation) -> Iterable[Operation]:
    """The symbols of the module that an op is in."""
    module = _module(op)
    return module.regions[0].block.ops if module.regions else ()
