"""Names: which tensor of the paths that meet a merged tensor stands for.

`if c: y = x` may make `y` another name for `x`, or leave it one for a tensor that this side has made. A tensor that
was there before the paths parted can still be reached by its own name: there the number of the path says which it is. A
tensor that only one path has made is reached by the merged name alone.

Often the number is at hand, as a branch's condition; where it would have to be carried along, that is done in a second
capture, once it has turned out that the program writes to such tensors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch
from xdsl.dialects import arith
from xdsl.dialects.builtin import i1
from xdsl.ir import SSAValue

from dycl.frontends.torch.paths.columns import Deferred
from dycl.frontends.torch.tensors.heap import Heap, Key, Selection, key_of, sizes_key, storage_of
from dycl.frontends.torch.values import ABSENT, Absent, Scalar, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture
    from dycl.frontends.torch.paths.merge import Merge, Thunk

Options: TypeAlias = tuple[Key | None, ...]


@dataclass
class Naming:
    """What a merged tensor is another name for."""

    options: Options
    """Tensors that were there before; None for those that a path has made."""
    index: "Thunk | None"
    own: frozenset[int]
    """The memory of those that a path has made."""
    unsure: tuple[int, ...] = ()
    """What else it may be a name for, it is not known when."""

    def apply(self, merge: "Merge", tensor: torch.Tensor) -> None:
        heap = merge.capture.heap
        if self.index is not None:
            index = self.index()
            assert isinstance(index, Scalar)
            heap.select(tensor, Selection(index.ssa, self.options))
        shared = [storage for storage in self.own if merge.owners[storage] > 1]
        heap.add_names(tensor, [*self.unsure, *shared])


@dataclass(frozen=True)
class _Fork:
    """What a path's tensor is: one of several, by an index."""

    index: SSAValue
    options: "tuple[_Way, ...]"


_Way: TypeAlias = "Key | _Fork | None"


@dataclass(frozen=True)
class _Unsure(Exception):
    """It is not known which tensor a path's tensor is."""


def naming(merge: "Merge", tensors: Sequence[torch.Tensor | None]) -> Naming:
    """Plan what a merged tensor is another name for; None is a path that never asks for it."""
    heap = merge.capture.heap
    start = min(side.start for side in merge.sides)
    present = [tensor for tensor in tensors if tensor is not None]
    own = frozenset(storage_of(each) for each in present if heap.birth(each) > start)
    for storage in own:
        merge.owners[storage] = merge.owners.get(storage, 0) + 1
    unsure = Naming((), None, own, tuple(storage for storage in map(storage_of, present) if storage in heap.roots))
    if any(sizes_key(each) != sizes_key(present[0]) for each in present):
        return unsure
    try:
        ways = [ABSENT if tensor is None else _way(heap, tensor, start) for tensor in tensors]
    except _Unsure:
        return unsure
    # The last side first, so that of a branch's two the first is the one where its condition holds.
    ordered = reversed(ways) if merge.condition is not None else ways
    options = list(dict.fromkeys(key for way in ordered for key in _leaves(way)))
    if options == [None]:
        return Naming((), None, own)
    parts = [_number(merge.capture, way, options) for way in ways]
    index = merge.index(parts, len(options)) if merge.capture.tracks_names else merge.index_at_hand(parts)
    return unsure if index is None else Naming(tuple(options), index, own)


def is_one(merge: "Merge", tensors: Sequence[torch.Tensor]) -> bool:
    """Whether tensors of the paths are one that was there before them."""
    heap, key = merge.capture.heap, key_of(tensors[0])
    start = min(side.start for side in merge.sides)
    return heap.birth(key) <= start and heap.can_reach(key) and all(key_of(each) == key for each in tensors[1:])


def _way(heap: Heap, tensor: torch.Tensor | Key, start: int) -> _Way:
    """Return what a path's tensor is where the paths meet, which they left at `start`."""
    if heap.has_names(tensor):
        raise _Unsure
    key = key_of(tensor) if isinstance(tensor, torch.Tensor) else tensor
    if heap.birth(key) <= start:
        if not heap.can_reach(key):
            raise _Unsure
        return key
    selection = heap.selection(key)
    if selection is None:
        return None
    if not heap.is_root(key):
        raise _Unsure
    return _Fork(
        selection.index, tuple(None if each is None else _way(heap, each, start) for each in selection.options)
    )


def _leaves(way: "_Way | Absent") -> Iterator[Key | None]:
    if isinstance(way, _Fork):
        for option in way.options:
            yield from _leaves(option)
    elif not isinstance(way, Absent):
        yield way


def _number(capture: "Capture", way: "_Way | Absent", options: Sequence[Key | None]) -> Value:
    """Return the number of what a path's tensor is, as a column's value: a bool where there are two options."""
    kind = bool if len(options) == 2 else int
    if isinstance(way, Absent):
        return None
    if not isinstance(way, _Fork):
        return kind(options.index(way))
    if way.options == tuple(options) and (way.index.type == i1) == (kind is bool):
        return Scalar(way.index)

    def number(way: _Way) -> SSAValue:
        emit, constant = capture.builder.emit, capture.builder.constant
        if not isinstance(way, _Fork):
            return constant(kind(options.index(way)))
        found = number(way.options[0])
        for at, option in enumerate(way.options[1:], 1):
            here = way.index
            if here.type != i1:
                here = emit(arith.CmpiOp(here, constant(at), "eq")).result
            found = emit(arith.SelectOp(here, number(option), found)).result
        return found

    return Deferred(kind(), lambda: Scalar(number(way)), way)


def name_of(capture: "Capture", copy: torch.Tensor, index: Value, options: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return another name for that tensor of some which an index, from 0, says; `copy` is what it holds now."""
    heap, recorder = capture.heap, capture.recorder
    fakes = [recorder.fake(option) for option in options]
    keys = tuple(map(key_of, fakes))
    name = capture.new_tensor(capture.refusable(lambda: heap.value(copy)), [copy])
    if all(map(heap.can_reach, keys)) and isinstance(index, Scalar):
        heap.select(name, Selection(index.ssa, keys))
    else:
        heap.add_names(name, [storage_of(fake) for fake in fakes])
    return name
