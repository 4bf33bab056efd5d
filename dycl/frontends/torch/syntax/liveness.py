"""Which names a function may still read: after one of its loops, or from a place in it on."""

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from dycl.frontends.torch.paths.journal import Env, Slot, VariableSlot
from dycl.frontends.torch.syntax.source import FunctionNode

if TYPE_CHECKING:
    from dycl.frontends.torch.activation import Activation

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_BY_NAME = frozenset(["locals", "vars", "dir", "eval", "exec"])
"""Builtins that read names which the text does not show."""


@cache
def names_after(function: FunctionNode, loop: ast.stmt) -> frozenset[str]:
    """Return the names that code outside a loop's test and body reads, or that a function defined inside it reads."""
    assert isinstance(loop, ast.For | ast.While)
    names: set[str] = set()
    pending: list[tuple[ast.AST, bool]] = [(child, False) for child in ast.iter_child_nodes(function)]
    while pending:
        node, inside = pending.pop()
        if isinstance(node, ast.Name) and not inside and not isinstance(node.ctx, ast.Store):
            names.add(node.id)
        if isinstance(node, ast.Nonlocal | ast.Global):
            names.update(node.names)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and not inside:
            names.add(node.target.id)
        if node is loop:
            pending.extend((child, True) for child in ast.iter_child_nodes(node) if child not in loop.orelse)
            pending.extend((child, False) for child in loop.orelse)
        else:
            inside = inside and not isinstance(node, _DEFINITIONS)
            pending.extend((child, inside) for child in ast.iter_child_nodes(node))
    return frozenset(names)


def is_dead(stack: Sequence["Activation"], slot: Slot) -> bool:
    """Whether a slot is a name that nothing reads any more, from where the activations on the stack are now on."""
    if not isinstance(slot, VariableSlot) or slot.env.escapes:
        return False
    if slot.env.has_ended:
        return True
    here = next((activation for activation in reversed(stack) if _names_of(activation) is slot.env), None)
    if here is None:
        return False
    reads = _reads(here.code.node)
    place = reads.places.get(here.node)
    return place is not None and reads.last.get(slot.name, -1) < place


def _names_of(activation: "Activation") -> Env:
    env = activation.env
    while env.is_comprehension and env.parent is not None:
        env = env.parent
    return env


@dataclass(frozen=True)
class _Reads:
    """Where a function's names are read; a place is the number of a statement, in the order of the text."""

    places: Mapping[ast.AST, int]
    """Those of the function's statements and of the expressions in them."""
    last: Mapping[str, float]
    """The last place from which a name is read: the end of a loop for what is read in it."""


@cache
def _reads(function: FunctionNode) -> _Reads:
    places: dict[ast.AST, int] = {}
    last: dict[str, float] = {}

    def read(name: str, place: float) -> None:
        last[name] = max(place, last.get(name, -1))

    def visit(node: ast.AST, place: int, until: float) -> None:
        """`place` is that of the statement around, `until` the last place that follows a loop around, or -1."""
        if isinstance(node, ast.stmt):
            place = count_of_statements[0]
            count_of_statements[0] += 1
        places[node] = place
        if isinstance(node, ast.For | ast.While) and until < 0:
            until = place + sum(isinstance(inner, ast.stmt) for inner in ast.walk(node))
        if isinstance(node, _DEFINITIONS | ast.ClassDef):
            until = math.inf
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
            read(node.id, max(place, until))
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            read(node.target.id, max(place, until))
        if isinstance(node, ast.Nonlocal | ast.Global):
            for name in node.names:
                read(name, math.inf)
        for child in ast.iter_child_nodes(node):
            visit(child, place, until)

    count_of_statements = [0]
    if isinstance(function, ast.Lambda):
        return _Reads({}, {})
    for statement in function.body:
        visit(statement, 0, -1)
    if not _BY_NAME.isdisjoint(last):
        return _Reads({}, {})
    return _Reads(places, last)
