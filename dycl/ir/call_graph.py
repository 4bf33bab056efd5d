"""Which functions of a program call which."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from xdsl.dialects.func import CallOp, FuncOp

Calls: TypeAlias = Mapping[str, Sequence[str]]
"""By function, those that it calls, each once."""


def calls(functions: Iterable[FuncOp]) -> Calls:
    """Return the call graph of functions."""
    return {
        f.sym_name.data: list(dict.fromkeys(op.callee.string_value() for op in f.walk() if isinstance(op, CallOp)))
        for f in functions
    }


def circles(graph: Calls) -> Mapping[str, int]:
    """Return, by function that may call itself, the number of its circle: the functions that it may call, and that may
    call it."""
    return {
        name: number
        for number, component in enumerate(_components(graph))
        for name in component
        if len(component) > 1 or name in graph[name]
    }


def reachable(roots: Iterable[str], graph: Calls) -> set[str]:
    """Return the roots, and all functions that they may call."""
    found = set(roots)
    pending = list(found)
    while pending:
        for callee in graph.get(pending.pop(), ()):
            if callee not in found:
                found.add(callee)
                pending.append(callee)
    return found


def _components(graph: Calls) -> list[list[str]]:
    """Return the strongly connected components (Tarjan, SIAM J. Computing 1972), without recursion."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []
    for start in graph:
        path: list[tuple[str, Iterator[str]]] = [(start, iter(graph[start]))] if start not in order else []
        while path:
            name, following = path[-1]
            if name not in order:
                order[name] = low[name] = len(order)
                stack.append(name)
            callee = next(following, None)
            if callee is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[name])
                if low[name] == order[name]:
                    place = stack.index(name)
                    found.append(stack[place:])
                    del stack[place:]
            elif callee not in order:
                path.append((callee, iter(graph.get(callee, ()))))
            elif callee in stack:
                low[name] = min(low[name], order[callee])
    return found
