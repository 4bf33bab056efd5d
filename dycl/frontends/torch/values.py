"""What a Python name can hold during capture.

Python objects are themselves. Tensors are FakeTensors, whose SSA values the heap knows. The classes here stand for
what is known only when the program runs, or cannot be known at all; none of them may reach code that is not
interpreted, so every way in which Python asks an object for its value raises `Escape`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from xdsl.dialects.builtin import f64, i1, i64
from xdsl.ir import Attribute, SSAValue

from dycl.errors import an
from dycl.frontends.torch.diagnostics import Place

Value: TypeAlias = Any
"""Any Python value of the user's program."""

Kind: TypeAlias = type[bool] | type[int] | type[float]

SCALAR_TYPE: dict[Kind, Attribute] = {bool: i1, int: i64, float: f64}
KIND: dict[Attribute, Kind] = {type: kind for kind, type in SCALAR_TYPE.items()}


class Escape(Exception):
    """A value known only at run time reached code that needs it during capture."""


class Symbolic:
    """Base of the stand-ins."""

    def escape(self, wanted: str) -> NoReturn:
        raise Escape(f"{self.describe()} cannot become {wanted} while the program is compiled")

    def describe(self) -> str:
        return "a value known only at run time"

    def __bool__(self) -> NoReturn:
        self.escape("a truth value")

    def __int__(self) -> NoReturn:
        self.escape("an int")

    def __float__(self) -> NoReturn:
        self.escape("a float")

    def __index__(self) -> NoReturn:
        self.escape("an index")

    def __len__(self) -> NoReturn:
        self.escape("a length")

    def __iter__(self) -> NoReturn:
        self.escape("an iterator")

    def __str__(self) -> NoReturn:
        self.escape("text")

    def __repr__(self) -> NoReturn:
        self.escape("text")

    def __format__(self, spec: str) -> NoReturn:
        self.escape("text")

    def __hash__(self) -> NoReturn:
        self.escape("a key")

    def __eq__(self, other: object) -> NoReturn:
        self.escape("part of a comparison")


class Scalar(Symbolic):
    """A Python bool, int or float known only at run time; `bounds` are those of an int, both included."""

    __slots__ = ("bounds", "ssa")

    def __init__(self, ssa: SSAValue, bounds: tuple[int, int] | None = None) -> None:
        self.ssa = ssa
        self.bounds = bounds

    @property
    def kind(self) -> Kind:
        return KIND[self.ssa.type]

    def describe(self) -> str:
        return f"{an(self.kind.__name__)} known only at run time"


class Poison(Symbolic):
    """What two paths left in one place and no value can stand for: an error only where it is used."""

    __slots__ = ("advice", "because", "reason")

    def __init__(
        self,
        reason: str,
        because: str = "no one value can stand for it after the branch",
        advice: str = "make the paths agree before it",
    ) -> None:
        self.reason = reason
        self.because = because
        self.advice = advice

    def describe(self) -> str:
        return self.reason


def unknown_text() -> Poison:
    """Return what stands for text made from a value known only at run time."""
    return Poison(
        "text made from a value known only at run time",
        "a compiled program makes no text",
        "return the value itself, and make the text from it outside the model",
    )


class Guarded(Symbolic):
    """The content of a name or attribute that only some paths set: `value` where the bool `flag` holds."""

    __slots__ = ("flag", "label", "value")

    def __init__(self, flag: Scalar, value: "Value", label: str) -> None:
        self.flag = flag
        self.value = value
        self.label = label

    def describe(self) -> str:
        return f"`{self.label}`, which only some paths set,"


class Choice(Symbolic):
    """One of several Python objects, chosen at run time: `options[i]` where `index` is i, or 0/1 for false/true."""

    __slots__ = ("index", "options")

    def __init__(self, index: Scalar, options: Sequence[Value]) -> None:
        self.index = index
        self.options = tuple(options)

    def describe(self) -> str:
        return f"one of {len(self.options)} objects chosen at run time"


class Forked(Choice):
    """What a list, dict or set holds that has other items on each path: one of several contents."""

    def describe(self) -> str:
        return f"{an(type(self.options[0]).__name__)} whose length or keys depend on the path"


class ForkWanted(BaseException):
    """A statement asks which of several objects one is, and is to be executed for each of them; so for the contents
    of a `container`.

    Nothing in between may take it for an error of the program.
    """

    def __init__(self, choice: Choice, container: Value = None) -> None:
        super().__init__()
        self.choice = choice
        self.container = container


@dataclass(frozen=True, eq=False)
class Unbound:
    """The content of a name or attribute that does not exist."""


UNBOUND = Unbound()


@dataclass(frozen=True)
class Absent:
    """The value of a path that never asks for it."""


ABSENT = Absent()


class ModelRaised(Exception):
    """The user's program raised `error`, at `place`, called from `calls`."""

    def __init__(self, error: Exception) -> None:
        super().__init__(type(error).__name__)
        self.error = error
        self.place: Place | None = None
        self.calls: tuple[Place, ...] = ()
        self.is_of_option = False
        """Whether it was raised for one of several objects, chosen at run time."""


def holds(value: Value, test: Callable[[Value], bool]) -> bool:
    """Whether `test` holds for `value` or, in nested lists, tuples, dicts and slices, for something in it."""
    pending, seen = [value], set[int]()
    while pending:
        item = pending.pop()
        if test(item):
            return True
        if isinstance(item, list | tuple | set | frozenset | dict):
            if id(item) in seen:
                continue
            seen.add(id(item))
            pending.extend(item.values() if isinstance(item, dict) else item)
        elif isinstance(item, slice):
            pending.extend((item.start, item.stop, item.step))
    return False


def is_symbolic(value: Value) -> bool:
    return isinstance(value, Symbolic)


def is_number(value: Value) -> bool:
    """Whether the value is a Python bool, int or float, known or not."""
    return isinstance(value, bool | int | float | Scalar)


def kind_of(value: Value) -> Kind:
    """Return the kind of a number."""
    if isinstance(value, Scalar):
        return value.kind
    return bool if isinstance(value, bool) else int if isinstance(value, int) else float
