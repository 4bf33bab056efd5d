"""Dicts, sets and lists that have other keys, members or lengths on each path.

What such a container holds is one of several contents, chosen by the number of the path.
"""

from collections import deque
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from dycl.frontends.torch.values import ABSENT, Forked, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.paths.merge import Merge, Thunk

MAX_CONTENTS = 16


def plan_forked(merge: "Merge", values: Sequence[Value]) -> "Thunk | None":
    """Plan a container's contents where they are of several kinds; None where those are too many."""
    columns: dict[Hashable, list[Value]] = {}
    # The last side first, so that of a branch's two the first is the one where its condition holds.
    sides = list(enumerate(values))
    for side, value in reversed(sides) if merge.condition is not None else sides:
        for contents in _options(value):
            kind = _kind(contents)
            if kind is None:
                return None
            columns.setdefault(kind, [ABSENT] * len(values))[side] = contents
    if len(columns) > MAX_CONTENTS:
        return None
    kinds = list(columns)
    merge.trace.append(("forked", *kinds))
    places = [tuple(kinds.index(_kind(contents)) for contents in _options(value)) for value in values]
    plans = [merge.contents(column) for column in columns.values()]
    index = merge.choice_index(values, places, len(kinds))
    return lambda: Forked(index(), [plan() for plan in plans])


def _options(value: Value) -> Sequence[Value]:
    return value.options if isinstance(value, Forked) else () if value is ABSENT else (value,)


def _kind(contents: Value) -> Hashable | None:
    """Return what contents must have in common to be merged item by item."""
    match contents:
        case dict():
            return ("dict", tuple((type(key), key) for key in contents))
        case list() | deque():
            return ("list", len(contents))
        case set():
            return ("set", frozenset(contents))
        case _:
            return None
