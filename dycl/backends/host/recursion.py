"""Which functions of a program may be at work more than once at a time.

A function's buffers serve one call. A function that calls itself, maybe through others, has calls that are not done
when the next begins, so each level of the recursion has buffers and calls of its own: `k.deeper` is the next level's
`k`. The functions that such a function calls have theirs on its level.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from dycl.ir.call_graph import calls, circles, reachable

DEEPER = "k.deeper"
"""In the host program, the next level."""


@dataclass(frozen=True)
class Levels:
    """Where the functions of a program have their buffers and calls."""

    circles: Mapping[str, int]
    """By function that may call itself, the number of its circle."""
    on_levels: Collection[str]
    """The functions that each level has: the recursive ones, and all that they may call. The others are there once."""

    def between(self, caller: str, callee: str) -> str:
        """Return, as Python, the `k` that `caller` hands to `callee`."""
        if callee not in self.on_levels:
            return "k"
        same_circle = callee in self.circles and self.circles[callee] == self.circles.get(caller)
        return DEEPER if same_circle or caller not in self.on_levels else "k"


def levels(functions: Sequence[FuncOp]) -> Levels:
    """Return the levels of a program with these functions."""
    graph = calls(functions)
    found = circles(graph)
    return Levels(found, reachable(found, graph))
