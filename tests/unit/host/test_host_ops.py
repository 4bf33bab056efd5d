"""Every host op, in the host program against the interpreter."""

import math

import numpy as np
import pytest

from dycl.backends.host import write_host
from dycl.errors import DyclError
from dycl.runtime.model import Model
from tests.unit.host.host_models import artifact_of, check, flat, interpreted, program_of

KERNELS = """
dycl.kernel @step(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dycl.aten add.Scalar(%x, 1.0, 1) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.yield %y : tensor<4xf32>
}
dycl.kernel @double(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dycl.aten mul.Scalar(%x, 2.0) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.yield %y : tensor<4xf32>
}
dycl.kernel @positive(%x: tensor<4xf32>) -> i1 {
  %s = dycl.aten sum.default(%x, none) : (tensor<4xf32>) -> tensor<f32>
  %b = dycl.aten gt.Scalar(%s, 0.0) : (tensor<f32>) -> tensor<i1>
  %g = dycl.item %b : tensor<i1> -> i1
  dycl.yield %g : i1
}
dycl.kernel @total(%x: tensor<4xf32>) -> f64 {
  %s = dycl.aten sum.default(%x, none) : (tensor<4xf32>) -> tensor<f32>
  %g = dycl.item %s : tensor<f32> -> f64
  dycl.yield %g : f64
}
dycl.kernel @add(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %z = dycl.aten add.Tensor(%x, %y, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  dycl.yield %z : tensor<4xf32>
}
dycl.kernel @scale(%x: tensor<4xf32>, %n: i64) -> (i64, tensor<4xf32>) {
  %z = dycl.aten mul.Scalar(%x, %n) : (tensor<4xf32>, i64) -> tensor<4xf32>
  dycl.yield %n, %z : i64, tensor<4xf32>
}
"""

POSITIVE = np.arange(4, dtype="f")
NEGATIVE = -POSITIVE
BOTH = [POSITIVE], [NEGATIVE]


def test_launches_with_scalars_in_and_out() -> None:
    check(
        program_of(
            KERNELS
            + """
func.func @main(%x: tensor<4xf32>) -> (i1, f64, i64, tensor<4xf32>) {
  %p = dycl.launch @positive(%x) : (tensor<4xf32>) -> i1
  %t = dycl.launch @total(%x) : (tensor<4xf32>) -> f64
  %c = arith.constant 3 : i64
  %n, %y = dycl.launch @scale(%x, %c) : (tensor<4xf32>, i64) -> (i64, tensor<4xf32>)
  %m, %z = dycl.launch @scale(%y, %n) : (tensor<4xf32>, i64) -> (i64, tensor<4xf32>)
  dycl.return %p, %t, %m, %z : i1, f64, i64, tensor<4xf32>
}"""
        ),
        *BOTH,
    )


def test_an_early_return_is_one_and_a_negated_branch_keeps_its_decision() -> None:
    program = program_of(
        KERNELS
        + """
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, i64) {
  %one = arith.constant 1 : i64
  %two = arith.constant 2 : i64
  %p = dycl.launch @positive(%x) : (tensor<4xf32>) -> i1
  dycl.if %p {
    dycl.return %x, %one : tensor<4xf32>, i64
  }
  %y = dycl.launch @step(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %q = dycl.launch @positive(%y) : (tensor<4xf32>) -> i1
  %r = dycl.if %q -> (tensor<4xf32>) {
    dycl.yield %y : tensor<4xf32>
  } else {
    dycl.return %y, %two : tensor<4xf32>, i64
  }
  %z = dycl.launch @step(%r) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.return %z, %one : tensor<4xf32>, i64
}"""
    )
    check(program, *BOTH, [np.full(4, -0.5, "f")])
    source = write_host(program).source
    assert "    if p:\n        return x, 1\n    y = k.step(x)\n" in source.replace("arg0", "x")
    assert "    if not q:\n        return y, 2\n" in source


def test_else_if_chains_are_elif() -> None:
    program = program_of(
        KERNELS
        + """
func.func @main(%x: tensor<4xf32>) -> i64 {
  %t = dycl.launch @total(%x) : (tensor<4xf32>) -> f64
  %zero = arith.constant 0.0 : f64
  %ten = arith.constant 10.0 : f64
  %one = arith.constant 1 : i64
  %two = arith.constant 2 : i64
  %three = arith.constant 3 : i64
  %c = arith.cmpf olt, %t, %zero : f64
  %r = dycl.if %c -> (i64) {
    dycl.yield %one : i64
  } else {
    %d = arith.cmpf olt, %t, %ten : f64
    %s = dycl.if %d -> (i64) {
      dycl.yield %two : i64
    } else {
      dycl.yield %three : i64
    }
    dycl.yield %s : i64
  }
  dycl.return %r : i64
}"""
    )
    check(program, *BOTH, [POSITIVE * 10])
    assert "    elif t < 10.0:\n        r = 2\n    else:\n        r = 3\n" in write_host(program).source


