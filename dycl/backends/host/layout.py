"""Python statements as a tree, and their text."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from dycl.errors import DyclError

MAX_INDENT = 90
"""Python's tokenizer takes 100 levels."""

MAX_LOOPS = 19
"""Python takes 20 loops inside one another."""


@dataclass(frozen=True)
class Line:
    """A line; where it tests a decision, that one's index, and whether the line tests the opposite."""

    text: str
    decision: int | None = None
    negated: bool = False


@dataclass
class Arm:
    """`if TEST:` or `elif TEST:` with what it runs; `header` is the line without that first word."""

    comments: Sequence[Line]
    header: Line
    body: "Suite"


@dataclass
class Conditional:
    arms: list[Arm]
    otherwise: "Suite" = field(default_factory=list["Line | Conditional | Nested"])


@dataclass
class Nested:
    """A suite that is indented below the line before it."""

    body: "Suite"
    is_loop: bool = False


Suite: TypeAlias = "list[Line | Conditional | Nested]"


@dataclass
class Text:
    """Lines of a file, and the lines that test decisions."""

    lines: list[str] = field(default_factory=list[str])
    decisions: dict[int, tuple[int, bool]] = field(default_factory=dict[int, tuple[int, bool]])
    """By a decision's index: the number of its line, and whether that tests the opposite."""

    def add(self, suite: Suite, place: str, indent: int = 0, loops: int = 0) -> None:
        """Append statements of a function called `place`.

        Raises:
            DyclError: Python cannot nest so deep
        """
        if indent > MAX_INDENT or loops > MAX_LOOPS:
            raise DyclError(
                f"{place} nests {indent} levels deep with {loops} loops, more than Python takes "
                f"({MAX_INDENT} levels, {MAX_LOOPS} loops): turn nested ifs into early returns"
            )
        for node in suite:
            match node:
                case Line():
                    self.line(node, indent)
                case Nested(body, is_loop):
                    self.add(body or [Line("pass")], place, indent + 1, loops + is_loop)
                case Conditional(arms, otherwise):
                    word = "if"
                    for arm in arms:
                        for comment in arm.comments:
                            self.line(comment, indent)
                        header = arm.header
                        self.line(Line(f"{word} {header.text}:", header.decision, header.negated), indent)
                        self.add(arm.body or [Line("pass")], place, indent + 1, loops)
                        word = "elif"
                    if otherwise:
                        self.line(Line("else:"), indent)
                        self.add(otherwise, place, indent + 1, loops)

    def line(self, line: Line, indent: int = 0) -> None:
        self.lines.append("    " * indent + line.text if line.text else "")
        if line.decision is not None:
            self.decisions[line.decision] = len(self.lines), line.negated


def conditional(comments: Sequence[Line], header: Line, body: Suite, otherwise: Suite) -> Conditional:
    """Return `if TEST: body else: otherwise`; an `otherwise` that is but another such statement becomes `elif`."""
    arm = Arm(comments, header, body)
    if len(otherwise) == 1 and isinstance(inner := otherwise[0], Conditional):
        return Conditional([arm, *inner.arms], inner.otherwise)
    return Conditional([arm], otherwise)
