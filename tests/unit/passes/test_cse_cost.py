"""Common subexpressions are eliminated in a time that is linear in the program's size, however deep branches nest."""

from unittest.mock import patch

import pytest

from dycl.ir.text import parse_module
from dycl.passes import cse
from dycl.passes.cse import eliminate_common_subexpressions


def nested(depth: int) -> str:
    opened = "".join(f"%c{i} = dycl.item %t{i} : tensor<i1> -> i1\n dycl.if %c{i} {{\n" for i in range(depth))
    arguments = ", ".join(f"%t{i}: tensor<i1>" for i in range(depth))
    closed = "dycl.yield\n}\n" * depth
    return f"func.func @main({arguments}) {{\n{opened}{closed}dycl.return\n}}"


@pytest.mark.parametrize("depth", [4, 16, 64])
def test_branches_that_are_alike_to_none_are_not_looked_into(depth: int) -> None:
    module = parse_module(nested(depth))
    with patch.object(cse, "is_effect_free", wraps=cse.is_effect_free) as asked:
        assert not eliminate_common_subexpressions(module)
    assert not [call for call in asked.call_args_list if call.args[0].regions]


def test_equal_branches_without_effects_are_merged_and_others_are_not() -> None:
    text = """func.func @main(%c: i1, %x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
      %a = dycl.if %c -> (tensor<2xf32>) {
        %y = dycl.aten BODY
        dycl.yield %y : tensor<2xf32>
      } else {
        dycl.yield %x : tensor<2xf32>
      }
      %b = dycl.if %c -> (tensor<2xf32>) {
        %y = dycl.aten BODY
        dycl.yield %y : tensor<2xf32>
      } else {
        dycl.yield %x : tensor<2xf32>
      }
      dycl.return %a, %b : tensor<2xf32>, tensor<2xf32>
    }"""
    pure = "relu.default(%x) : (tensor<2xf32>) -> tensor<2xf32>"
    random = "rand_like.default(%x, none, none, none, none, none) : (tensor<2xf32>) -> tensor<2xf32>"
    for body, merges in ((pure, True), (random, False)):
        module = parse_module(text.replace("BODY", body))
        assert eliminate_common_subexpressions(module) is merges
        assert str(module).count("dycl.if") == (1 if merges else 2)