def test_switch() -> None:
    program = program_of(
        KERNELS
        + """
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, i64) {
  %t = dycl.launch @total(%x) : (tensor<4xf32>) -> f64
  %i = arith.fptosi %t : f64 to i64
  %one = arith.constant 1 : i64
  %r = dycl.switch %i -> (tensor<4xf32>)
  case -6 {
    %y = dycl.launch @step(%x) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %y : tensor<4xf32>
  }
  case 6 {
    dycl.yield %x : tensor<4xf32>
  }
  case 7 {
    dycl.return %x, %one : tensor<4xf32>, i64
  }
  default {
    %y = dycl.launch @double(%x) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %y : tensor<4xf32>
  }
  dycl.return %r, %i : tensor<4xf32>, i64
}"""
    )
    model = check(program, *BOTH, [POSITIVE + 1], [np.array([7, 0, 0, 0], "f")])
    assert model.artifact.manifest.branches[0].cases == (-6, 6, 7)


def test_for_with_break_continue_and_return() -> None:
    program = program_of(
        KERNELS
        + """
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, i64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %two = arith.constant 2 : i64
  %ten = arith.constant 10 : i64
  %a, %b, %n = dycl.for %i = %zero to %ten step %two
      iter_args(%p = %x : tensor<4xf32>, %q = %x : tensor<4xf32>, %c = %zero : i64) {
    %d = dycl.launch @double(%p) : (tensor<4xf32>) -> tensor<4xf32>
    %e = dycl.launch @step(%q) : (tensor<4xf32>) -> tensor<4xf32>
    %m = arith.addi %c, %i : i64
    %is4 = arith.cmpi eq, %i, %two : i64
    dycl.if %is4 {
      dycl.continue %e, %q, %m : tensor<4xf32>, tensor<4xf32>, i64
    }
    %g = dycl.launch @positive(%e) : (tensor<4xf32>) -> i1
    dycl.if %g {
      %eight = arith.constant 6 : i64
      %big = arith.cmpi sge, %i, %eight : i64
      dycl.if %big {
        dycl.break %e, %d, %m : tensor<4xf32>, tensor<4xf32>, i64
      }
    } else {
      %f = dycl.launch @add(%d, %e) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      %g2 = dycl.launch @positive(%f) : (tensor<4xf32>) -> i1
      dycl.if %g2 {
        dycl.return %f, %e, %c : tensor<4xf32>, tensor<4xf32>, i64
      }
    }
    dycl.yield %e, %d, %m : tensor<4xf32>, tensor<4xf32>, i64
  }
  dycl.return %a, %b, %n : tensor<4xf32>, tensor<4xf32>, i64
}"""
    )
    check(program, *BOTH, [np.full(4, -0.25, "f")], [np.full(4, -1.5, "f")])
    assert "for i in range(0, 10, 2):" in write_host(program).source


def test_a_loop_that_does_not_run_gives_its_initial_values() -> None:
    check(
        program_of(
            KERNELS
            + """
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %a = dycl.for %i = %one to %zero step %one iter_args(%p = %x : tensor<4xf32>) {
    %d = dycl.launch @double(%p) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %d : tensor<4xf32>
  }
  dycl.return %a : tensor<4xf32>
}"""
        ),
        *BOTH,
    )


def test_while_with_a_kernel_in_its_condition_and_other_values_handed_on() -> None:
    check(
        program_of(
            KERNELS
            + """
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, i64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %limit = arith.constant 5 : i64
  %r, %s, %n = dycl.while (%a = %x : tensor<4xf32>, %i = %zero : i64) -> (tensor<4xf32>, tensor<4xf32>, i64) {
    %b = dycl.launch @step(%a) : (tensor<4xf32>) -> tensor<4xf32>
    %t = dycl.launch @total(%b) : (tensor<4xf32>) -> f64
    %bound = arith.constant 40.0 : f64
    %c = arith.cmpf olt, %t, %bound : f64
    dycl.condition(%c) %b, %a, %i : tensor<4xf32>, tensor<4xf32>, i64
  } do (%b: tensor<4xf32>, %a: tensor<4xf32>, %i: i64) {
    %j = arith.addi %i, %one : i64
    %stop = arith.cmpi eq, %j, %limit : i64
    dycl.if %stop {
      dycl.break %a, %b, %j : tensor<4xf32>, tensor<4xf32>, i64
    }
    %odd = arith.remsi %j, %limit : i64
    %is = arith.cmpi eq, %odd, %one : i64
    dycl.if %is {
      dycl.continue %b, %j : tensor<4xf32>, i64
    }
    %d = dycl.launch @add(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %d, %j : tensor<4xf32>, i64
  }
  dycl.return %r, %s, %n : tensor<4xf32>, tensor<4xf32>, i64
}"""
        ),
        *BOTH,
        [POSITIVE * 20],
    )


