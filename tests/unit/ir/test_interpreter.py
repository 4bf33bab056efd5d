"""The interpreter: what each op means."""

import numpy as np
import pytest
import torch

from dycl.errors import DyclError, UsageError
from dycl.ir.interpret import interpret
from dycl.ir.ops import IfOp, SwitchOp, WhileOp
from dycl.ir.text import parse_module
from dycl.ir.verify import verify
from dycl.ir.weights import WeightStore


def run(text, *inputs, weights=None, **options):
    module = parse_module(text)
    verify(module)
    return interpret(module, weights or WeightStore(), inputs, **options)


def function(body, arguments="", results=""):
    return f"func.func @main({arguments}) -> ({results}) {{\n{body}\n}}"


BREAKING_LOOP = function(
    """
    %r = dycl.for %i = %start to %stop step %step iter_args(%s = %start : i64) {
      %five = arith.constant 5 : i64
      %is_five = arith.cmpi eq, %i, %five : i64
      dycl.if %is_five {
        %stop_now = arith.cmpi eq, %s, %five : i64
        dycl.if %stop_now {
          dycl.return %five : i64
        }
        dycl.break %s : i64
      }
      %two = arith.constant 2 : i64
      %rest = arith.remsi %i, %two : i64
      %zero = arith.constant 0 : i64
      %odd = arith.cmpi ne, %rest, %zero : i64
      dycl.if %odd {
        dycl.continue %s : i64
      }
      %t = arith.addi %s, %i : i64
      dycl.yield %t : i64
    }
    %hundred = arith.constant 100 : i64
    %sum = arith.addi %r, %hundred : i64
    dycl.return %sum : i64
    """,
    "%start: i64, %stop: i64, %step: i64",
    "i64",
)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((0, 4, 1), 102),  # 0 + 2: odd numbers are skipped by continue
        ((0, 100, 1), 106),  # 0 + 2 + 4, then break
        ((0, 0, 1), 100),  # no iteration: the initial value
        ((3, 0, 1), 103),
        ((4, -3, -1), 104 + 4 + 2 + 0 - 2),
        ((5, 9, 1), 5),  # return from two ifs and a loop
        ((0, 100, 50), 150),
    ],
)
def test_for(bounds, expected):
    assert run(BREAKING_LOOP, *bounds) == (expected,)


def test_a_step_of_zero_raises_as_range_does():
    with pytest.raises(ValueError, match="step of a loop is zero"):
        run(BREAKING_LOOP, 0, 1, 0)


WHILE = function(
    """
    %one = arith.constant 1 : i64
    %ten = arith.constant 10 : i64
    %r, %seen = dycl.while (%a = %n : i64) -> (i64, i64) {
      %go = arith.cmpi slt, %a, %limit : i64
      %double = arith.addi %a, %a : i64
      dycl.condition(%go) %a, %double : i64, i64
    } do (%b: i64, %d: i64) {
      %large = arith.cmpi sgt, %d, %ten : i64
      dycl.if %large {
        dycl.break %b, %ten : i64, i64
      }
      %next = arith.addi %b, %one : i64
      dycl.yield %next : i64
    }
    dycl.return %r, %seen : i64, i64
    """,
    "%n: i64, %limit: i64",
    "i64, i64",
)


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [((0, 3), (3, 6)), ((4, 3), (4, 8)), ((0, 100), (6, 10))],
    ids=["until the condition fails", "not entered", "broken out of"],
)
def test_while(inputs, expected):
    assert run(WHILE, *inputs) == expected


def test_break_leaves_the_nearest_loop_only():
    text = function(
        """
        %zero = arith.constant 0 : i64
        %one = arith.constant 1 : i64
        %three = arith.constant 3 : i64
        %r = dycl.for %i = %zero to %three step %one iter_args(%s = %zero : i64) {
          %t = dycl.for %j = %zero to %three step %one iter_args(%u = %s : i64) {
            %v = arith.addi %u, %one : i64
            dycl.break %v : i64
          }
          dycl.yield %t : i64
        }
        dycl.return %r : i64
        """,
        results="i64",
    )
    assert run(text) == (3,)


def test_return_from_a_while_condition():
    text = function(
        """
        dycl.while () {
          dycl.if %c {
            dycl.return %c : i1
          }
          dycl.condition(%c)
        } do () {
        }
        dycl.return %c : i1
        """,
        "%c: i1",
        "i1",
    )
    assert run(text, True) == (True,)
    assert run(text, False) == (False,)


