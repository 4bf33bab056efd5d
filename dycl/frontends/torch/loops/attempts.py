"""Evaluation that can be taken back whole: what it has emitted, written and left open."""

from typing import TYPE_CHECKING

from xdsl.ir import Block

if TYPE_CHECKING:
    from dycl.frontends.torch.activation import Activation
    from dycl.frontends.torch.capture import Capture


class Attempt:
    """Opened where evaluation may have to return to; ended by `keep` or by `discard`."""

    def __init__(self, capture: "Capture") -> None:
        self._capture = capture
        self._block = Block()
        self._blocks = list(capture.builder.blocks)
        self._level = len(capture.journal.levels)
        self._pendings = len(capture.pendings)
        self._exits = len(capture.exits)
        self._loops = [(loop, len(loop.exits)) for loop in capture.open_loops]
        self._counters = set(capture.counters)
        self._stack = [_Saved(activation) for activation in capture.stack]
        self._attempts = capture.attempts
        capture.attempts += 1
        capture.enter(self._block)

    @property
    def has_exits(self) -> bool:
        """Whether a branch has left some scope, and the other side has gone on."""
        capture = self._capture
        return (
            len(capture.pendings) > self._pendings
            or len(capture.exits) > self._exits
            or any(len(loop.exits) > before for loop, before in self._loops)
        )

    def keep(self) -> None:
        """Make all of it part of what is around."""
        capture = self._capture
        capture.attempts -= 1
        capture.journal.fold(self._level)
        capture.builder.fold(self._block)

    def discard(self) -> None:
        capture = self._capture
        capture.attempts = self._attempts
        while len(capture.journal.levels) > self._level:
            capture.journal.rollback()
        capture.builder.blocks[:] = self._blocks
        del capture.pendings[self._pendings :]
        del capture.exits[self._exits :]
        capture.counters = self._counters
        del capture.open_loops[len(self._loops) :]
        for loop, before in self._loops:
            del loop.exits[before:]
        capture.stack[:] = [saved.restored() for saved in self._stack]


class _Saved:
    """An activation as it was."""

    def __init__(self, activation: "Activation") -> None:
        self._activation = activation
        self._fields = {**vars(activation)}
        self._loops, self._handling = list(activation.loops), list(activation.handling)

    def restored(self) -> "Activation":
        vars(self._activation).update(self._fields)
        self._activation.loops = self._loops
        self._activation.handling = self._handling
        return self._activation
