"""Imports run one way: cli → compiler → (frontends, passes, backends) → program → ir, and backends → runtime."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "dycl"

SHARED = {"errors", "files", "runtime.elementary", "runtime.signature", "runtime.structure"}
"""Leaves that every part may import."""

MAY_IMPORT = {
    "ir": {"ir"},
    "program": {"ir"},
    "passes": {"passes", "program", "ir"},
    "frontends": {"frontends", "program", "ir"},
    "backends": {"backends", "program", "ir", "runtime"},
    "runtime": {"runtime"},
    "timing": set(),
    "verification": {"verification", "program", "ir", "runtime"},
    "compiled": {"backends", "program", "ir", "runtime"},
    "compiler": {"compiled", "frontends", "passes", "backends", "program", "ir", "runtime"},
    "cli": {
        "cli",
        "compiler",
        "compiled",
        "timing",
        "verification",
        "frontends",
        "passes",
        "backends",
        "program",
        "ir",
        "runtime",
        "",
    },
    "errors": set(),
    "files": {"errors"},
    "": {"compiler", "compiled", "program", "runtime", "errors"},
}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(path: Path) -> Iterator[str]:
    """Yield the dycl modules that a file imports, anywhere in it, without the leading `dycl.`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [node.module or ""]
        else:
            continue
        for name in names:
            if name == "dycl" or name.startswith("dycl."):
                yield name.removeprefix("dycl").removeprefix(".")


@pytest.mark.parametrize(("name", "path"), list(modules()))
def test_a_module_imports_only_what_lies_below_it(name: str, path: Path) -> None:
    allowed = MAY_IMPORT[name.partition(".")[0]]
    for imported in imports(path):
        part = imported.partition(".")[0]
        assert part in allowed or imported in SHARED or imported == "errors", f"dycl.{name} imports dycl.{imported}"


@pytest.mark.parametrize(("one", "other"), [("torch", "exported"), ("exported", "torch")])
def test_a_frontend_knows_no_other(one: str, other: str) -> None:
    for path in (ROOT / "frontends" / one).rglob("*.py"):
        assert not [name for name in imports(path) if name.startswith(f"frontends.{other}")], path


def loaded(statement: str) -> set[str]:
    """Return the top-level modules that a statement loads into a fresh interpreter."""
    code = f"import sys; {statement}; print(' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_dycl_imports_no_compiler_and_no_engine() -> None:
    assert not loaded("import dycl") & {"torch", "xdsl", "onnx", "onnxruntime", "lark"}


def test_the_runtime_imports_neither_torch_nor_a_compiler() -> None:
    assert not loaded("import dycl.runtime.model") & {"torch", "xdsl", "onnx", "onnxscript", "lark", "rich"}


def test_the_ir_and_the_passes_import_no_torch() -> None:
    assert "torch" not in loaded("import dycl.ir.text, dycl.program, dycl.ir.verify, dycl.passes.pipeline")
