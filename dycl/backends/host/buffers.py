"""Which buffers the results of a function's launches go to.

The tensors of a family share a pool of buffers of one dtype and shape. It has as many as tensors of the family can be
needed at once where one of them is written; the write takes one that none of the others holds, which shows only at run
time. Families whose lifetimes do not overlap share their buffers in turn. A chain of launches, each of which reads what
the one before it wrote, comes out with two.
"""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from xdsl.dialects.builtin import f64, i1, i64
from xdsl.dialects.func import CallOp
from xdsl.ir import Attribute, Operation, SSAValue

from dycl.backends.host.lifetimes import Lifetimes, may_be_buffer
from dycl.ir.types import DTYPE_NAMES, element_of, is_tensor, shape_of


class Kind(NamedTuple):
    """What arrays must agree in to share a buffer."""

    dtype: str
    shape: tuple[int, ...]


@dataclass
class Buffers:
    """A function's buffers."""

    kinds: list[Kind] = field(default_factory=list[Kind])
    """Per buffer."""
    choices: dict[SSAValue, Sequence[int]] = field(default_factory=dict[SSAValue, Sequence[int]])
    """Per result that goes to a buffer, the numbers of those to choose from."""
    kept: dict[Operation, Sequence[SSAValue]] = field(default_factory=dict[Operation, Sequence[SSAValue]])
    """Per op that chooses, the tensors whose buffers it must leave alone, but for those that a launch reads."""


@dataclass
class Pool:
    """The buffers for a family's tensors of one kind."""

    kind: Kind
    size: int = 1
    writers: int = 0
    in_loop: bool = False
    buffers: list[int] = field(default_factory=list[int])

    @property
    def is_fixed(self) -> bool:
        """Whether each writer has a buffer of its own: where that takes no more of them, or there is only one."""
        return self.size == 1 or (self.size >= self.writers and not self.in_loop)


Needed: TypeAlias = Mapping[Operation, Mapping[SSAValue, Sequence[SSAValue]]]


def assign_buffers(found: Lifetimes) -> Buffers:
    """Return the buffers for the results in `found.writes`."""
    needed = _needed_beside(found)
    pools: dict[tuple[SSAValue, Kind], Pool] = {}
    for write in found.writes:
        keys = Counter((found.family(value), kind_of(value.type)) for value in write.values)
        for key, count in keys.items():
            pool = pools.setdefault(key, Pool(key[1]))
            pool.size = max(pool.size, count + len(needed[write.op][key[0]]))
            pool.writers += count
            pool.in_loop |= write.in_loop
    result = Buffers(_allocate(pools, _spans(found)))
    for write in found.writes:
        kept: dict[SSAValue, None] = {}
        for value in write.values:
            family = found.family(value)
            pool = pools[family, kind_of(value.type)]
            if pool.is_fixed:
                result.choices[value] = [pool.buffers[0] if pool.size == 1 else pool.buffers.pop()]
            else:
                result.choices[value] = pool.buffers
                kept |= dict.fromkeys(needed[write.op][family])
        read = set[SSAValue]() if isinstance(write.op, CallOp) else set(map(found.array, write.op.operands))
        result.kept[write.op] = [value for value in kept if value not in read]
    return result


def kind_of(type: Attribute) -> Kind:
    """Return the kind of buffer for a tensor of known sizes, or for a host scalar."""
    if not is_tensor(type):
        return Kind(SCALAR_DTYPES[type], ())
    return Kind(DTYPE_NAMES[element_of(type)], tuple(size or 0 for size in shape_of(type)))


SCALAR_DTYPES: Mapping[Attribute, str] = {i1: "bool", i64: "i64", f64: "f64"}


def _needed_beside(found: Lifetimes) -> Needed:
    """Return, for each op that writes, the tensors that are needed then, by the families that it writes to.

    A tensor is needed that was defined before, and is used by this op or later.
    """
    families = {found.family(value) for write in found.writes for value in write.values}
    defined = iter([(value, start) for value, start in found.start.items() if found.family(value) in families])
    following = next(defined, None)
    alive: dict[SSAValue, list[SSAValue]] = {family: [] for family in families}
    needed: dict[Operation, dict[SSAValue, Sequence[SSAValue]]] = {}
    for write in found.writes:
        while following is not None and following[1] < write.position:
            value = following[0]
            if is_tensor(value.type) and may_be_buffer(value):
                alive[found.family(value)].append(value)
            following = next(defined, None)
        here = needed[write.op] = {}
        for family in {found.family(value) for value in write.values}:
            alive[family] = [value for value in alive[family] if found.end.get(value, 0) >= write.position]
            here[family] = tuple(alive[family])
    return needed


def _spans(found: Lifetimes) -> dict[SSAValue, tuple[int, int]]:
    """Return where each family begins and ends; a host scalar is read from its buffer at once."""
    spans: dict[SSAValue, tuple[int, int]] = {}
    for value, start in found.start.items():
        if may_be_buffer(value):
            family = found.family(value)
            end = found.end.get(value, start) if is_tensor(value.type) else start
            first, last = spans.get(family, (start, end))
            spans[family] = min(first, start), max(last, end)
    return spans


def _allocate(pools: Mapping[tuple[SSAValue, Kind], Pool], spans: Mapping[SSAValue, tuple[int, int]]) -> list[Kind]:
    """Give each pool its buffers, those of families that have ended where there are any; return all."""
    kinds: list[Kind] = []
    free: dict[Kind, list[int]] = {}
    ending: list[tuple[int, int, Kind, list[int]]] = []
    by_start = sorted(((*spans[family], pool) for (family, _), pool in pools.items()), key=lambda entry: entry[0])
    for number, (start, end, pool) in enumerate(by_start):
        while ending and ending[0][0] < start:
            _, _, kind, released = heapq.heappop(ending)
            free.setdefault(kind, []).extend(released)
        available = free.setdefault(pool.kind, [])
        for _ in range(pool.writers if pool.is_fixed and pool.size > 1 else pool.size):
            if not available:
                available.append(len(kinds))
                kinds.append(pool.kind)
            pool.buffers.append(available.pop())
        heapq.heappush(ending, (end, number, pool.kind, list(pool.buffers)))
    return kinds
