"""Whole kernels through both backends: scalars, several outputs, shared weights, views at the border."""

import numpy as np
import pytest
import torch

from dycl.backends import Backend, spec_of
from dycl.backends.onnxruntime import OnnxRuntimeBackend
from dycl.backends.reference import ReferenceBackend
from dycl.ir.weights import WeightStore
from dycl.runtime.engines import engine_named
from tests.unit.backends.kernel_building import assert_same, compile_with, parse_kernel, run

BACKENDS = [OnnxRuntimeBackend(), ReferenceBackend()]


def both(text: str, inputs: list[np.ndarray], weights: WeightStore | None = None) -> list[np.ndarray]:
    """Return what ONNX Runtime makes of a kernel, which must be what the interpreter makes of it."""
    kernel = parse_kernel(text)
    found, expected = (run(compile_with(b, kernel, weights or WeightStore()), kernel, inputs) for b in BACKENDS)
    assert_same(found, expected)
    return found


INTEGERS = [(7, 3), (-7, 3), (7, -3), (-7, -3), (6, -2), (0, 5), (2**62, 2**62)]
FLOATS = [(1.5, 0.5), (-1.0, 2.5), (0.0, -0.0), (2.0, 2.0), (float("nan"), 1.0), (float("inf"), 1.0)]


@pytest.mark.parametrize(
    "op", ["addi", "subi", "muli", "divsi", "floordivsi", "remsi", "minsi", "maxsi", "andi", "ori", "xori"]
)
@pytest.mark.parametrize(("left", "right"), INTEGERS)
def test_integer_arithmetic(op: str, left: int, right: int) -> None:
    both(
        f"dycl.kernel @k(%a: i64, %b: i64) -> i64 {{ %c = arith.{op} %a, %b : i64 dycl.yield %c : i64 }}",
        [np.array(left), np.array(right)],
    )


@pytest.mark.parametrize("predicate", ["eq", "ne", "slt", "sle", "sgt", "sge"])
@pytest.mark.parametrize("type", ["i64", "i1"])
def test_integer_comparisons(predicate: str, type: str) -> None:
    body = f"%c = arith.cmpi {predicate}, %a, %b : {type} dycl.yield %c : i1"
    text = f"dycl.kernel @k(%a: {type}, %b: {type}) -> i1 {{ {body} }}"
    for left in (0, 1):
        for right in (0, 1):
            both(text, [np.array(value, bool if type == "i1" else np.int64) for value in (left, right)])


@pytest.mark.parametrize("op", ["addf", "subf", "mulf", "divf", "maximumf", "minimumf"])
@pytest.mark.parametrize(("left", "right"), FLOATS)
def test_float_arithmetic(op: str, left: float, right: float) -> None:
    both(
        f"dycl.kernel @k(%a: f64, %b: f64) -> f64 {{ %c = arith.{op} %a, %b : f64 dycl.yield %c : f64 }}",
        [np.array(left), np.array(right)],
    )


@pytest.mark.parametrize("predicate", ["oeq", "ogt", "oge", "olt", "ole", "ugt", "uge", "ult", "ule", "une"])
def test_float_comparisons(predicate: str) -> None:
    text = f"dycl.kernel @k(%a: f64, %b: f64) -> i1 {{ %c = arith.cmpf {predicate}, %a, %b : f64 dycl.yield %c : i1 }}"
    for left, right in FLOATS:
        both(text, [np.array(left), np.array(right)])


@pytest.mark.parametrize(
    ("op", "value", "types"),
    [
        ("extui", True, "i1 to i64"),
        ("extsi", True, "i1 to i64"),
        ("trunci", 3, "i64 to i1"),
        ("sitofp", -3, "i64 to f64"),
        ("sitofp", True, "i1 to f64"),
        ("uitofp", True, "i1 to f64"),
        ("fptosi", -2.7, "f64 to i64"),
    ],
)
def test_scalar_conversions(op: str, value: bool | int | float, types: str) -> None:
    source, _, target = types.split()
    text = f"dycl.kernel @k(%a: {source}) -> {target} {{ %c = arith.{op} %a : {types} dycl.yield %c : {target} }}"
    both(text, [np.array(value)])


