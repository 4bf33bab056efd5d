"""Integers that wrap, divide and shift at their limits, NaN among numbers in order, and tensors without elements."""

from typing import Any

import numpy as np
import pytest
import torch

from dycl.backends.onnxruntime import OnnxRuntimeBackend
from dycl.backends.reference import ReferenceBackend
from tests.unit.backends.kernel_building import Dynamic, Scalar, Weight, assert_same, compile_with, kernel_of, run

INTEGERS = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
SIGNED = INTEGERS[1:]
NAN, INF = float("nan"), float("inf")


def check(overload: str, *arguments: Any, tolerance: float = 1e-5, **keywords: Any) -> list[np.ndarray]:
    kernel, weights, inputs = kernel_of(overload, *arguments, **keywords)
    expected = run(compile_with(ReferenceBackend(), kernel, weights), kernel, inputs)
    found = run(compile_with(OnnxRuntimeBackend(), kernel, weights), kernel, inputs)
    assert_same(found, expected, tolerance)
    return found


def limits(dtype: torch.dtype) -> torch.Tensor:
    """The least and greatest integers of a dtype, and small ones between them."""
    info = torch.iinfo(dtype)
    middle = [-3, -2, -1, 0, 1, 2, 3] if info.min else [0, 1, 2, 3]
    return torch.tensor([info.min, info.min + 1, *middle, info.max - 1, info.max], dtype=dtype)


def pairs(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    values = limits(dtype)
    left, right = torch.meshgrid(values, values[values != 0], indexing="ij")
    return left.flatten(), right.flatten()


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("overload", ["floor_divide.default", "remainder.Tensor"])
def test_division_rounds_down_at_the_limits(overload: str, dtype: torch.dtype) -> None:
    check(overload, *pairs(dtype))
    for divisor in (-3, -1, 2) if dtype.is_signed else (1, 2):
        check(overload, limits(dtype), Weight(torch.tensor(divisor, dtype=dtype)))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_truncated_division_is_exact_at_the_limits(dtype: torch.dtype) -> None:
    left, right = pairs(dtype)
    check("fmod.Tensor", left, right)
    overflows = (left == torch.iinfo(dtype).min) & (right == -1)  # It ends the process in torch.
    check("div.Tensor_mode", left[~overflows], right[~overflows], rounding_mode="trunc")


@pytest.mark.parametrize("dtype", INTEGERS)
def test_arithmetic_wraps(dtype: torch.dtype) -> None:
    left, right = pairs(dtype)
    for name in ("add.Tensor", "sub.Tensor", "mul.Tensor", "maximum.default", "minimum.default"):
        check(name, left, right)
    for name in ("neg.default", "abs.default", "sign.default", "square.default", "bitwise_not.default", "relu.default"):
        check(name, limits(dtype))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_powers_wrap_and_are_exact(dtype: torch.dtype) -> None:
    for exponent in (0, 1, 2, 3, 7, 13, 40):
        check("pow.Tensor_Scalar", limits(dtype), exponent)
    left, right = pairs(dtype)
    check("pow.Tensor_Tensor", left, right)
    check("pow.Tensor_Tensor", left, Weight(right.abs().clamp(0, 5)))
    check("pow.Scalar", 2, limits(dtype))
    check("pow.Scalar", 3, limits(dtype))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("direction", ["left", "right"])
def test_shifts_of_any_width_are_those_of_torch(direction: str, dtype: torch.dtype) -> None:
    counts = [0, 1, 7, 8, 15, 31, 63, 64, 100, *([-1, -9] if dtype.is_signed else [])]
    for value in counts:
        check(f"bitwise_{direction}_shift.Tensor_Scalar", limits(dtype), value)
    left, right = torch.meshgrid(limits(dtype), torch.tensor(counts, dtype=dtype), indexing="ij")
    check(f"bitwise_{direction}_shift.Tensor", left, right)
    check(f"__{direction[0]}shift__.Tensor", left, right)
    check(f"__{direction[0]}shift__.Scalar", limits(dtype), Scalar(3))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32])
