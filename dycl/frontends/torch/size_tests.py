"""Tests of sizes in code that is not interpreted, as torch's layers make them before they compute anything.

Where such code raises if a test comes out one way, it goes the other way in the program, which checks that.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import sympy
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from dycl.frontends.torch.diagnostics import CaptureError
from dycl.frontends.torch.loops.attempts import Attempt
from dycl.frontends.torch.values import ModelRaised, Value
from dycl.ir.size_bounds import Expression

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

_MAX_TESTS = 8
"""Of one call."""

_RAISED = (IndexError, RuntimeError, TypeError, ValueError)
_NOT_OF_THE_PROGRAM = (CaptureError, GuardOnDataDependentSymNode, ModelRaised, NotImplementedError)


def run_tested(capture: "Capture", name: str, run: Callable[[], Value]) -> Value:
    """Run code that is not interpreted, with checks of the tests that it raises without."""
    block, clock = capture.builder.blocks[-1], capture.journal.clock
    before = block.last_op
    try:
        return run()
    except GuardOnDataDependentSymNode as error:
        if block.last_op is not before or capture.journal.clock != clock or not _check(capture, name, run, error.cond):
            raise
    for _ in range(_MAX_TESTS):
        try:
            return _given(capture, run)
        except GuardOnDataDependentSymNode as error:
            if not _check(capture, name, run, error.cond):
                raise
    return run()


def _check(capture: "Capture", name: str, run: Callable[[], Value], test: Expression) -> bool:
    """Emit the check of a test that the code raises without, if there is one that it does."""
    if not isinstance(test, sympy.Eq | sympy.Ne):
        return False
    symbols = capture.symbols
    for condition in (test, sympy.Not(test)):
        try:
            _given(capture, run, sympy.Not(condition), keep=False)
        except _NOT_OF_THE_PROGRAM:
            continue
        except _RAISED as error:
            symbols.check(condition, type(error), symbols.needed(condition, name))
            return True
    return False


def _given(capture: "Capture", run: Callable[[], Value], *facts: Expression, keep: bool = True) -> Value:
    """Run it where these conditions hold too; nothing of it stays where it raises, or where it is not kept."""
    attempt = Attempt(capture)
    try:
        with capture.symbols.shapes.where([*capture.symbols.known_facts(), *facts]):
            found = run()
    except BaseException:
        attempt.discard()
        raise
    if keep:
        attempt.keep()
    else:
        attempt.discard()
    return found