def test_scalar_select_and_constants() -> None:
    text = """dycl.kernel @k(%c: i1, %a: f64) -> (f64, i1, i64) {
  %b = arith.constant 2.5 : f64
  %t = arith.constant true
  %n = arith.constant -4 : i64
  %s = arith.select %c, %a, %b : f64
  %m = arith.negf %s : f64
  dycl.yield %m, %t, %n : f64, i1, i64
}"""
    for flag in (True, False):
        both(text, [np.array(flag), np.array(7.0)])


def test_scalar_select_of_truth_values() -> None:
    text = """dycl.kernel @k(%c: i1, %a: i1, %b: i1) -> i1 {
  %s = arith.select %c, %a, %b : i1
  dycl.yield %s : i1
}"""
    for flag in (True, False):
        assert both(text, [np.array(flag), np.array(True), np.array(False)])[0] == flag


@pytest.mark.parametrize("predicate", ["oeq", "ogt", "oge", "olt", "ole", "une", "ult", "uge"])
def test_comparison_of_an_f32_item_is_exact_beside_the_threshold(predicate: str) -> None:
    """0.9 is no f32: the two nearest lie on either side of it, and 0.5 is one."""
    nearest = np.float32(0.9)
    around = [np.nextafter(nearest, np.float32(side)) for side in (0, 1)] + [nearest]
    for threshold, values in ((0.9, around), (0.5, [np.float32(0.5), np.nextafter(np.float32(0.5), np.float32(1))])):
        for swapped in (False, True):
            operands = "%t, %v" if swapped else "%v, %t"
            text = f"""dycl.kernel @k(%x: tensor<1x1xf32>) -> i1 {{
  %v = dycl.item %x : tensor<1x1xf32> -> f64
  %t = arith.constant {threshold} : f64
  %c = arith.cmpf {predicate}, {operands} : f64
  dycl.yield %c : i1
}}"""
            for value in values:
                both(text, [np.array([[value]], np.float32)])


def test_scalars_pass_to_and_from_tensors() -> None:
    text = """dycl.kernel @k(%s: f64, %x: tensor<?x3xf32>) -> (tensor<?x3xf32>, i64, f64, i64) {
  %t = dycl.scalar_tensor %s : f64 -> tensor<f32>
  %y = dycl.aten mul.Tensor(%x, %t) : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %n = dycl.dim %x, 0 : tensor<?x3xf32>
  %m = dycl.dim %x, 1 : tensor<?x3xf32>
  %v = dycl.item %t : tensor<f32> -> f64
  dycl.yield %y, %n, %v, %m : tensor<?x3xf32>, i64, f64, i64
}"""
    for rows in (1, 5):
        found = both(text, [np.array(0.5), np.ones((rows, 3), np.float32)])
        assert found[1] == rows


def test_inputs_weights_and_one_value_twice_can_all_be_outputs() -> None:
    weights = WeightStore()
    weights.add("w", torch.arange(3.0))
    text = """dycl.kernel @k(%x: tensor<2x3xf32>, %u: tensor<1xf32>) ->
    (tensor<2x3xf32>, tensor<6xf32>, tensor<3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<3x2xf32>, tensor<2xi64>) {
  %w = dycl.param "w" : tensor<3xf32>
  %c = dycl.constant dense<[4, 5]> : tensor<2xi64>
  %v = dycl.aten view.default(%x, [6]) : (tensor<2x3xf32>) -> tensor<6xf32>
  %y = dycl.aten add.Tensor(%x, %w, 1) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %z = dycl.aten view.default(%y, [3, 2]) : (tensor<2x3xf32>) -> tensor<3x2xf32>
  dycl.yield %x, %v, %w, %y, %y, %z, %c
    : tensor<2x3xf32>, tensor<6xf32>, tensor<3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<3x2xf32>, tensor<2xi64>
}"""
    both(text, [np.random.rand(2, 3).astype(np.float32), np.zeros(1, np.float32)], weights)


