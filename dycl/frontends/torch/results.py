"""The program's results: what each exit returns, and the structure that all share."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import torch
from xdsl.ir import Attribute, SSAValue

from dycl.frontends.torch.capture import Exit
from dycl.frontends.torch.diagnostics import CaptureError
from dycl.frontends.torch.values import SCALAR_TYPE, Choice, Scalar, Value, is_number, kind_of
from dycl.ir.ops import ReturnOp
from dycl.ir.scalars import scalar_constant
from dycl.ir.types import join
from dycl.runtime.structure import Fixed, Group, Leaf, Structure

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


def emit_return(capture: "Capture", value: Value) -> None:
    """End the current block with a return of the program."""
    leaves: list[Value] = []
    shape = _flatten(capture, value, leaves)
    op = capture.builder.emit(ReturnOp([]))
    capture.exits.append(Exit(op, shape, leaves, capture.stack[-1].place))


def _flatten(capture: "Capture", value: Value, leaves: list[Value]) -> Value:
    """Return the structure of a value, with `Leaf`s for what it holds."""
    capture.usable(value)
    if isinstance(value, torch.Tensor):
        leaves.append(capture.ssa_of(value))
        return Leaf(len(leaves) - 1)
    if isinstance(value, Choice):
        raise capture.error("an object chosen at run time as a result", "only tensors and numbers are")
    if is_number(value) or value is None or isinstance(value, str):
        leaves.append(value)
        return Leaf(len(leaves) - 1)
    if isinstance(value, tuple | list):
        items = tuple(_flatten(capture, item, leaves) for item in value)
        fields: tuple[str, ...] | None = getattr(value, "_fields", None)
        if fields is not None:
            return Group("namedtuple", items, fields, type(value).__name__)
        return Group("tuple" if isinstance(value, tuple) else "list", items)
    if isinstance(value, dict) and all(isinstance(key, str | int) for key in value):
        return Group("dict", tuple(_flatten(capture, item, leaves) for item in value.values()), tuple(value))
    if isinstance(value, np.generic):
        leaves.append(value.item())
        return Leaf(len(leaves) - 1)
    raise capture.error(
        f"a {type(value).__name__} as a result",
        "only tensors, numbers, strings, None, and tuples, lists and dicts of these are",
        "return its parts",
    )


@dataclass(frozen=True)
class Results:
    types: list[Attribute]
    structure: Structure


def finish(exits: Sequence[Exit]) -> Results:
    """Give every exit's return its operands, and return the results' types and structure.

    Raises:
        CaptureError: two exits return values of different structure
    """
    first = exits[0]
    for exit in exits[1:]:
        if exit.value != first.value:
            raise _differ(first, exit, "their structures differ")
    columns = list(zip(*(exit.leaves for exit in exits), strict=True))
    kept: list[int] = []
    fixed: dict[int, Fixed] = {}
    types: list[Attribute] = []
    for index, column in enumerate(columns):
        if not any(isinstance(leaf, SSAValue | Scalar) for leaf in column) and all(
            type(leaf) is type(column[0]) and repr(leaf) == repr(column[0]) for leaf in column
        ):
            fixed[index] = Fixed(column[0])
            continue
        types.append(_type(exits, column))
        kept.append(index)
    for exit in exits:
        block = exit.op.parent
        assert block is not None
        operands = [_operand(exit, exit.leaves[index]) for index in kept]
        op = ReturnOp(operands)
        op.location = exit.op.location
        block.insert_op_before(op, exit.op)
        exit.op.detach()
        exit.op.erase()
    places = {index: Leaf(place) for place, index in enumerate(kept)}
    return Results(types, _arrange(first.value, places, fixed))


def _type(exits: Sequence[Exit], column: Sequence[Value]) -> Attribute:
    for exit, leaf in zip(exits, column, strict=True):
        if isinstance(leaf, SSAValue) != isinstance(column[0], SSAValue) or not (
            isinstance(leaf, SSAValue) or is_number(leaf)
        ):
            raise _differ(exits[0], exit, f"one returns {_name(column[0])} where the other returns {_name(leaf)}")
    types = [leaf.type if isinstance(leaf, SSAValue) else SCALAR_TYPE[kind_of(leaf)] for leaf in column]
    found = reduce(_join, types)
    if found is None:
        other = next(index for index, type in enumerate(types) if _join(types[0], type) is None)
        raise _differ(exits[0], exits[other], f"one returns a {types[0]} where the other returns a {types[other]}")
    return found


def _join(left: Attribute | None, right: Attribute | None) -> Attribute | None:
    return join(left, right) if left is not None and right is not None else None


def _name(leaf: Value) -> str:
    if isinstance(leaf, SSAValue):
        return "a tensor"
    return kind_of(leaf).__name__ if is_number(leaf) else repr(leaf)


def _differ(first: Exit, other: Exit, how: str) -> CaptureError:
    return CaptureError(
        "two exits return different things",
        other.place,
        f"{how}; the other one is at {first.place.frame}",
        "return the same structure from every exit",
    )


def _operand(exit: Exit, leaf: Value) -> SSAValue:
    if isinstance(leaf, SSAValue):
        return leaf
    if isinstance(leaf, Scalar):
        return leaf.ssa
    block = exit.op.parent
    assert block is not None
    constant = scalar_constant(leaf)
    constant.location = exit.op.location
    block.insert_op_before(constant, exit.op)
    return constant.result


def _arrange(structure: Structure, places: dict[int, Leaf], fixed: dict[int, Fixed]) -> Structure:
    match structure:
        case Leaf(index):
            return places[index] if index in places else fixed[index]
        case Fixed():
            return structure
        case Group(kind, items, keys, type_name):
            return Group(kind, tuple(_arrange(item, places, fixed) for item in items), keys, type_name)
