"""What one exit of the program returns: a tree of containers over tensors, numbers and constants."""

import dataclasses
import enum
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch import nn

from dycl.errors import an
from dycl.frontends.torch.objects.records import record_fields
from dycl.frontends.torch.paths.grown import Grown, Part, grown_of
from dycl.frontends.torch.values import Choice, Forked, Poison, Scalar, Symbolic, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

PLAIN = (bool, int, float, str, type(None))
"""Types of constants that a caller can be given; a subclass of theirs, such as an Enum's, would lose its type."""


@dataclass(frozen=True, eq=False)
class Held:
    """A tensor as its SSA value, a `Scalar`, or a constant."""

    value: Value
    is_number: bool = False
    """Whether a tensor stands for a Python number, or for those of a series."""


@dataclass(frozen=True, eq=False)
class Container:
    """What `dycl.runtime.structure.Group` says; `cls` is the class of a record."""

    kind: str
    items: "tuple[Tree, ...]"
    keys: tuple[str | int, ...] = ()
    cls: type | None = None


@dataclass(frozen=True, eq=False)
class Chosen:
    """One of several trees: which one is known at run time."""

    index: Scalar
    options: "tuple[Tree, ...]"


@dataclass(frozen=True, eq=False)
class Stacked:
    """A list or tuple whose length is known only at run time, as `dycl.runtime.structure.Series` says.

    Tensors in `item` hold the items one after the other along axis 0; numbers of items are in one-dimensional tensors.
    """

    kind: str
    item: "Tree"
    length: Scalar | int | None = None
    """Needed where there is no tensor in `item`."""


Tree: TypeAlias = Held | Container | Chosen | Stacked


def outline(capture: "Capture", value: Value, around: tuple[int, ...] = ()) -> Tree:
    """Return what a value is made of; `around` are the containers that it is in, by id.

    Raises:
        CaptureError: a caller cannot be given such a value
    """
    grown = grown_of(capture, value)
    if grown is not None:
        return _stacked(capture, grown)
    forked = capture.abstract.get(id(value), (None, None))[1]
    if isinstance(forked, Forked) and capture.builder.known(forked.index.ssa) is None:
        return Chosen(forked.index, _items(capture, [_of_kind(value, contents) for contents in forked.options], around))
    value = capture.usable(value)
    if isinstance(value, torch.Tensor):
        return Held(capture.ssa_of(value))
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Scalar) or type(value) in PLAIN:
        return Held(value)
    if id(value) in around:
        raise capture.error(f"{an(type(value).__name__)} that holds itself as a result", "it has no end")
    around = (*around, id(value))
    if isinstance(value, Choice):
        return Chosen(value.index, _items(capture, value.options, around))
    if type(value) in (tuple, list, torch.Size):
        return Container("list" if isinstance(value, list) else "tuple", _items(capture, value, around))
    if type(value) in (dict, defaultdict, OrderedDict):
        return _dict(capture, value, around)
    fields = _fields(value)
    if fields is None and capture.recursion.open:
        # The caller is the program, which may be given any object.
        if isinstance(value, enum.Enum):
            return Held(value)
        found = record_fields(capture, value)
        fields = None if found is None else tuple(found)
    if fields is None:
        raise _refused(capture, value)
    kind = "namedtuple" if isinstance(value, tuple) else "model_output" if isinstance(value, dict) else "dataclass"
    return Container(kind, _items(capture, _contents(capture, value, fields), around), tuple(fields), type(value))


def _of_kind(container: Value, contents: Value) -> Value:
    """Return a container like another one, with other contents."""
    if isinstance(contents, Poison):
        return contents
    made = container.copy()
    made.clear()
    if isinstance(made, dict | set):
        made.update(contents)
    else:
        made.extend(contents)
    return made


def _stacked(capture: "Capture", grown: Grown) -> Stacked:
    def tree(part: object) -> Tree:
        match part:
            case Part(stack, kind):
                return Held(capture.ssa_of(grown.stacks[stack]), is_number=kind is not None)
            case tuple():
                kind, *items = part
                return Container("list" if kind is list else "tuple", tuple(map(tree, items)))
            case _:
                return Held(part)

    return Stacked("list", tree(grown.shape.tree))


def _items(capture: "Capture", values: Iterable[Value], around: tuple[int, ...]) -> tuple[Tree, ...]:
    return tuple(outline(capture, value, around) for value in values)


def _dict(capture: "Capture", value: "dict[Value, Value]", around: tuple[int, ...]) -> Container:
    for key in value:
        if type(key) not in (str, int, bool):
            raise capture.error(
                f"a dict with the key {key!r} as a result",
                f"it is {an(type(key).__qualname__)}, and only strings and ints can be keys of a result",
                "use the key's text or number, or return a list",
            )
    kind = "ordered_dict" if isinstance(value, OrderedDict) else "dict"
    return Container(kind, _items(capture, value.values(), around), tuple(value))


def _fields(value: Value) -> Sequence[str] | None:
    """Return the fields of a named tuple, of a tuple of torch's that names its items, or of a dataclass."""
    if isinstance(value, tuple):
        named: Sequence[str] | None = getattr(value, "_fields", None)
        return getattr(value, "__match_args__", None) if hasattr(value, "n_sequence_fields") else named
    plain = not isinstance(value, (type, nn.Module, BaseException, list, set, str, int, float))
    if plain and dataclasses.is_dataclass(value) and isinstance(value, OrderedDict) == isinstance(value, dict):
        return [field.name for field in dataclasses.fields(value)]
    return None


def _contents(capture: "Capture", record: Value, fields: Sequence[str]) -> Sequence[Value]:
    """Return the values of a record's fields, which must be all that it holds."""
    name = type(record).__name__
    if extra := [key for key in getattr(record, "__dict__", ()) if key not in fields]:
        raise capture.error(
            f"{an(name)} with the attribute `{extra[0]}` as a result", "it is no field of the class", "make it a field"
        )
    if isinstance(record, tuple):
        return record
    if missing := [field for field in fields if not hasattr(record, field)]:
        raise capture.error(f"{an(name)} without its field `{missing[0]}` as a result")
    values = [getattr(record, field) for field in fields]
    if isinstance(record, dict) and list(record) != [
        field for field, value in zip(fields, values, strict=True) if value is not None
    ]:
        raise capture.error(f"{an(name)} whose items are not its fields that are not None as a result")
    return values


def _refused(capture: "Capture", value: Value) -> Exception:
    name = type(value).__qualname__
    if isinstance(value, set | frozenset):
        return capture.error(f"{an(name)} as a result", "its elements have no order", "return a list of them")
    for base in (tuple, list, dict):
        if isinstance(value, base):
            return capture.error(
                f"{an(name)} as a result",
                f"a compiled program does not have this subclass of {base.__name__}",
                f"return a plain {base.__name__} of what it holds",
            )
    return capture.error(
        f"{value.describe()} as a result" if isinstance(value, Symbolic) else f"{an(name)} as a result",
        "only tensors, numbers, strings, None, and tuples, lists, dicts, named tuples and dataclasses of these are",
        _advice(value),
    )


def _advice(value: Value) -> str:
    if isinstance(value, np.ndarray):
        return "return a tensor"
    if isinstance(value, enum.Enum):
        return "return its `value` or its `name`"
    if type(value).__module__.partition(".")[0] not in ("builtins", "torch", "numpy", "dycl"):
        return "return its parts, or make the class a dataclass"
    return "return a list of its elements" if isinstance(value, Iterable) else "return tensors, numbers or text"
