"""Loaded kernels: binding, threads, and payloads or arrays that do not fit."""

import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from dycl.backends import Backend, spec_of
from dycl.backends.onnxruntime import OnnxRuntimeBackend
from dycl.backends.reference import ReferenceBackend
from dycl.ir.weights import WeightStore
from dycl.runtime.engines import (
    EngineError,
    Kernel,
    KernelSpec,
    PartlyBindable,
    ValueSpec,
    engine_named,
    spec_from_json,
    spec_to_json,
)
from tests.unit.backends.kernel_building import compile_with, parse_kernel

TEXT = """dycl.kernel @k(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, i1) {
  %w = dycl.param "w" : tensor<4x4xf32>
  %y = dycl.aten mm.default(%x, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %s = dycl.aten sum.default(%y, none) : (tensor<4x4xf32>) -> tensor<f32>
  %g = dycl.aten gt.Scalar(%s, 0.0) : (tensor<f32>) -> tensor<i1>
  %c = dycl.item %g : tensor<i1> -> i1
  dycl.yield %y, %c : tensor<4x4xf32>, i1
}"""

W = torch.rand(4, 4)
BACKENDS = pytest.mark.parametrize("backend", [OnnxRuntimeBackend(), ReferenceBackend()], ids=lambda b: b.name)


def load(backend: Backend, threads: int = 1) -> Kernel:
    kernel = parse_kernel(TEXT)
    weights = WeightStore()
    weights.add("w", W)
    compiled = compile_with(backend, kernel, weights)
    return engine_named(compiled.engine)(compiled.payload, spec_of(kernel), threads)


def buffers() -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [np.zeros((4, 4), np.float32)], [np.zeros((4, 4), np.float32), np.zeros((), bool)]


@BACKENDS
def test_bound_call_reads_and_writes_the_same_arrays_each_time(backend: Backend) -> None:
    inputs, outputs = buffers()
    call = load(backend).bind(inputs, outputs)
    for sign in (1, -1, 1):
        inputs[0][:] = sign
        call()
        np.testing.assert_allclose(outputs[0], inputs[0] @ W.numpy(), rtol=1e-5)
        assert bool(outputs[1]) == (sign > 0)


@BACKENDS
def test_two_bindings_of_one_kernel_do_not_meet(backend: Backend) -> None:
    kernel = load(backend)
    first, second = buffers(), buffers()
    calls = [kernel.bind(*first), kernel.bind(*second)]
    first[0][0][:] = 1
    second[0][0][:] = -1
    for call in calls:
        call()
    assert first[1][1]
    assert not second[1][1]


@BACKENDS
def test_bound_arrays_live_as_long_as_the_call(backend: Backend) -> None:
    def bound():
        inputs, outputs = buffers()
        inputs[0][:] = 1
        return load(backend).bind(inputs, outputs), outputs[0][:1]

    call, row = bound()
    noise = [np.full((4, 4), 9, np.float32) for _ in range(50)]
    call()
    np.testing.assert_allclose(row[0], W.numpy().sum(0), rtol=1e-5)
    assert len(noise) == 50


@BACKENDS
def test_threads_share_a_kernel(backend: Backend) -> None:
    kernel = load(backend)
    failures: list[int] = []

    def work(seed: int) -> None:
        inputs, outputs = buffers()
        call = kernel.bind(inputs, outputs)
        random = np.random.default_rng(seed)
        for _ in range(50):
            inputs[0][:] = random.standard_normal((4, 4))
            call()
            fresh = kernel.run(inputs)[0]
            wanted = inputs[0] @ W.numpy()
            if not (np.allclose(outputs[0], wanted, atol=1e-5) and np.allclose(fresh, wanted, atol=1e-5)):
                failures.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_more_threads_give_the_same() -> None:
    inputs, outputs = buffers()
    inputs[0][:] = 1
    load(OnnxRuntimeBackend(), threads=2).bind(inputs, outputs)()
    np.testing.assert_allclose(outputs[0], inputs[0] @ W.numpy(), rtol=1e-5)


@BACKENDS
def test_run_takes_arrays_of_any_layout_and_returns_fresh_ones(backend: Backend) -> None:
    kernel = load(backend)
    x = np.random.rand(4, 4).astype(np.float32)
    first = kernel.run([x.T])
    np.testing.assert_allclose(first[0], x.T @ W.numpy(), rtol=1e-5)
    second = kernel.run([x])
    assert not np.shares_memory(first[0], second[0])
    assert first[1].shape == ()


ROWS = """dycl.kernel @k(%x: tensor<?x4xf32>, %y: tensor<4xf32>, %n: i64) -> (tensor<4xf32>, tensor<?x4xf32>, i64) {
  %s = dycl.aten add.Tensor(%x, %y, 1) : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %t = dycl.aten sum.dim_IntList(%s, [0], false, none) : (tensor<?x4xf32>) -> tensor<4xf32>
  %c = dycl.aten cat.default([%s, %s], 0) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %d = dycl.dim %c, 0 : tensor<?x4xf32>
  %m = arith.addi %d, %n : i64
  dycl.yield %t, %c, %m : tensor<4xf32>, tensor<?x4xf32>, i64
}"""