def test_products_and_sums_of_small_integers_wrap(dtype: torch.dtype) -> None:
    rows = torch.cat([limits(dtype), limits(dtype)])[:9].reshape(3, 3)
    check("matmul.default", rows, rows)
    check("linear.default", rows, rows, rows[0])
    check("einsum.default", "ij,jk->ik", [rows, rows])
    check("addmm.default", rows, rows, rows, beta=2, alpha=3)
    check("cumsum.default", rows, 1, dtype=dtype)
    check("cumprod.default", rows, 1, dtype=dtype)
    check("sum.dim_IntList", rows, [1], dtype=dtype)
    check("prod.dim_int", rows, 1, dtype=dtype)
    check("scatter_add.default", rows, 1, torch.zeros(3, 3, dtype=torch.int64), rows)
    check("index_add.default", rows, 0, torch.tensor([0, 0, 1]), rows)


MIXED = torch.tensor([[3.0, NAN, -1.0, INF, 2.0], [5.0, -INF, 4.0, 0.0, 1.0], [NAN, NAN, 1.0, INF, NAN]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nan_among_numbers_in_order(dtype: torch.dtype) -> None:
    x = MIXED.to(dtype)
    check("median.default", x)
    check("median.default", x[1])
    check("median.dim", x, 1, True)
    check("median.dim", Dynamic(x), 1, dynamic=True)
    for k in range(1, 6):
        check("kthvalue.default", x[1:2], k)
        kernel, weights, inputs = kernel_of("kthvalue.default", x, k, 1, True)
        values, _ = run(compile_with(OnnxRuntimeBackend(), kernel, weights), kernel, inputs)
        np.testing.assert_array_equal(values, np.sort(x.numpy())[:, k - 1 : k])
    for name in ("cummax.default", "cummin.default"):
        for axis in (0, 1, -1):
            check(name, x, axis)
    check("searchsorted.Tensor", torch.tensor([-1.0, 0.0, 2.0, 2.0], dtype=dtype), x, right=True)
    check("searchsorted.Tensor", torch.tensor([-1.0, 0.0, 2.0, 2.0], dtype=dtype), x, side="left")
    check("erf.default", x)


@pytest.mark.parametrize("name", ["cummax.default", "cummin.default"])
def test_the_last_of_equals_is_the_running_extremum(name: str) -> None:
    check(name, torch.tensor([[1, 1, 0, 1, 2, 2, -3, 2, -3]]), 1)
    check(name, torch.tensor([True, False, True, True]), 0)
    check(name, torch.tensor(3), 0)


def test_places_in_sorted_sequences() -> None:
    row, rows = torch.tensor([1, 3, 3, 7]), torch.tensor([[1, 3, 3], [0, 2, 9]])
    for right in (False, True):
        check("searchsorted.Tensor", row, torch.tensor([[0, 3, 8], [1, 7, 4]]), right=right, out_int32=True)
        check("searchsorted.Tensor", rows, torch.tensor([[3, 4], [9, -1]]), right=right)
        check("searchsorted.Scalar", row, 3, right=right)
        check("bucketize.Tensor", torch.tensor([[2.5, 3.0]]), row, right=right)
        check("bucketize.Scalar", 3, row, right=right)
    shuffled = torch.tensor([7, 1, 3, 3])
    check("searchsorted.Tensor", shuffled, torch.tensor([3, 8]), sorter=shuffled.argsort(stable=True))


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 2.0, 3.0, INF])
def test_distances_of_batches(p: float) -> None:
    left, right = torch.randn(2, 1, 3, 4), torch.randn(5, 6, 4)
    check("cdist.default", left, right, p)
    check("_cdist_forward.default", left.double(), right.double(), p, None, tolerance=1e-12)


