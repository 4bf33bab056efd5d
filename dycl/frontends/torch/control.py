"""How a stretch of code ends, and the scopes that it can leave."""

from dataclasses import dataclass
from typing import TypeAlias

from dycl.frontends.torch.values import Scalar, Value


@dataclass(eq=False)
class Scope:
    """What `return`, `break` or `continue` leaves: an inlined `function`, an unrolled `loop`, one `iteration` of it."""

    kind: str


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
