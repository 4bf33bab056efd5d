"""Programs as text."""

from io import StringIO

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import ParseError, VerifyException

from dycl.errors import DyclError
from dycl.ir.dialect import context


class InvalidText(DyclError):
    """Text that is not a program; the message shows the place in it."""


class _Parser(Parser):
    """Reads what xDSL's printer writes of a string that is not ASCII, which xDSL's parser takes for bytes."""

    def parse_optional_str_literal(self) -> str | None:
        text = super().parse_optional_str_literal()
        if text is None and (encoded := self.parse_optional_bytes_literal()) is not None:
            return encoded.decode(errors="replace")
        return text


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
    return _Parser(context(), text, name).parse_module()


def read_module(text: str, name: str = "<input>") -> ModuleOp:
    """Parse a module that a user gave; `name` is what errors call the text.

    Raises:
        InvalidText: the text is not a module of the dialects that a program may use
    """
    try:
        return parse_module(text, name)
    except ParseError as error:
        raise InvalidText(str(error).strip()) from error
    except VerifyException as error:
        raise InvalidText(f"{name}: {error}") from error
    except RecursionError as error:
        raise InvalidText(f"{name}: regions are nested too deeply") from error
    except Exception as error:
        # xDSL asserts, or raises what Python raises, on some malformed text.
        raise InvalidText(f"{name}: not a program ({type(error).__name__}: {error})") from error
