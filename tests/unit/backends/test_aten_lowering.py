"""Each ATen overload, compiled by the ONNX Runtime backend, gives what the interpreter gives."""

import numpy as np
import pytest
import torch

from dycl.backends import CannotCompile, Target
from dycl.backends.onnxruntime import OnnxRuntimeBackend
from dycl.backends.onnxruntime.lowerings import LOWERINGS
from dycl.backends.reference import ReferenceBackend
from tests.unit.backends.aten_cases import CASES, Case, f
from tests.unit.backends.kernel_building import Dynamic, assert_same, compile_with, kernel_of, run


@pytest.mark.parametrize("case", CASES, ids=[f"{index}-{case}" for index, case in enumerate(CASES)])
def test_kernel_of_one_op_agrees_with_interpreter(case: Case) -> None:
    kernel, weights, inputs = kernel_of(case.overload, *case.arguments, **case.keywords)
    expected = run(compile_with(ReferenceBackend(), kernel, weights), kernel, inputs)
    actual = run(compile_with(OnnxRuntimeBackend(), kernel, weights), kernel, inputs)
    assert_same(actual, expected)


@pytest.mark.parametrize(
    ("overload", "arguments", "reason"),
    [
        ("cumprod.default", [f(5), 0], "cumprod"),
        ("cdist.default", [f(3, 4), f(2, 4)], "cdist"),
        ("median.default", [f(5)], "median"),
        ("avg_pool2d.default", [f(1, 1, 5, 5), [2, 2], [2, 2], [0, 0], True, True, 3], "divisor_override"),
        ("conv2d.default", [f(1, 1, 5, 5).double(), f(1, 1, 3, 3).double()], "Conv"),
        ("dropout.default", [f(3), 0.5, True], "random"),
        ("bernoulli.default", [f(3, low=0.0, high=1.0)], "random"),
        ("relu.default", [f(3).to(torch.bfloat16)], "bf16"),
    ],
)
def test_what_onnx_runtime_cannot_do_is_refused_with_the_reason(overload: str, arguments: list, reason: str) -> None:
    kernel, weights, _ = kernel_of(overload, *arguments)
    backend = OnnxRuntimeBackend()
    reasons = backend.supports(kernel)
    if not reasons:
        with pytest.raises(CannotCompile) as refusal:
            backend.compile(kernel, weights, Target())
        reasons = refusal.value.reasons
    assert reason in " ".join(reasons)


def test_an_op_whose_decomposition_asserts_something_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(LOWERINGS, "one_hot.default")
    kernel, weights, _ = kernel_of("one_hot.default", Dynamic(torch.tensor([0, 2])), 3, dynamic=True)
    with pytest.raises(CannotCompile, match=r"one_hot\.default"):
        OnnxRuntimeBackend().compile(kernel, weights, Target())


@pytest.mark.parametrize("wrong", [3, -1])
def test_a_class_that_is_none_is_an_error(wrong: int) -> None:
    kernel, weights, _ = kernel_of("one_hot.default", torch.tensor([0, 2]), 3)
    compiled = compile_with(OnnxRuntimeBackend(), kernel, weights)
    with pytest.raises(Exception, match="out of"):
        run(compiled, kernel, [np.array([0, wrong])])
