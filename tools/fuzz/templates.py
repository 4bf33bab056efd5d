"""Templates of the grammar: their placeholders and weights, parsed once."""

import re
from dataclasses import dataclass
from functools import cache, cached_property

from tools.fuzz.tables import EXPRESSIONS, STATEMENTS

LITERALS = ("c", "k")
"""Kinds whose expressions are literals."""


@dataclass(frozen=True)
class Placeholder:
    """`$T`, `$!T` (a variable), `$=T` (one that may be assigned), `$+T` (a new one); of one label, the same text."""

    mode: str
    kind: str
    label: str


@dataclass(frozen=True)
class Template:
    """Texts around placeholders: `parts[0] + holes[0] + parts[1] + ...`."""

    weight: int
    parts: tuple[str, ...]
    holes: tuple[Placeholder, ...]
    names: frozenset[str]
    """The variables that the texts name: only where they are in scope can it be filled."""
    reads: frozenset[str]
    """The kinds of which it needs a variable,"""
    assigns: frozenset[str]
    """one that may be assigned."""

    @cached_property
    def is_leaf(self) -> bool:
        """Whether it holds no expressions but variables and literals."""
        return all(hole.mode or hole.kind in LITERALS for hole in self.holes)


_NAME = re.compile(r"\bself\.step\b|\bself\.h\b|\bself\.memory\b|\bself\b|(?<![.'])\bn\b(?=[\[. ])|\bB\b")
_NEEDED = {"self.step": "x", "self.h": "x", "self.memory": "x", "B": "self"}
"""What only the forward uses, or only methods, and a variable that they have."""
_HOLE = re.compile(r"\$([=+!]?)([A-Za-z]+)(?:'(\w))?(?!\w*')")


def parse_template(line: str) -> Template:
    """Read `WEIGHT TEXT`."""
    weight, _, text = line.strip().partition(" ")
    parts: list[str] = []
    holes: list[Placeholder] = []
    end = 0
    for match in _HOLE.finditer(text):
        parts.append(text[end : match.start()])
        holes.append(Placeholder(match[1], match[2], match[3] or ""))
        end = match.end()
    parts.append(text[end:])
    found: set[str] = {name for part in parts for name in _NAME.findall(part)}
    names = {_NEEDED.get(name, name) for name in found}
    reads = frozenset(hole.kind for hole in holes if hole.mode == "!")
    assigns = frozenset(hole.kind for hole in holes if hole.mode == "=")
    return Template(int(weight), tuple(parts), tuple(holes), frozenset(names), reads, assigns)


def _parse_table(table: str) -> tuple[Template, ...]:
    return tuple(parse_template(line) for line in table.strip().splitlines())


@cache
def expressions(kind: str) -> tuple[Template, ...]:
    return _parse_table(EXPRESSIONS[kind])


@cache
def statements() -> tuple[Template, ...]:
    return _parse_table(STATEMENTS)
