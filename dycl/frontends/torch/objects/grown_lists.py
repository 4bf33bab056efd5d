"""What a program does with a list whose number of items is known only at run time."""

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from dycl.frontends.torch.loops.sequences import RunTimeSequence
from dycl.frontends.torch.paths.grown import (
    SEVERAL,
    Grown,
    Part,
    Shape,
    Type,
    as_tensor,
    grown_of,
    new_list,
    note_items,
    other_kind,
    parts_of,
    shape_of_item,
    stacked,
    write,
)
from dycl.frontends.torch.values import Value, is_number

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


def rows(capture: "Capture", grown: Grown) -> RunTimeSequence:
    """Return the items, one by one."""
    return RunTimeSequence(0, length(capture, grown), 1, lambda index: item(capture, grown, index))


def length(capture: "Capture", grown: Grown) -> Value:
    return capture.torch_call(torch.Tensor.size, grown.stacks[0], 0)


def item(capture: "Capture", grown: Grown, index: Value) -> Value:
    """Return the item of a number, or a new list for a slice."""
    if isinstance(index, slice):
        return new_list(capture, Grown(grown.shape, [_read(capture, stack, index) for stack in grown.stacks]))

    def build(tree: object) -> Value:
        if isinstance(tree, Part):
            part = _read(capture, grown.stacks[tree.stack], index)
            return capture.item(part) if tree.kind is not None else part
        if isinstance(tree, tuple):
            kind, *parts = tree
            return kind(map(build, parts))
        return tree

    return build(grown.shape.tree)


def written(capture: "Capture", owner: Value, grown: Grown, index: Value, value: Value) -> None:
    """Write to the item of a number.

    Raises:
        CaptureError: the value is of another kind
    """
    if shape_of_item(capture, value) != grown.shape:
        raise other_kind(capture)
    stacks: list[torch.Tensor] = []
    for stack, part, type in zip(grown.stacks, parts_of(value), grown.shape.parts, strict=True):
        stacks.append(capture.torch_call(torch.clone, stack))
        tensor = as_tensor(capture, part, type.kind)
        capture.evaluator.call(capture, operator.setitem, [stacks[-1], index, tensor], {})
        note_items(capture, stacks[-1], [stack, tensor])
    write(capture, owner, Grown(grown.shape, stacks))


def extended(capture: "Capture", grown: Grown, items: "Sequence[Value] | Grown") -> Grown:
    """Return the items and more of them.

    Raises:
        CaptureError: they are of another kind
    """
    if not isinstance(items, Grown) and not items:
        return grown
    stacks: list[torch.Tensor] = []
    for index, stack in enumerate(grown.stacks):
        if isinstance(items, Grown):
            if items.shape != grown.shape:
                raise other_kind(capture)
            more = items.stacks[index]
        else:
            if any(shape_of_item(capture, value) != grown.shape for value in items):
                raise other_kind(capture)
            more = stacked(capture, [parts_of(value)[index] for value in items], grown.shape.parts[index].kind)
        stacks.append(capture.torch_call(torch.cat, [stack, more]))
        note_items(capture, stacks[-1], [stack, more])
        if not isinstance(items, Grown) and any(_is_older(capture, parts_of(value)[index]) for value in items):
            capture.heap.freeze(stacks[-1], SEVERAL)
    return Grown(grown.shape, stacks)


def _is_older(capture: "Capture", part: Value) -> bool:
    """Whether an item of a list that a loop makes longer is one of the next iteration too."""
    if not capture.open_loops or not isinstance(part, torch.Tensor):
        return False
    return capture.heap.birth(capture.recorder.fake(part)) <= capture.open_loops[-1].start


