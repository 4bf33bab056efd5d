"""Tensors as values: what a tensor's memory holds now, and what a write through a view leaves in the rest of it.

A tensor's identity is its geometry: storage, dtype, sizes, strides, offset. Each storage is a root with a cell, the SSA
value of its whole content; a view knows its parent and the call that made it, and repeats that call when its root has
been written since. A write gives the root a new SSA value: through a view, by scattering back along its parents.

Where paths have met, a name may stand for a tensor of one path or of another. Such a root has a selection, the number
of the tensor that it is: a write to it writes that one too, and it changes when one of them is written.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TypeAlias

import torch
from xdsl.dialects.builtin import i1
from xdsl.ir import Block, SSAValue

from dycl.frontends.builder import Builder
from dycl.frontends.torch.diagnostics import Refusal
from dycl.frontends.torch.paths.journal import Journal
from dycl.frontends.torch.tensors.scatter import Write, scatter
from dycl.frontends.torch.values import Value
from dycl.ir.ops import AtenOp, IfOp, SwitchOp, YieldOp
from dycl.ir.ops.aten import Argument
from dycl.ir.schema import element_type
from dycl.ir.types import Tensor, join_types, tensor_type

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


def sizes_key(tensor: torch.Tensor) -> Key:
    """Return what tells a tensor's sizes from others."""
    return tuple(map(_static, tensor.size()))


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


class NamesWanted(BaseException):
    """The program reads what it has written by another name: where paths meet, it must be noted which tensor each is.

    Nothing in between may take it for an error of the program.
    """


@dataclass(frozen=True)
class Cell:
    """A root's content; a stamp is used once. `poison` says why the content is unknown."""

    ssa: SSAValue
    stamp: int
    poison: str = ""
    selected: Hashable = None
    """The stamps that the tensors of a selection had then."""


@dataclass
class Root:
    base: torch.Tensor
    """Keeps the storage alive, so that its address stands for it alone."""
    key: Key
    cell: Cell
    birth: int
    frozen: str = ""
    """Why it must not be written, where it must not."""
    selection: "Selection | None" = None
    content: tuple[Hashable, SSAValue] | None = None
    """What it holds where a selected tensor was written later than its cell, and the stamp of that."""
    parents: tuple[int, ...] = ()
    """The roots of which this one, merged after a branch, may be another name, it is not known on which path."""
    children: list[int] = field(default_factory=list[int])
    """Those of which this one is a parent."""
    selectors: list[int] = field(default_factory=list[int])
    """Those whose selection it is in."""


