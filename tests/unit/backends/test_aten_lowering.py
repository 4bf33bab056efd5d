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
        ("histc.default", [f(5)], "no ONNX form"),
        ("digamma.default", [f(5)], "digamma"),
        ("acos.default", [f(5).double()], "Acos"),
        ("avg_pool2d.default", [Dynamic(f(1, 1, 5, 5).double()), [2, 2]], "run time"),
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


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.float16, torch.int64, torch.int32, torch.uint8, torch.bool]
)
@pytest.mark.parametrize("overload", ["sort.stable", "argsort.stable"])
def test_a_stable_sort_keeps_the_order_of_equal_elements(overload: str, dtype: torch.dtype, descending: bool) -> None:
    for size in (3, 17, 70, 1000):
        x = torch.randint(0, 3, (2, size), generator=torch.Generator().manual_seed(size)).to(dtype)
        for axis, values in ((-1, Dynamic(x)), (1, x), (0, x)):
            kernel, weights, inputs = kernel_of(
                overload, values, stable=True, dim=axis, descending=descending, dynamic=isinstance(values, Dynamic)
            )
            expected = run(compile_with(ReferenceBackend(), kernel, weights), kernel, inputs)
            actual = run(compile_with(OnnxRuntimeBackend(), kernel, weights), kernel, inputs)
            assert_same(actual, expected)


def test_a_source_of_a_scatter_may_be_longer_than_the_indices() -> None:
    index, source = torch.tensor([[2], [0]]), f(2, 4)
    for overload, more in (("scatter.src", ()), ("scatter_add.default", ()), ("scatter_reduce.two", ("amax",))):
        kernel, weights, inputs = kernel_of(overload, f(3, 4), 0, index, source, *more)
        expected = run(compile_with(ReferenceBackend(), kernel, weights), kernel, inputs)
        assert_same(run(compile_with(OnnxRuntimeBackend(), kernel, weights), kernel, inputs), expected)