def test_names_of_weights_and_inputs_may_collide() -> None:
    weights = WeightStore()
    for key in ("x_0", "out0", "constant_0", "t0"):
        weights.add(key, torch.rand(2))
    text = """dycl.kernel @k(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = dycl.param "x_0" : tensor<2xf32>
  %b = dycl.param "out0" : tensor<2xf32>
  %c = dycl.param "constant_0" : tensor<2xf32>
  %d = dycl.param "t0" : tensor<2xf32>
  %1 = dycl.aten add.Tensor(%x, %a, 1) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = dycl.aten add.Tensor(%1, %b, 1) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %3 = dycl.aten add.Tensor(%2, %c, 1) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %4 = dycl.aten sub.Tensor(%3, %d, 1) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %5 = dycl.aten mul.Scalar(%4, 3.0) : (tensor<2xf32>) -> tensor<2xf32>
  dycl.yield %5 : tensor<2xf32>
}"""
    both(text, [np.ones(2, np.float32)], weights)


def test_elementwise_ops_on_views_of_one_tensor_keep_their_meaning() -> None:
    """Two views of one source in different shapes broadcast; they may not be taken back to the source."""
    text = """dycl.kernel @k(%x: tensor<4xf32>) -> (tensor<4x4xf32>, tensor<4x1xf32>, tensor<4xf32>) {
  %s = dycl.aten sin.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %a = dycl.aten view.default(%s, [4, 1]) : (tensor<4xf32>) -> tensor<4x1xf32>
  %b = dycl.aten view.default(%s, [1, 4]) : (tensor<4xf32>) -> tensor<1x4xf32>
  %m = dycl.aten mul.Tensor(%a, %b) : (tensor<4x1xf32>, tensor<1x4xf32>) -> tensor<4x4xf32>
  %n = dycl.aten add.Tensor(%a, %a, 1) : (tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  %p = dycl.aten softmax.int(%a, 0, none) : (tensor<4x1xf32>) -> tensor<4x1xf32>
  %q = dycl.aten squeeze.dim(%p, 1) : (tensor<4x1xf32>) -> tensor<4xf32>
  dycl.yield %m, %n, %q : tensor<4x4xf32>, tensor<4x1xf32>, tensor<4xf32>
}"""
    both(text, [np.random.rand(4).astype(np.float32)])


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_kernel_without_elements(backend: Backend) -> None:
    text = """dycl.kernel @k(%x: tensor<0x3xf32>) -> (tensor<0x3xf32>, tensor<3xf32>) {
  %y = dycl.aten relu.default(%x) : (tensor<0x3xf32>) -> tensor<0x3xf32>
  %s = dycl.aten sum.dim_IntList(%y, [0], false, none) : (tensor<0x3xf32>) -> tensor<3xf32>
  dycl.yield %y, %s : tensor<0x3xf32>, tensor<3xf32>
}"""
    kernel = parse_kernel(text)
    found = run(compile_with(backend, kernel, WeightStore()), kernel, [np.zeros((0, 3), np.float32)])
    assert [array.shape for array in found] == [(0, 3), (3,)]


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_unused_results_of_an_op_cost_nothing_and_break_nothing(backend: Backend) -> None:
    text = """dycl.kernel @k(%x: tensor<2x5xf32>) -> tensor<2xi64> {
  %v, %i = dycl.aten max.dim(%x, 1, false) : (tensor<2x5xf32>) -> (tensor<2xf32>, tensor<2xi64>)
  dycl.yield %i : tensor<2xi64>
}"""
    kernel = parse_kernel(text)
    loaded = compile_with(backend, kernel, WeightStore())
    x = np.random.rand(2, 5).astype(np.float32)
    engine = engine_named(loaded.engine)(loaded.payload, spec_of(kernel), 1)
    np.testing.assert_array_equal(engine.run([x])[0], x.argmax(1))
