"""Host scalars: MLIR's `arith` on Python's bool, int and float."""

import math
import operator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from xdsl.dialects import arith
from xdsl.dialects import math as elementary
from xdsl.dialects.arith import Arith
from xdsl.dialects.builtin import FloatAttr, IntegerAttr
from xdsl.dialects.test import TestOp as AnyOp
from xdsl.ir import OpResult

from dycl.ir.interpret.scalars import evaluate_scalar, is_scalar_op
from dycl.ir.types import f64, i1, i64

LEAST, GREATEST = -(2**63), 2**63 - 1
integers = st.integers(LEAST, GREATEST)


def value(type):
    return AnyOp(result_types=[type]).results[0]


def evaluate(op_type, *operands, result=None):
    types = [i1 if isinstance(o, bool) else i64 if isinstance(o, int) else f64 for o in operands]
    values: list[OpResult] = [value(type) for type in types]
    op = op_type(*values) if result is None else op_type(*values, result)
    return evaluate_scalar(op, operands)


@given(integers, integers)
@example(LEAST, -1)
@example(GREATEST, GREATEST)
def test_integers_wrap(a, b):
    for op, function in [(arith.AddiOp, operator.add), (arith.SubiOp, operator.sub), (arith.MuliOp, operator.mul)]:
        found = evaluate(op, a, b)
        assert LEAST <= found <= GREATEST and (found - function(a, b)) % 2**64 == 0


@given(integers, integers.filter(bool))
@example(-7, 2)
@example(7, -2)
def test_divisions(a, b):
    floor, remainder = evaluate(arith.FloorDivSIOp, a, b), evaluate(arith.RemSIOp, a, b)
    truncated, ceiling = evaluate(arith.DivSIOp, a, b), evaluate(arith.CeilDivSIOp, a, b)
    if (a, b) != (LEAST, -1):
        assert floor == a // b
        assert truncated == math.trunc(a / b) or abs(a) > 2**52
        assert truncated * b + remainder == a and abs(remainder) < abs(b)
        assert remainder == 0 or (remainder < 0) == (a < 0)
        assert ceiling - floor == (1 if a % b else 0)


@pytest.mark.parametrize("op", [arith.FloorDivSIOp, arith.DivSIOp, arith.RemSIOp, arith.DivUIOp, arith.CeilDivSIOp])
def test_division_by_zero_raises_as_in_python(op):
    with pytest.raises(ZeroDivisionError, match="by zero"):
        evaluate(op, 1, 0)


def test_unsigned_reading():
    assert evaluate(arith.DivUIOp, -1, 2) == GREATEST
    assert evaluate(arith.MaxUIOp, -1, 1) == -1
    assert evaluate(arith.MaxSIOp, -1, 1) == 1
    assert evaluate(arith.ShRUIOp, -1, 63) == 1
    assert evaluate(arith.ShRSIOp, -8, 1) == -4
    assert evaluate(arith.ShLIOp, 1, 63) == LEAST


@pytest.mark.parametrize("a", [False, True])
@pytest.mark.parametrize("b", [False, True])
def test_bools(a, b):
    for op, function in [(arith.AndIOp, operator.and_), (arith.OrIOp, operator.or_), (arith.XOrIOp, operator.xor)]:
        assert evaluate(op, a, b) is function(a, b)
    assert evaluate(arith.AddiOp, a, b) is (a != b)


def test_a_true_bool_is_minus_one_as_a_signed_number():
    assert evaluate(arith.ExtUIOp, True, result=i64) == 1
    assert evaluate(arith.ExtSIOp, True, result=i64) == -1
    assert evaluate(arith.UIToFPOp, True, result=f64) == 1.0
    assert evaluate(arith.SIToFPOp, True, result=f64) == -1.0
    compare = arith.CmpiOp(value(i1), value(i1), "slt")
    assert evaluate_scalar(compare, (True, False)) is True
    assert evaluate(arith.TruncIOp, 2, result=i1) is False
    assert evaluate(arith.TruncIOp, 3, result=i1) is True


@pytest.mark.parametrize(("a", "b"), [(1, 2), (2, 1), (1, 1), (-1, 1), (1, -1)])
def test_integer_comparisons(a, b):
    x, y = a % 2**64, b % 2**64
    expected = {
        "eq": a == b,
        "ne": a != b,
        "slt": a < b,
        "sle": a <= b,
        "sgt": a > b,
        "sge": a >= b,
        "ult": x < y,
        "ule": x <= y,
        "ugt": x > y,
        "uge": x >= y,
    }
    for predicate, holds in expected.items():
        assert evaluate_scalar(arith.CmpiOp(value(i64), value(i64), predicate), (a, b)) is holds, predicate


