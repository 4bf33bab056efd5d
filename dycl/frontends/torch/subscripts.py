"""Items of tensors, lists, tuples, dicts and modules: read, written and deleted."""

import operator
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn
from xdsl.dialects import arith
from xdsl.dialects.builtin import f64, i64

from dycl.frontends.torch import scalars
from dycl.frontends.torch.branches import branch_value
from dycl.frontends.torch.heap import sizes_of
from dycl.frontends.torch.numbers import scalar_tensor, stack_numbers
from dycl.frontends.torch.values import Choice, Scalar, Symbolic, Value, holds, is_number, kind_of
from dycl.ir.ops import AssertOp

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


def read_item(capture: "Capture", owner: Value, index: Value) -> Value:
    capture.usable(owner)
    capture.usable(index)
    if isinstance(owner, Choice):
        return chosen(capture, owner.index, [read_item(capture, option, index) for option in owner.options])
    if isinstance(owner, torch.Tensor):
        if holds(index, lambda part: isinstance(part, Scalar)) and not isinstance(index, slice):
            return _read_tensor(capture, owner, index)
        return capture.torch_call(operator.getitem, owner, index)
    if isinstance(index, torch.Tensor) and isinstance(owner, list | tuple | nn.ModuleList | nn.Sequential):
        index = capture.item(index)
    if isinstance(index, Scalar) and isinstance(owner, list | tuple | range | nn.ModuleList | nn.Sequential):
        return choose(capture, list(owner), index)
    if holds(index, lambda part: isinstance(part, Symbolic) or capture.is_traced(part)):
        raise capture.error(
            f"an item of a {type(owner).__name__} whose key is known only at run time",
            "which item it is decides what is computed after it",
            "use a list and an int, or branch with `if`",
        )
    method = capture.method(owner, "__getitem__")
    if method is not None:
        return capture.evaluator.call(capture, method, [index], {})
    if isinstance(owner, defaultdict) and index not in owner:
        capture.mutate(owner)
    found = capture.native(operator.getitem, owner, index)
    capture.state.inherit(owner, found)
    return capture.born(found) if isinstance(index, slice) and isinstance(found, list) else found


def choose(capture: "Capture", options: Sequence[Value], index: Scalar) -> Value:
    """Return `options[index]`.

    Tensors of one type are stacked and one is taken, without a branch; so are numbers. Other objects become a choice.
    """
    if not options:
        raise capture.raised(IndexError("list index out of range"))
    index = _in_range(capture, index, len(options))
    first = options[0]
    if all(option is first for option in options):
        return first
    if all(isinstance(option, torch.Tensor) for option in options):
        if any(option.dtype != first.dtype or option.size() != first.size() for option in options):
            raise capture.error(
                "a choice among tensors of different types or sizes", "they cannot be stacked", "branch with `if`"
            )
        stacked = capture.torch_call(torch.stack, list(options))
        return _select(capture, stacked, 0, index)
    if all(map(is_number, options)) and len({kind_of(option) for option in options}) == 1:
        stacked = stack_numbers(capture, options)
        return capture.item(_select(capture, stacked, 0, index))
    return Choice(index, options)


def chosen(capture: "Capture", index: Scalar, options: Sequence[Value]) -> Value:
    """Return the value that a choice, by the index of an earlier choice, is."""
    first = options[0]
    if all(option is first for option in options):
        return first
    if not all(isinstance(option, torch.Tensor) or is_number(option) for option in options):
        return Choice(index, options)
    if index.kind is bool:
        return branch_value(capture, index.ssa, lambda: options[1], lambda: options[0])
    return choose(capture, options, index)


