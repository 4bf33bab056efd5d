"""What `dycl-opt` prints to standard error while passes run."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xdsl.ir import Operation

    from dycl.passes.manager import OnPass, PassRun


def observers(*, print_all: bool, print_changed: bool, time: bool) -> "tuple[OnPass | None, Callable[[], None]]":
    """Return what to call after each run of a pass (None for nothing), and what to call at the end."""
    timings: list[tuple[str, float, float]] = []

    def observe(done: "PassRun") -> None:
        if print_all or (print_changed and done.changed):
            from dycl.ir.text import print_module

            print(f"{SEPARATOR} IR after {done.done} on {_title(done.op)} {SEPARATOR}", file=sys.stderr)
            sys.stderr.write(print_module(done.op))
        timings.append((str(done.done), done.seconds, done.verify_seconds))

    def report() -> None:
        if time:
            sys.stderr.write(timing_table(timings))

    return (observe if print_all or print_changed or time else None), report


SEPARATOR = "// ----- //"


def timing_table(timings: list[tuple[str, float, float]]) -> str:
    """Return a table of (pass, seconds in it, seconds in verifying after it), in order, runs of one pass added up."""
    rows: list[tuple[str, float, float]] = []
    for name, seconds, verifying in timings:
        if rows and rows[-1][0] == name:
            _, before, verifying_before = rows.pop()
            rows.append((name, before + seconds, verifying_before + verifying))
        else:
            rows.append((name, seconds, verifying))
    total = sum(seconds for _, seconds, _ in rows)
    verified = sum(verifying for _, _, verifying in rows)
    lines = ["  seconds  verifying  pass"]
    lines += [f"{seconds:9.4f}  {verifying:9.4f}  {name}" for name, seconds, verifying in rows]
    lines.append(f"{total:9.4f}  {verified:9.4f}  total")
    return "\n".join(lines) + "\n"


def _title(op: "Operation") -> str:
    from xdsl.dialects.builtin import StringAttr

    symbol = op.properties.get("sym_name")
    return f"{op.name} @{symbol.data}" if isinstance(symbol, StringAttr) else op.name
