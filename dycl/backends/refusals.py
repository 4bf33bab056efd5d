"""What is said of a kernel that no backend takes: the op, its place in the source, each backend's reason, a way out."""

import ast
import tokenize
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from xdsl.ir import Operation

from dycl.errors import DyclError
from dycl.ir.locations import Frame, describe, frames
from dycl.ir.ops import AtenOp, KernelOp

FALLBACK = "reference"
"""The backend that takes every kernel."""


def refusal(kernel: KernelOp, reasons: Mapping[str, Sequence[str]]) -> DyclError:
    """Return the error for a kernel that no backend takes; `reasons` has each backend's, by its name."""
    op = next((op for op in kernel.body.block.ops if any(_is_about(op, found[0]) for found in reasons.values())), None)
    chain = frames(op.location) if op is not None else ()
    what = f"`{_name(op)}`" if op is not None else f"kernel @{kernel.symbol}"
    lines = [f"{chain[0]}: no backend takes {what}" if chain else f"no backend takes {what}"]
    if chain:
        lines += _excerpt(chain[0])
    for backend, found in reasons.items():
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        lines.append(f"  because {backend} does not take {_without_place(found[0], op)}{more}")
    if FALLBACK not in reasons:
        names = ",".join([*reasons, FALLBACK])
        lines.append(
            f"  instead: `--backend {names}` (in Python, backend={names!r}) runs what the others do not take on torch, "
            "slowly; the artifact then needs torch"
        )
    lines += [f"  called from {frame}" for frame in chain[1:6]]
    return DyclError("\n".join(lines))


def _without_place(reason: str, op: Operation | None) -> str:
    """Return a reason without what the message begins with."""
    if not isinstance(op, AtenOp):
        return reason
    return reason.replace(f"{op.overload.data} at {describe(op)}: ", "it: ")


def _name(op: Operation) -> str:
    return op.packet if isinstance(op, AtenOp) else op.name


def _is_about(op: Operation, reason: str) -> bool:
    """Whether a backend's reason names the op and its place, as each should."""
    name = op.overload.data if isinstance(op, AtenOp) else op.name
    place = describe(op)
    return name in reason and (place in reason or PurePath(place).name in reason)


def _excerpt(frame: Frame) -> list[str]:
    """Return the line of a place with carets under what is there, nothing where the file cannot be read."""
    try:
        with tokenize.open(frame.file) as file:
            lines = file.readlines()
    except (OSError, SyntaxError, UnicodeDecodeError):
        return []
    if not 0 < frame.line <= len(lines):
        return []
    line = lines[frame.line - 1].rstrip()
    start = max(frame.column - 1, 0)
    margin = f"{frame.line:>5} | "
    blank = "".join("\t" if c == "\t" else " " for c in line[:start])
    carets = "^" * max(1, _end(lines, frame.line, start) - start)
    return [f"{margin}{line}", f"{' ' * (len(margin) - 2)}| {blank}{carets}"]


def _end(lines: Sequence[str], line: int, start: int) -> int:
    """Return where the longest expression ends that starts at a place, or its line."""
    text = lines[line - 1]
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return start + 1
    offset = len(text[:start].encode())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.expr) and _starts(node, line, offset)]
    last, end = max(((node.end_lineno or 0, node.end_col_offset or 0) for node in found), default=(0, 0))
    return len(text.encode()[:end].decode(errors="replace")) if last == line else len(text.rstrip())


def _starts(node: ast.expr, line: int, offset: int) -> bool:
    return (node.lineno, node.col_offset) == (line, offset)
