"""`dycl-opt`: what it prints where, and how it fails."""

import io
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from dycl.cli.opt import main

TEXT = """\
func.func @main(%x: i64) -> i64 {
  %a = arith.addi %x, %x : i64
  dycl.return %x : i64
}
"""
CLEAN = """\
builtin.module {
  func.func @main(%x: i64) -> i64 {
    dycl.return %x : i64
  }
}
"""
LOCATED = """\
func.func @main(%x: i64, %y: i64) -> i64 {
  %t = arith.constant true loc("model.py":3:0)
  %r = dycl.if %t -> (i64) {
    dycl.yield %x : i64
  } else {
    dycl.yield %y : i64
  } loc("model.py":4:0)
  %a = arith.constant 1 : i64 loc("model.py":5:0)
  %b = arith.addi %a, %a : i64 loc("model.py":6:0)
  %c = arith.addi %b, %r : i64 loc("model.py":7:0)
  dycl.return %c : i64 loc("model.py":8:0)
}
"""


def run(*arguments: str, text: str = TEXT) -> tuple[int, str]:
    output = io.StringIO()
    code = main(arguments, io.StringIO(text), output)
    return code, output.getvalue()


def test_standard_input_to_standard_output() -> None:
    code, output = run("--pass-pipeline=dce")
    assert (code, output) == (0, CLEAN)


def test_without_a_pipeline_it_prints_what_it_read() -> None:
    code, output = run()
    assert code == 0
    assert run(text=output) == (0, output)


def test_files(tmp_path: Path) -> None:
    source, target = tmp_path / "in.mlir", tmp_path / "out.mlir"
    source.write_text(TEXT)
    assert run(str(source), "-o", str(target), "--pass-pipeline=dce") == (0, "")
    assert target.read_text() == CLEAN
    assert run(str(target), "-o", str(target)) == (0, "")
    assert target.read_text() == CLEAN
    assert sorted(tmp_path.iterdir()) == [source, target]


def test_weights(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    path = tmp_path / "weights.safetensors"
    save_file({"w": torch.ones(2)}, path)
    assert run("--weights", str(path), "--pass-pipeline=dce") == (0, CLEAN)


def test_split_input() -> None:
    code, output = run("--split-input-file", "--pass-pipeline=dce", text=f"{TEXT}// -----\n{TEXT}")
    assert (code, output) == (0, f"{CLEAN}// -----\n{CLEAN}")


def test_errors_in_place(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = "func.func @f(%x: i64) -> i64 {\n  dycl.return\n}\n"
    code, output = run(
        "--split-input-file", "--verify-diagnostics", text=f"{wrong}// -----\n{TEXT}// -----\nnonsense x\n"
    )
    first, second, third = output.split("// -----\n")
    assert code == 0
    assert "@f" in first and "Traceback" not in first
    assert second.startswith("builtin.module")
    assert "<stdin>:10:10" in third, "lines are counted from the start of the file"
    assert capsys.readouterr().err == ""


def test_ir_after_passes_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--pass-pipeline=func.func(cse,dce)", "--print-ir-after-all") == (0, CLEAN)
    shown = capsys.readouterr().err
    assert "// ----- // IR after cse on func.func @main // ----- //" in shown
    assert "// ----- // IR after dce on func.func @main // ----- //" in shown

    assert run("--pass-pipeline=func.func(cse,dce)", "--print-ir-after-change") == (0, CLEAN)
    shown = capsys.readouterr().err
    assert "IR after cse" not in shown and "IR after dce" in shown


def test_times_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--pass-pipeline=cse,dce", "--time-passes") == (0, CLEAN)
    rows = capsys.readouterr().err.splitlines()
    assert [row.split()[-1] for row in rows] == ["pass", "cse", "dce", "total"]


def test_locations_are_kept_where_there_are_any() -> None:
    _, output = run("--pass-pipeline=canonicalize", text=LOCATED)
    assert 'arith.constant 2 : i64 loc("model.py":6:0)' in output
    assert 'loc("model.py":7:0)' in output
    assert "loc(" not in run("--pass-pipeline=canonicalize", "--no-print-locations", text=LOCATED)[1]
    assert "loc(" not in run()[1]
    assert "loc(unknown)" in run("--print-locations")[1]


@pytest.mark.parametrize("pipeline", ["canonicalize", "propagate-constants", "cse", "dce"])
def test_passes_give_new_ops_the_place_of_the_old(pipeline: str) -> None:
    _, output = run(f"--pass-pipeline={pipeline}", text=LOCATED)
    body = [line for line in output.splitlines() if "arith." in line or "dycl.return" in line]
    assert body and all('loc("model.py"' in line for line in body)


def test_listing() -> None:
    code, output = run("--list-passes")
    assert code == 0
    assert output.startswith("passes:\n") and "\npipelines:\n  default\n" in output


@pytest.mark.parametrize(
    ("arguments", "text", "code", "message"),
    [
        (["--pass-pipeline=canonicalise"], TEXT, 2, "did you mean 'canonicalize'"),
        (["--pass-pipeline=cse dce"], TEXT, 2, "  cse dce\n      ^"),
        (["--no-such-option"], TEXT, 2, "unrecognized arguments"),
        (["missing.mlir"], TEXT, 2, "cannot read missing.mlir: No such file or directory"),
        (["."], TEXT, 2, "cannot read .: Is a directory"),
        (["-o", "missing/out.mlir"], TEXT, 2, "cannot write missing/out.mlir: the folder missing does not exist"),
        (["-o", "."], TEXT, 2, "cannot write ."),
        (["--weights", "missing.safetensors"], TEXT, 2, "missing.safetensors"),
        ([], "func.func @main(", 1, "<stdin>:1:"),
        ([], "dycl.unknown\n", 1, "dycl.unknown is not registered"),
        ([], "func.func @main(%x: i64) -> i64 {\n  dycl.return\n}", 1, "@main"),
        ([], "func.func @main(%x: i64) -> i64 {\n  dycl.return %y : i64\n}", 1, "%y"),
    ],
)
def test_mistakes_are_explained(
    arguments: list[str],
    text: str,
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments, text=text) == (code, "")
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown and "builtin.module" not in shown
    assert list(tmp_path.iterdir()) == []


def test_binary_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.mlir"
    path.write_bytes(b"\xff\xfe\x00")
    assert run(str(path)) == (2, "")
    assert "it is not text" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error() -> None:
    lines = "\n".join(f"  %a{i} = arith.addi %x, %x : i64" for i in range(5000))
    text = f"func.func @main(%x: i64) -> i64 {{\n{lines}\n  dycl.return %x : i64\n}}\n"
    process = subprocess.Popen(
        [sys.executable, "-m", "dycl.cli.opt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin and process.stdout and process.stderr
    process.stdout.close()
    process.stdin.write(text.encode())
    process.stdin.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == b""


def test_it_starts_without_torch() -> None:
    """What costs a start is xdsl; a program without ATen ops needs no torch, and no terminal library."""
    program = (
        "import io, sys; from dycl.cli.opt import main;"
        f"assert main(['--pass-pipeline=default'], io.StringIO({TEXT!r}), io.StringIO()) == 0;"
        "assert not {'torch', 'rich', 'onnx', 'onnxruntime', 'sympy'} & set(sys.modules)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2.0
