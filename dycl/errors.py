"""Errors that are the user's to mend, and those that the user's program raises itself."""

import builtins
import re
from functools import cache


class DyclError(Exception):
    """A failure that names the thing, its place and the way out: exit code 1 on the command line."""


class UsageError(DyclError):
    """A request that cannot be carried out as given (arguments, signature, pipeline): exit code 2."""


class ProgramWarning(UserWarning):
    """Something of the user's program that compiling it leaves out, with its place."""


def headed(error: Exception, text: str) -> str:
    """Return what the program's own assertion says where its source raises `error`: its class, and `text`.

    A class that is none of Python's is followed by those of Python's that it is derived from: `Unsure(ValueError)`.
    """
    cls = type(error)
    native = [base for base in cls.__mro__ if getattr(builtins, base.__name__, None) is base]
    bases = [base for base in native if not any(other is not base and issubclass(other, base) for other in native)]
    name = cls.__name__ if cls in bases else f"{cls.__name__}({', '.join(base.__name__ for base in bases)})"
    return f"{name}: {text}" if text else name


_HEAD = re.compile(r"(?P<name>[^\W\d]\w*)(?:\((?P<bases>\w+(?:, \w+)*)\))?(?=: | \(|$)")
"""How the text of an assertion begins that stands for an exception."""


def source_error(text: str) -> AssertionError:
    """Return what a compiled program raises where its source raises `text`, which begins with the exception's class.

    It is an AssertionError, and one of that class too where Python has it: `except IndexError` takes what eager
    execution raises as an IndexError. For a class of the source's own it is one of that name, and of the classes of
    Python's that it is derived from.
    """
    head = _HEAD.match(text)
    if head is None:
        return AssertionError(text)
    name, bases = head["name"], head["bases"]
    if bases is None:
        return AssertionError(text) if _python_class(name) is None else _class_of(f"Source{name}", (name,))(text)
    error = _class_of(name, tuple(bases.split(", ")))(name + text[head.end() :])
    error.source = text
    return error


def _python_class(name: str) -> type[Exception] | None:
    """Return the class of Python's that an AssertionError is to be one of too."""
    kind = getattr(builtins, name, None)
    if not isinstance(kind, type) or not issubclass(kind, Exception) or issubclass(kind, ExceptionGroup):
        return None
    return None if issubclass(AssertionError, kind) else kind


@cache
def _class_of(name: str, bases: tuple[str, ...]) -> "type[_SourceError]":
    kinds = [kind for kind in map(_python_class, bases) if kind is not None]
    try:
        return type(name, (_SourceError, *kinds), {"__module__": __name__})
    except TypeError:  # Its objects hold what those of AssertionError have no room for.
        return type(name, (_SourceError,), {"__module__": __name__})


class _SourceError(AssertionError):
    source = ""
    """What it was made of, where that is not its text."""

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[object, ...]:
        return source_error, (self.source or str(self),)


def an(noun: str) -> str:
    """Return a type's name as a message has it: `an int`, `a list`, `an f32`, `a u8`."""
    is_element = noun[1:].isdigit() and noun[:1] in "fiu"
    starts_as_vowel = noun[:1] in "fi" if is_element else noun[:1].lower() in "aeio" or noun[:2].lower() in ("nd", "un")
    return f"an {noun}" if starts_as_vowel else f"a {noun}"
