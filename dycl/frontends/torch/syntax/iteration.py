"""What a loop, a comprehension or an unpacking runs over."""

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import nn

from dycl.frontends.torch.loops.sequences import RunTimeSequence
from dycl.frontends.torch.objects.arrays import Array
from dycl.frontends.torch.objects.grown_lists import rows
from dycl.frontends.torch.paths.grown import grown_of
from dycl.frontends.torch.paths.journal import AttributeSlot
from dycl.frontends.torch.syntax.subscripts import choose, chosen, read_item
from dycl.frontends.torch.tensors.heap import sizes_of
from dycl.frontends.torch.values import Choice, Scalar, Symbolic, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.activation import Activation
    from dycl.frontends.torch.capture import Capture


def iterate(activation: "Activation", node: ast.expr) -> Iterator[Value]:
    value = activation.evaluate(node)
    activation.node = node
    return elements(activation.capture, value)


def sequence_of(capture: "Capture", value: Value) -> RunTimeSequence | range | None:
    """Return what a loop runs over where that is counted: known numbers, or items whose number only the run tells."""
    if isinstance(value, RunTimeSequence | range):
        return value
    grown = grown_of(capture, value)
    if grown is not None:
        return rows(capture, grown)
    if isinstance(value, torch.Tensor) and value.dim() and sizes_of(value)[0] is None:
        count = capture.torch_call(torch.Tensor.size, value, 0)
        return RunTimeSequence(0, count, 1, lambda index: read_item(capture, value, index))
    return None


def counted(capture: "Capture", value: Value) -> RunTimeSequence:
    """Return the items of a value by their number from 0."""
    sequence = sequence_of(capture, value)
    if isinstance(sequence, RunTimeSequence):
        return sequence
    items = list(elements(capture, value))
    return RunTimeSequence(0, len(items), 1, lambda index: choose(capture, items, index))


def elements(capture: "Capture", value: Value) -> Iterator[Value]:
    """Return the elements of a value; those of a list follow changes to it, as Python's iterators do."""
    if grown_of(capture, value) is not None:
        raise _unknown_length(capture, "the items of a list that a loop has made longer")
    capture.usable(value)
    if isinstance(value, torch.Tensor):
        if value.dim() == 0:
            raise capture.raised(TypeError("iteration over a 0-d tensor"))
        if sizes_of(value)[0] is None:
            raise _unknown_length(capture, "the rows of a tensor whose length is known only at run time")
        return iter(capture.torch_call(torch.unbind, value, 0))
    if isinstance(value, Choice):
        return iter(_chosen_items(capture, value))
    if isinstance(value, RunTimeSequence):
        raise _unknown_length(capture, value.describe())
    if isinstance(value, Array) and value.ndim:
        return iter(list(value))
    if isinstance(value, Scalar):
        raise capture.raised(TypeError(f"{value.describe()} is not iterable"))
    if isinstance(value, Symbolic):
        raise _unknown_length(capture, value.describe())
    if isinstance(value, nn.Module) or not isinstance(value, Iterable):
        method = capture.method(value, "__iter__")
        if method is not None:
            return elements(capture, capture.evaluator.call(capture, method, [], {}))
    if isinstance(value, list):
        return _live(value)
    if (
        isinstance(value, Iterator)
        and not isinstance(value, Cursor)
        and len(capture.journal.levels) > 1 + capture.attempts
    ):
        raise capture.error(
            "an iterator used on one side of a branch that depends on a tensor",
            "how far it has come would depend on the path",
            "make a list of it before the branch",
        )
    return _native(capture, value)


def _unknown_length(capture: "Capture", what: str) -> Exception:
    return capture.error(
        f"{what}, as a known number of values",
        "how many there are is known only at run time",
        "loop over it with a `for` statement, or work on the whole tensor at once",
    )


def _chosen_items(capture: "Capture", choice: Choice) -> list[Value]:
    """Return the items of a tuple or list chosen at run time, each chosen alike."""
    if not all(isinstance(option, tuple | list) and capture.is_plain(option) for option in choice.options):
        raise capture.wanted(choice)
    if any(len(option) != len(choice.options[0]) for option in choice.options):
        raise capture.wanted(choice)
    return [chosen(capture, choice.index, items) for items in zip(*choice.options, strict=True)]


class Cursor:
    """An iterator whose position a branch can take back; what it has run over is kept."""

    def __init__(self, capture: "Capture", source: Iterator[Value]) -> None:
        self._journal = capture.journal
        self._birth = capture.journal.tick()
        self._source = source
        self._seen: list[Value] = []
        self.position = 0

    def __iter__(self) -> "Cursor":
        return self

    def __next__(self) -> Value:
        if self.position == len(self._seen):
            self._seen.append(next(self._source))
        self._journal.write(AttributeSlot(self, "position", self._birth), self.position + 1)
        return self._seen[self.position - 1]


def _live(values: list[Value]) -> Iterator[Value]:
    index = 0
    while index < len(values):
        yield values[index]
        index += 1


def _native(capture: "Capture", value: Value) -> Iterator[Value]:
    iterator = capture.native(iter, value)
    end = object()
    while (item := capture.native(next, iterator, end)) is not end:
        yield item
