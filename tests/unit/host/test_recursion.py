"""Functions that call themselves: each level has memory of its own."""

import numpy as np
import pytest

from dycl.backends.host import write_host
from dycl.runtime.model import Model
from tests.unit.host.host_models import artifact_of, check, program_of

T = "tensor<4xf32>"

KERNELS = f"""
dycl.kernel @step(%x: {T}) -> {T} {{
  %y = dycl.aten add.Scalar(%x, 1.0, 1) : ({T}) -> {T}
  dycl.yield %y : {T}
}}
dycl.kernel @mix(%x: {T}, %y: {T}, %z: {T}) -> {T} {{
  %a = dycl.aten sub.Tensor(%x, %y, 2) : ({T}, {T}) -> {T}
  %b = dycl.aten mul.Tensor(%a, %z) : ({T}, {T}) -> {T}
  %c = dycl.aten remainder.Scalar(%b, 97.0) : ({T}) -> {T}
  dycl.yield %c : {T}
}}
"""

TREE = (
    KERNELS
    + f"""
func.func @main(%x: {T}, %depth: tensor<i64>) -> {T} {{
  %n = dycl.item %depth : tensor<i64> -> i64
  %y = func.call @tree(%x, %n) : ({T}, i64) -> {T}
  dycl.return %y : {T}
}}
func.func @tree(%x: {T}, %n: i64) -> {T} {{
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %leaf = arith.cmpi sle, %n, %0 : i64
  dycl.if %leaf {{
    dycl.return %x : {T}
  }}
  %m = arith.subi %n, %1 : i64
  %own = func.call @helper(%x) : ({T}) -> {T}
  %l = func.call @tree(%own, %m) : ({T}, i64) -> {T}
  %next = dycl.launch @step(%l) : ({T}) -> {T}
  %r = func.call @tree(%next, %m) : ({T}, i64) -> {T}
  %y = dycl.launch @mix(%l, %r, %own) : ({T}, {T}, {T}) -> {T}
  dycl.return %y : {T}
}}
func.func @helper(%x: {T}) -> {T} {{
  %a = dycl.launch @step(%x) : ({T}) -> {T}
  %b = dycl.launch @step(%a) : ({T}) -> {T}
  dycl.return %b : {T}
}}"""
)


def test_what_a_call_holds_outlives_the_calls_it_makes() -> None:
    x = np.arange(4, dtype="f")
    check(program_of(TREE), *([x, np.array(depth)] for depth in (0, 1, 2, 5, 3, 0)))


def test_a_level_is_prepared_once() -> None:
    source = write_host(program_of(TREE)).source
    assert "y = tree(k.deeper, x, depth.item())\n" in source
    assert "    l = tree(k.deeper, own, m)\n" in source
    assert "    own = helper(k, x)\n" in source
    assert "    k.levels(frame, prepare_level)\n" in source


def test_functions_that_call_each_other() -> None:
    text = (
        KERNELS
        + f"""
func.func @main(%x: {T}, %depth: tensor<i64>) -> ({T}, i64) {{
  %n = dycl.item %depth : tensor<i64> -> i64
  %y, %m = func.call @even(%x, %n) : ({T}, i64) -> ({T}, i64)
  dycl.return %y, %m : {T}, i64
}}
func.func @even(%x: {T}, %n: i64) -> ({T}, i64) {{
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %end = arith.cmpi sle, %n, %0 : i64
  dycl.if %end {{
    dycl.return %x, %0 : {T}, i64
  }}
  %m = arith.subi %n, %1 : i64
  %a = dycl.launch @step(%x) : ({T}) -> {T}
  %b, %k = func.call @odd(%a, %m) : ({T}, i64) -> ({T}, i64)
  %y = dycl.launch @mix(%a, %b, %x) : ({T}, {T}, {T}) -> {T}
  dycl.return %y, %k : {T}, i64
}}
func.func @odd(%x: {T}, %n: i64) -> ({T}, i64) {{
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %end = arith.cmpi sle, %n, %0 : i64
  dycl.if %end {{
    dycl.return %x, %1 : {T}, i64
  }}
  %m = arith.subi %n, %1 : i64
  %a = dycl.launch @step(%x) : ({T}) -> {T}
  %b, %k = func.call @even(%a, %m) : ({T}, i64) -> ({T}, i64)
  %y = dycl.launch @mix(%b, %a, %x) : ({T}, {T}, {T}) -> {T}
  dycl.return %y, %k : {T}, i64
}}"""
    )
    x = np.arange(4, dtype="f")
    check(program_of(text), *([x, np.array(depth)] for depth in (0, 1, 2, 5, 4)))


