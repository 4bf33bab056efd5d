"""What a program gives back: any nesting of tuples, lists, dicts and named tuples of values and constants."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from dycl.runtime.signature import Json


@dataclass(frozen=True)
class Leaf:
    """The program's result number `index`."""

    index: int


@dataclass(frozen=True)
class Fixed:
    """A value that is the same on every path: None, a bool, a number or a string."""

    value: bool | int | float | str | None


@dataclass(frozen=True)
class Group:
    """A `tuple`, a `list`, a `dict` (with its keys) or a `namedtuple` (with its type's name and its fields)."""

    kind: str
    items: "tuple[Structure, ...]"
    keys: tuple[str | int, ...] = ()
    type_name: str = ""


Structure: TypeAlias = Leaf | Fixed | Group


def leaves(structure: Structure) -> Iterator[Leaf]:
    if isinstance(structure, Leaf):
        yield structure
    elif isinstance(structure, Group):
        for item in structure.items:
            yield from leaves(item)


def build(structure: Structure, results: Sequence[object]) -> Any:
    """Return `results` arranged as the source program returns them."""
    return arranger(structure)(results)


def arranger(structure: Structure) -> Callable[[Sequence[object]], Any]:
    """Return what arranges results as the source program returns them, for many calls."""
    match structure:
        case Leaf(index):
            return itemgetter(index)
        case Fixed(value):
            return lambda results: value
        case Group():
            make = _maker(structure)
            indices = [item.index for item in structure.items if isinstance(item, Leaf)]
            if len(indices) == len(structure.items) > 1:
                pick = itemgetter(*indices)
                return lambda results: make(pick(results))
            parts = [arranger(item) for item in structure.items]
            return lambda results: make([part(results) for part in parts])


def _maker(group: Group) -> Callable[[Sequence[object]], Any]:
    match group.kind:
        case "dict":
            return lambda values: dict(zip(group.keys, values, strict=True))
        case "namedtuple":
            fields = [(str(key), object) for key in group.keys]
            return NamedTuple(group.type_name, fields)._make
        case "list":
            return list
        case _:
            return tuple


def default_structure(count: int) -> Structure:
    """Return the structure of `count` results: the result itself, or a tuple of them."""
    return Leaf(0) if count == 1 else Group("tuple", tuple(Leaf(index) for index in range(count)))


def to_json(structure: Structure) -> Json:
    match structure:
        case Leaf(index):
            return {"result": index}
        case Fixed(value):
            return {"value": value}
        case Group(kind, items, keys, type_name):
            node: dict[str, Json] = {kind: [to_json(item) for item in items]}
            if keys:
                node["keys"] = list(keys)
            if type_name:
                node["name"] = type_name
            return node


def from_json(node: Json) -> Structure:
    """Read what `to_json` wrote.

    Raises:
        ValueError: `node` is not a structure
    """
    match node:
        case {"result": int(index)}:
            return Leaf(index)
        case {"value": (None | bool() | int() | float() | str()) as value}:
            return Fixed(value)
        case {"keys": [*keys], **rest}:
            group = from_json({key: value for key, value in rest.items() if key != "name"})
            names = tuple(key for key in keys if isinstance(key, str | int))
            if isinstance(group, Group) and len(names) == len(keys) == len(group.items):
                return Group(group.kind, group.items, names, str(rest.get("name", "")))
        case {"tuple": [*items]}:
            return Group("tuple", tuple(map(from_json, items)))
        case {"list": [*items]}:
            return Group("list", tuple(map(from_json, items)))
        case {"dict": [*items]}:
            return Group("dict", tuple(map(from_json, items)))
        case {"namedtuple": [*items]}:
            return Group("namedtuple", tuple(map(from_json, items)))
        case _:
            pass
    raise ValueError(f"not an output structure: {node}")