def _in_range(capture: "Capture", index: Scalar, count: int) -> Scalar:
    """Return an index as one from 0, with a check where it might be out of range."""
    if index.bounds is not None and index.bounds[0] >= 0 and index.bounds[1] < count:
        return index
    emit, constant = capture.builder.emit, capture.builder.constant
    ssa = scalars.as_ssa(capture, index, int)
    low = emit(arith.CmpiOp(ssa, constant(-count), "sge")).result
    high = emit(arith.CmpiOp(ssa, constant(count), "slt")).result
    emit(AssertOp(emit(arith.AndIOp(low, high)).result, "IndexError: list index out of range"))
    negative = emit(arith.CmpiOp(ssa, constant(0), "slt")).result
    shifted = emit(arith.AddiOp(ssa, constant(count))).result
    return Scalar(emit(arith.SelectOp(negative, shifted, ssa)).result, (0, count - 1))


def _select(capture: "Capture", tensor: torch.Tensor, axis: int, index: Scalar) -> torch.Tensor:
    """Return `tensor[index]` along an axis, for an index from 0."""
    where = capture.torch_call(torch.Tensor.reshape, scalar_tensor(capture, index, i64), [1])
    taken = capture.torch_call(torch.index_select, tensor, axis, where)
    return capture.torch_call(torch.squeeze, taken, axis)


def _read_tensor(capture: "Capture", tensor: torch.Tensor, index: Value) -> Value:
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [part for part in parts if part is Ellipsis]:
        at = next(i for i, part in enumerate(parts) if part is Ellipsis)
        given = sum(part is not None and part is not Ellipsis for part in parts)
        parts[at : at + 1] = [slice(None)] * (tensor.dim() - given)
    axis = 0
    for part in parts:
        whole = (slice(None),) * axis
        if isinstance(part, Scalar):
            size = sizes_of(tensor)[axis]
            if size is None:
                raise capture.error("an index known only at run time into a size known only at run time")
            tensor = _select(capture, tensor, axis, _in_range(capture, part, size))
        elif isinstance(part, int) and not isinstance(part, bool):
            tensor = capture.torch_call(operator.getitem, tensor, (*whole, part))
        elif part is None or isinstance(part, slice):
            tensor = capture.torch_call(operator.getitem, tensor, (*whole, part))
            axis += 1
        else:
            raise capture.error("an index that mixes tensors and numbers known only at run time")
    return tensor


def write_item(capture: "Capture", owner: Value, index: Value, value: Value) -> None:
    capture.usable(owner)
    capture.usable(index)
    if isinstance(owner, torch.Tensor):
        if holds(index, lambda part: isinstance(part, Scalar)):
            raise capture.error(
                "a write to a tensor at an index known only at run time",
                "where it goes is not known while the program is compiled",
                "use torch.where, scatter or index_put with an index tensor",
            )
        if isinstance(value, Scalar):
            value = scalar_tensor(capture, value, f64 if value.kind is float else i64)
        capture.torch_call(operator.setitem, owner, index, value)
        return
    if holds(index, lambda part: isinstance(part, Symbolic) or capture.is_traced(part)):
        raise capture.error(
            f"a write to a {type(owner).__name__} at a key known only at run time",
            "what it holds afterwards could not be followed",
            "keep the values in a tensor",
        )
    method = capture.method(owner, "__setitem__")
    if method is not None:
        capture.evaluator.call(capture, method, [index, value], {})
        return
    _check_container(capture, owner)
    capture.mutate(owner)
    capture.native(operator.setitem, owner, index, value)


def delete_item(capture: "Capture", owner: Value, index: Value) -> None:
    if holds(index, lambda part: isinstance(part, Symbolic) or capture.is_traced(part)):
        raise capture.error(f"`del` in a {type(owner).__name__} at a key known only at run time")
    _check_container(capture, owner)
    capture.mutate(owner)
    capture.native(operator.delitem, owner, index)


def _check_container(capture: "Capture", owner: Value) -> None:
    if not isinstance(owner, list | dict):
        raise capture.error(
            f"a write to an item of a {type(owner).__name__}", "only lists, dicts and tensors are taken"
        )
