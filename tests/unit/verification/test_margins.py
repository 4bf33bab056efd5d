"""The margin of a decision: how far its value was from falling the other way."""

import math

import pytest
import torch
from xdsl.ir import Operation

from dycl.ir.interpret import interpret
from dycl.ir.ops import IfOp, KernelOp
from dycl.ir.text import parse_module
from dycl.ir.weights import WeightStore
from dycl.verification.margins import Margins


def margins_of(text: str, *inputs: torch.Tensor) -> list[float]:
    """Return the margin of each decision of a program's run."""
    module = parse_module(text)
    margins = Margins({op.symbol: op for op in module.ops if isinstance(op, KernelOp)})
    found: list[float] = []

    def decide(op: Operation, value: bool | int) -> bool | int:
        assert isinstance(op, IfOp)
        found.append(margins.of(op.condition))
        return value

    interpret(module, WeightStore(), inputs, decide=decide, observe=margins.observe)
    return found


COMPARED = """
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  %t = dycl.aten gt.Scalar(%x, 0.5) : (tensor<f32>) -> tensor<i1>
  %c = dycl.item %t : tensor<i1> -> i1
  %r = dycl.if %c -> (tensor<f32>) {
    dycl.yield %x : tensor<f32>
  } else {
    %n = dycl.aten neg.default(%x) : (tensor<f32>) -> tensor<f32>
    dycl.yield %n : tensor<f32>
  }
  dycl.return %r : tensor<f32>
}
"""

ON_THE_HOST = """
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  %half = arith.constant 5.0e-01 : f64
  %v = dycl.item %x : tensor<f32> -> f64
  %c = arith.cmpf ogt, %v, %half : f64
  dycl.if %c {
    dycl.return %x : tensor<f32>
  }
  dycl.return %x : tensor<f32>
}
"""


@pytest.mark.parametrize("text", [COMPARED, ON_THE_HOST])
@pytest.mark.parametrize(("value", "margin"), [(0.75, 0.25), (0.5, 0.0), (-1.5, 2.0)])
def test_the_distance_to_a_threshold(text: str, value: float, margin: float) -> None:
    assert margins_of(text, torch.tensor(value)) == [pytest.approx(margin)]


HARD_GATE_FROM_A_KERNEL = """
func.func @main(%x: tensor<f32>, %b: i1) -> tensor<f32> {
  %g = dycl.if %b -> (tensor<f32>) {
    %k = dycl.launch @gate(%x) : (tensor<f32>) -> tensor<f32>
    dycl.yield %k : tensor<f32>
  } else {
    dycl.yield %x : tensor<f32>
  }
  %c = dycl.launch @test(%g) : (tensor<f32>) -> i1
  dycl.if %c {
    dycl.return %x : tensor<f32>
  }
  dycl.return %g : tensor<f32>
}
dycl.kernel @gate(%p: tensor<f32>) -> tensor<f32> {
  %t = dycl.aten gt.Scalar(%p, 0.5) : (tensor<f32>) -> tensor<i1>
  %h = dycl.aten to.dtype(%t, f32, false, false, none) : (tensor<i1>) -> tensor<f32>
  dycl.yield %h : tensor<f32>
}
dycl.kernel @test(%h: tensor<f32>) -> i1 {
  %t = dycl.aten eq.Scalar(%h, 1) : (tensor<f32>) -> tensor<i1>
  %c = dycl.item %t : tensor<i1> -> i1
  dycl.yield %c : i1
}
"""


def test_a_margin_goes_through_kernels_and_branches() -> None:
    first, second = margins_of(HARD_GATE_FROM_A_KERNEL, torch.tensor(0.5 + 1e-3), True)
    assert first == math.inf
    assert second == pytest.approx(1e-3, rel=1e-3)


def test_values_that_are_equal_and_compared_for_it_are_exact() -> None:
    assert margins_of(HARD_GATE_FROM_A_KERNEL, torch.tensor(1.0), False) == [math.inf, math.inf]


def test_an_argmax_has_the_gap_between_the_two_largest() -> None:
    text = """
    func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
      %a = dycl.aten argmax.default(%x, none, false) : (tensor<3xf32>) -> tensor<i64>
      %t = dycl.aten eq.Scalar(%a, 0) : (tensor<i64>) -> tensor<i1>
      %c = dycl.item %t : tensor<i1> -> i1
      dycl.if %c {
        dycl.return %x : tensor<3xf32>
      }
      dycl.return %x : tensor<3xf32>
    }
    """
    assert margins_of(text, torch.tensor([1.0, 3.0, 2.5])) == [pytest.approx(0.5)]
