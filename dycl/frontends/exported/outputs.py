"""What an exported program gives back: the outputs of its graph in the structure of the source."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from torch.export import ExportedProgram
from torch.utils import _pytree as pytree
from xdsl.ir import SSAValue

from dycl.errors import DyclError, an
from dycl.frontends.exported.graphs import Held
from dycl.runtime.structure import Fixed, Group, Leaf, Structure


@dataclass
class Outputs:
    """The values that are returned, and their arrangement."""

    values: list[SSAValue] = field(default_factory=list[SSAValue])
    structure: Structure = field(default_factory=lambda: Fixed(None))
    classes: dict[str, type] = field(default_factory=dict[str, type])
    """The classes of records, by the names that the structure has."""


def arrange_outputs(exported: ExportedProgram, results: Sequence[Held]) -> Outputs:
    """Return a program's outputs: constants among the results become part of the structure.

    Raises:
        DyclError: the output is of a class that the artifact does not know, or holds what it cannot
    """
    outputs, spec = Outputs(), exported.call_spec.out_spec
    assert spec is not None
    leaves = [_leaf(result, outputs) for result in results]
    outputs.structure = _structure(pytree.tree_unflatten(leaves, spec), outputs.classes)
    return outputs


def _leaf(result: Held, outputs: Outputs) -> Leaf | Fixed:
    if isinstance(result, SSAValue):
        outputs.values.append(result)
        return Leaf(len(outputs.values) - 1)
    if result is None or isinstance(result, bool | int | float | str):
        return Fixed(result)
    raise DyclError(
        f"the exported program returns {an(type(result).__name__)}: only tensors, numbers and text are taken"
    )


def _structure(value: Any, classes: dict[str, type]) -> Structure:
    if isinstance(value, Leaf | Fixed):
        return value
    if type(value) in (tuple, list):
        return Group(type(value).__name__, _items(value, classes))
    if type(value) in (dict, OrderedDict) and all(isinstance(key, str | int) for key in value):
        kind = "dict" if type(value) is dict else "ordered_dict"
        return Group(kind, _items(value.values(), classes), tuple(value))
    names: tuple[str, ...] | None = getattr(value, "_fields", None)
    if isinstance(value, tuple) and names is not None:
        return _record("namedtuple", value, names, classes)
    if is_dataclass(value):
        kind = "model_output" if isinstance(value, dict) else "dataclass"
        return _record(kind, value, [field.name for field in fields(value)], classes)
    raise DyclError(
        f"the exported program returns {an(type(value).__name__)}: only tuples, lists, dicts with names or numbers as "
        "keys, named tuples and dataclasses are taken; return these and export it again"
    )


def _items(values: Iterable[Any], classes: dict[str, type]) -> tuple[Structure, ...]:
    return tuple(_structure(value, classes) for value in values)


def _record(kind: str, value: Any, names: Sequence[str], classes: dict[str, type]) -> Group:
    cls = type(value)
    name, number = cls.__name__, 1
    while classes.setdefault(name, cls) is not cls:
        number += 1
        name = f"{cls.__name__}_{number}"
    # A field that torch does not know, as it was None, is not there.
    contents = [getattr(value, name, None) for name in names]
    items = tuple(Fixed(None) if item is None else _structure(item, classes) for item in contents)
    return Group(kind, items, tuple(names), name)
