"""Where a node of an exported graph comes from: the stack trace that torch keeps with it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import fx

from dycl.ir.locations import Frame, shown_name

_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+), in .*(?:\n(?!\s*File ")\s*(?P<code>.*))?', re.M)
_TORCH = str(Path(torch.__file__).parent)


@dataclass(frozen=True)
class Place:
    """A line of the user's program."""

    file: str
    line: int
    code: str

    @property
    def frame(self) -> Frame:
        return Frame(shown_name(self.file), self.line)

    def excerpt(self) -> str:
        return f"{self.line:>5} | {self.code}"


def target_of(node: fx.Node) -> object:
    """Return what a node calls: an operator's overload, a higher-order operator or a function."""
    return node.target


def places_of(node: fx.Node) -> tuple[Place, ...]:
    """Return the places of the user's program that lead to a node, innermost call first; none where torch kept none."""
    trace: object = node.meta.get("stack_trace")
    return tuple(reversed(list(_places(trace)))) if isinstance(trace, str) else ()


def _places(trace: str) -> Iterator[Place]:
    for found in _FRAME.finditer(trace):
        file = found["file"]
        # Generated code, and torch's own modules, which stand for the line that calls them.
        if file.startswith(("<", _TORCH)) or "/site-packages/torch/" in file:
            continue
        yield Place(file, int(found["line"]), (found["code"] or "").strip())
