"""A program's results, arranged as its source returns them."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol, TypeAlias

from dycl.runtime.records import Classes, record_maker
from dycl.runtime.structure import Fixed, Group, Leaf, Number, Series, Structure, Variants, indices_of


class Results(Protocol):
    """A program's results by number; inside a series, the part of each that belongs to one item."""

    def __getitem__(self, index: int, /) -> Any: ...


Arrange: TypeAlias = Callable[[Results], Any]


def build(structure: Structure, results: Results, classes: Classes | None = None) -> Any:
    """Return `results` arranged as the source program returns them; `classes` are those of `arranger`."""
    return arranger(structure, classes)(results)


def arranger(structure: Structure, classes: Classes | None = None) -> Arrange:
    """Return what arranges results as the source program returns them, for many calls.

    Args:
        structure: of the results
        classes: the source's own classes of records, by the name that the structure has; a record without one here is
            of a class made for it, with the same name and fields
    """
    classes = {} if classes is None else classes
    match structure:
        case Leaf(index):
            return itemgetter(index)
        case Number(index):
            return lambda results: results[index].item()
        case Fixed(value):
            return lambda results: value
        case Variants(index, structures):
            return _variants(index, [arranger(variant, classes) for variant in structures])
        case Series():
            return _series(structure, classes)
        case Group():
            return _group(structure, classes)


def _variants(index: int, variants: Sequence[Arrange]) -> Arrange:
    def chosen(results: Results) -> Any:
        return variants[int(results[index])](results)

    return chosen


def _group(group: Group, classes: Classes) -> Arrange:
    make = _maker(group, classes)
    indices = [item.index for item in group.items if isinstance(item, Leaf)]
    if len(indices) == len(group.items) > 1:
        pick = itemgetter(*indices)
        return lambda results: make(pick(results))
    parts = [arranger(item, classes) for item in group.items]
    return lambda results: make([part(results) for part in parts])


def _maker(group: Group, classes: Classes) -> Callable[[Sequence[object]], Any]:
    keys = group.keys
    match group.kind:
        case "tuple" | "list":
            return _container(group.kind)
        case "dict":
            return lambda values: dict(zip(keys, values, strict=True))
        case "ordered_dict":
            return lambda values: OrderedDict(zip(keys, values, strict=True))
        case _:
            return record_maker(group, classes)


def _container(kind: str) -> Callable[[Sequence[object]], Any]:
    return tuple if kind == "tuple" else list


def _series(series: Series, classes: Classes) -> Arrange:
    make = _container(series.kind)
    item, length = series.item, series.length
    if isinstance(item, Number):
        number = item.index
        return lambda results: make(results[number].tolist())
    arrange = arranger(item, classes)
    indices = sorted(set(indices_of(item)))

    def items(results: Results) -> Any:
        stacks = {index: results[index] for index in indices}
        count = len(stacks[indices[0]]) if length is None else int(results[length])
        return make([arrange(_item(stacks, at)) for at in range(count)])

    return items


def _item(stacks: Mapping[int, Any], at: int) -> Mapping[int, Any]:
    # `[at, ...]` gives an array or a tensor where `[at]` would give a numpy scalar.
    return {index: stack[at, ...] for index, stack in stacks.items()}