def test_a_function_called_twice_gives_two_results() -> None:
    program = program_of(
        KERNELS
        + """
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, i64, i64) {
  %one = arith.constant 1 : i64
  %a, %m = func.call @twice(%x, %one) : (tensor<4xf32>, i64) -> (tensor<4xf32>, i64)
  %b, %n = func.call @twice(%a, %m) : (tensor<4xf32>, i64) -> (tensor<4xf32>, i64)
  %c = func.call @same(%b) : (tensor<4xf32>) -> tensor<4xf32>
  %d = dycl.launch @add(%a, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  dycl.return %d, %a, %m, %n : tensor<4xf32>, tensor<4xf32>, i64, i64
}
func.func @twice(%x: tensor<4xf32>, %n: i64) -> (tensor<4xf32>, i64) {
  %p = dycl.launch @positive(%x) : (tensor<4xf32>) -> i1
  %two = arith.constant 2 : i64
  %m = arith.muli %n, %two : i64
  %y = dycl.if %p -> (tensor<4xf32>) {
    %z = dycl.launch @double(%x) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %z : tensor<4xf32>
  } else {
    %z = dycl.launch @step(%x) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %z : tensor<4xf32>
  }
  dycl.return %y, %m : tensor<4xf32>, i64
}
func.func @same(%x: tensor<4xf32>) -> tensor<4xf32> {
  dycl.return %x : tensor<4xf32>
}"""
    )
    check(program, *BOTH)


def test_constants_weights_views_items_and_scalar_tensors() -> None:
    program = program_of(
        """
dycl.kernel @add(%x: tensor<2x2xf32>, %y: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %z = dycl.aten add.Tensor(%x, %y, 1) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  dycl.yield %z : tensor<2x2xf32>
}
func.func @main(%x: tensor<4xf32>, %i: tensor<1xi64>)
    -> (tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>, f64, tensor<f32>, i64, tensor<2xi1>, tensor<3xf64>) {
  %w = dycl.param "w" : tensor<2x2xf32>
  %c = dycl.constant dense<[[1.0, 2.0], [3.0, 4.5]]> : tensor<2x2xf32>
  %zeros = dycl.constant dense<0.0> : tensor<2x2xf32>
  %flags = dycl.constant dense<[true, false]> : tensor<2xi1>
  %odd = dycl.constant dense<[0x7FF0000000000000, 0x7FF8000000000000, 0xFFF0000000000000]> : tensor<3xf64>
  %v = dycl.aten view.default(%x, [2, 2]) : (tensor<4xf32>) -> tensor<2x2xf32>
  %a = dycl.launch @add(%v, %w) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %b = dycl.launch @add(%a, %c) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %d = dycl.launch @add(%b, %zeros) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %n = dycl.item %i : tensor<1xi64> -> i64
  %row = dycl.aten select.int(%d, 0, 1) : (tensor<2x2xf32>) -> tensor<2xf32>
  %chosen = dycl.aten select.int(%d, 0, %n) : (tensor<2x2xf32>, i64) -> tensor<2xf32>
  %element = dycl.aten select.int(%chosen, 0, -1) : (tensor<2xf32>) -> tensor<f32>
  %e = dycl.item %element : tensor<f32> -> f64
  %same = dycl.aten alias.default(%d) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %t = dycl.scalar_tensor %e : f64 -> tensor<f32>
  %size = dycl.dim %x, 0 : tensor<4xf32>
  dycl.return %same, %row, %chosen, %e, %t, %size, %flags, %odd
    : tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>, f64, tensor<f32>, i64, tensor<2xi1>, tensor<3xf64>
}""",
        w=np.array([[10, 20], [30, 40]], "f"),
    )
    check(program, [POSITIVE, np.array([0])], [POSITIVE, np.array([1])], [POSITIVE * 2, np.array([1])])


