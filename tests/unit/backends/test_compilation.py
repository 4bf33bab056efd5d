"""Which backend compiles which kernel, and what is said of those that fall to another."""

from pathlib import Path

import pytest

from dycl.backends import Target, backend_named, compile_kernels
from dycl.errors import DyclError, UsageError
from dycl.ir.weights import WeightStore
from tests.unit.backends.aten_cases import f
from tests.unit.backends.kernel_building import kernel_of, parse_kernel

PLAIN = "dycl.kernel @plain(%x: tensor<3xf32>) -> tensor<3xf32> { dycl.yield %x : tensor<3xf32> }"
HISTC = """dycl.kernel @histc(%x: tensor<3xf32>) -> tensor<4xf32> {
  %y = dycl.aten histc.default(%x, 4, 0, 0) : (tensor<3xf32>) -> tensor<4xf32> loc("net.py":12:3)
  dycl.yield %y : tensor<4xf32>
}"""
BRANCH = """dycl.kernel @branch(%c: i1, %x: tensor<3xf32>) -> tensor<3xf32> {
  %y = dycl.if %c -> (tensor<3xf32>) {
    dycl.yield %x : tensor<3xf32>
  } else {
    dycl.yield %x : tensor<3xf32>
  } loc("net.py":7:3)
  dycl.yield %y : tensor<3xf32>
}"""


def test_backends_are_found_by_name() -> None:
    assert backend_named("onnxruntime").name == "onnxruntime"
    assert backend_named("reference").name == "reference"


def test_unknown_backend_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean onnxruntime"):
        backend_named("onnxrutime")
    with pytest.raises(UsageError, match="there are onnxruntime, reference"):
        backend_named("zzz")


def test_kernel_that_a_backend_cannot_take_falls_to_the_next() -> None:
    kernels = [parse_kernel(text) for text in (PLAIN, HISTC, BRANCH)]
    backends = [backend_named("onnxruntime"), backend_named("reference")]
    done: list[int] = []
    compiled = compile_kernels(kernels, WeightStore(), backends, Target(), done.append)
    engines = {name: kernel.engine for name, kernel in compiled.kernels.items()}
    assert engines == {"plain": "onnxruntime", "histc": "reference", "branch": "reference"}
    assert compiled.fallbacks == [
        "kernel @histc runs on reference: onnxruntime does not take histc.default at net.py:12: it has no ONNX form",
        "kernel @branch runs on reference: onnxruntime does not take dycl.if at net.py:7: it has no ONNX form",
    ]
    assert done == [1, 2, 3]


def test_kernel_that_no_backend_takes_is_an_error_that_names_op_and_place() -> None:
    with pytest.raises(DyclError) as raised:
        compile_kernels([parse_kernel(HISTC)], WeightStore(), [backend_named("onnxruntime")], Target())
    first, because, instead = str(raised.value).splitlines()
    assert first == "net.py:12: no backend takes `histc`"
    assert because == "  because onnxruntime does not take it: it has no ONNX form"
    assert "`--backend onnxruntime,reference`" in instead


def test_the_error_shows_the_line_that_no_backend_takes_and_the_calls_to_it(tmp_path: Path) -> None:
    source = tmp_path / "net.py"
    source.write_text("def f(x):\n\treturn 1 + x.histc(4\n\t), 2\ny = f(0)\n")
    text = HISTC.replace('loc("net.py":12:3)', f'loc(callsite("{source}":2:13 at "{source}":4:5))')
    with pytest.raises(DyclError) as raised:
        compile_kernels([parse_kernel(text)], WeightStore(), [backend_named("onnxruntime")], Target())
    lines = str(raised.value).splitlines()
    assert lines[1:3] == ["    2 | \treturn 1 + x.histc(4", "      | \t           ^^^^^^^^^"]
    assert lines[-1] == f"  called from {source}:4"


def test_what_only_shows_when_the_session_is_made_falls_to_the_next_too() -> None:
    kernel, weights, _ = kernel_of("conv2d.default", f(1, 1, 5, 5).double(), f(1, 1, 3, 3).double())
    backends = [backend_named("onnxruntime"), backend_named("reference")]
    compiled = compile_kernels([kernel], weights, backends, Target())
    assert compiled.kernels["k"].engine == "reference"
    assert "conv2d.default" in compiled.fallbacks[0]


AXIS = """dycl.kernel @k(%x: tensor<2x3xf32>, %n: i64) -> tensor<2x3xf32> {
  %y = dycl.aten cumsum.default(%x, %n, none) : (tensor<2x3xf32>, i64) -> tensor<2x3xf32>
  dycl.yield %y : tensor<2x3xf32>
}"""


def test_an_axis_known_only_at_run_time_falls_to_the_next_backend() -> None:
    backends = [backend_named("onnxruntime"), backend_named("reference")]
    compiled = compile_kernels([parse_kernel(AXIS)], WeightStore(), backends, Target())
    assert compiled.kernels["k"].engine == "reference"
    assert "its argument 'dim' is known only at run time" in compiled.fallbacks[0]
