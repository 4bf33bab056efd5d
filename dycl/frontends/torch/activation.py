"""A call of an interpreted function: its names, its place, its scopes."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import CellType
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import FileLineColLoc, IntAttr, LocationAttr, StringAttr

from dycl.frontends.torch.diagnostics import Place
from dycl.frontends.torch.paths.control import Completion, Scope
from dycl.frontends.torch.paths.journal import Env
from dycl.frontends.torch.syntax.source import FunctionNode, Source
from dycl.frontends.torch.values import Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture
    from dycl.frontends.torch.paths.guards import Guard


@dataclass(frozen=True, eq=False)
class Code:
    """What a function is made of: its source, and where its free names are found."""

    name: str
    source: Source
    node: FunctionNode
    globals: dict[str, Value]
    cells: dict[str, CellType]
    locations: dict[ast.AST, FileLineColLoc]
    """Of the nodes of this source, as they are asked for."""
    env: Env | None = None
    """The names around a nested function."""
    class_name: str = ""


@dataclass(eq=False)
class Activation:
    capture: "Capture"
    code: Code
    env: Env
    node: ast.expr | ast.stmt
    """What is being evaluated."""
    calls: tuple[Place, ...] = ()
    """Where it was called from, innermost first."""
    caller: LocationAttr | None = None
    """The same, as a location."""
    is_main: bool = False
    """Whether its `return` is that of the program."""
    scope: Scope = field(default_factory=lambda: Scope("function"))
    loops: list[tuple[Scope, Scope]] = field(default_factory=list[tuple[Scope, Scope]])
    """The loops around, as loop and iteration."""
    outer_names: set[str] = field(default_factory=set[str])
    """Names declared `nonlocal`,"""
    global_names: set[str] = field(default_factory=set[str])
    """and those declared `global`."""
    guards: "list[Guard]" = field(default_factory=list)
    """The `try` and `with` statements around, outermost first."""
    handling: list[Exception] = field(default_factory=list[Exception])
    """The exceptions whose handlers are running."""

    depth: int = 0
    """How far inside branches it was called."""

    def __post_init__(self) -> None:
        self.depth = self.capture.depth

    @property
    def place(self) -> Place:
        return Place(self.code.source, self.node)

    @property
    def location(self) -> FileLineColLoc:
        """The place, without the calls that led there."""
        known = self.code.locations.get(self.node)
        if known is None:
            frame = self.place.frame
            known = FileLineColLoc(StringAttr(frame.file), IntAttr(frame.line), IntAttr(frame.column))
            self.code.locations[self.node] = known
        return known

    def evaluate(self, node: ast.expr) -> Value:
        before, self.node = self.node, node
        value = self.capture.evaluator.expression(self, node)
        self.node = before
        return value

    def execute(self, body: Sequence[ast.stmt]) -> Completion:
        return self.capture.evaluator.block(self, body)