@pytest.mark.parametrize("a", [1.0, 2.0, math.nan, math.inf, -0.0, 0.0])
@pytest.mark.parametrize("b", [1.0, math.nan, -math.inf, 0.0])
def test_float_comparisons(a, b):
    unordered = math.isnan(a) or math.isnan(b)
    relations = {"eq": a == b, "gt": a > b, "ge": a >= b, "lt": a < b, "le": a <= b}
    expected = {"false": False, "true": True, "ord": not unordered, "uno": unordered}
    expected |= {f"o{name}": not unordered and holds for name, holds in relations.items()}
    expected |= {f"u{name}": unordered or holds for name, holds in relations.items()}
    expected |= {"one": not unordered and a != b, "une": unordered or a != b}
    assert len(expected) == 16
    for predicate, holds in expected.items():
        assert evaluate_scalar(arith.CmpfOp(value(f64), value(f64), predicate), (a, b)) is holds, predicate


def test_float_division_never_raises():
    assert evaluate(arith.DivfOp, 1.0, 0.0) == math.inf
    assert evaluate(arith.DivfOp, 1.0, -0.0) == -math.inf
    assert evaluate(arith.DivfOp, -1.0, 0.0) == -math.inf
    assert math.isnan(evaluate(arith.DivfOp, 0.0, 0.0))
    assert math.isnan(evaluate(arith.DivfOp, math.nan, 0.0))
    assert evaluate(arith.DivfOp, 3.0, 2.0) == 1.5


def test_float_extremes():
    assert math.isnan(evaluate(arith.MaximumfOp, math.nan, 1.0))
    assert evaluate(arith.MaxnumfOp, math.nan, 1.0) == 1.0
    assert evaluate(arith.MinnumfOp, 1.0, math.nan) == 1.0
    assert evaluate(arith.MinimumfOp, 1.0, 2.0) == 1.0
    assert math.copysign(1, evaluate(arith.MaximumfOp, -0.0, 0.0)) == 1
    assert math.copysign(1, evaluate(arith.MinimumfOp, 0.0, -0.0)) == -1


def test_conversions_to_integers_truncate_and_take_what_is_none_for_zero():
    assert evaluate(arith.FPToSIOp, -2.7, result=i64) == -2
    assert evaluate(arith.FPToSIOp, math.nan, result=i64) == 0
    assert evaluate(arith.FPToSIOp, math.inf, result=i64) == 0


@pytest.mark.parametrize(
    ("op", "operands", "expected"),
    [
        (elementary.ExpOp, [1e6], math.inf),
        (elementary.LogOp, [0.0], -math.inf),
        (elementary.LogOp, [-1.0], math.nan),
        (elementary.SqrtOp, [2.25], 1.5),
        (elementary.SqrtOp, [-1.0], math.nan),
        (elementary.SinhOp, [-1e6], -math.inf),
        (elementary.SinOp, [math.inf], math.nan),
        (elementary.FloorOp, [-1.5], -2.0),
        (elementary.FloorOp, [math.inf], math.inf),
        (elementary.RoundEvenOp, [2.5], 2.0),
        (elementary.PowFOp, [2.0, 0.5], 2.0**0.5),
        (elementary.PowFOp, [0.0, -1.0], math.inf),
        (elementary.PowFOp, [-8.0, 0.5], math.nan),
        (elementary.PowFOp, [-1e300, 3.0], -math.inf),
        (elementary.Atan2Op, [1.0, -1.0], math.atan2(1.0, -1.0)),
    ],
)
def test_elementary_functions_have_a_value_everywhere(op, operands, expected):
    assert repr(evaluate(op, *operands)) == repr(expected)


def test_integer_powers_wrap():
    assert evaluate(elementary.IPowIOp, 3, 4) == 81
    assert evaluate(elementary.IPowIOp, 2, 63) == -(2**63)


def test_constants():
    assert evaluate_scalar(arith.ConstantOp(IntegerAttr(1, i1)), ()) is True
    assert evaluate_scalar(arith.ConstantOp(IntegerAttr(-5, i64)), ()) == -5
    assert evaluate_scalar(arith.ConstantOp(FloatAttr(-0.5, f64)), ()) == -0.5


def test_select_takes_any_values():
    op = arith.SelectOp(value(i1), value(i64), value(i64))
    assert evaluate_scalar(op, (True, 1, 2)) == 1
    assert evaluate_scalar(op, (False, 1, 2)) == 2


def test_which_ops_are_not_of_a_program():
    names = {type.name for type in Arith.operations if not is_scalar_op(type.__new__(type))}
    assert names == {
        "arith.addui_extended",
        "arith.mului_extended",
        "arith.mulsi_extended",
        "arith.bitcast",
        "arith.index_cast",
        "arith.extf",
        "arith.truncf",
    }
