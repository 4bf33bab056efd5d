"""Tensors as values: what a tensor's memory holds now, and what a write through a view leaves in the rest of it.

A tensor's identity is its geometry: storage, dtype, sizes, strides, offset. Each storage is a root with a cell, the SSA
value of its whole content; a view knows its parent and the call that made it, and repeats that call when its root has
been written since. A write gives the root a new SSA value: through a view, by scattering back along its parents.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

import torch
from xdsl.ir import SSAValue

from dycl.frontends.builder import Builder
from dycl.frontends.torch.diagnostics import Refusal
from dycl.frontends.torch.journal import Journal
from dycl.frontends.torch.scatter import Write, scatter
from dycl.frontends.torch.values import Value
from dycl.ir.ops import AtenOp
from dycl.ir.ops.aten import Argument
from dycl.ir.schema import element_type
from dycl.ir.types import Tensor, tensor_type

Key: TypeAlias = tuple[Hashable, ...]


def key_of(tensor: torch.Tensor) -> Key:
    return (
        storage_of(tensor),
        tensor.dtype,
        tuple(map(_static, tensor.size())),
        tuple(map(_static, tensor.stride())),
        _static(tensor.storage_offset()),
    )


def storage_of(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata  # pyright: ignore[reportPrivateUsage]: a storage has no public identity


def sizes_of(tensor: torch.Tensor) -> tuple[int | None, ...]:
    """Return a fake tensor's sizes, None for one known only at run time."""
    return tuple(map(_known, tensor.size()))


def _known(size: int | torch.SymInt) -> int | None:
    return size if isinstance(size, int) else None


def _static(size: int | torch.SymInt) -> Hashable:
    return size if isinstance(size, int) else size.node.expr


def type_of(tensor: torch.Tensor) -> Tensor:
    """Return the type of a fake tensor's value; a symbolic size is `?`."""
    return _type(sizes_of(tensor), tensor.dtype)


@cache
def _type(sizes: tuple[int | None, ...], dtype: torch.dtype) -> Tensor:
    return tensor_type(sizes, element_type(dtype))


@dataclass(frozen=True)
class Cell:
    """A root's content; a stamp is used once. `poison` says why the content is unknown."""

    ssa: SSAValue
    stamp: int
    poison: str = ""


@dataclass
class Root:
    base: torch.Tensor
    """Keeps the storage alive, so that its address stands for it alone."""
    key: Key
    cell: Cell
    birth: int
    frozen: str = ""
    """Why it must not be written, where it must not."""
    parents: tuple[int, ...] = ()
    """The roots of which this one, merged after a branch, may be another name."""
    children: list[int] = field(default_factory=list[int])


@dataclass(frozen=True)
class ViewCall:
    """A call whose result number `index` is a view; `arguments` hold the parent's key in the place of its value."""

    overload: str
    arguments: tuple[Value, ...]
    types: tuple[Tensor, ...]
    index: int


@dataclass
class View:
    parent: Key
    call: ViewCall
    stamp: int
    ssa: SSAValue


@dataclass(frozen=True)
class CellSlot:
    """The cell of a root, as a place that a branch may write."""

    root: Root

    @property
    def key(self) -> Hashable:
        return ("cell", id(self.root))

    @property
    def birth(self) -> int:
        return self.root.birth

    @property
    def label(self) -> str:
        return "a tensor"

    def read(self) -> Cell:
        return self.root.cell

    def write(self, value: Cell) -> None:
        self.root.cell = value


