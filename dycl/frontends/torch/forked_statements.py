"""Statements that ask for what a container holds which has other contents on each path.

Such a statement is taken back, and executed for each of the contents on a branch of its own.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dycl.frontends.torch.attempts import Attempt
from dycl.frontends.torch.control import Completion
from dycl.frontends.torch.forks import fork_completion
from dycl.frontends.torch.journal import ContentsSlot
from dycl.frontends.torch.values import Choice, Forked, ForkWanted, ModelRaised, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


def has_forked(capture: "Capture") -> bool:
    return any(isinstance(contents, Forked) for _, contents in capture.abstract.values())


def execute(capture: "Capture", run: Callable[[], Completion]) -> Completion:
    """Execute a statement, on a branch for each of a container's contents where it asks for these."""
    start, clock = Attempt(capture), capture.journal.clock
    try:
        with _asking(capture):
            completion = run()
    except ForkWanted as wanted:
        start.discard()
        container, forked = wanted.container, wanted.forked
        if capture.birth(container) > clock:
            raise capture.unusable(container) from None

        def with_contents(contents: Value) -> Completion:
            slot = ContentsSlot(container, capture.abstract, capture.birth(container))
            capture.journal.write(slot, contents)
            return execute(capture, run)

        return fork_completion(capture, Choice(forked.index, forked.options), with_contents)
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