def test_carried_shapes_may_change():
    text = function(
        """
        %zero = arith.constant 0 : i64
        %one = arith.constant 1 : i64
        %r = dycl.for %i = %zero to %n step %one iter_args(%a : tensor<?xf32> = %x : tensor<1xf32>) {
          %b = dycl.aten cat.default([%a, %x], 0) : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
          dycl.yield %b : tensor<?xf32>
        }
        dycl.return %r : tensor<?xf32>
        """,
        "%x: tensor<1xf32>, %n: i64",
        "tensor<?xf32>",
    )
    assert run(text, torch.ones(1), 3)[0].tolist() == [1.0] * 4


def test_launches_calls_and_recursion():
    text = """
    dycl.kernel @add(%x: tensor<?xf32>, %c: i1) -> (tensor<?xf32>, i64) {
      %y = dycl.if %c -> (tensor<?xf32>) {
        %z = dycl.aten add.Tensor(%x, %x, 1) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
        dycl.yield %z : tensor<?xf32>
      } else {
        dycl.yield %x : tensor<?xf32>
      }
      %n = dycl.dim %y, 0 : tensor<?xf32>
      dycl.yield %y, %n : tensor<?xf32>, i64
    }
    func.func @times(%x: tensor<?xf32>, %n: i64) -> tensor<?xf32> {
      %zero = arith.constant 0 : i64
      %one = arith.constant 1 : i64
      %go = arith.cmpi sgt, %n, %zero : i64
      %y = dycl.if %go -> (tensor<?xf32>) {
        %a, %size = dycl.launch @add(%x, %go) : (tensor<?xf32>, i1) -> (tensor<?xf32>, i64)
        %m = arith.subi %n, %one : i64
        %b = func.call @times(%a, %m) : (tensor<?xf32>, i64) -> tensor<?xf32>
        dycl.yield %b : tensor<?xf32>
      } else {
        dycl.yield %x : tensor<?xf32>
      }
      dycl.return %y : tensor<?xf32>
    }
    """
    (found,) = run(text, torch.ones(2), 3, function="times")
    assert found.tolist() == [8.0, 8.0]


def test_a_thousand_flat_exits():
    exits = "".join(
        f"""
        %n{i} = arith.constant {i} : i64
        %c{i} = arith.cmpi eq, %x, %n{i} : i64
        dycl.if %c{i} {{
          dycl.return %n{i} : i64
        }}
        """
        for i in range(1000)
    )
    text = function(f"{exits} dycl.return %x : i64", "%x: i64", "i64")
    assert run(text, 999) == (999,)
    assert run(text, -7) == (-7,)


@pytest.mark.parametrize(
    ("dtype", "type", "value"),
    [
        ("f16", float, 1.5),
        ("bf16", float, 1.5),
        ("f32", float, 1.5),
        ("f64", float, 1.5),
        ("i8", int, -3),
        ("ui8", int, 3),
        ("i16", int, -3),
        ("i32", int, -3),
        ("i64", int, -3),
        ("i1", bool, True),
    ],
)
def test_items_and_scalar_tensors(dtype, type, value):
    scalar = {float: "f64", int: "i64", bool: "i1"}[type]
    text = function(
        f"""
        %t = dycl.scalar_tensor %s : {scalar} -> tensor<{dtype}>
        %r = dycl.item %t : tensor<{dtype}> -> {scalar}
        dycl.return %r : {scalar}
        """,
        f"%s: {scalar}",
        scalar,
    )
    (found,) = run(text, value)
    assert isinstance(found, type) and found == value


def test_an_item_of_more_elements_than_the_type_admits():
    text = function("%r = dycl.item %x : tensor<?xf32> -> f64 dycl.return %r : f64", "%x: tensor<?xf32>", "f64")
    with pytest.raises(DyclError, match=r"needs one element, not a float32 tensor of shape \[2\]"):
        run(text, torch.ones(2))


