"""Makes a program smaller while something stays true of it: delta debugging over its syntax tree.

Statements are removed first, in runs and one by one; compound statements give way to what they hold; then expressions
give way to their parts or to constants. All of it is repeated until nothing is left that can go.
"""

import ast
import copy
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence

Edit = Callable[[], Callable[[], None]]
"""Changes the tree, and returns what takes the change back."""

MAX_TRIALS = 500


def shrink(source: str, holds: Callable[[str], bool], executed: Collection[int] = (), trials: int = MAX_TRIALS) -> str:
    """Return a small program of which `holds` is true, as it is of `source`.

    Args:
        source: of a program
        holds: asked of smaller ones
        executed: lines; what is on no other is tried first
        trials: how often `holds` is asked at most
    """
    asked = _Trials(holds, trials)
    tree = ast.parse(source)
    asked.known.add(ast.unparse(tree) + "\n")
    reached = _keep_reached(ast.parse(source), executed)
    if executed and asked.good(reached):
        tree = reached
    return _shrunk(tree, asked)


def _keep_reached(tree: ast.Module, lines: Collection[int]) -> ast.Module:
    """Remove the statements inside functions that are on none of the lines."""
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        if function.name == "__init__":
            continue
        for node in list(ast.walk(function)):
            for name in ("body", "orelse", "finalbody"):
                found = getattr(node, name, None)
                if isinstance(found, list):
                    kept = [each for each in found if isinstance(each, ast.Nonlocal | ast.Pass) or each.lineno in lines]
                    setattr(node, name, kept or ([ast.Pass()] if name == "body" else []))
    return tree


def _shrunk(tree: ast.Module, trials: "_Trials") -> str:
    while trials.left > 0:
        before = ast.unparse(tree)
        for edits in (_statement_edits, _compound_edits, _expression_edits):
            _apply(tree, edits, trials)
        if ast.unparse(tree) == before:
            break
    return ast.unparse(tree) + "\n"