def test_a_main_that_calls_itself() -> None:
    text = (
        KERNELS
        + f"""
func.func @main(%x: {T}, %depth: tensor<i64>) -> {T} {{
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %n = dycl.item %depth : tensor<i64> -> i64
  %end = arith.cmpi sle, %n, %0 : i64
  dycl.if %end {{
    dycl.return %x : {T}
  }}
  %m = arith.subi %n, %1 : i64
  %t = dycl.scalar_tensor %m : i64 -> tensor<i64>
  %a = dycl.launch @step(%x) : ({T}) -> {T}
  %b = func.call @main(%a, %t) : ({T}, tensor<i64>) -> {T}
  %y = dycl.launch @mix(%b, %a, %x) : ({T}, {T}, {T}) -> {T}
  dycl.return %y : {T}
}}"""
    )
    x = np.arange(4, dtype="f")
    check(program_of(text), *([x, np.array(depth)] for depth in (0, 1, 3, 2)))


def test_lists_that_calls_return() -> None:
    """A leaf returns a buffer as a list; its next call writes to that buffer again."""
    text = (
        KERNELS
        + f"""
func.func @main(%x: {T}, %depth: tensor<i64>) -> tensor<?xf32> {{
  %n = dycl.item %depth : tensor<i64> -> i64
  %y = func.call @leaves(%x, %n) : ({T}, i64) -> tensor<?xf32>
  dycl.return %y : tensor<?xf32>
}}
func.func @leaves(%x: {T}, %n: i64) -> tensor<?xf32> {{
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %a = dycl.launch @step(%x) : ({T}) -> {T}
  %leaf = arith.cmpi sle, %n, %0 : i64
  dycl.if %leaf {{
    dycl.return %a : {T}
  }}
  %m = arith.subi %n, %1 : i64
  %l = func.call @leaves(%a, %m) : ({T}, i64) -> tensor<?xf32>
  %r = func.call @leaves(%x, %m) : ({T}, i64) -> tensor<?xf32>
  %y = dycl.aten cat.default([%l, %r], 0) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  dycl.return %y : tensor<?xf32>
}}"""
    )
    x = np.arange(4, dtype="f")
    check(program_of(text), *([x, np.array(depth)] for depth in (0, 1, 3, 2)))


def test_recursion_beyond_pythons_limit_says_so_and_leaves_the_model_usable() -> None:
    model = Model(
        artifact_of(
            program_of(
                """
func.func @main(%depth: tensor<i64>) -> i64 {
  %n = dycl.item %depth : tensor<i64> -> i64
  %y = func.call @count(%n) : (i64) -> i64
  dycl.return %y : i64
}
func.func @count(%n: i64) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %end = arith.cmpi eq, %n, %0 : i64
  dycl.if %end {
    dycl.return %0 : i64
  }
  %m = arith.subi %n, %1 : i64
  %k = func.call @count(%m) : (i64) -> i64
  %y = arith.addi %k, %1 : i64
  dycl.return %y : i64
}"""
            )
        )
    )
    with pytest.raises(RecursionError, match="the program calls itself more often than Python's limit of"):
        model(np.array(-1))
    assert model(np.array(100)) == 100


COMPUTED = (
    KERNELS
    + f"""
func.func @main(%x: {T}, %depth: tensor<i64>) -> {T} {{
  %n = dycl.item %depth : tensor<i64> -> i64
  %y = func.call @tree(%x, %n) : ({T}, i64) -> {T}
  %z = dycl.launch @step(%y) : ({T}) -> {T}
  dycl.return %z : {T}
}}
func.func @tree(%x: {T}, %n: i64) -> {T} {{
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %leaf = arith.cmpi sle, %n, %0 : i64
  dycl.if %leaf {{
    %end = dycl.launch @step(%x) : ({T}) -> {T}
    dycl.return %end : {T}
  }}
  %m = arith.subi %n, %1 : i64
  %left = func.call @tree(%x, %m) : ({T}, i64) -> {T}
  %right = func.call @tree(%left, %m) : ({T}, i64) -> {T}
  %y = dycl.launch @mix(%left, %right, %x) : ({T}, {T}, {T}) -> {T}
  dycl.return %y : {T}
}}"""
)


def test_only_results_that_another_call_might_overwrite_are_copied() -> None:
    program = program_of(COMPUTED)
    source = write_host(program).source
    assert source.count("frame.store") == 1
    assert "left = k.left(left)" in source
    x = np.arange(4, dtype="f")
    check(program, *([x, np.array(depth)] for depth in (0, 1, 2, 5, 3, 0)))
