"""What a loop, a comprehension or an unpacking runs over: always Python objects, whose number is known."""

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import nn

from dycl.frontends.torch.heap import sizes_of
from dycl.frontends.torch.journal import AttributeSlot
from dycl.frontends.torch.values import Choice, Symbolic, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.activation import Activation
    from dycl.frontends.torch.capture import Capture


def iterate(activation: "Activation", node: ast.expr) -> Iterator[Value]:
    value = activation.evaluate(node)
    activation.node = node
    return elements(activation.capture, value)


def elements(capture: "Capture", value: Value) -> Iterator[Value]:
    """Return the elements of a value; those of a list follow changes to it, as Python's iterators do."""
    capture.usable(value)
    if isinstance(value, torch.Tensor):
        if value.dim() == 0:
            raise capture.raised(TypeError("iteration over a 0-d tensor"))
        if sizes_of(value)[0] is None:
            raise capture.error(
                "a loop over a tensor whose length is known only at run time",
                "only loops over Python values are taken",
                "work on the whole tensor at once",
            )
        return iter(capture.torch_call(torch.unbind, value, 0))
    if isinstance(value, Choice):
        raise capture.error("a loop over an object chosen at run time")
    if isinstance(value, Symbolic):
        raise capture.raised(TypeError(f"{value.describe()} is not iterable"))
    if isinstance(value, nn.Module) or not isinstance(value, Iterable):
        method = capture.method(value, "__iter__")
        if method is not None:
            return elements(capture, capture.evaluator.call(capture, method, [], {}))
    if isinstance(value, list):
        return _live(value)
    if isinstance(value, Iterator) and not isinstance(value, Cursor) and len(capture.journal.levels) > 1:
        raise capture.error(
            "an iterator used on one side of a branch that depends on a tensor",
            "how far it has come would depend on the path",
            "make a list of it before the branch",
        )
    return _native(capture, value)


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
