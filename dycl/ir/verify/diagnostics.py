"""How a faulty program is reported: what is wrong, the op on one line, its function, its place in the source."""

from io import StringIO

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Operation
from xdsl.printer import Printer

from dycl.errors import DyclError
from dycl.ir.locations import describe, frames

MAX_SHOWN = 160


class InvalidProgram(DyclError):
    """A program that is not well-formed, whether written so or made so by a pass."""

    def __init__(self, op: Operation, problem: str):
        self.op = op
        self.problem = problem
        symbol = enclosing_symbol(op)
        inside = f" in @{symbol}" if symbol else ""
        place = f" at {describe(op)}" if frames(op.location) else ""
        super().__init__(f"{problem}: `{one_line(op)}`{inside}{place}")


def enclosing_symbol(op: Operation) -> str | None:
    """Return the name of the function or kernel that is or holds the op."""
    holder: Operation | None = op
    while holder is not None:
        name = holder.properties.get("sym_name")
        if isinstance(name, StringAttr):
            return name.data
        holder = holder.parent_op()
    return None


def one_line(op: Operation) -> str:
    """Return the start of an op's text, at most a line; an op too broken to print gives its name."""
    stream = _OneLine()
    try:
        Printer(stream).print_op(op)
    except _Enough:
        pass
    except Exception:
        return op.name
    text, newline, _ = stream.getvalue().partition("\n")
    cut = bool(newline) or len(text) > MAX_SHOWN
    return f"{text[:MAX_SHOWN].rstrip(' {')} ..." if cut else text


class _Enough(Exception):
    pass


class _OneLine(StringIO):
    """Stops the printer after a line: an op's text may be the whole program's."""

    def write(self, text: str, /) -> int:
        count = super().write(text)
        if "\n" in text or self.tell() > MAX_SHOWN:
            raise _Enough
        return count
