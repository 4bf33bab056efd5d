"""Items of tensors, lists, tuples, dicts and modules: read, written and deleted."""

import ast
import operator
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import sympy
import torch
from torch import nn
from xdsl.dialects import arith
from xdsl.dialects.builtin import f64, i64

from dycl.errors import an
from dycl.frontends.normalization import same_size
from dycl.frontends.torch.objects import scalars
from dycl.frontends.torch.objects.grown_lists import item, written
from dycl.frontends.torch.objects.numbers import scalar_tensor, stack_numbers
from dycl.frontends.torch.paths.branches import branch_value, require
from dycl.frontends.torch.paths.forks import fork, forked_call
from dycl.frontends.torch.paths.grown import grown_of, is_of_one_kind, of_list
from dycl.frontends.torch.paths.names import name_of
from dycl.frontends.torch.syntax.metaprogramming import evaluate_instead
from dycl.frontends.torch.values import Choice, Scalar, Symbolic, Value, holds, is_number, kind_of

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


def read_item(capture: "Capture", owner: Value, index: Value) -> Value:
    grown = grown_of(capture, owner)
    if grown is not None:
        return item(capture, grown, capture.index(index) if isinstance(index, torch.Tensor) else index)
    owner, index = capture.usable(owner), capture.usable(index)
    if isinstance(owner, Choice) or (isinstance(index, Choice) and not isinstance(owner, torch.Tensor)):
        return forked_call(capture, lambda pair, _: read_item(capture, *pair), [owner, index], {})
    if isinstance(owner, torch.Tensor):
        index = _with_numbers(capture, index)
        if holds(index, lambda part: isinstance(part, Scalar)) and not isinstance(index, slice):
            return _read_tensor(capture, owner, index)
        _check_numbers(capture, owner, index)
        return capture.torch_call(operator.getitem, owner, index)
    if isinstance(index, torch.Tensor) and isinstance(owner, list | tuple | nn.ModuleList | nn.Sequential):
        index = capture.index(index)
    if isinstance(index, slice) and isinstance(owner, list) and is_of_one_kind(capture, owner):
        bounds = [capture.index(part) if capture.is_traced(part) else part for part in _bounds_of(index)]
        if any(isinstance(part, Scalar) for part in bounds):
            return item(capture, of_list(capture, owner), slice(*bounds))
    if isinstance(index, Scalar) and isinstance(owner, list | tuple | range | nn.ModuleList | nn.Sequential):
        return choose(capture, list(owner), index)
    if holds(index, lambda part: isinstance(part, Symbolic) or capture.is_traced(part)):
        raise capture.error(
            f"an item of {an(type(owner).__name__)} whose key is known only at run time",
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


def _bounds_of(index: slice) -> tuple[Value, Value, Value]:
    return index.start, index.stop, index.step


def choose(capture: "Capture", options: Sequence[Value], index: Scalar) -> Value:
    """Return `options[index]`.

    Tensors of one type are stacked and one is taken, without a branch; so are numbers. Other objects become a choice.
    """
    if not options:
        raise capture.raised(IndexError("list index out of range"))
    index = _in_range(capture, index, len(options), "list index out of range")
    first = options[0]
    if all(option is first for option in options):
        return first
    steps = {b - a for a, b in pairwise(options)} if all(type(option) is int for option in options) else set[int]()
    if len(steps) == 1:
        scaled = scalars.binary(capture, ast.Mult, index, step) if (step := steps.pop()) != 1 else index
        return scalars.binary(capture, ast.Add, scaled, first) if first else scaled
    if all(isinstance(option, torch.Tensor) for option in options):
        if any(option.dtype != first.dtype or not same_size(option, first) for option in options):
            raise capture.error(
                "a choice among tensors of different types or sizes", "they cannot be stacked", "branch with `if`"
            )
        stacked = capture.torch_call(torch.stack, list(options))
        return name_of(capture, _select(capture, stacked, 0, index), index, options)
    if all(map(is_number, options)) and len({kind_of(option) for option in options}) == 1:
        stacked = stack_numbers(capture, options)
        return capture.item(_select(capture, stacked, 0, index))
    evaluate_instead(capture, index.ssa, "an object chosen by the number of an iteration")
    capture.has_choices = True
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


def _in_range(capture: "Capture", index: Scalar, count: Value, message: str) -> Value:
    """Return an index as one from 0, with a check where it might be out of range."""
    known, emit = capture.symbols.decide, capture.builder.emit
    if index.kind is bool:
        index = Scalar(scalars.as_ssa(capture, index, int), (0, 1))
    least = scalars.unary(capture, ast.USub, count) if isinstance(count, Scalar) else -count
    checks = [
        scalars.compare(capture, kind, index, bound).ssa
        for kind, test, bound in ((ast.GtE, operator.ge, least), (ast.Lt, operator.lt, count))
        if not (known(test, index, bound) or (kind is ast.GtE and known(test, index, 0)))
    ]
    if checks:
        inside = checks[0] if len(checks) == 1 else emit(arith.AndIOp(checks[0], checks[1])).result
        require(capture, inside, IndexError(message))
    negative = known(operator.lt, index, 0)
    found: Value = index
    if negative is not False:
        found = scalars.binary(capture, ast.Add, index, count)
    if negative is None:
        found = scalars.select(capture, scalars.compare(capture, ast.Lt, index, 0), found, index)
        greatest = count if isinstance(count, int) else count.bounds and count.bounds[1]
        found.bounds = None if greatest is None else (0, greatest - 1)
    if checks:
        capture.symbols.assume(operator.lt, found, count)
        capture.symbols.assume(operator.ge, found, 0)
    return found


def _check_numbers(capture: "Capture", tensor: torch.Tensor, index: Value) -> None:
    """Check the numbers of an index against sizes known only at run time."""
    if not capture.is_traced(tensor):
        return
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, torch.Tensor | list | bool) for part in parts):
        return
    given = sum(part is not None and part is not Ellipsis for part in parts)
    axis = 0
    for part in parts:
        if part is Ellipsis:
            axis += tensor.dim() - given
            continue
        if isinstance(part, int) and axis < tensor.dim():
            size = tensor.size(axis)
            if isinstance(size, torch.SymInt):
                message = f"index {part} is out of range of dimension {axis}"
                capture.symbols.check(sympy.Ge(size.node.expr, part + 1 if part >= 0 else -part), IndexError, message)
        axis += part is not None


