"""Statements that ask which object it is that a path has left, or what it has left in a container.

Such a statement is taken back, and executed for each of the objects, or contents, on a branch of its own.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dycl.frontends.torch.loops.attempts import Attempt
from dycl.frontends.torch.paths.control import Completion
from dycl.frontends.torch.paths.forks import fork_completion
from dycl.frontends.torch.paths.journal import ContentsSlot
from dycl.frontends.torch.values import Choice, Forked, ForkWanted, ModelRaised, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


MAX_FORKED_STATEMENTS = 96
"""How many times that is done in one program: each may do it again for what it leaves."""


def may_ask(capture: "Capture") -> bool:
    """Whether there is something of which statements may ask that."""
    return capture.has_choices or any(isinstance(contents, Forked) for _, contents in capture.abstract.values())


def execute(capture: "Capture", run: Callable[[], Completion]) -> Completion:
    """Execute a statement, on a branch for each of a container's contents where it asks for these."""
    start, clock = Attempt(capture), capture.journal.clock
    try:
        with _asking(capture):
            completion = run()
    except ForkWanted as wanted:
        start.discard()
        choice, container = wanted.choice, wanted.container
        capture.forked_statements += 1
        if capture.forked_statements > MAX_FORKED_STATEMENTS:
            raise capture.unusable(choice) from None
        if capture.birth(container) > clock or not capture.builder.is_visible(choice.index.ssa):
            raise capture.unusable(choice) from None

        def with_option(option: Value) -> Completion:
            if isinstance(choice, Forked):
                slot = ContentsSlot(container, capture.abstract, capture.birth(container))
                capture.journal.write(slot, option)
            return execute(capture, run)

        return fork_completion(capture, Choice(choice.index, choice.options), with_option)
    except ModelRaised:
        start.keep()
        raise
    start.keep()
    return completion


@contextmanager
def _asking(capture: "Capture") -> Generator[None]:
    capture.may_fork += 1
    try:
        yield
    finally:
        capture.may_fork -= 1