class _Trials:
    """Asks about each text once; one that was asked about before is no progress."""

    def __init__(self, holds: Callable[[str], bool], left: int) -> None:
        self.holds = holds
        self.left = left
        self.known: set[str] = set()

    def good(self, tree: ast.Module) -> bool:
        text = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
        if text in self.known or self.left <= 0:
            return False
        self.known.add(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            try:
                compile(text, "<program>", "exec")
            except (SyntaxError, ValueError):
                return False
        self.left -= 1
        return self.holds(text)


def _apply(tree: ast.Module, edits: Callable[[ast.Module], Iterator[Edit]], trials: _Trials) -> None:
    """Keep each edit after which the property holds; the rest of the edits is found anew in the tree that it leaves."""
    skip = 0
    while True:
        for number, edit in enumerate(edits(tree)):
            if number < skip:
                continue
            undo = edit()
            try:
                kept = trials.good(tree)
            except Exception:
                undo()
                raise
            if kept:
                skip = number
                break
            undo()
            if trials.left <= 0:
                return
        else:
            return


def _bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            found = getattr(node, name, None)
            if isinstance(found, list) and found:
                yield found
    # The largest part of the program is looked at first.


def _statement_edits(tree: ast.Module) -> Iterator[Edit]:
    """Runs of statements that go, long ones first."""
    bodies = sorted(_bodies(tree), key=len, reverse=True)
    for size in (8, 4, 2, 1):
        for body in bodies:
            for start in reversed(range(0, len(body) - size + 1, max(1, size // 2))):
                yield _spliced(body, start, start + size, ())


def _spliced(body: list[ast.stmt], start: int, end: int, by: Sequence[ast.stmt]) -> Edit:
    def edit() -> Callable[[], None]:
        old = list(body)
        new = [*old[:start], *by, *old[end:]]
        body[:] = new or [ast.Pass()]

        def undo() -> None:
            body[:] = old

        return undo

    return edit


def _compound_edits(tree: ast.Module) -> Iterator[Edit]:
    """Compound statements that give way to one of their blocks, and blocks of theirs that go."""
    for body in list(_bodies(tree)):
        for index, node in enumerate(body):
            blocks = [found for name in ("body", "orelse", "finalbody") if (found := getattr(node, name, None))]
            blocks += [handler.body for handler in getattr(node, "handlers", ())]
            blocks += [case.body for case in getattr(node, "cases", ())]
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                continue
            for block in blocks:
                yield _spliced(body, index, index + 1, block)
            for name in ("orelse", "finalbody", "handlers", "cases"):
                if getattr(node, name, None):
                    yield _set(node, name, [])
            if isinstance(node, ast.For):
                assign = ast.Assign(
                    [node.target], ast.Call(ast.Name("next"), [ast.Call(ast.Name("iter"), [node.iter], [])], [])
                )
                yield _spliced(body, index, index + 1, [assign, *node.body])
            if isinstance(node, ast.AugAssign):
                target = copy.deepcopy(node.target)
                value = copy.deepcopy(node.target)
                target.ctx, value.ctx = ast.Store(), ast.Load()  # pyright: ignore
                yield _spliced(body, index, index + 1, [ast.Assign([target], ast.BinOp(value, node.op, node.value))])
            if isinstance(node, ast.While) and not isinstance(node.test, ast.Constant):
                yield _spliced(body, index, index + 1, [ast.If(node.test, node.body, node.orelse)])


def _set(node: ast.AST, name: str, value: object) -> Edit:
    def edit() -> Callable[[], None]:
        old = getattr(node, name)
        setattr(node, name, value)

        def undo() -> None:
            setattr(node, name, old)

        return undo

    return edit


def _expression_edits(tree: ast.Module) -> Iterator[Edit]:
    """Expressions that give way to their parts or to constants; items and arguments that go."""
    for node in list(ast.walk(tree)):
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr) and not (isinstance(node, ast.Call) and name == "func"):
                if isinstance(getattr(value, "ctx", None), ast.Store | ast.Del):
                    yield from _target_edits(node, name, value)
                    continue
                for other in _smaller(value):
                    yield _set(node, name, other)
            elif isinstance(value, list):
                for index, item in enumerate(value):
                    if isinstance(item, ast.expr | ast.keyword | ast.comprehension | ast.arg):
                        yield _set(node, name, [*value[:index], *value[index + 1 :]])
                    if isinstance(item, ast.expr) and isinstance(getattr(item, "ctx", ast.Load()), ast.Load):
                        for other in _smaller(item):
                            yield _set(node, name, [*value[:index], other, *value[index + 1 :]])


def _target_edits(node: ast.AST, name: str, value: ast.expr) -> Iterator[Edit]:
    """An item or part that is written gives way to its owner."""
    if isinstance(value, ast.Subscript | ast.Attribute) and isinstance(value.value, ast.Name):
        yield _set(node, name, ast.Name(value.value.id, ast.Store()))


def _smaller(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Name | ast.Constant):
        if isinstance(node, ast.Name) and node.id not in ("x", "self", "torch"):
            yield ast.Name("x", ast.Load())
        if isinstance(node, ast.Constant) and node.value not in (0, 1, True, False, None):
            yield ast.Constant(1)
        if not isinstance(node, ast.Constant):
            yield ast.Constant(1)
        return
    yield ast.Name("x", ast.Load())
    yield ast.Constant(1)
    if not isinstance(node, ast.Compare | ast.BoolOp):
        yield ast.Constant(None)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr) and isinstance(getattr(child, "ctx", ast.Load()), ast.Load):
            yield child
    if isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp):
        yield ast.Constant(True)
        yield ast.Constant(False)
    if isinstance(node, ast.BoolOp) and len(node.values) > 2:
        for index in range(len(node.values)):
            yield ast.BoolOp(node.op, [*node.values[:index], *node.values[index + 1 :]])
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        yield ast.Compare(node.left, node.ops[:1], node.comparators[:1])
