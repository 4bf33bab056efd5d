"""The `dycl` command: what it prints, its exit codes, and that nothing is left behind where it fails."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dycl.cli.main import main
from dycl.runtime.artifact import read_artifact, write_artifact

SIGNATURE = "x: f32[1, 4]"

MODEL = """\
import torch
from torch import nn


class Exits(nn.Module):
    def __init__(self, threshold: float = 0.0):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 2)
        self.threshold = threshold
        self.eval()

    def forward(self, x):
        x = torch.relu(self.first(x))
        if x.sum() - 1.0 > self.threshold:
            return x, 0
        return self.second(x), 1


class NeedsArguments(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return self.linear(x)


class Numpy(nn.Module):
    def forward(self, x):
        y = x * 2
        return y.numpy()


class Raises(nn.Module):
    def forward(self, x):
        raise ValueError("no such mood")


class Recursive(nn.Module):
    def forward(self, x):
        async def later():
            return x
        return x


class Breaks(nn.Module):
    def __init__(self):
        super().__init__()
        raise RuntimeError("out of ideas")


not_a_model = 3
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "model.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def artifact(here: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["compile", "model.py:Exits", "--input", SIGNATURE, "-o", "exits.dycl"]) == 0
    capsys.readouterr()
    return here / "exits.dycl"


def test_compile_reports_what_it_made(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "model.py:Exits", "--input", SIGNATURE, "-o", "exits.dycl", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["branches"], figures["loops"], figures["launches"]) == (1, 0, 2)
    assert figures["kernels"] == 2
    assert figures["engines"] == {"onnxruntime": 2}
    assert figures["bytes"] > 0
    assert {"import", "passes", "kernels", "host"} <= set(figures["stages"])
    assert sorted(path.name for path in here.iterdir() if path.name != "__pycache__") == ["exits.dycl", "model.py"]


def test_verify_covers_both_sides_and_exits_with_0(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(artifact), "--samples", "20", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["samples"], figures["inconsistent"], figures["ok"]) == (20, 0, True)
    assert figures["sides"] == figures["sides_covered"] == 2
    assert figures["max_abs_error"] <= 1e-5


def test_verify_against_other_weights_exits_with_1(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = MODEL.replace("manual_seed(0)", "manual_seed(1)")
    (artifact.parent / "other.py").write_text(other)
    assert main(["verify", str(artifact), "--against", "other.py:Exits", "--samples", "5"]) == 1
    assert "other weights" in capsys.readouterr().err


def test_verify_against_another_program_says_so(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["verify", str(artifact), "--kwargs", '{"threshold": 2.0}', "--samples", "5"]
    assert main(arguments) == 1
    assert "compiled from another program" in capsys.readouterr().err


def test_bench_prints_the_ratio(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", str(artifact), "--samples", "2", "--rounds", "2", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["threads"] == 1
    assert figures["ratio_min"] <= figures["ratio"] <= figures["ratio_max"]
    assert figures["eager_ms"] > 0
    assert figures["dycl_ms"] > 0


def test_run_reads_and_writes_arrays(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("x.npy", np.full((1, 4), 9, np.float32))
    assert main(["run", str(artifact), "--input", "x.npy", "-o", "y.npz"]) == 0
    with np.load("y.npz") as saved:
        assert sorted(saved) == ["output.0", "output.1"]
    assert main(["run", str(artifact), "--input", "x=x.npy", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"output.0", "output.1"}


def test_import_prints_ir_that_optimises_from_a_pipe(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    from dycl.cli.opt import main as opt

    assert main(["import", "model.py:Exits", "--input", SIGNATURE]) == 0
    text = capsys.readouterr().out
    assert 'loc("model.py":' in text
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert opt(["--pass-pipeline=default"]) == 0
    optimised = capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO(optimised))
    assert opt(["--pass-pipeline=canonicalize"]) == 0
    assert "dycl.kernel @k0" in capsys.readouterr().out


@pytest.mark.parametrize(("emit", "expected"), [("mlir", "dycl.launch @k0"), ("host", "def main(")])
def test_emit_prints_text(here: Path, capsys: pytest.CaptureFixture[str], emit: str, expected: str) -> None:
    assert main(["compile", "model.py:Exits", "--input", SIGNATURE, "--emit", emit]) == 0
    assert expected in capsys.readouterr().out
    assert not list(here.glob("*.dycl"))


def test_a_program_as_text_compiles_with_its_weights(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["import", "model.py:Exits", "--input", SIGNATURE, "-o", "e.mlir", "--save-weights", "e.safetensors"]
    assert main(arguments) == 0
    assert main(["compile", "e.mlir", "--weights", "e.safetensors", "-o", "e.dycl"]) == 0
    np.save("x.npy", np.full((1, 4), 9, np.float32))
    assert main(["run", "e.dycl", "--input", "x.npy"]) == 0
    assert "output.1: int" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["dot", "svg", "txt"])
def test_view_writes_the_graph(artifact: Path, suffix: str) -> None:
    assert main(["view", str(artifact), "-o", f"graph.{suffix}"]) == 0
    text = Path(f"graph.{suffix}").read_text()
    assert {"dot": "digraph", "svg": "<svg", "txt": "k0"}[suffix] in text


COMPILE = ["compile", "model.py:Exits", "--input", SIGNATURE, "-o", "out.dycl"]


def compile_arguments(model: str = "model.py:Exits", signature: str = SIGNATURE, *more: str) -> list[str]:
    return ["compile", model, "--input", signature, "-o", "out.dycl", *more]


REFUSALS: dict[str, tuple[list[str], int, list[str]]] = {
    "a missing file": (compile_arguments("missing.py:Exits"), 2, ["missing.py"]),
    "a missing class": (compile_arguments("model.py:Exit"), 2, ["Exit", "Exits"]),
    "no class named": (compile_arguments("model.py"), 2, ["model.py", "file.py:name"]),
    "something that is not a module": (compile_arguments("model.py:not_a_model"), 2, ["not_a_model", "int"]),
    "a module that needs arguments": (compile_arguments("model.py:NeedsArguments"), 2, ["width", "--kwargs"]),
    "a constructor that raises": (compile_arguments("model.py:Breaks"), 1, ["out of ideas", "model.py:"]),
    "kwargs that are not JSON": (compile_arguments("model.py:Exits", SIGNATURE, "--kwargs", "{"), 2, ["--kwargs"]),
    "kwargs that are not an object": (compile_arguments("model.py:Exits", SIGNATURE, "--kwargs", "3"), 2, ["object"]),
    "kwargs that it does not take": (
        compile_arguments("model.py:Exits", SIGNATURE, "--kwargs", '{"depth": 3}'),
        2,
        ["depth"],
    ),
    "no signature": (["compile", "model.py:Exits", "-o", "out.dycl"], 2, ["--input"]),
    "a malformed signature": (compile_arguments(signature="x: f32[1, 4"), 2, ["^"]),
    "an unknown dtype": (compile_arguments(signature="x: f31[1, 4]"), 2, ["f31", "f32"]),
    "a wrong rank": (compile_arguments(signature="x: f32[4, 4, 4, 3]"), 1, ["model.py:"]),
    "a wrong dtype": (compile_arguments(signature="x: i64[1, 4]"), 1, ["model.py:"]),
    "an unknown input": (compile_arguments(signature="y: f32[1, 4]"), 2, ["y", "x"]),
    "a missing input": (compile_arguments(signature=""), 2, ["x"]),
    "numpy() on a traced tensor": (compile_arguments("model.py:Numpy"), 1, ["model.py:", ".numpy()", "^"]),
    "an unsupported statement": (compile_arguments("model.py:Recursive"), 1, ["model.py:", "async def", "^"]),
    "a model that raises": (compile_arguments("model.py:Raises"), 1, ["model.py:", "no such mood"]),
    "an unwritable place": (
        ["compile", "model.py:Exits", "--input", SIGNATURE, "-o", "model.py/out.dycl"],
        2,
        ["model.py/out.dycl"],
    ),
    "a place that is something else": (
        ["compile", "model.py:Exits", "--input", SIGNATURE, "-o", "model.py"],
        2,
        ["model.py"],
    ),
    "an unknown backend": (compile_arguments("model.py:Exits", SIGNATURE, "--backend", "onnx"), 2, ["onnxruntime"]),
    "no threads": (compile_arguments("model.py:Exits", SIGNATURE, "--threads", "0"), 2, ["--threads"]),
    "a malformed pipeline": (
        compile_arguments("model.py:Exits", SIGNATURE, "--pass-pipeline", "cse,,dce"),
        2,
        ["^", "column 5"],
    ),
    "an unknown pass": (
        compile_arguments("model.py:Exits", SIGNATURE, "--pass-pipeline", "canonicalise"),
        2,
        ["canonicalise", "canonicalize"],
    ),
    "an unknown option": (
        compile_arguments("model.py:Exits", SIGNATURE, "--pass-pipeline", "unroll-loops{max-trips=3}"),
        2,
        ["max-trips", "max-trip-count"],
    ),
    "a missing artifact": (["run", "missing.dycl"], 2, ["missing.dycl"]),
    "an unknown command": (["compil"], 2, ["compil"]),
    "a .mlir file that is missing": (["compile", "missing.mlir"], 2, ["missing.mlir"]),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_refused_clearly_with_nothing_left_behind(what: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, code, words = REFUSALS[what]
    assert main(arguments) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    for word in words:
        assert word in printed.err
    left = {path.name for path in here.iterdir()} - {"__pycache__", "model.py"}
    assert not left


def test_invalid_ir_text_gives_the_parsers_message(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.mlir").write_text(
        "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {\n  dycl.return %y : tensor<4xf32>\n}\n"
    )
    assert main(["compile", "bad.mlir", "-o", "out.dycl"]) == 1
    error = capsys.readouterr().err
    assert "bad.mlir:" in error
    assert "%y" in error
    assert "builtin.module" not in error


def test_a_host_program_that_takes_a_branch_wrongly_is_found(
    artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = read_artifact(artifact)
    (branch,) = found.manifest.branches
    lines = found.host_source.splitlines(keepends=True)
    test = lines[branch.line - 1]
    lines[branch.line - 1] = test.replace("if not ", "if ") if "if not " in test else test.replace("if ", "if not ")
    flipped = replace(branch, negated=not branch.negated)
    changed = replace(found, host_source="".join(lines), manifest=replace(found.manifest, branches=(flipped,)))
    write_artifact(changed, artifact)
    assert main(["verify", str(artifact), "--samples", "5"]) == 1
    assert "FAULT" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((1, 4)), ["x", "f32", "float64"]),
        (np.zeros((1, 5), np.float32), ["x", "[1, 4]", "5"]),
        (np.zeros((4,), np.float32), ["x", "[1, 4]"]),
    ],
)
def test_wrong_arrays_are_refused_at_call_time(
    artifact: Path, capsys: pytest.CaptureFixture[str], array: np.ndarray, words: list[str]
) -> None:
    np.save("x.npy", array)
    assert main(["run", str(artifact), "--input", "x.npy"]) == 2
    error = capsys.readouterr().err
    assert all(word in error for word in words), error


def test_wrong_names_are_refused_at_call_time(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("x.npy", np.zeros((1, 4), np.float32))
    assert main(["run", str(artifact), "--input", "image=x.npy"]) == 2
    assert "image" in capsys.readouterr().err
    assert main(["run", str(artifact)]) == 2
    assert "x: f32[1, 4]" in capsys.readouterr().err


def truncate(artifact: Path) -> None:
    kernel = next((artifact / "kernels").iterdir())
    kernel.write_bytes(kernel.read_bytes()[:-10])


def alter(artifact: Path) -> None:
    with (artifact / "host.py").open("a") as file:
        file.write("\n# changed\n")


def age(artifact: Path) -> None:
    manifest = json.loads((artifact / "manifest.json").read_text())
    manifest["format"] = 10_000
    (artifact / "manifest.json").write_text(json.dumps(manifest))


def spoil(artifact: Path) -> None:
    (artifact / "manifest.json").write_text("{")


@pytest.mark.parametrize("damage", [truncate, alter, age, spoil])
def test_a_damaged_artifact_is_refused(
    artifact: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None]
) -> None:
    damage(artifact)
    np.save("x.npy", np.zeros((1, 4), np.float32))
    assert main(["run", str(artifact), "--input", "x.npy"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    assert "exits.dycl" in printed.err