def test_constants_of_every_dtype():
    dtypes = {"i1": "true", "ui8": "200", "i8": "-3", "i16": "-3", "i32": "-3", "i64": "-3"} | dict.fromkeys(
        ["f16", "bf16", "f32", "f64"], "-1.5"
    )
    body = "".join(f"%{d} = dycl.constant dense<{v}> : tensor<2x{d}>\n" for d, v in dtypes.items())
    types = ", ".join(f"tensor<2x{d}>" for d in dtypes)
    empty = "%e = dycl.constant dense<> : tensor<0x3xf32>"
    *found, nothing = run(
        function(
            f"{body} {empty} dycl.return {', '.join(f'%{d}' for d in dtypes)}, %e : {types}, tensor<0x3xf32>",
            results=f"{types}, tensor<0x3xf32>",
        )
    )
    assert [tensor.tolist() for tensor in found] == [[True] * 2, [200] * 2, *[[-3] * 2] * 4, *[[-1.5] * 2] * 4]
    assert nothing.shape == (0, 3)


def test_weights_are_looked_up_and_converted_once():
    weights = WeightStore()
    weights.add("layer.weight", torch.arange(3.0))
    text = function(
        '%w = dycl.param "layer.weight" : tensor<3xf32> dycl.return %w : tensor<3xf32>', "", "tensor<3xf32>"
    )
    (first,) = run(text, weights=weights)
    (second,) = run(text, weights=weights)
    assert first.tolist() == [0.0, 1.0, 2.0]
    assert first is second


def test_weights_serve_gradients_after_a_run_in_inference_mode():
    weights = WeightStore()
    weights.add("w", torch.ones(1))
    text = function('%w = dycl.param "w" : tensor<1xf32> dycl.return %w : tensor<1xf32>', "", "tensor<1xf32>")
    with torch.inference_mode():
        run(text, weights=weights)
    x = torch.ones(1, requires_grad=True)
    (weights["w"].torch() * x).backward()
    assert x.grad is not None


def test_a_missing_weight_names_the_nearest():
    weights = WeightStore()
    weights.add("layer.weight", torch.ones(3))
    text = function('%w = dycl.param "layer.weigth" : tensor<3xf32> loc("net.py":4:0) dycl.return')
    with pytest.raises(DyclError, match=r"no 'layer.weigth', named at net.py:4; the nearest is 'layer.weight'"):
        run(text, weights=weights)


def test_a_weight_of_another_shape_is_refused():
    weights = WeightStore()
    weights.add("w", np.zeros((2, 2), np.float32))
    with pytest.raises(DyclError, match=r"dycl.param w gave a float32 tensor of shape \[2, 2\]"):
        run(function('%w = dycl.param "w" : tensor<3xf32> dycl.return'), weights=weights)


def test_aten_arguments_of_every_kind():
    text = function(
        """
        %a = dycl.aten index.Tensor(%x, [none, %i]) : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x2xf32>
        %b = dycl.aten _to_copy.default(%a, i32, none, none, none, false, none) : (tensor<2x2xf32>) -> tensor<2x2xi32>
        %c = dycl.aten gelu.default(%x, "tanh") : (tensor<2x3xf32>) -> tensor<2x3xf32>
        %d = dycl.aten contiguous.default(%x, none) : (tensor<2x3xf32>) -> tensor<2x3xf32>
        %e = dycl.aten view.default(%d, [%n, -1]) : (tensor<2x3xf32>, i64) -> tensor<?x?xf32>
        %f, %g = dycl.aten split.Tensor(%x, 1, 0) : (tensor<2x3xf32>) -> (tensor<1x3xf32>, tensor<1x3xf32>)
        %h = dycl.aten to.device(%x, none, f64, false, false, none) : (tensor<2x3xf32>) -> tensor<2x3xf64>
        %same = dycl.aten equal.default(%f, %g) : (tensor<1x3xf32>, tensor<1x3xf32>) -> i1
        dycl.return %b, %c, %e, %g, %h, %same
          : tensor<2x2xi32>, tensor<2x3xf32>, tensor<?x?xf32>, tensor<1x3xf32>, tensor<2x3xf64>, i1
        """,
        "%x: tensor<2x3xf32>, %i: tensor<2xi64>, %n: i64",
        "tensor<2x2xi32>, tensor<2x3xf32>, tensor<?x?xf32>, tensor<1x3xf32>, tensor<2x3xf64>, i1",
    )
    x = torch.arange(6.0).reshape(2, 3)
    b, c, e, g, h, same = run(text, x, torch.tensor([2, 0]), 3)
    assert b.tolist() == [[2, 0], [5, 3]] and b.dtype == torch.int32
    assert torch.equal(c, torch.nn.functional.gelu(x, approximate="tanh"))
    assert e.shape == (3, 2)
    assert g.tolist() == [[3.0, 4.0, 5.0]]
    assert h.dtype == torch.float64
    assert same is False


