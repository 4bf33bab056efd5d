"""Lists, dicts and objects that the sides of a branch have made themselves: a new one stands for them afterwards.

It has all the names that they have: what is written by one of them is read by the others. Where two names are of one
object on some paths and of two on others, nothing can stand for the second.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from dycl.frontends.torch.objects.records import attributes_of
from dycl.frontends.torch.paths.journal import ContentsSlot
from dycl.frontends.torch.values import ABSENT, UNBOUND, Symbolic, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.paths.merge import Merge, Side, Thunk

_Ids: TypeAlias = tuple[int | None, ...]
"""Of the sides' objects, None for a side of which none is asked for."""


@dataclass
class Shared:
    """What stands for the objects that the sides of a merge have made."""

    thunks: "dict[_Ids, Thunk]" = field(default_factory=dict)
    kept: list[Value] = field(default_factory=list[Value])
    """The objects, for an id to stand for one."""


def plan_containers(merge: "Merge", values: Sequence[Value], label: str) -> "Thunk":
    """Plan a list or dict."""
    capture = merge.capture
    contents: list[Value] = []
    for value, side in zip(values, merge.sides, strict=True):
        if value is not ABSENT and capture.birth(value) <= side.start:
            return merge.refused(f"`{label}`, which is a different {type(value).__name__} on each path,")
        key = ("contents", id(value))
        contents.append(side.state[key][1] if key in side.state else value)

    def plan() -> "Thunk":
        made = capture.born(_first(values).copy())
        made.clear()
        inner: list[Thunk] = []

        def make() -> Value:
            if inner:
                _fill(merge, made, inner.pop()())
            return made

        # It may hold itself.
        merge.shared.thunks[_ids(values)] = make
        inner.append(merge.contents(contents))
        return make

    return _once(merge, values, label, plan)


def _fill(merge: "Merge", container: Value, contents: Value) -> None:
    if isinstance(contents, Symbolic):
        slot = ContentsSlot(container, merge.capture.abstract, merge.capture.birth(container))
        merge.capture.journal.write(slot, contents)
    elif isinstance(container, dict):
        container.update(contents)
    else:
        container.extend(contents)


def plan_objects(merge: "Merge", values: Sequence[Value], label: str) -> "Thunk":
    """Plan an object of the class that all of them have: its attributes are merged one by one."""
    kind = type(_first(values))
    fields = [
        None if value is ABSENT else _fields_on(side, value) for side, value in zip(merge.sides, values, strict=True)
    ]
    names = dict.fromkeys(name for found in fields for name in found or ())

    def plan() -> "Thunk":
        made = merge.capture.born(object.__new__(kind))
        merge.trace.append((kind, *names))
        plans: dict[str, Thunk] = {}

        def make() -> Value:
            while plans:
                name = next(iter(plans))
                value = plans.pop(name)()
                if value is not UNBOUND:
                    object.__setattr__(made, name, value)
            return made

        # It may hold itself.
        merge.shared.thunks[_ids(values)] = make
        for name in names:
            column = [ABSENT if found is None else found.get(name, UNBOUND) for found in fields]
            plans[name] = merge.plan(column, f"{kind.__name__}.{name}")
        return make

    return _once(merge, values, label, plan)


def _fields_on(side: "Side", value: Value) -> Mapping[str, Value]:
    """Return the attributes that an object has at the end of the side that has made it."""
    found = attributes_of(value)
    for key, (_, content) in side.state.items():
        if isinstance(key, tuple) and key[:2] == ("attribute", id(value)):
            found[key[2]] = content
    return {name: content for name, content in found.items() if content is not UNBOUND}


def _once(merge: "Merge", values: Sequence[Value], label: str, plan: "Callable[[], Thunk]") -> "Thunk":
    """Plan what stands for objects, however many names they have.

    A name that some paths do not ask for is one of the name that they do.
    """
    key, shared = _ids(values), merge.shared
    related = [other for other in shared.thunks if any(map(_is_same, key, other))]
    if any(
        one is not None and two is not None and one != two
        for other in related
        for one, two in zip(key, other, strict=True)
    ):
        return merge.refused(f"`{label}`, an object that has several names on some paths only,")
    covering = next((other for other in related if all(map(_covers, other, key))), None)
    merge.trace.append(("object", len(related), covering is not None))
    if covering is None:
        shared.kept += values
        thunk = shared.thunks[key] = plan()
        for other in related:
            shared.thunks[other] = thunk
    return lambda: shared.thunks[covering or key]()


def _is_same(one: int | None, other: int | None) -> bool:
    return one is not None and one == other


def _covers(one: int | None, other: int | None) -> bool:
    return other is None or one == other


def _ids(values: Sequence[Value]) -> _Ids:
    return tuple(None if value is ABSENT else id(value) for value in values)


def _first(values: Sequence[Value]) -> Value:
    return next(value for value in values if value is not ABSENT)