def test_the_error_function_of_f64_is_exact_to_its_last_digits() -> None:
    x = torch.cat([torch.linspace(-7, 7, 2001), torch.tensor([1e-300, -1e-9, 40.0, INF, -INF])]).double()
    check("erf.default", x, tolerance=2e-15)
    check("gelu.default", x[:-1], tolerance=1e-14)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int16, torch.int64, torch.float16, torch.float64])
def test_reductions_of_nothing(dtype: torch.dtype) -> None:
    for nothing in (torch.zeros(0, 3, dtype=dtype), torch.zeros(0, 3, dtype=dtype)[:, :0]):
        for name in ("sum.default", "prod.default", "any.default", "all.default"):
            check(name, nothing)
            check(name, Dynamic(nothing), dynamic=True)
        for name in ("any.dim", "all.dim", "prod.dim_int"):
            check(name, nothing, 0)
        check("sum.dim_IntList", nothing, [0], True)
        check("sum.dim_IntList", Dynamic(nothing), [0], dynamic=True)
        check("sum.dim_IntList", Dynamic(nothing), [1], True, dynamic=True)
        check("cumsum.default", nothing, 0)
        check("cumprod.default", nothing, 0)
        check("cummax.default", nothing, 0)
        check("cat.default", [nothing, nothing], 0)
        check("nonzero.default", nothing)
        check("sort.default", nothing, 0)
        if dtype.is_floating_point:
            check("mean.default", nothing)
            check("mean.dim", nothing, [0])
            check("mean.default", Dynamic(nothing), dynamic=True)
            check("softmax.int", nothing, 0)
            check("var.correction", nothing, [0], correction=1)


@pytest.mark.parametrize("overload", ["max.default", "min.default", "amax.default", "argmax.default"])
def test_the_greatest_of_nothing_is_an_error_when_it_shows_at_run_time(overload: str) -> None:
    kernel, weights, _ = kernel_of(overload, Dynamic(torch.ones(2)), dynamic=True)
    compiled = compile_with(OnnxRuntimeBackend(), kernel, weights)
    assert run(compiled, kernel, [np.array([2, 2, 2], np.float32)])[0].size == 1
    with pytest.raises(Exception, match=r"out of|empty|zero"):
        run(compiled, kernel, [np.zeros(0, np.float32)])


def test_sums_and_products_of_large_integers_are_exact_and_wrap() -> None:
    x = torch.tensor([[2**53, 1, 1, 3], [2**62, 2**62, 5, 7], [2**40 + 1, 2**13 + 1, 3, -1]])
    for value in (x, x.to(torch.int32)):
        dtype = {"dtype": value.dtype}
        check("sum.default", value, **dtype)
        check("sum.default", Dynamic(value), dynamic=True, **dtype)
        check("prod.default", value, **dtype)
        for axis in (0, 1, -1):
            check("sum.dim_IntList", value, [axis], **dtype)
            check("sum.dim_IntList", Dynamic(value), [axis], True, dynamic=True, **dtype)
            check("prod.dim_int", value, axis, True, **dtype)
        check("sum.dim_IntList", value[None], [0, 2], **dtype)
        check("sum.dim_IntList", value[None], [0, 1, 2], True, **dtype)


@pytest.mark.parametrize("dtype", [torch.bool, torch.int16, torch.float16, torch.float32])
def test_joining_and_choosing_from_nothing(dtype: torch.dtype) -> None:
    x, nothing = torch.ones(2, 3, dtype=dtype), torch.zeros(0, dtype=dtype)
    check("cat.default", [nothing, x, nothing], 1)
    check("cat.default", [x[:0], x], 0)
    check("cat.default", [Dynamic(x[:0]), x], 0, dynamic=True)
    check("cat.default", [nothing, nothing], 0)
    check("where.self", nothing.bool(), nothing, nothing)
    check("masked_select.default", x, torch.zeros(2, 3, dtype=torch.bool))
    check("index_select.default", x, 0, torch.zeros(0, dtype=torch.int64))
