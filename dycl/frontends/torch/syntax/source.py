"""The source of functions: files, their syntax trees, and the places in them."""

import ast
import linecache
from dataclasses import dataclass, field
from functools import cache
from types import CodeType, FunctionType
from typing import TypeAlias

from dycl.ir.locations import shown_name

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, eq=False)
class Source:
    """A file: its name as messages show it, its lines, and its functions by first line and name."""

    name: str
    lines: tuple[str, ...]
    functions: dict[tuple[int, str], list[FunctionNode]] = field(repr=False)

    def column(self, node: ast.expr | ast.stmt) -> int:
        """Return the column, from 1, of a node: `ast` counts bytes."""
        return len(self._line(node.lineno).encode()[: node.col_offset].decode(errors="replace")) + 1

    def excerpt(self, node: ast.expr | ast.stmt) -> str:
        """Return the node's first line with carets under the part of it that the node spans."""
        line = self._line(node.lineno)
        start = self.column(node) - 1
        end = len(line.rstrip())
        if node.end_lineno == node.lineno and node.end_col_offset is not None:
            end = len(line.encode()[: node.end_col_offset].decode(errors="replace"))
        margin = f"{node.lineno:>5} | "
        # Tabs are kept, so that the carets stand under their text.
        blank = "".join("\t" if c == "\t" else " " for c in line[:start])
        return f"{margin}{line.rstrip()}\n{' ' * (len(margin) - 2)}| {blank}{'^' * max(1, end - start)}"

    def _line(self, number: int) -> str:
        return self.lines[number - 1] if number <= len(self.lines) else ""


@cache
def _parsed(file: str, text: str) -> dict[tuple[int, str], list[FunctionNode]]:
    functions: dict[tuple[int, str], list[FunctionNode]] = {}
    for node in ast.walk(ast.parse(text, file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            functions.setdefault((first, node.name), []).append(node)
        elif isinstance(node, ast.Lambda):
            functions.setdefault((node.lineno, "<lambda>"), []).append(node)
    return functions


@cache
def _source(file: str, shown: str, text: str) -> Source:
    return Source(shown, tuple(text.splitlines()), _parsed(file, text))


def locate(function: FunctionType) -> tuple[Source, FunctionNode] | None:
    """Return a function's file and syntax tree, None where its source cannot be had."""
    code = function.__code__
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    if not text:
        return None
    try:
        source = _source(code.co_filename, shown_name(code.co_filename), text)
    except SyntaxError:
        return None
    found = source.functions.get((code.co_firstlineno, code.co_name), [])
    if len(found) > 1:
        found = [node for node in found if _covers(node, code)]
    return (source, min(found, key=_extent)) if found else None


def _covers(node: FunctionNode, code: CodeType) -> bool:
    """Whether every instruction of `code` comes from inside `node`; how two lambdas of one line are told apart."""
    start, end = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
    return all(
        start <= (line, column) and (end_line, end_column) <= end
        for line, end_line, column, end_column in code.co_positions()
        if line is not None and end_line is not None and column is not None and end_column is not None and end_column
    )


def _extent(node: FunctionNode) -> tuple[int, int]:
    return ((node.end_lineno or 0) - node.lineno, (node.end_col_offset or 0) - node.col_offset)
