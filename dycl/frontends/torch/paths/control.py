"""How a stretch of code ends, and the scopes that it can leave."""

import itertools
from dataclasses import dataclass, field
from typing import TypeAlias

from dycl.frontends.torch.values import ModelRaised, Scalar, Value

_numbers = itertools.count()


@dataclass(eq=False)
class Scope:
    """What can be left: an inlined `function`, an unrolled `loop`, one `iteration` of it, a `try`, a `value`."""

    kind: str
    number: int = field(default_factory=_numbers.__next__)
    """Of two open scopes, the one made later is inside the other."""


@dataclass(frozen=True)
class Leave:
    """Left for the end of `scope`; `value` is what a function returns."""

    scope: Scope
    value: Value = None


@dataclass(frozen=True)
class Left:
    """Has left the program's function: a `dycl.return` ends it."""


@dataclass(frozen=True)
class Raised:
    """Ends in an exception that the user's program raises."""

    error: Exception


@dataclass(frozen=True)
class Mixed:
    """Ends in one of several ways: in that of the first exit whose flag is true, else as `rest` says."""

    exits: "tuple[tuple[Scalar, Leave], ...]"
    rest: "Leave | None"


Completion: TypeAlias = Leave | Left | Raised | Mixed | None
"""None: goes on with what follows."""

LEFT = Left()


class Departed(ModelRaised):
    """Unwinds the evaluation of an expression that has left a scope outside it, as `completion` says."""

    def __init__(self, completion: Leave | Left) -> None:
        super().__init__(RuntimeError("an expression has left its function"))
        self.completion = completion
