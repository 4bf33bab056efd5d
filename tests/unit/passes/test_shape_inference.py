"""What shape inference may claim of sizes known only at run time, and the results' types that it refuses."""

import pytest

from dycl.ir.text import parse_module, print_module
from dycl.ir.verify import InvalidProgram
from dycl.ir.weights import WeightStore
from dycl.passes import PassManager
from dycl.passes.infer_shapes import InferShapesPass
from dycl.passes.manager import PassFailure
from dycl.program import Program


def inferred(text: str) -> str:
    program = Program(parse_module(text), WeightStore())
    PassManager([InferShapesPass()]).run(program)
    return print_module(program.module)


def test_a_size_that_broadcasts_is_not_that_of_one_operand():
    text = inferred(
        """func.func @f(%x: tensor<?x3xf32>, %y: tensor<?x3xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>) {
          %n = dycl.dim %x, 0 : tensor<?x3xf32>
          %z = dycl.aten add.Tensor(%x, %y, 1) : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x?xf32>
          %r = dycl.aten reshape.default(%z, [%n, -1]) : (tensor<?x?xf32>, i64) -> tensor<?x?xf32>
          dycl.return %z, %r : tensor<?x?xf32>, tensor<?x?xf32>
        }"""
    )
    assert "(tensor<?x3xf32>, tensor<?x?xf32>)" in text.splitlines()[1]


def test_what_one_op_asks_of_a_size_says_nothing_of_others():
    text = inferred(
        """func.func @f(%x: tensor<?x3xf32>, %c: i1) -> (tensor<?x3xf32>, tensor<?x?xf32>) {
          %a = dycl.if %c -> (tensor<?x3xf32>) {
            %e = dycl.aten expand.default(%x, [4, 3], false) : (tensor<?x3xf32>) -> tensor<?x3xf32>
            dycl.yield %e : tensor<?x3xf32>
          } else {
            dycl.yield %x : tensor<?x3xf32>
          }
          %r = dycl.aten relu.default(%x) : (tensor<?x3xf32>) -> tensor<?x?xf32>
          dycl.return %a, %r : tensor<?x3xf32>, tensor<?x?xf32>
        }"""
    )
    assert "-> (tensor<?x3xf32>, tensor<?x3xf32>)" in text.splitlines()[1]
    assert "-> tensor<4x3xf32>" in text


def test_a_size_that_broadcasts_to_a_number_is_that_number():
    text = inferred(
        """func.func @f(%x: tensor<?x3xf32>, %y: tensor<7x3xf32>) -> tensor<?x?xf32> {
          %z = dycl.aten add.Tensor(%x, %y, 1) : (tensor<?x3xf32>, tensor<7x3xf32>) -> tensor<?x?xf32>
          dycl.return %z : tensor<?x?xf32>
        }"""
    )
    assert "-> tensor<7x3xf32>" in text.splitlines()[1]


def test_the_number_of_dimensions_may_depend_on_a_size():
    text = inferred(
        """func.func @f(%x: tensor<?x1xf32>) -> tensor<?xf32> {
          %z = dycl.aten squeeze.default(%x) : (tensor<?x1xf32>) -> tensor<?xf32>
          dycl.return %z : tensor<?xf32>
        }"""
    )
    assert "squeeze.default(%x) : (tensor<?x1xf32>) -> tensor<?xf32>" in text


SIZES = """func.func @main(%x: tensor<?x3xf32> {{dycl.name = "x", dycl.sizes = ["n", "3"]}},
                           %y: tensor<?x2xf32> {{dycl.name = "y", dycl.sizes = ["{name}", "2"]}})
             -> tensor<?x?xf32> attributes {{dycl.bounds = {{n = [2 : i64, 4 : i64], m = [2 : i64, 4 : i64]}}}} {{
      %n = dycl.dim %y, 0 : tensor<?x2xf32>
      %r = dycl.aten reshape.default(%x, [%n, -1]) : (tensor<?x3xf32>, i64) -> tensor<?x?xf32>
      dycl.return %r : tensor<?x?xf32>
    }}"""


def test_sizes_of_one_name_are_equal():
    assert "-> tensor<?x3xf32>" in inferred(SIZES.format(name="n")).splitlines()[1]
    assert "-> tensor<?x?xf32>" in inferred(SIZES.format(name="m")).splitlines()[1]


@pytest.mark.parametrize(
    ("call", "stated", "problem"),
    [
        ("relu.default(%x) : (tensor<2x3xf32>)", "2x4xf32", "relu.default is tensor<2x3xf32>, not tensor<2x4xf32>"),
        ("relu.default(%x) : (tensor<2x3xf32>)", "2x3xf64", "relu.default is tensor<2x3xf32>, not tensor<2x3xf64>"),
        ("relu.default(%x) : (tensor<2x3xf32>)", "?xf32", "relu.default is tensor<2x3xf32>, not tensor<\\?xf32>"),
        (
            "cat.default([%y, %x], 1) : (tensor<?x2xf32>, tensor<2x3xf32>)",
            "2x6xf32",
            "tensor<\\?x5xf32>, not tensor<2x6",
        ),
        ("gt.Scalar(%y, 0) : (tensor<?x2xf32>)", "?x2xf32", "gt.Scalar is tensor<\\?x2xi1>, not tensor<\\?x2xf32>"),
    ],
)
def test_result_types_that_cannot_be_are_refused(call: str, stated: str, problem: str):
    text = f"""func.func @f(%x: tensor<2x3xf32>, %y: tensor<?x2xf32>) -> tensor<{stated}> {{
      %r = dycl.aten {call} -> tensor<{stated}> loc("net.py":7:2)
      dycl.return %r : tensor<{stated}>
    }}"""
    with pytest.raises((InvalidProgram, PassFailure), match=problem) as raised:
        inferred(text)
    assert "in @f at net.py:7" in str(raised.value)
