"""Programs as text."""

from io import StringIO

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.parser import Parser
from xdsl.printer import Printer

from dycl.ir.dialect import context


def print_module(op: Operation, locations: bool = False) -> str:
    """Return the text of an op and a final newline; with `locations`, each op carries its place in the source."""
    stream = StringIO()
    Printer(stream, print_debuginfo=locations).print_op(op)
    return stream.getvalue() + "\n"


def parse_module(text: str, name: str = "<input>") -> ModuleOp:
    """Parse a module.

    Raises:
        xdsl.utils.exceptions.ParseError: the text is not a module of the dialects that a program may use
    """
    return Parser(context(), text, name).parse_module()
