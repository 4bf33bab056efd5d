"""The parts of a model as lines of text: what messages point at where the code that runs is torch's own.

A bare `nn.Sequential` has no source of the user's; its listing has a line for each of its parts.
"""

import ast

from torch import nn

from dycl.frontends.torch.syntax.source import Source


class Listing:
    """A model's listing, and the place of each part in it."""

    def __init__(self, module: nn.Module) -> None:
        lines: list[str] = []
        self._nodes: dict[int, ast.expr] = {}
        for path, part in module.named_modules():
            what = f"{type(part).__name__}({' '.join(part.extra_repr().split())})"
            lines.append(f"({path}): {what}" if path else what)
            node = ast.Constant(None)
            node.lineno = node.end_lineno = len(lines)
            node.col_offset, node.end_col_offset = 0, len(lines[-1].encode())
            self._nodes[id(part)] = node
        self.source = Source(f"<{type(module).__name__}>", tuple(lines), {})

    def node(self, part: nn.Module) -> ast.expr | None:
        return self._nodes.get(id(part))
