"""What the graph is made of."""

from dataclasses import dataclass
from enum import StrEnum

from xdsl.ir import Operation


class Kind(StrEnum):
    """What a step is: the call of a kernel, tensor ops that are in no kernel yet, scalar work of the host, a branch or
    where its sides meet again, a loop, the beginning of a function or its end."""

    KERNEL = "kernel"
    TENSOR = "tensor"
    HOST = "host"
    BRANCH = "branch"
    JOIN = "join"
    LOOP = "loop"
    ENTRY = "entry"
    EXIT = "exit"


@dataclass(frozen=True)
class Node:
    """A step; `depth` counts the branches and loops around it, `place` is `file:line` of the source or empty."""

    id: int
    kind: Kind
    label: str
    function: str
    depth: int
    place: str
    ops: tuple[Operation, ...]


@dataclass(frozen=True)
class ControlEdge:
    """`label` is the side taken: true, false, a case, default, or a loop's body, next and done."""

    source: int
    target: int
    label: str = ""


@dataclass(frozen=True)
class DataEdge:
    source: int
    target: int
    value: str
    type: str


@dataclass(frozen=True)
class Hcfg:
    """The graph of a module, its nodes in the order of the text."""

    nodes: tuple[Node, ...]
    control: tuple[ControlEdge, ...]
    data: tuple[DataEdge, ...]

    def count(self, kind: Kind) -> int:
        return sum(node.kind is kind for node in self.nodes)

    def text(self) -> str:
        """Return the graph for people: a line per step with the steps that follow it, then the data edges."""
        from dycl.ir.hcfg.drawing import draw_text

        return draw_text(self)

    def dot(self) -> str:
        """Return the graph in Graphviz' language: control edges solid, data edges dashed."""
        from dycl.ir.hcfg.drawing import draw_dot

        return draw_dot(self)
