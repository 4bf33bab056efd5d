"""What a pass is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from xdsl.ir import Operation

from dycl.program import Program

Anchor: TypeAlias = Literal["builtin.module", "func.func", "any"]


@dataclass(frozen=True)
class Pass(ABC):
    """A transformation of the IR. Its dataclass fields are its options; `max_trip_count` is `max-trip-count` in text.

    `anchor` names the op it runs on: the module, each function, or whichever op its pipeline is nested in.
    """

    name: ClassVar[str]
    anchor: ClassVar[Anchor] = "func.func"

    @abstractmethod
    def apply(self, op: Operation, program: Program) -> bool:
        """Transform `op`, an op of `program.module` (maybe that module itself); return whether anything changed."""
