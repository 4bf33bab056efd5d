"""The table of Python and PyTorch constructs that capture takes and refuses, from the tests that show it.

Run as `python -m tools.python_support > docs/python.md`. A test that checks a program against eager execution is a row
of what is taken; one that checks a refusal is a row of what is not, with the words that the refusal is tested for.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests" / "frontend"
TOPICS = (
    "test_python",
    "test_branches",
    "test_paths",
    "test_exits",
    "test_loops",
    "test_recursion",
    "test_tries",
    "test_generators",
    "test_matches",
    "test_managers",
    "test_containers_by_path",
    "test_objects_by_path",
    "test_objects",
    "test_classes",
    "test_scalars",
    "test_mathematics",
    "test_library",
    "test_sizes",
    "test_data_dependent_sizes",
    "test_writes",
    "test_names",
    "test_state",
    "test_results",
    "test_left_out",
    "test_refusals",
)
INTRODUCTION = """# What of Python and PyTorch is taken

<!-- Written by `python -m tools.python_support > docs/python.md` from the tests in tests/frontend. -->

The forward of a module is interpreted: Python over Python objects is evaluated while the program is compiled, Python
over tensors becomes part of the compiled program. Each row is a test in the file that its section names, where its code
is to be read: *loops over tensors* is `test_loops_over_tensors`. Programs that are taken are compared with eager
execution on inputs that take different paths; programs that are refused get an error with the line, a caret under the
expression, the reason and a way out.
"""


@dataclass(frozen=True)
class Row:
    construct: str
    refusals: tuple[str, ...]
    """The patterns of the messages that the test expects."""
    takes: bool
    """Whether it also checks a program that is taken."""


def rows(path: Path) -> Iterator[Row]:
    """Yield a row for each test of a file that captures a program."""
    tree = ast.parse(path.read_text())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            calls = [call for call in ast.walk(node) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)]
            names = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
            refusals = tuple(text for call in calls if (text := _message(call)) is not None)
            if refusals or names & {"check", "capture", "compare", "agree"} or any("check" in name for name in names):
                yield Row(_words(node.name), refusals, "check" in names or not refusals)


def _message(call: ast.Call) -> str | None:
    """Return the words that a call of `refuse` expects of the error."""
    if not isinstance(call.func, ast.Name) or call.func.id != "refuse":
        return None
    text = next((part.value for part in call.args[2:3] if isinstance(part, ast.Constant)), None)
    return re.sub(r"\\(.)", r"\1", text) if isinstance(text, str) else None


def _words(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def as_markdown() -> str:
    parts = [INTRODUCTION]
    for topic in TOPICS:
        path = TESTS / f"{topic}.py"
        found = list(rows(path))
        if not found:
            continue
        title, _, rest = (ast.get_docstring(ast.parse(path.read_text())) or topic).splitlines()[0].partition(": ")
        parts.append(f"\n## {title.rstrip('.')}\n")
        file = f"[tests/frontend/{path.name}](../tests/frontend/{path.name})"
        parts.append(f"\n{rest[0].upper()}{rest[1:]} {file}\n" if rest else f"\n{file}\n")
        parts.append("\n| construct | |\n|---|---|\n")
        for row in found:
            refused = "; ".join(f"*{text}*" for text in dict.fromkeys(row.refusals)).replace("|", "\\|")
            verdict = "taken" if not refused else f"taken; refused at its edge: {refused}" if row.takes else refused
            parts.append(f"| {row.construct} | {verdict if row.takes else f'refused: {refused}'} |\n")
    return "".join(parts)


if __name__ == "__main__":
    print(as_markdown(), end="")
