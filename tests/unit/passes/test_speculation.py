"""What may run where the program would not have run it: nothing that can fail."""

import pytest
import torch
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from dycl.errors import DyclError
from dycl.ir.interpret import Value, interpret
from dycl.ir.text import parse_module
from dycl.ir.weights import WeightStore
from dycl.passes.speculation import is_speculable

A, B, Y = "tensor<4x3xf32>", "tensor<3x4xf32>", "tensor<3xf32>"
ROWS, LIST, ONE = "tensor<2xi64>", "tensor<?xf32>", "tensor<f32>"

FAILING = {
    "embedding": f"dycl.aten embedding.default(%a, %rows, -1, false, false) : ({A}, {ROWS}) -> tensor<2x3xf32>",
    "row": f"dycl.aten select.int(%a, 0, %n) : ({A}, i64) -> {Y}",
    "remainder": f"dycl.aten remainder.Scalar(%rows, %zero) : ({ROWS}, i64) -> {ROWS}",
    "power": f"dycl.aten pow.Tensor_Scalar(%rows, %minus) : ({ROWS}, i64) -> {ROWS}",
    "quantile": f'dycl.aten quantile.default(%y, %one, none, false, "linear") : ({Y}, {ONE}) -> {ONE}',
    "probability": f"dycl.aten binary_cross_entropy.default(%y, %y, none, 1) : ({Y}, {Y}) -> {ONE}",
    "item": "dycl.item %list : tensor<?xf32> -> f64",
    "quotient": "arith.floordivsi %n, %zero : i64",
    "sum of sizes": f"dycl.aten add.Tensor(%list, %more, 1) : ({LIST}, {LIST}) -> {LIST}",
}
SAFE = {
    "product": f"dycl.aten mm.default(%a, %b) : ({A}, {B}) -> tensor<4x4xf32>",
    "quotient": f"dycl.aten div.Tensor(%y, %one) : ({Y}, {ONE}) -> {Y}",
    "item": "dycl.item %one : tensor<f32> -> f64",
    "of any length": f"dycl.aten softmax.int(%list, 0, none) : ({LIST}) -> {LIST}",
    "arithmetic": "arith.muli %n, %zero : i64",
}

UNUSUAL: list[Value] = [
    torch.ones(4, 3),
    torch.ones(3, 4),
    torch.full((3,), 7.0),
    torch.tensor([9, 3]),
    torch.ones(5),
    torch.ones(7),
    torch.tensor(7.0),
    9,
]
"""Values for which each op fails that can."""


def program(text: str) -> tuple[ModuleOp, Operation]:
    """Return a program around an op, and the op."""
    module = parse_module(f"""
    func.func @main(%a: {A}, %b: {B}, %y: {Y}, %rows: {ROWS}, %list: {LIST}, %more: {LIST}, %one: {ONE}, %n: i64) {{
      %zero = arith.constant 0 : i64
      %minus = arith.constant -1 : i64
      %r = {text}
      dycl.return
    }}""")
    return module, next(op for op in module.walk() if op.results and op.results[0].name_hint == "r")


@pytest.mark.parametrize("name", FAILING)
def test_what_fails_for_some_values_is_not_run_in_vain(name: str) -> None:
    module, op = program(FAILING[name])
    assert not is_speculable(op)
    with pytest.raises((DyclError, IndexError, ZeroDivisionError)):
        interpret(module, WeightStore(), UNUSUAL)


@pytest.mark.parametrize("name", SAFE)
def test_what_cannot_fail_may_run_in_vain(name: str) -> None:
    module, op = program(SAFE[name])
    assert is_speculable(op)
    interpret(module, WeightStore(), UNUSUAL)
