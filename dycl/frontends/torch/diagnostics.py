"""What capture refuses, and how it says so."""

import ast
import inspect
import warnings
from dataclasses import dataclass

from dycl.errors import DyclError, ProgramWarning
from dycl.frontends.refusal import Refusal
from dycl.frontends.torch.syntax.source import Source
from dycl.ir.locations import Frame

__all__ = ["CaptureError", "Place", "Refusal", "warn"]

_PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True)
class Place:
    """A node of the user's program."""

    source: Source
    node: ast.expr | ast.stmt

    @property
    def frame(self) -> Frame:
        return Frame(self.source.name, self.node.lineno, self.source.column(self.node))


class CaptureError(DyclError):
    """A program that cannot be taken: what, where, why, and what to write instead.

    `calls` are the places, innermost first, from which the function of `place` was called.
    """

    def __init__(
        self, message: str, place: Place | None, reason: str = "", advice: str = "", calls: tuple[Place, ...] = ()
    ) -> None:
        self.message = message
        self.place = place
        self.reason = reason
        self.advice = advice
        lines = [f"{place.frame}: {message}" if place else message]
        if place is not None:
            lines.append(place.source.excerpt(place.node))
        if reason:
            lines.append(f"  because {reason}")
        if advice:
            lines.append(f"  instead: {advice}")
        shown = calls if len(calls) <= 6 else (*calls[:3], None, *calls[-2:])
        lines += [f"  called from {call.frame}" if call else "  ..." for call in shown]
        super().__init__("\n".join(lines))


def warn(text: str) -> None:
    """Warn of something in the user's program; Python names the line that called dycl."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == _PACKAGE:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, ProgramWarning, stacklevel=level)
