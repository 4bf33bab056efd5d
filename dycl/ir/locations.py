"""Where an op comes from in the user's program: file, line and the chain of calls that led there."""

from dataclasses import dataclass
from pathlib import Path

from xdsl.dialects.builtin import UNKNOWN_LOC, CallSiteLoc, FileLineColLoc, FusedLoc, IntAttr, LocationAttr, StringAttr
from xdsl.ir import Attribute, Operation


@dataclass(frozen=True)
class Frame:
    """A place in the user's source: lines and columns count from 1, column 0 where it is not known."""

    file: str
    line: int
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def shown_name(file: str) -> str:
    """Return a file's path relative to the current directory where it lies inside, else as it is."""
    try:
        return str(Path(file).resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return file


def location(frames: tuple[Frame, ...]) -> LocationAttr:
    """Return the location of `frames`, innermost call first."""
    if not frames:
        return UNKNOWN_LOC
    here, *callers = (FileLineColLoc(StringAttr(f.file), IntAttr(f.line), IntAttr(f.column)) for f in frames)
    if not callers:
        return here
    caller: LocationAttr = callers[-1]
    for frame in reversed(callers[:-1]):
        caller = CallSiteLoc(frame, caller)
    return CallSiteLoc(here, caller)


def frames(loc: Attribute) -> tuple[Frame, ...]:
    """Return the call chain of a location, innermost call first; of a fused location, that of its first part."""
    match loc:
        case FileLineColLoc():
            return (Frame(loc.filename.data, loc.line.data, loc.column.data),)
        case CallSiteLoc():
            return frames(loc.callee) + frames(loc.caller)
        case FusedLoc():
            parts = loc.locations
            return next((found for part in parts if (found := frames(part))), ())  # pyright: ignore
        case _:
            return ()


def describe(op: Operation) -> str:
    """Return `file:line` of the op's innermost frame, or `an unknown place`."""
    chain = frames(op.location)
    return str(chain[0]) if chain else "an unknown place"
