"""Errors that are the user's to mend, and those that the user's program raises itself."""

import builtins
from functools import cache


class DyclError(Exception):
    """A failure that names the thing, its place and the way out: exit code 1 on the command line."""


class UsageError(DyclError):
    """A request that cannot be carried out as given (arguments, signature, pipeline): exit code 2."""


class ProgramWarning(UserWarning):
    """Something of the user's program that compiling it leaves out, with its place."""


def source_error(text: str) -> AssertionError:
    """Return what a compiled program raises where its source raises `text`, which begins with the exception's class.

    It is an AssertionError, and one of that class too where Python has it: `except IndexError` takes what eager
    execution raises as an IndexError.
    """
    name, _, _ = text.partition(":")
    return _class_of(name.partition(" ")[0])(text)


@cache
def _class_of(name: str) -> type[AssertionError]:
    kind = getattr(builtins, name, None)
    if not isinstance(kind, type) or not issubclass(kind, Exception) or issubclass(kind, ExceptionGroup):
        return AssertionError
    if issubclass(AssertionError, kind):
        return AssertionError
    try:
        return type(f"Source{name}", (_SourceError, kind), {"__module__": __name__})
    except TypeError:  # Its objects hold what those of AssertionError have no room for.
        return AssertionError


class _SourceError(AssertionError):
    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[object, ...]:
        return source_error, (str(self),)


def an(noun: str) -> str:
    """Return a type's name as a message has it: `an int`, `a list`, `an f32`, `a u8`."""
    is_element = noun[1:].isdigit() and noun[:1] in "fiu"
    starts_as_vowel = noun[:1] in "fi" if is_element else noun[:1].lower() in "aeio" or noun[:2].lower() in ("nd", "un")
    return f"an {noun}" if starts_as_vowel else f"a {noun}"
