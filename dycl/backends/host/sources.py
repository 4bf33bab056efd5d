"""The line of the user's source that an op comes from, for comments."""

import linecache
import os
from functools import cache
from pathlib import Path

from xdsl.ir import Operation

from dycl.ir.locations import Frame, frames


def place(op: Operation) -> Frame | None:
    """Return the innermost place in the user's own source: not in a package that it uses."""
    chain = frames(op.location)
    return next((frame for frame in chain if not _is_installed(frame.file)), chain[0] if chain else None)


def shown(frame: Frame) -> str:
    """Return `file:line`, the file relative to the working directory where it is below it."""
    return f"{_shown_file(frame.file)}:{frame.line}"


def comment(op: Operation) -> str | None:
    """Return the op's source line as a comment, `# file:line: text`, without the text where the file is not there."""
    frame = place(op)
    if frame is None:
        return None
    text = linecache.getline(frame.file, frame.line).strip()
    return f"# {shown(frame)}: {text}" if text else f"# {shown(frame)}"


@cache
def _is_installed(file: str) -> bool:
    return bool({"site-packages", "dist-packages"}.intersection(Path(file).parts))


def _shown_file(file: str) -> str:
    path = Path(file)
    if not path.is_absolute():
        return file
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else path.name
