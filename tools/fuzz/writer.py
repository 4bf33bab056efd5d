"""Writes a random program line by line: what is in scope, and the templates filled from it."""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from tools.fuzz.templates import Placeholder, Template, expressions, statements

if TYPE_CHECKING:
    from collections.abc import Generator

MAX_EXPRESSION_DEPTH = 3
CONSTANTS = ("-1.0", "-0.5", "-0.2", "0.15", "0.3", "0.5", "0.8", "1.2", "1.7", "2.5")


@dataclass
class Scope:
    """The variables of a place, by name, each with its kind."""

    kinds: dict[str, str]
    frozen: frozenset[str] = frozenset()
    """Those that must not be assigned: counters that end loops, names of an enclosing function."""
    returns: str = "result"
    """The kind of what the function returns."""
    in_loop: bool = False
    in_function: bool = False
    is_static: bool = True
    """Whether the place is reached on every path."""

    def inner(self, **changes: object) -> "Scope":
        return replace(self, kinds=dict(self.kinds), **changes)


@dataclass
class Writer:
    """The text so far, what may still be written, and where."""

    random: random.Random
    scope: Scope
    budget: int
    compounds: Mapping["Compound", int]
    """What writes compound statements, each with its weight."""
    lines: list[str] = field(default_factory=list[str])
    indent: int = 0
    count: int = 0

    def emit(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix.lower()}{self.count}"

    def declare(self, kind: str, name: str = "") -> str:
        """Put a new variable in scope; it can be read from the next statement on."""
        name = name or self.fresh(kind)
        self.scope.kinds[name] = kind
        return name

    def variables(self, kind: str, assignable: bool = False) -> list[str]:
        return [
            name
            for name, known in self.scope.kinds.items()
            if known == kind and not (assignable and name in self.scope.frozen)
        ]

    def expression(self, kind: str, depth: int = 0) -> str:
        """Return an expression of a kind."""
        match kind:
            case "c":
                return self.random.choice(CONSTANTS)
            case "k":
                return str(self.random.randint(0, 3))
            case _:
                leaf = depth >= MAX_EXPRESSION_DEPTH
                return self.fill(self.choose(expressions(kind), leaf=leaf), depth + 1)

    def choose(self, templates: Sequence[Template], leaf: bool = False) -> Template:
        """Return one of the templates that can be filled here."""
        kinds = self.scope.kinds
        known = set(kinds.values())
        open_kinds = {kind for name, kind in kinds.items() if name not in self.scope.frozen}
        possible = [
            each
            for each in templates
            if each.reads <= known and each.assigns <= open_kinds and all(name in kinds for name in each.names)
        ]
        possible = [each for each in possible if leaf and each.is_leaf] or possible
        return self.random.choices(possible, [each.weight for each in possible])[0]

    def simple_statement(self) -> None:
        template = self.choose(statements())
        self.emit(self.fill(template, 0))

    def fill(self, template: Template, depth: int) -> str:
        """Return a template's text; the variables that it makes are declared behind it."""
        known: dict[tuple[str, str], str] = {}
        made: list[tuple[str, str]] = []
        text = template.parts[0]
        for hole, part in zip(template.holes, template.parts[1:], strict=True):
            key = (hole.kind, hole.label)
            found = known.get(key) if hole.label else None
            if found is None:
                found = known[key] = self._filled(hole, depth, made)
            text += found + part
        for name, kind in made:
            if depth == 0:
                self.declare(kind, name)
        return text

    def _filled(self, hole: Placeholder, depth: int, made: list[tuple[str, str]]) -> str:
        match hole.mode:
            case "+":
                made.append((self.fresh(hole.kind), hole.kind))
                return made[-1][0]
            case "!" | "=":
                names = self.variables(hole.kind, assignable=hole.mode == "=")
                # Late variables are the ones that the code around works on.
                return self.random.choice(names if self.chance(0.4) else names[-3:])
            case _:
                return self.expression(hole.kind, depth)

    @contextmanager
    def within(self, scope: Scope) -> "Generator[None]":
        """Write what follows one level further in, in its own scope."""
        outer = self.scope
        self.scope = scope
        self.indent += 1
        try:
            yield
        finally:
            self.indent -= 1
            self.scope = outer


Compound: TypeAlias = Callable[[Writer], bool]
"""Writes a statement that holds others; returns whether control never goes on behind it."""
