"""Loops and lists in the host program: as a person would write them."""

import numpy as np

from dycl.backends.host import write_host
from tests.unit.host.host_models import check, program_of

T = "tensor<4xf32>"

KERNELS = f"""
dycl.kernel @step(%x: {T}) -> ({T}, i1) {{
  %y = dycl.aten add.Scalar(%x, -1.0, 1) : ({T}) -> {T}
  %s = dycl.aten sum.default(%y, none) : ({T}) -> tensor<f32>
  %b = dycl.aten gt.Scalar(%s, 0.0) : (tensor<f32>) -> tensor<i1>
  %g = dycl.item %b : tensor<i1> -> i1
  dycl.yield %y, %g : {T}, i1
}}
"""

GIVEN = [np.arange(4, dtype="f")], [-np.arange(4, dtype="f")], [np.full(4, 2.5, "f")]


def body(text: str) -> str:
    """Return the body of main."""
    source = write_host(program_of(text)).source
    return source[source.index("def main") : source.index("def prepare")].split("\n", 1)[1].strip("\n")


def test_results_are_computed_in_the_variables_of_the_next_iteration() -> None:
    text = (
        KERNELS
        + f"""
func.func @main(%x: {T}) -> {T} {{
  %true = arith.constant true
  %r = dycl.while (%go = %true : i1, %a = %x : {T}) -> ({T}) {{
    dycl.condition(%go) %a : {T}
  }} do (%b: {T}) {{
    %y, %more = dycl.launch @step(%b) : ({T}) -> ({T}, i1)
    dycl.yield %more, %y : i1, {T}
  }}
  dycl.return %r : {T}
}}"""
    )
    assert body(text) == "    go, a = True, x\n    while go:\n        a, go = k.step(a)\n    return (a,)"
    check(program_of(text), *GIVEN)


def test_a_value_that_is_read_again_keeps_its_variable() -> None:
    text = (
        KERNELS
        + f"""
func.func @main(%x: {T}) -> ({T}, {T}) {{
  %true = arith.constant true
  %r, %s = dycl.while (%go = %true : i1, %a = %x : {T}, %before = %x : {T}) -> ({T}, {T}) {{
    dycl.condition(%go) %a, %before : {T}, {T}
  }} do (%b: {T}, %c: {T}) {{
    %y, %more = dycl.launch @step(%b) : ({T}) -> ({T}, i1)
    dycl.if %more {{
      dycl.continue %more, %y, %b : i1, {T}, {T}
    }}
    dycl.yield %more, %y, %b : i1, {T}, {T}
  }}
  dycl.return %r, %s : {T}, {T}
}}"""
    )
    check(program_of(text), *GIVEN)
    assert "a, go = k.step(a)" not in body(text)


def test_a_number_that_is_written_where_it_is_used_sees_this_iterations_values() -> None:
    text = f"""
dycl.kernel @count(%x: {T}, %n: i64) -> ({T}, i64) {{
  %y = dycl.aten add.Scalar(%x, %n, 1) : ({T}, i64) -> {T}
  %two = arith.constant 2 : i64
  %m = arith.addi %n, %two : i64
  dycl.yield %y, %m : {T}, i64
}}
func.func @main(%x: {T}) -> ({T}, i64, i64) {{
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %3 = arith.constant 3 : i64
  %r, %s, %t = dycl.for %i = %0 to %3 step %1 iter_args(%a = %x : {T}, %n = %1 : i64, %last = %0 : i64) {{
    %half = arith.muli %n, %n : i64
    %y, %m = dycl.launch @count(%a, %n) : ({T}, i64) -> ({T}, i64)
    dycl.yield %y, %m, %half : {T}, i64, i64
  }}
  dycl.return %r, %s, %t : {T}, i64, i64
}}"""
    model = check(program_of(text), *GIVEN)
    assert model(*GIVEN[0])[1:] == (7, 25)


def test_a_list_grows_by_appending() -> None:
    text = (
        KERNELS
        + f"""
func.func @main(%x: {T}) -> (tensor<?x4xf32>, i64) {{
  %true = arith.constant true
  %first = dycl.aten unsqueeze.default(%x, 0) : ({T}) -> tensor<1x4xf32>
  %r, %s = dycl.while (%go = %true : i1, %a = %x : {T}, %l : tensor<?x4xf32> = %first : tensor<1x4xf32>)
      -> ({T}, tensor<?x4xf32>) {{
    dycl.condition(%go) %a, %l : {T}, tensor<?x4xf32>
  }} do (%b: {T}, %items: tensor<?x4xf32>) {{
    %y, %more = dycl.launch @step(%b) : ({T}) -> ({T}, i1)
    %row = dycl.aten unsqueeze.default(%y, 0) : ({T}) -> tensor<1x4xf32>
    %longer = dycl.aten cat.default([%items, %row], 0) : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
    dycl.yield %more, %y, %longer : i1, {T}, tensor<?x4xf32>
  }}
  %n = dycl.dim %s, 0 : tensor<?x4xf32>
  dycl.return %s, %n : tensor<?x4xf32>, i64
}}"""
    )
    assert "l = k.l(l, row)" in body(text)
    model = check(program_of(text), *GIVEN)
    assert model(np.full(4, 40, "f"))[1] == 41


def test_lists_that_share_a_beginning_stay_apart() -> None:
    text = """
func.func @main(%x: tensor<?x4xf32>, %y: tensor<1x4xf32>, %z: tensor<2x4xf32>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %3 = arith.constant 3 : i64
  %r, %s, %t = dycl.for %i = %0 to %3 step %1
      iter_args(%a = %x : tensor<?x4xf32>, %b = %x : tensor<?x4xf32>, %c = %x : tensor<?x4xf32>) {
    %even = arith.cmpi eq, %i, %1 : i64
    %d = dycl.if %even -> (tensor<?x4xf32>) {
      dycl.yield %a : tensor<?x4xf32>
    } else {
      dycl.yield %b : tensor<?x4xf32>
    }
    %e = dycl.aten cat.default([%d, %y], 0) : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
    %f = dycl.aten cat.default([%d, %z, %y], 0)
      : (tensor<?x4xf32>, tensor<2x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
    dycl.yield %e, %f, %d : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  }
  dycl.return %r, %s, %t : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}"""
    program = program_of(text)
    for rows in (0, 1, 20):
        x = np.arange(rows * 4, dtype="f").reshape(rows, 4)
        check(program, [x, np.full((1, 4), -1, "f"), np.full((2, 4), -2, "f")])


def test_constants_and_inputs_become_lists_without_a_copy() -> None:
    text = (
        KERNELS
        + f"""
func.func @main(%x: {T}, %c: i1) -> tensor<?xf32> {{
  %y, %g = dycl.launch @step(%x) : ({T}) -> ({T}, i1)
  %r = dycl.if %c -> (tensor<?xf32>) {{
    dycl.yield %x : {T}
  }} else {{
    dycl.yield %y : {T}
  }}
  dycl.return %r : tensor<?xf32>
}}""".replace(", %c: i1", "").replace("dycl.if %c", "dycl.if %g")
    )
    assert "r = x\n" in body(text)
    assert "r = y.copy()" in body(text)