def test_what_torch_raises_names_op_and_place():
    text = function(
        '%y = dycl.aten mm.default(%x, %x) : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32> loc("net.py":5:0)'
        "dycl.return",
        "%x: tensor<?x?xf32>",
    )
    with pytest.raises(DyclError, match=r"mm.default failed on a float32 tensor of shape \[2, 3\].*at net.py:5"):
        run(text, torch.ones(2, 3))


def test_a_wrong_result_type_is_found():
    text = function(
        '%y = dycl.aten relu.default(%x) : (tensor<2xf32>) -> tensor<3xf32> loc("net.py":5:0)\ndycl.return',
        "%x: tensor<2xf32>",
    )
    with pytest.raises(
        DyclError, match=r"relu.default gave a float32 tensor of shape \[2\] .* tensor<3xf32>, at net.py:5"
    ):
        run(text, torch.ones(2))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((), "takes 2 inputs, not 0"),
        ((torch.ones(3), 1), r"input x of @main must be tensor<2xf32>, not a float32 tensor of shape \[3\]"),
        ((torch.ones(2, dtype=torch.float64), 1), "not a float64 tensor"),
        ((torch.ones(2), True), "input n of @main must be i64, not the bool True"),
    ],
)
def test_wrong_inputs(inputs, message):
    with pytest.raises(UsageError, match=message):
        run(function("dycl.return", "%x: tensor<2xf32>, %n: i64"), *inputs)


def test_an_unknown_function():
    with pytest.raises(UsageError, match=r"no func.func @other"):
        run(function("dycl.return"), function="other")


def test_assertions():
    text = function('dycl.assert %c, "x must be positive"\ndycl.return', "%c: i1")
    assert run(text, True) == ()
    with pytest.raises(AssertionError, match=r"^x must be positive$"):
        run(text, False)


DECISIONS = function(
    """
    %a = dycl.if %c -> (i64) {
      dycl.yield %n : i64
    } else {
      %zero = arith.constant 0 : i64
      dycl.yield %zero : i64
    }
    %b = dycl.switch %n -> (i64) case 1 {
      dycl.yield %n : i64
    } default {
      %ten = arith.constant 10 : i64
      dycl.yield %ten : i64
    }
    %s = dycl.while (%i = %n : i64) -> (i64) {
      %two = arith.constant 2 : i64
      %go = arith.cmpi slt, %i, %two : i64
      dycl.condition(%go) %i : i64
    } do (%j: i64) {
      %one = arith.constant 1 : i64
      %k = arith.addi %j, %one : i64
      dycl.yield %k : i64
    }
    dycl.return %a, %b, %s : i64, i64, i64
    """,
    "%c: i1, %n: i64",
    "i64, i64, i64",
)


def test_decisions_are_shown_with_their_natural_value():
    seen = []

    def decide(op, natural):
        seen.append((type(op), natural))
        return natural

    assert run(DECISIONS, True, 1, decide=decide) == (1, 1, 2)
    assert seen == [(IfOp, True), (SwitchOp, 1), (WhileOp, True), (WhileOp, False)]


def test_decisions_can_be_overruled():
    def decide(op, natural):
        return {IfOp: False, SwitchOp: 5, WhileOp: False}[type(op)]

    assert run(DECISIONS, True, 1, decide=decide) == (0, 10, 1)


def test_observation_shows_operands_and_results_of_every_op():
    seen = []
    text = function("%y = arith.addi %x, %x : i64\ndycl.return %y : i64", "%x: i64", "i64")
    run(text, 4, observe=lambda op, operands, results: seen.append((op.name, list(operands), list(results))))
    assert seen == [("arith.addi", [4, 4], [8]), ("dycl.return", [8], [])]


def test_an_op_that_is_not_of_a_program():
    module = parse_module("func.func @main() { func.return }")
    with pytest.raises(DyclError, match=r"func.return cannot be run"):
        interpret(module, WeightStore(), [])


def test_no_gradients_are_recorded():
    x = torch.ones(2, requires_grad=True)
    text = function(
        "%y = dycl.aten relu.default(%x) : (tensor<2xf32>) -> tensor<2xf32>\ndycl.return %y : tensor<2xf32>",
        "%x: tensor<2xf32>",
        "tensor<2xf32>",
    )
    (y,) = run(text, x)
    assert not y.requires_grad
