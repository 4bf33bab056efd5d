"""Sequences whose length is known only at run time: what a loop that stays one runs over."""

import ast
import operator as operator_functions
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dycl.frontends.torch.objects import scalars
from dycl.frontends.torch.values import Scalar, Symbolic, Value
from dycl.ir.ops import DimOp

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

_FAR = 2**62


@dataclass(eq=False)
class RunTimeSequence(Symbolic):
    """The items that `item` gives for the values of `range(start, stop, step)`."""

    start: Value
    stop: Value
    step: Value
    item: Callable[[Value], Value]

    def describe(self) -> str:
        return "a sequence whose length is known only at run time"

    def __hash__(self) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]: identity
        return id(self)

    @property
    def is_known(self) -> bool:
        """Whether the number of items is known."""
        return not any(isinstance(value, Scalar) for value in (self.start, self.stop, self.step))

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The least and the largest value that `item` is given, where they are known or of one sign."""
        if _is(self.step, 1) and isinstance(self.start, int):
            return (self.start, self.stop - 1 if isinstance(self.stop, int) else _FAR)
        if _is(self.step, -1) and isinstance(self.stop, int):
            return (self.stop + 1, self.start if isinstance(self.start, int) else _FAR)
        return None

    def length(self, capture: "Capture") -> Value:
        def minus(a: Value, b: Value) -> Value:
            return a if _is(b, 0) else binary(capture, ast.Sub, a, b)

        span, step = minus(self.stop, self.start), self.step
        if not _is(step, 1):
            if not isinstance(step, int):
                raise capture.error("the length of a range whose step is known only at run time")
            span = minus(self.start, self.stop) if step < 0 else span
            span = binary(capture, ast.FloorDiv, binary(capture, ast.Add, span, abs(step) - 1), abs(step))
        if isinstance(span, int):
            return max(0, span)
        positive = scalars.compare(capture, ast.Gt, span, 0)
        return (
            span
            if self.start == 0 and span is self.stop and _is_size(self)
            else scalars.select(capture, positive, span, 0)
        )

    def from_zero(self, capture: "Capture") -> "RunTimeSequence":
        """Return the same items, by their number from 0."""
        if _is(self.start, 0) and _is(self.step, 1):
            return self

        def item(index: Value) -> Value:
            offset = binary(capture, ast.Mult, index, self.step)
            return self.item(binary(capture, ast.Add, self.start, offset))

        return RunTimeSequence(0, self.length(capture), 1, item)


def _is(value: Value, number: int) -> bool:
    return isinstance(value, int) and value == number


def _is_size(sequence: RunTimeSequence) -> bool:
    return isinstance(sequence.stop, Scalar) and isinstance(sequence.stop.ssa.owner, DimOp)


def binary(capture: "Capture", operator: type[ast.operator], left: Value, right: Value) -> Value:
    """Return `left operator right` of two ints, known or not."""
    if isinstance(left, Scalar) or isinstance(right, Scalar):
        return scalars.binary(capture, operator, left, right)
    return _KNOWN[operator](left, right)


_KNOWN: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator_functions.add,
    ast.FloorDiv: operator_functions.floordiv,
    ast.Mult: operator_functions.mul,
    ast.Sub: operator_functions.sub,
}


def enumerated(capture: "Capture", sequence: RunTimeSequence, start: Value) -> RunTimeSequence:
    base = sequence.from_zero(capture)
    return RunTimeSequence(0, base.stop, 1, lambda index: (binary(capture, ast.Add, index, start), base.item(index)))


def zipped(capture: "Capture", sequences: Sequence[RunTimeSequence]) -> RunTimeSequence:
    """Return tuples of items, as many as the shortest sequence has."""
    bases = [sequence.from_zero(capture) for sequence in sequences]
    stop = bases[0].stop
    for base in bases[1:]:
        if isinstance(stop, int) and isinstance(base.stop, int):
            stop = min(stop, base.stop)
        elif stop is not base.stop:
            stop = scalars.select(capture, scalars.compare(capture, ast.Lt, base.stop, stop), base.stop, stop)
    return RunTimeSequence(0, stop, 1, lambda index: tuple(base.item(index) for base in bases))


def backwards(capture: "Capture", sequence: RunTimeSequence) -> RunTimeSequence:
    base = sequence.from_zero(capture)
    last = binary(capture, ast.Sub, base.stop, 1)
    return RunTimeSequence(0, base.stop, 1, lambda index: base.item(binary(capture, ast.Sub, last, index)))
