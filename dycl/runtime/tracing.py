"""The host program as code: as it is, or with a hook at each of its decisions."""

import ast
import linecache
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import CodeType
from typing import Any, TypeAlias

from dycl.runtime.artifact import Artifact, ArtifactError
from dycl.runtime.host import Frame, Sites
from dycl.runtime.manifest import Branch

Decide: TypeAlias = Callable[[int, "bool | int"], "bool | int"]
"""Takes a branch's index and the choice that the program would make; returns the one to make."""

_HOOK = "decide"
"""The name that traced code gives the hook; the host writer leaves it free."""


@dataclass(frozen=True)
class HostCode:
    """What a host program defines."""

    prepare: Callable[[Frame, Sites], None]
    main: Callable[..., Any]


def host_code(artifact: Artifact) -> HostCode:
    """Return the host program of an artifact.

    Raises:
        ArtifactError: it is not one
    """
    return _execute(artifact, _compile(artifact, artifact.host_source), {})


def traced_host_code(artifact: Artifact, decide: Decide) -> HostCode:
    """Return the host program with `decide` asked at each of its branches.

    Raises:
        ArtifactError: the program has no branch where the manifest says that one is
    """
    tree = ast.parse(artifact.host_source, artifact.host_file)
    _hook(tree, artifact.manifest.branches)
    return _execute(artifact, _compile(artifact, ast.fix_missing_locations(tree)), {_HOOK: decide})


def _compile(artifact: Artifact, source: str | ast.Module) -> CodeType:
    try:
        # Assertions of the source program hold whatever Python's -O says.
        return compile(source, artifact.host_file, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, RecursionError) as error:
        raise ArtifactError(f"{artifact.host_file} is not a host program: {error}") from error


def _execute(artifact: Artifact, code: CodeType, names: dict[str, Any]) -> HostCode:
    namespace: dict[str, Any] = {"__name__": "dycl_host", "__file__": artifact.host_file, **names}
    source = artifact.host_source
    linecache.cache[artifact.host_file] = (len(source), None, source.splitlines(True), artifact.host_file)
    exec(code, namespace)
    prepare, main = namespace.get("prepare"), namespace.get("main")
    if prepare is None or main is None:
        raise ArtifactError(f"{artifact.host_file} is not a host program: it defines no prepare or no main")
    return HostCode(prepare, _guarded(main) if "prepare_level" in namespace else main)


def _guarded(main: Callable[..., Any]) -> Callable[..., Any]:
    """Return a recursive program's `main` that says what to do where Python's limit on recursion is reached."""

    def run(*arguments: Any) -> Any:
        try:
            return main(*arguments)
        except RecursionError:
            limit = sys.getrecursionlimit()
            raise RecursionError(
                f"the program calls itself more often than Python's limit of {limit} calls allows: its input asks for "
                "a deeper recursion, or one without end; sys.setrecursionlimit raises the limit"
            ) from None

    return run


def _hook(tree: ast.Module, branches: Iterable[Branch]) -> None:
    """Wrap the tests of the branches, which are found by their lines."""
    expected = {branch.line: (index, branch) for index, branch in enumerate(branches)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.If | ast.While | ast.Match) or node.lineno not in expected:
            continue
        index, branch = expected.pop(node.lineno)
        if isinstance(node, ast.Match):
            node.subject = _asked(index, node.subject)
        elif branch.negated and isinstance(node.test, ast.UnaryOp):
            node.test.operand = _asked(index, node.test.operand)
        else:
            node.test = _asked(index, node.test)
    for line, (_, branch) in expected.items():
        raise ArtifactError(f"{line} of the host program is not the {branch.kind} of {branch.source or 'the manifest'}")


def _asked(index: int, value: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Call(ast.Name(_HOOK, ast.Load()), [ast.Constant(index), value], []), value)
