"""What a program takes: named inputs with dtypes and sizes.

This module is the leaf that every part of dycl shares: it imports nothing but the standard library.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Size: TypeAlias = int | str
"""A size: a number, or the name of one known only at call time."""

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

ARRAY_DTYPES: dict[str, str] = {
    "bool": "bool",
    "u8": "uint8",
    "i8": "int8",
    "i16": "int16",
    "i32": "int32",
    "i64": "int64",
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
}
"""What torch and numpy call each dtype; numpy has no bfloat16."""

DTYPES = tuple(ARRAY_DTYPES)


@dataclass(frozen=True)
class Input:
    """One tensor input, `x: f32[n, 3, 32, 32]`."""

    name: str
    dtype: str
    shape: tuple[Size, ...]

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class Signature:
    """A program's inputs in order, and the bounds (both included) of the sizes that have names."""

    inputs: tuple[Input, ...]
    bounds: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])

    @property
    def is_static(self) -> bool:
        return all(isinstance(size, int) for input in self.inputs for size in input.shape)

    def __str__(self) -> str:
        text = ", ".join(map(str, self.inputs))
        where = ", ".join(f"{low} <= {name} <= {high}" for name, (low, high) in self.bounds.items())
        return f"{text} where {where}" if where else text
