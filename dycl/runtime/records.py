"""Records: named tuples, dataclasses and model outputs, of the source's own classes or of such as are made for them."""

from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import make_dataclass
from typing import Any, TypeAlias

from dycl.runtime.structure import Group

Classes: TypeAlias = Mapping[str, type]
"""The source's own classes of records, by the name that the structure has."""


class ModelOutput(OrderedDict[str, Any]):
    """A dataclass whose fields that are not None are also items, by name and by position."""

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(key) if isinstance(key, str) else self.to_tuple()[key]

    def to_tuple(self) -> tuple[Any, ...]:
        """Return the fields that are not None."""
        return tuple(self.values())


def record_maker(group: Group, classes: Classes) -> Callable[[Sequence[object]], Any]:
    """Return what makes a record of its fields' values.

    A dataclass's `__init__` and `__post_init__` do not run: the values are those that a record had after them.
    """
    fields = tuple(map(str, group.keys))
    found = classes.get(group.type_name)
    made: Any = _made_class(group, fields) if found is None else found
    if group.kind == "namedtuple":
        return getattr(made, "_make", made)

    def dataclass_of(values: Sequence[object]) -> Any:
        record = object.__new__(made)
        for field, value in zip(fields, values, strict=True):
            object.__setattr__(record, field, value)
        return record

    def model_output_of(values: Sequence[object]) -> Any:
        record = OrderedDict.__new__(made)
        for field, value in zip(fields, values, strict=True):
            object.__setattr__(record, field, value)
            if value is not None:
                OrderedDict.__setitem__(record, field, value)
        return record

    return dataclass_of if group.kind == "dataclass" else model_output_of


def _made_class(group: Group, fields: Sequence[str]) -> type:
    name = group.type_name.partition("#")[0]
    if group.kind == "namedtuple":
        # `rename` leaves names as they are but for those that it made itself: `_1` for the second field.
        return namedtuple(name, fields, rename=True)  # pyright: ignore[reportUntypedNamedTuple]: its fields are known at run time only
    if group.kind == "dataclass":
        return make_dataclass(name, fields)
    return make_dataclass(name, fields, bases=(ModelOutput,), init=False, repr=False, eq=False)
