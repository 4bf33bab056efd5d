"""Which names a function may still read after one of its loops."""

import ast
from functools import cache

from dycl.frontends.torch.source import FunctionNode

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


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
