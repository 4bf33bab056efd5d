"""`contextlib.ExitStack`: managers that are entered one by one, and left together in reverse order."""

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from dycl.frontends.torch.paths.control import Completion, Raised
from dycl.frontends.torch.syntax.managers import Exit, OwnManager, completed, entered
from dycl.frontends.torch.values import Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


class ExitStack(OwnManager):
    """Stands for one; its methods are called as they are."""

    def __init__(self, capture: "Capture") -> None:
        self._capture = capture
        self._exits: list[Exit] = []
        capture.born(self._exits)

    def enter_context(self, manager: Value) -> Value:
        found = entered(self._capture, manager)
        if found.exit is not None:
            self._push(found.exit)
        return found.value

    def callback(self, function: Value, *args: Value, **kwargs: Value) -> Value:
        def exit(raised: Raised | None) -> Completion:
            return completed(lambda: self._capture.evaluator.call(self._capture, function, args, kwargs)) or raised

        self._push(exit)
        return function

    def push(self, exit: Value) -> Value:
        raise self._refused("push")

    def pop_all(self) -> Value:
        raise self._refused("pop_all")

    def _refused(self, name: str) -> Exception:
        return self._capture.error(
            f"`.{name}()` of an ExitStack", advice="use `.enter_context()`, `.callback()` and `.close()`"
        )

    def close(self) -> None:
        ended = self.leave(None)
        if isinstance(ended, Raised):
            raise ended.error
        if ended is not None:
            raise self._capture.error("an exit of an ExitStack that leaves the function")

    def leave(self, raised: Raised | None) -> Completion:
        if id(self._exits) in self._capture.abstract:
            raise self._capture.error(
                "an ExitStack that one path alone has entered a manager in",
                "what it does at its end is not known while the program is compiled",
                "enter it before the branch, or use a `with` in it",
            )
        exits = self._exits
        now = raised
        while exits:
            self._capture.mutate(exits)
            ended = exits.pop()(now)
            if ended is not None and not isinstance(ended, Raised):
                return ended
            now = ended
        return now

    def _push(self, exit: Exit) -> None:
        self._capture.mutate(self._exits)
        self._exits.append(exit)


def _make(capture: "Capture") -> ExitStack:
    return ExitStack(capture)


EXIT_STACKS: dict[Value, Callable[..., Value]] = {contextlib.ExitStack: _make}