@dataclass
class Heap:
    journal: Journal
    builder: Builder
    roots: dict[int, Root] = field(default_factory=dict[int, Root])
    views: dict[Key, View] = field(default_factory=dict[Key, View])

    def knows(self, tensor: torch.Tensor) -> bool:
        key = key_of(tensor)
        root = self.roots.get(storage_of(tensor))
        return root is not None and (key == root.key or key in self.views)

    def is_current(self, tensor: torch.Tensor) -> bool:
        """Whether the value of a tensor is at hand, without a view call to repeat."""
        key = key_of(tensor)
        root = self.roots.get(storage_of(tensor))
        if root is None or root.cell.poison:
            return False
        if key == root.key:
            return self.builder.is_visible(root.cell.ssa)
        view = self.views.get(key)
        return view is not None and view.stamp == root.cell.stamp and self.builder.is_visible(view.ssa)

    def add(self, tensor: torch.Tensor, ssa: SSAValue, frozen: str = "", parents: tuple[int, ...] = ()) -> None:
        """Add a tensor with memory of its own."""
        storage = storage_of(tensor)
        cell = Cell(ssa, self.journal.tick())
        self.roots[storage] = Root(tensor, key_of(tensor), cell, self.journal.tick(), frozen, parents)
        for parent in parents:
            self.roots[parent].children.append(storage)

    def freeze(self, tensor: torch.Tensor, what: str) -> None:
        """Let writes to a tensor's memory be refused."""
        self._root(key_of(tensor)).frozen = what

    def add_view(self, tensor: torch.Tensor, parent: torch.Tensor, call: ViewCall, ssa: SSAValue) -> None:
        key = key_of(tensor)
        self.views[key] = View(key_of(parent), call, self._root(key).cell.stamp, ssa)

    def value(self, tensor: torch.Tensor) -> SSAValue:
        """Return the SSA value of what a tensor holds now.

        Raises:
            Refusal: it cannot be known here
        """
        return self._value(key_of(tensor))

    def _root(self, key: Key) -> Root:
        root = self.roots.get(key[0]) if isinstance(key[0], int) else None
        if root is None:
            raise Refusal("a tensor appeared that no recorded operation made", "its computation was not seen")
        return root

    def _value(self, key: Key) -> SSAValue:
        root = self._root(key)
        if root.cell.poison:
            raise Refusal("a tensor is used whose content is not known here", root.cell.poison)
        if key == root.key:
            if not self.builder.is_visible(root.cell.ssa):
                raise Refusal(
                    "a tensor is used that only one side of a branch computes",
                    "it left that side by a way that capture does not follow",
                )
            return root.cell.ssa
        view = self.views.get(key)
        if view is None:
            raise Refusal("a tensor is a view that no recorded operation made", "its computation was not seen")
        if view.stamp != root.cell.stamp or not self.builder.is_visible(view.ssa):
            view.ssa = self._repeat(view.call, self._value(view.parent))
            view.stamp = root.cell.stamp
        return view.ssa

    def _repeat(self, call: ViewCall, parent: SSAValue) -> SSAValue:
        def argument(value: Value) -> Argument:
            if isinstance(value, list):
                return [argument(item) for item in value]
            return parent if value is PARENT else value

        arguments = [argument(value) for value in call.arguments]
        return self.builder.emit(AtenOp(call.overload, arguments, call.types)).res[call.index]

    def write(self, tensor: torch.Tensor, ssa: SSAValue) -> None:
        """Make `ssa` what a tensor holds; other tensors on the same memory change with it."""
        key = key_of(tensor)
        root = self._root(key)
        for origin in self._closure([root], lambda r: r.parents):
            if origin.frozen:
                raise Refusal(
                    f"a write to {origin.frozen}",
                    "it does not change in a compiled program",
                    "write to a copy: `.clone()`",
                )
        chain: list[tuple[View, SSAValue]] = []
        value = ssa
        while key != root.key:
            view = self.views[key]
            chain.append((view, value))
            call, parent = view.call, self._value(view.parent)
            value = scatter(Write(self.builder, call.overload, call.arguments, call.index, parent, value))
            key = view.parent
        stamp = self.journal.tick()
        self.journal.write(CellSlot(root), Cell(value, stamp))
        for view, content in chain:
            view.stamp, view.ssa = stamp, content
        self._poison_aliases(root)

    def may_share(self, one: torch.Tensor, other: torch.Tensor) -> bool:
        """Whether two tensors have different memory that is the same on some path."""
        first, second = self._root(key_of(one)), self._root(key_of(other))
        return first is not second and any(root is second for root in self._aliases(first))

    def _poison_aliases(self, root: Root) -> None:
        if not root.parents and not root.children:
            return
        for alias in self._aliases(root):
            reason = "another name, which on one path stands for the same tensor, has been written in place"
            self.journal.write(CellSlot(alias), Cell(alias.cell.ssa, self.journal.tick(), reason))

    def _aliases(self, root: Root) -> Iterator[Root]:
        """The roots that may share memory with `root`. One that is poisoned already has no others behind it."""
        ancestors = self._closure([root], lambda r: r.parents)
        related = self._closure(ancestors, lambda r: r.children)
        return (other for other in related if other is not root)

    def _closure(self, start: list[Root], step: Callable[[Root], Sequence[int]]) -> list[Root]:
        found, seen = list(start), {id(root) for root in start}
        for root in found:
            for storage in step(root):
                other = self.roots[storage]
                if id(other) not in seen and not other.cell.poison:
                    seen.add(id(other))
                    found.append(other)
        return found


PARENT = object()
"""Stands for the parent's value among a view call's arguments."""
