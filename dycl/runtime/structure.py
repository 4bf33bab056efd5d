"""What a program gives back: any nesting of tuples, lists, dicts and records of values and constants.

A structure refers to the program's results by number. Exits may return different things: `Variants` holds what they
are, and a result says which one a call has. The results of the others are then there too, and hold nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from keyword import iskeyword
from typing import TypeAlias

from dycl.runtime.signature import Json

CONTAINERS = ("tuple", "list")
DICTS = ("dict", "ordered_dict")
RECORDS = ("namedtuple", "dataclass", "model_output")
"""Kinds with a class of their own; a model output is a dataclass whose fields that are not None are a dict's items."""


@dataclass(frozen=True)
class Leaf:
    """The program's result number `index`."""

    index: int


@dataclass(frozen=True)
class Number:
    """The only element of the tensor that is result number `index`, as Python's bool, int or float."""

    index: int


@dataclass(frozen=True)
class Fixed:
    """A value that is known while compiling: None, a bool, a number or a string."""

    value: bool | int | float | str | None


@dataclass(frozen=True)
class Group:
    """One of `CONTAINERS`, one of `DICTS` with its keys, or one of `RECORDS` with its fields and its class's name.

    Where several classes have one name, `#2` and so on behind it tells them apart.
    """

    kind: str
    items: "tuple[Structure, ...]"
    keys: tuple[str | int, ...] = ()
    type_name: str = ""


@dataclass(frozen=True)
class Variants:
    """One of several structures: which one is the result number `index`, an int from 0, or a bool for two."""

    index: int
    structures: "tuple[Structure, ...]"


@dataclass(frozen=True)
class Series:
    """One of `CONTAINERS` whose length is known only at run time: its items are stacked.

    Each result that `item` refers to has an axis 0 along which it holds that result of one item after the other. The
    length is that of the axis, or, which an item without results needs, the result number `length`.
    """

    kind: str
    item: "Structure"
    length: int | None = None


Structure: TypeAlias = Leaf | Number | Fixed | Group | Variants | Series


def indices_of(structure: Structure) -> Iterator[int]:
    """Yield the numbers of the results that a structure refers to, from left to right."""
    match structure:
        case Leaf(index) | Number(index):
            yield index
        case Fixed():
            pass
        case Group(_, items):
            for item in items:
                yield from indices_of(item)
        case Variants(index, structures):
            yield index
            for variant in structures:
                yield from indices_of(variant)
        case Series(_, item, length):
            if length is not None:
                yield length
            yield from indices_of(item)


def default_structure(count: int) -> Structure:
    """Return the structure of `count` results: the result itself, or a tuple of them."""
    return Leaf(0) if count == 1 else Group("tuple", tuple(Leaf(index) for index in range(count)))


def to_json(structure: Structure) -> Json:
    match structure:
        case Leaf(index):
            return {"result": index}
        case Number(index):
            return {"number": index}
        case Fixed(value):
            return {"value": value}
        case Group(kind, items, keys, type_name):
            node: dict[str, Json] = {kind: [to_json(item) for item in items]}
            if keys:
                node["keys"] = list(keys)
            if type_name:
                node["name"] = type_name
            return node
        case Variants(index, structures):
            return {"variants": [to_json(variant) for variant in structures], "index": index}
        case Series(kind, item, length):
            series: dict[str, Json] = {"series": to_json(item), "kind": kind}
            if length is not None:
                series["length"] = length
            return series


def from_json(node: Json) -> Structure:
    """Read what `to_json` wrote.

    Raises:
        ValueError: `node` is not a structure
    """
    found: Structure | None = None
    match node:
        case {"result": int(index)}:
            found = Leaf(index)
        case {"number": int(index)}:
            found = Number(index)
        case {"value": (None | bool() | int() | float() | str()) as value}:
            found = Fixed(value)
        case {"variants": [_, *_] as variants, "index": int(index)}:
            found = Variants(index, tuple(map(from_json, variants)))
        case {"series": item, "kind": str(kind), "length": int(length)} if kind in CONTAINERS:
            found = Series(kind, from_json(item), length)
        case {"series": item, "kind": str(kind)} if kind in CONTAINERS:
            series = Series(kind, from_json(item))
            found = series if any(True for _ in indices_of(series)) else None
        case {**group}:
            found = _group_from_json(group)
        case _:
            pass
    if found is None or any(index < 0 for index in indices_of(found)):
        raise ValueError(f"not an output structure: {node}")
    return found


def _group_from_json(node: dict[str, Json]) -> Group | None:
    keys, name = node.pop("keys", []), node.pop("name", "")
    match node, keys, name:
        case {**parts}, [*keys], str(name) if len(parts) == 1:
            ((kind, items),) = parts.items()
        case _:
            return None
    names = tuple(key for key in keys if isinstance(key, str | int))
    if not isinstance(items, list) or kind not in (*CONTAINERS, *DICTS, *RECORDS):
        return None
    if len(names) != len(keys) or len(names) != (0 if kind in CONTAINERS else len(items)):
        return None
    if kind in RECORDS and not all(map(_is_name, (name.partition("#")[0], *names))):
        return None
    return Group(kind, tuple(map(from_json, items)), names, name)


def _is_name(name: str | int) -> bool:
    return isinstance(name, str) and name.isidentifier() and not iskeyword(name)
