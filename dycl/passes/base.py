"""What a pass is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import NoneType
from typing import Any, ClassVar, Literal, TypeAlias, get_args, get_origin, get_type_hints

from xdsl.ir import Operation

from dycl.program import Program

Anchor: TypeAlias = Literal["builtin.module", "func.func", "any"]


@dataclass(frozen=True)
class Pass(ABC):
    """A transformation of the IR. Its dataclass fields are its options; `max_trip_count` is `max-trip-count` in text.

    An option is a bool, int, float or str, a tuple of one of these, or None besides one of these.
    `anchor` names the op it runs on: the module, each function, or whichever op its pipeline is nested in.
    """

    name: ClassVar[str]
    anchor: ClassVar[Anchor] = "func.func"

    @abstractmethod
    def apply(self, op: Operation, program: Program) -> bool:
        """Transform `op`, an op of `program.module` (maybe that module itself); return whether anything changed."""

    def __str__(self) -> str:
        """The pass in a textual pipeline: its name, and the options that differ from their defaults."""
        given = [
            f"{option_name(field.name)}={literal(value)}"
            for field in fields(self)
            if (value := getattr(self, field.name)) != field.default
        ]
        return f"{self.name}{{{' '.join(given)}}}" if given else self.name


def option_name(field: str) -> str:
    """Return a field's name as a pipeline spells it."""
    return field.replace("_", "-")


def option_types(kind: type[Pass]) -> Mapping[str, Any]:
    """Return the type of each option of a pass, by its field's name."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def describe_type(type: Any) -> str:
    """Return the type of an option in words."""
    names = {bool: "true or false", int: "an integer", float: "a number", str: "a string"}
    if type in names:
        return names[type]
    if get_origin(type) is tuple:
        return f"a list, each item {describe_type(get_args(type)[0])}"
    return " or ".join("None" if member is NoneType else describe_type(member) for member in get_args(type))


def literal(value: object) -> str:
    """Return an option's value as a pipeline spells it."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case tuple():
            return ",".join(literal(item) for item in value)
        case _:
            return str(value)