def test_an_item_is_read_before_its_buffer_is_written_again() -> None:
    program = program_of(
        KERNELS
        + """
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, f64) {
  %a = dycl.launch @step(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %first = dycl.aten select.int(%a, 0, 0) : (tensor<4xf32>) -> tensor<f32>
  %v = dycl.item %first : tensor<f32> -> f64
  %one = arith.constant 1.5 : f64
  %w = arith.addf %v, %one : f64
  %b = dycl.launch @step(%a) : (tensor<4xf32>) -> tensor<4xf32>
  %c = dycl.launch @step(%b) : (tensor<4xf32>) -> tensor<4xf32>
  %d = dycl.launch @double(%c) : (tensor<4xf32>) -> tensor<4xf32>
  %last = dycl.aten select.int(%d, 0, 3) : (tensor<4xf32>) -> tensor<f32>
  %z = dycl.item %last : tensor<f32> -> f64
  %small = arith.cmpf olt, %z, %one : f64
  dycl.if %small {
    dycl.return %d, %one : tensor<4xf32>, f64
  }
  dycl.return %d, %w : tensor<4xf32>, f64
}"""
    )
    check(program, *BOTH)
    source = write_host(program).source
    assert "    w = first.item() + 1.5\n" in source
    assert "    if last.item() < 1.5:\n" in source


def test_an_assertion_names_the_source_line_even_where_python_drops_assertions() -> None:
    program = program_of(
        KERNELS
        + """
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %p = dycl.launch @positive(%x) : (tensor<4xf32>) -> i1
  dycl.assert %p, "x must be \\"positive\\"" loc("net.py":12:1)
  dycl.return %x : tensor<4xf32>
}"""
    )
    model = check(program, [POSITIVE])
    with pytest.raises(AssertionError, match=r'x must be "positive" \(net.py:12\)'):
        model(NEGATIVE)
    np.testing.assert_array_equal(model(POSITIVE), POSITIVE)


def test_sizes_known_only_at_run_time() -> None:
    program = program_of("""
dycl.kernel @double(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<2xf32>, i1) {
  %y = dycl.aten mul.Scalar(%x, 2.0) : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %s = dycl.aten sum.dim_IntList(%y, [0], false, none) : (tensor<?x2xf32>) -> tensor<2xf32>
  %t = dycl.aten sum.default(%s, none) : (tensor<2xf32>) -> tensor<f32>
  %b = dycl.aten gt.Scalar(%t, 0.0) : (tensor<f32>) -> tensor<i1>
  %g = dycl.item %b : tensor<i1> -> i1
  dycl.yield %y, %s, %g : tensor<?x2xf32>, tensor<2xf32>, i1
}
dycl.kernel @grow(%x: tensor<?x2xf32>, %y: tensor<2xf32>) -> tensor<?x2xf32> {
  %v = dycl.aten view.default(%y, [1, 2]) : (tensor<2xf32>) -> tensor<1x2xf32>
  %z = dycl.aten cat.default([%x, %v], 0) : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x2xf32>
  dycl.yield %z : tensor<?x2xf32>
}
dycl.kernel @next(%y: tensor<2xf32>) -> tensor<2xf32> {
  %z = dycl.aten add.Scalar(%y, 1.0, 1) : (tensor<2xf32>) -> tensor<2xf32>
  dycl.yield %z : tensor<2xf32>
}
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<2xf32>, i64, tensor<?x2xf32>) {
  %y, %s, %g = dycl.launch @double(%x) : (tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<2xf32>, i1)
  %start = dycl.constant dense<1.0> : tensor<1x2xf32>
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %three = arith.constant 3 : i64
  %r, %last = dycl.for %i = %zero to %three step %one
      iter_args(%a : tensor<?x2xf32> = %start : tensor<1x2xf32>, %b = %s : tensor<2xf32>) {
    %c = dycl.launch @next(%b) : (tensor<2xf32>) -> tensor<2xf32>
    %d = dycl.launch @grow(%a, %c) : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    dycl.yield %d, %c : tensor<?x2xf32>, tensor<2xf32>
  }
  %n = dycl.dim %r, 0 : tensor<?x2xf32>
  %m = dycl.dim %y, 0 : tensor<?x2xf32>
  %nm = arith.addi %n, %m : i64
  %z = dycl.if %g -> (tensor<?x2xf32>) {
    dycl.yield %y : tensor<?x2xf32>
  } else {
    dycl.yield %start : tensor<1x2xf32>
  }
  dycl.return %r, %last, %nm, %z : tensor<?x2xf32>, tensor<2xf32>, i64, tensor<?x2xf32>
}""")
    check(program, [np.ones((3, 2), "f")], [-np.ones((5, 2), "f")], [np.ones((1, 2), "f")])


