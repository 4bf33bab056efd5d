"""What an attribute that is carried from call to call holds: a tree of containers over tensors, numbers and None."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch

from dycl.errors import UsageError, an
from dycl.frontends.torch.tensors.heap import sizes_of
from dycl.frontends.torch.values import Choice, Kind, Value, is_number, kind_of
from dycl.ir.schema import element_type
from dycl.ir.types import DTYPE_NAMES
from dycl.runtime.signature import Input, Size

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

MAX_SIZE = 2**31 - 1
"""The greatest size that a tensor may grow to."""

_CONTAINERS = (list, tuple, dict)
_DTYPES: dict[Kind, torch.dtype] = {bool: torch.bool, int: torch.int64, float: torch.float64}


@dataclass
class Part:
    """A tensor or number of the state: what it is at first, and the input that it becomes."""

    name: str
    """Where it is: the attribute, and keys in it."""
    initial: torch.Tensor
    kind: Kind | None
    """Of a number."""
    shape: tuple[Size, ...]

    @property
    def input(self) -> Input:
        return Input(self.name, DTYPE_NAMES[element_type(self.initial.dtype)], self.shape)

    @property
    def bounds(self) -> Mapping[str, tuple[int, int]]:
        return {size: (0, MAX_SIZE) for size in self.shape if isinstance(size, str)}

    def is_like(self, other: "Part") -> bool:
        """Whether the two differ in sizes only."""
        here, there = self.initial, other.initial
        return self.kind is other.kind and here.dtype == there.dtype and len(self.shape) == len(other.shape)


Tree: TypeAlias = "Part | list[Tree] | tuple[Tree, ...] | dict[Value, Tree] | None"


def number(name: str, value: bool | int | float) -> Part:
    return Part(name, torch.tensor(value, dtype=_DTYPES[type(value)]), type(value), ())


def first_tree(name: str, value: Value) -> Tree:
    """Return the tree of what an attribute holds when the model is compiled.

    Raises:
        UsageError: there is something else in it than tensors, numbers and None
    """
    if isinstance(value, _CONTAINERS):
        return _mapped(value, lambda key, item: first_tree(f"{name}[{key!r}]", item))
    if isinstance(value, torch.Tensor):
        return Part(name, value.detach().clone().contiguous().cpu(), None, tuple(value.shape))
    if value is None or isinstance(value, bool | int | float):
        return None if value is None else number(name, value)
    raise UsageError(
        f"--state {name}: it is {an(type(value).__name__)} when the model is compiled, and only tensors, numbers, "
        "None, and lists, tuples and dicts of these are carried"
    )


def later_tree(capture: "Capture", name: str, value: Value) -> Tree:
    """Return the tree of what a call leaves in an attribute; zeros stand for what it has not been yet.

    Raises:
        CaptureError: there is something else in it than tensors, numbers and None
    """
    value = capture.usable(value)
    if isinstance(value, _CONTAINERS):
        return _mapped(value, lambda key, item: later_tree(capture, f"{name}[{key!r}]", item))
    if isinstance(value, torch.Tensor):
        sizes = sizes_of(value)
        shape = tuple(f"{name}_{axis}" if size is None else size for axis, size in enumerate(sizes))
        zeros = capture.without_modes(lambda: torch.zeros([size or 0 for size in sizes], dtype=value.dtype))
        return Part(name, zeros, None, shape)
    if value is None or is_number(value):
        return None if value is None else capture.without_modes(lambda: number(name, kind_of(value)()))
    raise capture.error(
        f"the state `{name}` is {shown(value)} after this call",
        "only tensors, numbers, None, and lists, tuples and dicts of these are carried from call to call",
        "keep tensors and numbers in it",
    )


def _mapped(value: Value, change: Callable[[Value, Value], Value]) -> Value:
    """Return a container with other items."""
    if isinstance(value, dict):
        return {key: change(key, item) for key, item in value.items()}
    items = [change(index, item) for index, item in enumerate(value)]
    if isinstance(value, list):
        return items
    return type(value)(*items) if hasattr(value, "_fields") else tuple(items)


def parts_of(tree: Tree) -> Iterator[Part]:
    if isinstance(tree, Part):
        yield tree
    elif tree is not None:
        for item in tree.values() if isinstance(tree, dict) else tree:
            yield from parts_of(item)


def rebuilt(capture: "Capture", tree: Tree, values: Iterator[Value]) -> Value:
    """Return the value of a tree, with `values` for its parts, in order."""
    if tree is None or isinstance(tree, Part):
        return None if tree is None else next(values)
    made = _mapped(tree, lambda _, item: rebuilt(capture, item, values))
    return made if isinstance(made, tuple) else capture.born(made)


def values_of(capture: "Capture", tree: Tree, value: Value) -> list[Value] | None:
    """Return the values of a tree's parts in a value; None where the value is of another tree."""
    value = capture.usable(value)
    if isinstance(tree, Part):
        if tree.kind is not None:
            return [value] if is_number(value) and kind_of(value) is tree.kind else None
        is_like = isinstance(value, torch.Tensor) and value.dtype == tree.initial.dtype
        return [value] if is_like and value.dim() == len(tree.shape) else None
    if tree is None:
        return [] if value is None else None
    if type(value) is not type(tree) or len(value) != len(tree):
        return None
    if isinstance(tree, dict):
        pairs = [(item, value[key]) for key, item in tree.items()] if list(value) == list(tree) else None
    else:
        pairs = list(zip(tree, value, strict=True))
    found: list[Value] = []
    for item, inner in pairs or ():
        values = values_of(capture, item, inner)
        if values is None:
            return None
        found += values
    return found if pairs is not None else None


def is_filled_in(one: Tree, other: Tree) -> bool:
    """Whether two trees are the same but for what one of them lacks: None or an empty list for anything, keys."""
    if one is None or other is None:
        return True
    if isinstance(one, Part) or isinstance(other, Part):
        return isinstance(one, Part) and isinstance(other, Part) and one.is_like(other)
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return all(is_filled_in(one[key], other[key]) for key in one if key in other)
    first, second = list(one), list(other)
    if not first or not second:
        return True
    return len(first) == len(second) and all(map(is_filled_in, first, second))


def difference(capture: "Capture", name: str, tree: Tree, value: Value) -> tuple[str, str, str]:
    """Return where a value is not of a tree, what is there in the tree, and what in the value."""
    value = capture.usable(value)
    if isinstance(tree, _CONTAINERS) and type(value) is type(tree) and len(value) == len(tree):
        for key in tree if isinstance(tree, dict) else range(len(tree)):
            if isinstance(value, dict) and key not in value:
                break
            if values_of(capture, tree[key], value[key]) is None:
                return difference(capture, f"{name}[{key!r}]", tree[key], value[key])
    return name, _shown_tree(tree), shown(value)


def _shown_tree(tree: Tree) -> str:
    if isinstance(tree, Part):
        if tree.kind is not None:
            return an(tree.kind.__name__)
        return f"a tensor of {tree.initial.dtype} and rank {len(tree.shape)}"
    return shown(tree)


def shown(value: Value) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of {value.dtype} and rank {value.dim()}"
    if isinstance(value, Choice):
        return "one of several objects, depending on the path"
    if isinstance(value, _CONTAINERS):
        keys: Sequence[Value] = list(value) if isinstance(value, dict) else ()
        return f"{an(type(value).__name__)} of {len(value)}" + (f" with the keys {keys}" if keys else "")
    return "None" if value is None else an(kind_of(value).__name__ if is_number(value) else type(value).__name__)
