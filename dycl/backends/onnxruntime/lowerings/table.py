"""The table of lowerings: how an ATen overload becomes ONNX nodes.

A lowering is called with the call that it lowers and the overload's arguments in schema order, and returns the results,
or None where it does not take this case.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import onnx_ir as ir

from dycl.backends.onnxruntime.graph import Graph, Type

Argument: TypeAlias = "ir.Value | ir.DataType | bool | int | float | str | list[Argument] | None"
"""An argument of an ATen overload; an operand is the value that stands for it in the graph."""

Lowered: TypeAlias = "ir.Value | Sequence[ir.Value | None] | None"
"""The results; a result that nobody uses may be None."""

Lowering: TypeAlias = Callable[..., Lowered]

LOWERINGS: dict[str, Lowering] = {}


@dataclass(frozen=True)
class Call:
    """A call of an overload: the graph to add to, the results' types, and which results have uses."""

    graph: Graph
    overload: str
    results: tuple[Type, ...]
    used: tuple[bool, ...]

    @property
    def dtype(self) -> ir.DataType:
        return self.results[0].dtype

    @property
    def shape(self) -> tuple[int | None, ...]:
        return self.results[0].shape

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """The first result's sizes, where all of them are known."""
        return self.results[0].sizes


def lowers(*overloads: str) -> Callable[[Lowering], Lowering]:
    """Enter the decorated function for `overloads`."""

    def enter(lowering: Lowering) -> Lowering:
        for overload in overloads:
            assert overload not in LOWERINGS, overload
            LOWERINGS[overload] = lowering
        return lowering

    return enter
