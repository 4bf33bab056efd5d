"""What `try` and `with` do to the exits that cross them.

A guard is an open `try` or `with`. A `return`, `break` or `continue` inside it runs its `finally` first, where the exit
is written, as Python's own compiler arranges it. An exception that is raised on one side of a branch runs its handlers
right there: the handler is what the raising side goes on with, in the function that has the `try`, and the side then
leaves for the end of that statement.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dycl.frontends.torch.paths.control import Completion, Departed, Raised
from dycl.frontends.torch.paths.journal import Env

if TYPE_CHECKING:
    from dycl.frontends.torch.activation import Activation
    from dycl.frontends.torch.capture import Capture


@dataclass(eq=False)
class Guard:
    env: Env
    """The names where it was opened, and"""
    loops: int
    """how many loops were open there."""
    on_error: Callable[[Raised], Completion]
    """Handles an exception; returns one that it lets through."""
    on_exit: Callable[[], Completion] | None = None
    """What every other exit does first; one that does not end normally replaces the exit."""


def depart(activation: "Activation", completion: Completion, whole: bool) -> Completion:
    """Run what the guards want done before an exit: of all the function where `whole`, else of the present loop."""
    count = 0
    for guard in reversed(activation.guards):
        if not whole and guard.loops < len(activation.loops):
            break
        count += 1
    return _through(activation, count, lambda guard: guard.on_exit() if guard.on_exit else None) or completion


def _through(activation: "Activation", count: int, run: Callable[[Guard], Completion]) -> Completion:
    """Run the `count` innermost guards, each in the state of its own statement, until one ends in some way."""
    saved = activation.guards, activation.loops, activation.env, activation.node
    try:
        for index in range(count):
            guard = saved[0][-1 - index]
            activation.guards = saved[0][: len(saved[0]) - 1 - index]
            activation.loops, activation.env = saved[1][: guard.loops], guard.env
            completion = run(guard)
            if completion is not None:
                return completion
        return None
    finally:
        activation.guards, activation.loops, activation.env, activation.node = saved


def caught(capture: "Capture", completion: Completion) -> Completion:
    """Return how a side of a branch ends that ends in an exception: as its handlers do, where some `try` has one."""
    if not isinstance(completion, Raised):
        return completion
    if isinstance(completion.error, Departed):
        return completion.error.completion
    stack = list(capture.stack)
    raised = [completion]

    def handle(guard: Guard) -> Completion:
        ended = guard.on_error(raised[0])
        if not isinstance(ended, Raised):
            return ended
        raised[0] = ended
        return None

    try:
        while capture.stack:
            activation = capture.stack[-1]
            ended = _through(activation, len(activation.guards), handle)
            if ended is not None:
                return ended
            capture.stack.pop()
        return raised[0]
    finally:
        capture.stack[:] = stack


def has_exits(activation: "Activation") -> bool:
    """Whether a `return` has anything to run before it leaves."""
    return any(guard.on_exit is not None for guard in activation.guards)


def is_guarded(capture: "Capture") -> bool:
    """Whether some `try` or `with` is open that an exception raised here would meet."""
    return any(activation.guards for activation in capture.stack)