def load_rows() -> Kernel:
    kernel = parse_kernel(ROWS)
    compiled = compile_with(OnnxRuntimeBackend(), kernel, WeightStore())
    return engine_named(compiled.engine)(compiled.payload, spec_of(kernel), 1)


def test_what_is_bound_in_part_takes_and_gives_the_rest_at_each_call() -> None:
    kernel = load_rows()
    assert isinstance(kernel, PartlyBindable)
    y, n, total, count = np.ones(4, np.float32), np.array(5), np.zeros(4, np.float32), np.array(0)
    call = kernel.bind_part([None, y, n], [total, None, count])
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    for rows in (2, 0, 3, 3, 1):
        x = np.full((rows, 4), rows, np.float32)
        (found,) = call(x)
        expected = kernel.run([x, y, n])
        for result, wanted in zip((total, found, count), expected, strict=True):
            np.testing.assert_array_equal(result, wanted)
        kept.append((found, found.copy()))
        y += 1
    del call
    for found, copy in kept:
        np.testing.assert_array_equal(found, copy, "a result is the caller's own")


def test_arrays_that_do_not_fit_cannot_be_bound_in_part() -> None:
    kernel = load_rows()
    assert isinstance(kernel, PartlyBindable)
    with pytest.raises(EngineError, match=r"input 1 of kernel k: expected f32\[4\], got shape \[3\]"):
        kernel.bind_part([None, np.ones(3, np.float32), np.array(1)], [None, None, None])
    with pytest.raises(EngineError, match="has 3 inputs, not 1"):
        kernel.bind_part([None], [None, None, None])


@BACKENDS
@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 4)), r"input 0 of kernel k: expected f32\[4, 4\], got float64"),
        (np.zeros((4, 5), np.float32), r"expected f32\[4, 4\], got shape \[4, 5\]"),
        (np.zeros((4, 8), np.float32)[:, ::2], "expected a C-contiguous array"),
    ],
)
def test_arrays_that_do_not_fit_cannot_be_bound(backend: Backend, array: np.ndarray, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        load(backend).bind([array], buffers()[1])


@BACKENDS
def test_wrong_number_of_arrays_is_refused(backend: Backend) -> None:
    kernel = load(backend)
    with pytest.raises(EngineError, match="has 1 inputs, not 0"):
        kernel.bind([], buffers()[1])
    with pytest.raises(EngineError, match="has 1 inputs, not 2"):
        kernel.run(buffers()[0] * 2)


@BACKENDS
@pytest.mark.parametrize("damage", ["empty", "truncated", "garbage"])
def test_damaged_payload_is_refused(backend: Backend, damage: str) -> None:
    kernel = parse_kernel(TEXT)
    weights = WeightStore()
    weights.add("w", W)
    compiled = compile_with(backend, kernel, weights)
    whole = compiled.payload
    payload = {"empty": b"", "truncated": whole[: len(whole) // 2], "garbage": b"\x07garbage" * 40}[damage]
    with pytest.raises(EngineError, match="kernel k"):
        engine_named(compiled.engine)(payload, spec_of(kernel), 1)


def test_payload_of_another_kernel_is_refused() -> None:
    kernel = parse_kernel(TEXT)
    weights = WeightStore()
    weights.add("w", W)
    payload = compile_with(OnnxRuntimeBackend(), kernel, weights).payload
    spec = spec_of(kernel)
    for wrong in (
        KernelSpec("k", spec.inputs, spec.outputs[:1]),
        KernelSpec("k", (ValueSpec("f64", (4, 4)),), spec.outputs),
        KernelSpec("k", (ValueSpec("f32", (4, 5)),), spec.outputs),
    ):
        with pytest.raises(EngineError, match="the model of kernel k has"):
            engine_named("onnxruntime")(payload, wrong, 1)


def test_unknown_engine_names_the_nearest() -> None:
    with pytest.raises(EngineError, match="did you mean onnxruntime"):
        engine_named("onnxruntimes")


def test_spec_survives_json() -> None:
    spec = KernelSpec("k", (ValueSpec("f32", (None, 3)), ValueSpec("bool", (), True)), (ValueSpec("i64", (2,)),))
    assert spec_from_json(spec_to_json(spec)) == spec
    with pytest.raises(ValueError, match="not a kernel's spec"):
        spec_from_json({"name": "k"})
    with pytest.raises(ValueError, match="not a value's spec"):
        spec_from_json({"name": "k", "inputs": [{"dtype": "f31", "shape": [], "scalar": False}], "outputs": []})


def test_engines_need_neither_torch_nor_xdsl_nor_onnx() -> None:
    code = (
        "import sys, dycl.runtime.engines, dycl.runtime.engines.onnxruntime;"
        "print([name for name in ('torch', 'xdsl', 'onnx', 'onnxscript') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
