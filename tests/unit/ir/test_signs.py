"""Which values are known not to be negative."""

import pytest

from dycl.ir.ops import ReturnOp
from dycl.ir.signs import never_negative
from dycl.ir.text import parse_module

LOOP = """
func.func @main(%x: tensor<1x6xf32>, %i: tensor<1xi64>, %n: i64) -> tensor<1xi64> {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %first = dycl.constant dense<FIRST> : tensor<1xi64>
  %r = dycl.for %k = %zero to %n step %one iter_args(%t = %first : tensor<1xi64>) {
    %c = arith.cmpi sgt, %k, %one : i64
    dycl.if %c {
      dycl.break %BREAK : tensor<1xi64>
    }
    %a = dycl.launch @next(%x, %t) : (tensor<1x6xf32>, tensor<1xi64>) -> tensor<1xi64>
    dycl.yield %a : tensor<1xi64>
  }
  dycl.return %r : tensor<1xi64>
}
dycl.kernel @next(%x: tensor<1x6xf32>, %t: tensor<1xi64>) -> tensor<1xi64> {
  %a = dycl.aten NEXT
  dycl.yield %a : tensor<1xi64>
}
"""
ARGMAX = "argmax.default(%x, 1, false) : (tensor<1x6xf32>) -> tensor<1xi64>"
CLONE = "clone.default(%t, none) : (tensor<1xi64>) -> tensor<1xi64>"
LESS = "sub.Scalar(%t, 1, 1) : (tensor<1xi64>) -> tensor<1xi64>"


@pytest.mark.parametrize(
    ("first", "left", "following", "expected"),
    [
        ("0", "t", ARGMAX, True),
        ("3", "t", CLONE, True),
        ("-1", "t", ARGMAX, False),
        ("0", "i", ARGMAX, False),
        ("0", "t", LESS, False),
    ],
)
def test_a_carried_value_is_what_begins_and_what_is_handed_on(
    first: str, left: str, following: str, expected: bool
) -> None:
    text = LOOP.replace("FIRST", first).replace("BREAK", left).replace("NEXT", following)
    module = parse_module(text)
    (end,) = (op for op in module.walk() if isinstance(op, ReturnOp))
    assert never_negative(end.operands[0]) is expected


def test_an_input_may_be_negative_and_the_largest_number_too() -> None:
    module = parse_module("""
    func.func @main(%i: tensor<4xi64>) -> (tensor<4xi64>, tensor<i64>, tensor<i64>, tensor<i64>) {
      %a = dycl.aten max.default(%i) : (tensor<4xi64>) -> tensor<i64>
      %v, %p = dycl.aten max.dim(%i, 0, false) : (tensor<4xi64>) -> (tensor<i64>, tensor<i64>)
      dycl.return %i, %a, %v, %p : tensor<4xi64>, tensor<i64>, tensor<i64>, tensor<i64>
    }""")
    (end,) = (op for op in module.walk() if isinstance(op, ReturnOp))
    assert [never_negative(value) for value in end.operands] == [False, False, False, True]