@dataclass(frozen=True)
class Selection:
    """Which of some tensors a root is another name for; None for memory of its own."""

    index: SSAValue
    options: "tuple[Key | None, ...]"


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
    stamp: Hashable
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
    fork: Callable[[SSAValue, Sequence[Callable[[], None]]], None]
    """Does, at run time, what an index says."""
    tracks_names: bool
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
            current = self._current(root)
            return current is not None and self.builder.is_visible(current)
        view = self.views.get(key)
        return view is not None and view.stamp == self._stamp(root) and self.builder.is_visible(view.ssa)

    def add(self, tensor: torch.Tensor, ssa: SSAValue, frozen: str = "") -> None:
        """Add a tensor with memory of its own."""
        cell = Cell(ssa, self.journal.tick())
        self.roots[storage_of(tensor)] = Root(tensor, key_of(tensor), cell, self.journal.tick(), frozen)

    def select(self, tensor: torch.Tensor, selection: Selection) -> None:
        """Let a tensor that was added just now be another name for one of some tensors."""
        root = self._root(key_of(tensor))
        root.selection = selection
        for key in selection.options:
            if key is not None:
                self._root(key).selectors.append(storage_of(tensor))
        root.cell = replace(root.cell, selected=self._selected_stamps(selection))

    def add_names(self, tensor: torch.Tensor, parents: Iterable[int]) -> None:
        """Note that a tensor may, on a path that is not known, be another name for what these roots hold."""
        storage = storage_of(tensor)
        root = self.roots[storage]
        for parent in parents:
            if parent not in root.parents:
                root.parents = (*root.parents, parent)
                self.roots[parent].children.append(storage)

    def origins(self, storage: int) -> set[int]:
        """Return the roots of which one may be another name, without those that are such names themselves."""
        parents = self.roots[storage].parents
        return set[int]().union(*map(self.origins, parents)) if parents else {storage}

    def freeze(self, tensor: torch.Tensor, what: str) -> None:
        """Let writes to a tensor's memory be refused."""
        self._root(key_of(tensor)).frozen = what

    def add_view(self, tensor: torch.Tensor, parent: torch.Tensor, call: ViewCall, ssa: SSAValue) -> None:
        key = key_of(tensor)
        self.views[key] = View(key_of(parent), call, self._stamp(self._root(key)), ssa)

    def birth(self, tensor: torch.Tensor | Key) -> int:
        """Return when a tensor's memory came to be; 0 for what outlives the program."""
        root = self._find(tensor)
        return 0 if root is None or root.frozen else root.birth

    def is_root(self, key: Key) -> bool:
        """Whether a tensor is all of its memory."""
        root = self._find(key)
        return root is not None and root.key == key

    def selection(self, tensor: torch.Tensor | Key) -> Selection | None:
        root = self._find(tensor)
        return None if root is None else root.selection

    def has_names(self, tensor: torch.Tensor | Key) -> bool:
        """Whether a tensor may, it is not known when, be another name for others."""
        root = self._find(tensor)
        return root is not None and bool(root.parents)

    def can_reach(self, key: Key) -> bool:
        """Whether what makes a view of a tensor's memory is known here."""
        root = self._find(key)
        while root is not None and key != root.key:
            view = self.views[key]
            if not all(self.builder.is_visible(value) for value in _values(view.call.arguments)):
                return False
            key = view.parent
        return True

    def _find(self, tensor: torch.Tensor | Key) -> Root | None:
        storage = storage_of(tensor) if isinstance(tensor, torch.Tensor) else tensor[0]
        return self.roots.get(storage) if isinstance(storage, int) else None

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
            if not self.tracks_names:
                raise NamesWanted
            raise Refusal(
                "a tensor is used whose content is not known here",
                root.cell.poison,
                "give the other name, such as a list's item, a `clone()` where it need not see the write",
            )
        if key == root.key:
            return self._content(root)
        view = self.views.get(key)
        if view is None:
            raise Refusal("a tensor is a view that no recorded operation made", "its computation was not seen")
        if view.stamp != self._stamp(root) or not self.builder.is_visible(view.ssa):
            view.ssa = self._repeat(view.call, self._value(view.parent))
            view.stamp = self._stamp(root)
        return view.ssa

    def _stamp(self, root: Root) -> Hashable:
        """Return what changes with every write to a root's memory, by whatever name."""
        if root.selection is None:
            return root.cell.stamp
        return (root.cell.stamp, self._selected_stamps(root.selection))

    def _selected_stamps(self, selection: Selection) -> Hashable:
        return tuple(None if key is None else self._stamp(self._root(key)) for key in selection.options)

    def _current(self, root: Root) -> SSAValue | None:
        """Return what a root holds, None where it must be selected anew."""
        if root.selection is None or root.cell.selected == self._selected_stamps(root.selection):
            return root.cell.ssa
        if root.content is not None and root.content[0] == self._stamp(root):
            return root.content[1] if self.builder.is_visible(root.content[1]) else None
        return None

    def _content(self, root: Root) -> SSAValue:
        found = self._current(root)
        if found is None:
            assert root.selection is not None
            found = self._select(root.selection, root.cell.ssa)
            root.content = (self._stamp(root), found)
        if not self.builder.is_visible(found):
            raise Refusal(
                "a tensor is used that only one side of a branch computes",
                "it left that side by a way that capture does not follow",
            )
        return found

    def _select(self, selection: Selection, own: SSAValue) -> SSAValue:
        """Emit the choice of what the tensors of a selection hold now."""

        def value(key: Key | None) -> SSAValue:
            return own if key is None else self._value(key)

        index, builder = selection.index, self.builder
        known = builder.known(index)
        if known is not None:
            return value(selection.options[int(known)])
        blocks: list[Block] = []
        values: list[SSAValue] = []
        for key in selection.options:
            builder.push(Block())
            values.append(value(key))
            builder.emit(YieldOp([values[-1]]))
            blocks.append(builder.pop())
        types = [join_types([found.type for found in values])]
        if index.type == i1:
            return builder.emit(IfOp(index, types, blocks[1], blocks[0])).results[0]
        return builder.emit(SwitchOp(index, types, range(len(blocks) - 1), blocks[:-1], blocks[-1])).results[0]

    def _repeat(self, call: ViewCall, parent: SSAValue) -> SSAValue:
        def argument(value: Value) -> Argument:
            if isinstance(value, list):
                return [argument(item) for item in value]
            return parent if value is PARENT else value

        arguments = [argument(value) for value in call.arguments]
        with self.builder.beside(parent):
            return self.builder.emit(AtenOp(call.overload, arguments, call.types)).res[call.index]

    def write(self, tensor: torch.Tensor, ssa: SSAValue) -> None:
        """Make `ssa` what a tensor holds; other tensors on the same memory change with it."""
        key = key_of(tensor)
        for root in self._reach(self._root(key)):
            if root.frozen:
                raise Refusal(
                    f"a write to {root.frozen}",
                    "it does not change in a compiled program",
                    "write to a copy: `.clone()`",
                )
        self._write(key, ssa)

    def _write(self, key: Key, value: SSAValue) -> None:
        root = self._root(key)
        chain: list[tuple[View, SSAValue]] = []
        while key != root.key:
            view = self.views[key]
            chain.append((view, value))
            call, parent = view.call, self._value(view.parent)
            value = scatter(Write(self.builder, call.overload, call.arguments, call.index, parent, value))
            key = view.parent
        if root.selection is not None:
            self._write_selected(root.selection, value)
        selected = self._selected_stamps(root.selection) if root.selection is not None else None
        self.journal.write(CellSlot(root), Cell(value, self.journal.tick(), selected=selected))
        stamp = self._stamp(root)
        for view, content in chain:
            view.stamp, view.ssa = stamp, content
        self._poison_aliases(root)

    def _write_selected(self, selection: Selection, value: SSAValue) -> None:
        """Write to that tensor of a selection which the other is a name for."""

        def write(key: Key | None) -> Callable[[], None]:
            return lambda: None if key is None else self._write(key, value)

        self.fork(selection.index, [write(key) for key in selection.options])

    def may_share(self, one: torch.Tensor, other: torch.Tensor) -> bool:
        """Whether two tensors have different memory that is the same on some path."""
        first, second = self._root(key_of(one)), self._root(key_of(other))
        return first is not second and any(root is second for root, _ in self._relatives(first))

    def _poison_aliases(self, root: Root) -> None:
        """Let what may be another name for a root that was written, it is not known when, be of unknown content."""
        reason = "another name, which on one path stands for the same tensor, has been written in place"
        for alias, is_sure in self._relatives(root):
            if not is_sure:
                self.journal.write(CellSlot(alias), Cell(alias.cell.ssa, self.journal.tick(), reason))

    def _relatives(self, root: Root) -> list[tuple[Root, bool]]:
        """Return the roots that may share memory with one, and whether selections tell when they do.

        They are what it may be a name for, and the other names for these.
        """
        work, seen = [(root, True, True)], {(id(root), True, True)}

        def visit(storage: Hashable, upwards: bool, is_sure: bool) -> None:
            other = self.roots[storage] if isinstance(storage, int) else None
            if other is not None and (id(other), upwards, is_sure) not in seen:
                seen.add((id(other), upwards, is_sure))
                work.append((other, upwards, is_sure))

        for each, upwards, is_sure in work:
            if upwards:
                for parent in each.parents:
                    visit(parent, True, False)
                for key in each.selection.options if each.selection is not None else ():
                    visit(key and key[0], True, is_sure)
            for child in each.children:
                visit(child, False, False)
            for selector in each.selectors:
                visit(selector, False, is_sure)
        return [(each, is_sure) for each, _, is_sure in work if each is not root]

    def _reach(self, root: Root) -> list[Root]:
        """Return the roots that one may be a name for, itself first."""
        found = [root]
        for each in found:
            options = each.selection.options if each.selection is not None else ()
            for storage in (*each.parents, *(key[0] for key in options if key is not None)):
                other = self.roots[storage] if isinstance(storage, int) else None
                if other is not None and not any(other is known for known in found):
                    found.append(other)
        return found


def _values(value: Value) -> Iterator[SSAValue]:
    if isinstance(value, SSAValue):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _values(item)


PARENT = object()
"""Stands for the parent's value among a view call's arguments."""