INTEGER_OPS = ["addi", "subi", "muli", "floordivsi", "divsi", "remsi", "maxsi", "minsi", "andi", "ori", "xori"]
FLOAT_PREDICATES = [
    "false",
    *(kind + name for kind in "ou" for name in ("eq", "gt", "ge", "lt", "le", "ne")),
    "ord",
    "uno",
    "true",
]
INTEGERS = [0, 1, -1, 3, -7, 12]
FLOATS = [0.0, -0.0, 1.5, -2.25, math.inf, -math.inf, math.nan]


def _binary(name: str, type: str, result: str) -> str:
    return f"""
func.func @main(%x: tensor<{type}>, %y: tensor<{type}>) -> {result} {{
  %a = dycl.item %x : tensor<{type}> -> {type}
  %b = dycl.item %y : tensor<{type}> -> {type}
  %c = arith.{name} %a, %b : {type}
  dycl.return %c : {result}
}}"""


def _compare(text: str, values: list[object], dtype: str) -> None:
    program = program_of(text)
    model = Model(artifact_of(program))
    for a in values:
        for b in values:
            given = [np.array(a, dtype), np.array(b, dtype)]
            try:
                (expected,) = interpreted(program, given)
            except ZeroDivisionError:
                with pytest.raises(ZeroDivisionError):
                    model(*given)
                continue
            (found,) = flat(model(*given), program)
            assert type(found) is type(expected), (a, b)
            if isinstance(expected, float):
                same = math.isnan(found) if math.isnan(expected) else found == expected
                assert (same and math.copysign(1, found) == math.copysign(1, expected)) or math.isnan(expected), (a, b)
            else:
                assert found == expected, (a, b)


@pytest.mark.parametrize("name", INTEGER_OPS)
def test_integer_arithmetic(name: str) -> None:
    _compare(_binary(name, "i64", "i64"), INTEGERS, "int64")


@pytest.mark.parametrize("predicate", ["eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"])
def test_integer_comparisons(predicate: str) -> None:
    _compare(_binary(f"cmpi {predicate},", "i64", "i1"), INTEGERS, "int64")
    _compare(_binary(f"cmpi {predicate},", "i1", "i1"), [False, True], "bool")


@pytest.mark.parametrize("name", ["addf", "subf", "mulf", "divf", "maximumf", "minimumf"])
def test_float_arithmetic(name: str) -> None:
    _compare(_binary(name, "f64", "f64"), FLOATS, "float64")


@pytest.mark.parametrize("predicate", FLOAT_PREDICATES)
def test_float_comparisons(predicate: str) -> None:
    _compare(_binary(f"cmpf {predicate},", "f64", "i1"), FLOATS, "float64")


@pytest.mark.parametrize("name", ["addi", "subi", "muli", "andi", "ori", "xori"])
def test_logic(name: str) -> None:
    _compare(_binary(name, "i1", "i1"), [False, True], "bool")


def test_conversions_and_selection() -> None:
    check(
        program_of("""
func.func @main(%x: tensor<i64>, %y: tensor<i1>, %z: tensor<f64>) -> (f64, f64, f64, i64, i64, i64, f64, i1) {
  %i = dycl.item %x : tensor<i64> -> i64
  %b = dycl.item %y : tensor<i1> -> i1
  %f = dycl.item %z : tensor<f64> -> f64
  %1 = arith.sitofp %i : i64 to f64
  %2 = arith.uitofp %b : i1 to f64
  %3 = arith.negf %f : f64
  %4 = arith.fptosi %f : f64 to i64
  %5 = arith.extui %b : i1 to i64
  %6 = arith.select %b, %i, %4 : i64
  %7 = arith.sitofp %b : i1 to f64
  %true = arith.constant true
  %8 = arith.xori %b, %true : i1
  dycl.return %1, %2, %3, %4, %5, %6, %7, %8 : f64, f64, f64, i64, i64, i64, f64, i1
}"""),
        [np.array(-3), np.array(True), np.array(-2.75)],
        [np.array(5), np.array(False), np.array(1e3)],
    )


def test_a_tensor_op_outside_kernels_is_refused_with_its_place() -> None:
    program = program_of("""
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32> loc("net.py":3:5)
  dycl.return %y : tensor<4xf32>
}""")
    with pytest.raises(DyclError, match=r"cannot do relu.default, at net.py:3"):
        write_host(program)