def _select(capture: "Capture", tensor: torch.Tensor, axis: int, index: Value) -> torch.Tensor:
    """Return a copy of `tensor[index]` along an axis, for an index from 0."""
    where = capture.torch_call(torch.Tensor.reshape, scalar_tensor(capture, index, i64), [1])
    taken = capture.torch_call(torch.index_select, tensor, axis, where)
    return capture.torch_call(torch.squeeze, taken, axis)


def _with_numbers(capture: "Capture", index: Value) -> Value:
    """Return an index with numbers for the tensors in it that torch takes for numbers: those without dimensions."""
    parts = index if isinstance(index, tuple) else (index,)

    def is_number(part: Value) -> bool:
        whole = isinstance(part, torch.Tensor) and not part.dim() and not part.is_floating_point()
        return whole and part.dtype not in (torch.bool, torch.uint8) and capture.is_traced(part)

    if not any(map(is_number, parts)) or any(isinstance(p, torch.Tensor | list) and not is_number(p) for p in parts):
        return index
    found = tuple(capture.item(part) if is_number(part) else part for part in parts)
    return found if isinstance(index, tuple) else found[0]


def _read_tensor(capture: "Capture", tensor: torch.Tensor, index: Value) -> torch.Tensor:
    """Return the part of a tensor, on the same memory, at an index with numbers known only at run time in it."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [part for part in parts if part is Ellipsis]:
        at = next(i for i, part in enumerate(parts) if part is Ellipsis)
        given = sum(part is not None and part is not Ellipsis for part in parts)
        parts[at : at + 1] = [slice(None)] * (tensor.dim() - given)
    axis = 0
    for part in parts:
        whole = (slice(None),) * axis
        if isinstance(part, Scalar):
            size = capture.torch_call(torch.Tensor.size, tensor, axis)
            message = f"index out of range of dimension {axis}"
            tensor = capture.torch_call(torch.select, tensor, axis, _in_range(capture, part, size, message))
        elif isinstance(part, int) and not isinstance(part, bool):
            _check_numbers(capture, tensor, (*whole, part))
            tensor = capture.torch_call(operator.getitem, tensor, (*whole, part))
        elif part is None or isinstance(part, slice):
            tensor = capture.torch_call(operator.getitem, tensor, (*whole, part))
            axis += 1
        else:
            raise capture.error("an index that mixes tensors and numbers known only at run time")
    return tensor


def write_item(capture: "Capture", owner: Value, index: Value, value: Value) -> None:
    grown = grown_of(capture, owner)
    if grown is not None and not isinstance(index, slice):
        written(capture, owner, grown, capture.index(index) if isinstance(index, torch.Tensor) else index, value)
        return
    owner, index = capture.usable(owner), capture.usable(index)
    if isinstance(owner, Choice):
        fork(capture, owner, lambda option: write_item(capture, option, index, value))
        return
    if isinstance(owner, torch.Tensor):
        index = _with_numbers(capture, index)
        if holds(index, lambda part: isinstance(part, Scalar)):
            owner, index = _read_tensor(capture, owner, index), Ellipsis
        _check_numbers(capture, owner, index)
        if isinstance(value, Scalar):
            value = scalar_tensor(capture, value, f64 if value.kind is float else i64)
        with capture.recorder.setting_item():
            capture.torch_call(operator.setitem, owner, index, value)
        return
    if isinstance(index, torch.Tensor) and isinstance(owner, list):
        index = capture.index(index)
    if isinstance(index, Scalar) and isinstance(owner, list):
        _write_chosen(capture, owner, index, value)
        return
    if holds(index, lambda part: isinstance(part, Symbolic) or capture.is_traced(part)):
        raise capture.error(
            f"a write to {an(type(owner).__name__)} at a key known only at run time",
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


def _write_chosen(capture: "Capture", items: list[Value], index: Scalar, value: Value) -> None:
    """Write to the item of a list that the run tells: each item is the new one, or what it was."""
    if not items:
        raise capture.raised(IndexError("list assignment index out of range"))
    index = _in_range(capture, index, len(items), "list assignment index out of range")
    evaluate_instead(capture, index.ssa, "a list's item chosen by the number of an iteration")

    def item(number: int, before: Value) -> Value:
        here = scalars.compare(capture, ast.Eq, index, number)
        return branch_value(capture, here.ssa, lambda: value, lambda: before)

    after = [item(number, before) for number, before in enumerate(items)]
    capture.mutate(items)
    items[:] = after


def delete_item(capture: "Capture", owner: Value, index: Value) -> None:
    if holds(index, lambda part: isinstance(part, Symbolic) or capture.is_traced(part)):
        raise capture.error(f"`del` in {an(type(owner).__name__)} at a key known only at run time")
    _check_container(capture, owner)
    capture.mutate(owner)
    capture.native(operator.delitem, owner, index)


def _check_container(capture: "Capture", owner: Value) -> None:
    if not isinstance(owner, list | dict):
        kind = owner.describe() if isinstance(owner, Symbolic) else an(type(owner).__name__)
        raise capture.error(f"a write to an item of {kind}", "only lists, dicts and tensors are taken")