def joined(capture: "Capture", grown: Grown, axis: int, *, stack: bool) -> torch.Tensor:
    """Return `torch.stack` or `torch.cat` of the items along an axis."""
    if len(grown.stacks) != 1 or grown.shape.parts[0].kind is not None or not isinstance(grown.shape.tree, Part):
        raise capture.raised(TypeError("expected Tensor as element of the list"))
    whole = grown.stacks[0]
    rank = whole.dim() - 1
    place = axis + rank + stack if axis < 0 else axis
    moved = whole if place == 0 else capture.torch_call(torch.movedim, whole, 0, place)
    if stack:
        return capture.torch_call(torch.clone, moved)
    if not rank:
        raise capture.raised(RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated"))
    return capture.torch_call(torch.clone, capture.torch_call(torch.flatten, moved, place, place + 1))


def numbers(capture: "Capture", grown: Grown) -> torch.Tensor:
    """Return `torch.tensor` of the items: numbers, or lists of them."""
    tree = grown.shape.tree
    if isinstance(tree, Part):
        whole = grown.stacks[0]
        return capture.torch_call(
            torch.Tensor.to, whole, whole.dtype if tree.kind is not float else torch.float32, copy=True
        )
    if isinstance(tree, tuple) and all(isinstance(part, Part) for part in tree[1:]):
        return capture.torch_call(torch.stack, [numbers(capture, _column(grown, part)) for part in tree[1:]], 1)
    raise capture.error("a tensor made of a list that grows in a loop, of items that are not numbers")


def transposed(capture: "Capture", grown: Grown) -> Value:
    """Return `zip(*items)` of tuples: a list for each place in them."""
    tree = grown.shape.tree
    if not isinstance(tree, tuple):
        raise capture.error("`zip` of the items of a list that grows in a loop, which are not tuples")
    return capture.evaluator.call(capture, iter, [[new_list(capture, _column(grown, part)) for part in tree[1:]]], {})


def _column(grown: Grown, tree: object) -> Grown:
    """Return the list of what the items have at one place."""
    stacks: list[torch.Tensor] = []
    types: list[Type] = []

    def moved(part: object) -> object:
        if isinstance(part, Part):
            stacks.append(grown.stacks[part.stack])
            types.append(grown.shape.parts[part.stack])
            return Part(len(stacks) - 1, part.kind)
        return (part[0], *map(moved, part[1:])) if isinstance(part, tuple) else part

    return Grown(Shape(moved(tree), tuple(types)), stacks)


Reduce = Callable[..., Value]


def reduced(capture: "Capture", grown: Grown, reduce: Reduce) -> Value:
    """Return a reduction over the items, numbers or tensors."""
    part = grown.shape.tree
    if not isinstance(part, Part):
        raise capture.error("a reduction of a list that grows in a loop, of items that are not numbers or tensors")
    result = capture.torch_call(reduce, grown.stacks[0], 0)
    return capture.item(result) if part.kind is not None else result


def _read(capture: "Capture", tensor: torch.Tensor, index: Value) -> torch.Tensor:
    return capture.evaluator.call(capture, operator.getitem, [tensor, index], {})


def call_method(capture: "Capture", owner: Value, grown: Grown, name: str, args: Sequence[Value]) -> Value:
    """Call a list's method.

    Raises:
        CaptureError: it asks for what is not known
    """
    match name, list(args):
        case "append", [value]:
            write(capture, owner, extended(capture, grown, [value]))
        case "extend", [values]:
            write(capture, owner, extended(capture, grown, grown_of(capture, values) or list(values)))
        case "pop", [] | [-1]:
            last = item(capture, grown, -1)
            stacks = [_read(capture, stack, slice(None, -1)) for stack in grown.stacks]
            write(capture, owner, Grown(grown.shape, stacks))
            return last
        case "pop", [0]:
            first = item(capture, grown, 0)
            stacks = [_read(capture, stack, slice(1, None)) for stack in grown.stacks]
            write(capture, owner, Grown(grown.shape, stacks))
            return first
        case "clear", []:
            stacks = [_read(capture, stack, slice(0, 0)) for stack in grown.stacks]
            write(capture, owner, Grown(grown.shape, stacks))
        case "copy", []:
            return new_list(capture, grown)
        case "reverse", []:
            stacks = [capture.torch_call(torch.flip, stack, [0]) for stack in grown.stacks]
            write(capture, owner, Grown(grown.shape, stacks))
        case _:
            raise capture.error(
                f"`.{name}()` on {grown.describe()}",
                "its items are kept as one tensor",
                "append to it, index it, loop over it or stack it",
            )
    return None


def contains(capture: "Capture", grown: Grown, value: Value) -> Value:
    """Return whether a number is among the items."""
    part = grown.shape.tree
    if not isinstance(part, Part) or part.kind is None or not is_number(value):
        raise capture.error(f"`in` with {grown.describe()}, of items that are not numbers")
    found = capture.torch_call(operator.eq, grown.stacks[0], value)
    return capture.item(capture.torch_call(torch.any, found))
