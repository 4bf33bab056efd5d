"""Python's arithmetic on numbers known only at run time, as `arith` ops."""

import ast
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from xdsl.dialects import arith
from xdsl.dialects import math as elementary
from xdsl.dialects.builtin import f64, i64
from xdsl.ir import SSAValue

from dycl.frontends.torch.paths.branches import require
from dycl.frontends.torch.values import Kind, Scalar, Value, kind_of
from dycl.ir.ops import AssertOp
from dycl.ir.scalars import constant_scalar

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

_INT = {ast.Add: arith.AddiOp, ast.Sub: arith.SubiOp, ast.Mult: arith.MuliOp}
_FLOAT = {ast.Add: arith.AddfOp, ast.Sub: arith.SubfOp, ast.Mult: arith.MulfOp}
_BITS = {ast.BitAnd: arith.AndIOp, ast.BitOr: arith.OrIOp, ast.BitXor: arith.XOrIOp}

COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Eq: ("eq", "oeq"),
    ast.NotEq: ("ne", "une"),
    ast.Lt: ("slt", "olt"),
    ast.LtE: ("sle", "ole"),
    ast.Gt: ("sgt", "ogt"),
    ast.GtE: ("sge", "oge"),
}
"""Predicates of `cmpi` and `cmpf`."""


def as_ssa(capture: "Capture", value: Value, kind: Kind | None = None) -> SSAValue:
    """Return a number as an SSA value of its own kind or of a wider one: bool, int, float."""
    have = kind_of(value)
    want = kind or have
    if not isinstance(value, Scalar):
        try:
            return capture.number(want(value))
        except OverflowError as error:
            raise capture.raised(error) from None
    ssa = value.ssa
    if have is bool and want is not bool:
        ssa = capture.builder.emit(arith.ExtUIOp(ssa, i64)).result
    if want is float and have is not float:
        ssa = capture.builder.emit(arith.SIToFPOp(ssa, f64)).result
    return ssa


def binary(capture: "Capture", operator: type[ast.operator], left: Value, right: Value) -> Scalar:
    """Emit `left operator right`, of which at least one is known only at run time."""
    emit = capture.builder.emit
    kinds = {kind_of(left), kind_of(right)}
    if operator in _BITS and float not in kinds:
        kind: Kind = bool if kinds == {bool} else int
        return Scalar(emit(_BITS[operator](as_ssa(capture, left, kind), as_ssa(capture, right, kind))).result)
    if operator is ast.Div:
        divisor = as_ssa(capture, right, float)
        _check_divisor(capture, right, "division by zero")
        return Scalar(emit(arith.DivfOp(as_ssa(capture, left, float), divisor)).result)
    if operator in _INT:
        if float in kinds:
            return Scalar(emit(_FLOAT[operator](as_ssa(capture, left, float), as_ssa(capture, right, float))).result)
        return Scalar(emit(_INT[operator](as_ssa(capture, left, int), as_ssa(capture, right, int))).result)
    if operator in (ast.FloorDiv, ast.Mod) and float not in kinds:
        a, b = as_ssa(capture, left, int), as_ssa(capture, right, int)
        _check_divisor(capture, right, "integer division or modulo by zero")
        quotient = emit(arith.FloorDivSIOp(a, b)).result
        if operator is ast.FloorDiv:
            return Scalar(quotient)
        bounds = (0, right - 1) if isinstance(right, int) and right > 0 else None
        return Scalar(emit(arith.SubiOp(a, emit(arith.MuliOp(quotient, b)).result)).result, bounds)
    if operator is ast.Pow and isinstance(right, int) and 1 <= right <= 8:
        result = base = as_ssa(capture, left, float if float in kinds else int)
        for _ in range(right - 1):
            result = emit((arith.MulfOp if float in kinds else arith.MuliOp)(result, base)).result
        return Scalar(result)
    if operator in (ast.LShift, ast.RShift) and float not in kinds:
        return _shift(capture, operator, left, right)
    if operator is ast.Pow:
        if float in kinds:
            return power(capture, Scalar(as_ssa(capture, left, float)), Scalar(as_ssa(capture, right, float)))
        return _integer_power(capture, left, right)
    raise capture.error(
        f"the operator {_NAMES.get(operator, operator.__name__)} on a number known only at run time",
        "it has no counterpart among the IR's scalar operations",
        "compute it on tensors, before `.item()`",
    )


def _shift(capture: "Capture", operator: type[ast.operator], left: Value, right: Value) -> Scalar:
    if isinstance(right, Scalar):
        require(capture, compare(capture, ast.GtE, right, 0).ssa, ValueError("negative shift count"))
    elif right < 0:
        raise capture.raised(ValueError("negative shift count"))
    op = arith.ShLIOp if operator is ast.LShift else arith.ShRSIOp
    return Scalar(capture.builder.emit(op(as_ssa(capture, left, int), as_ssa(capture, right, int))).result)


def _integer_power(capture: "Capture", left: Value, right: Value) -> Scalar:
    """Emit the power of two ints, which is an int where the exponent is not negative, and else a float."""
    if not isinstance(right, Scalar) and right < 0:
        return power(capture, Scalar(as_ssa(capture, left, float)), Scalar(as_ssa(capture, right, float)))
    if isinstance(right, Scalar) and (right.bounds is None or right.bounds[0] < 0):
        text = "OverflowError: a negative exponent of an int, whose power is a float, in a program compiled for ints"
        capture.builder.emit(AssertOp(compare(capture, ast.GtE, right, 0).ssa, text))
    operands = as_ssa(capture, left, int), as_ssa(capture, right, int)
    return Scalar(capture.builder.emit(elementary.IPowIOp(*operands)).result)


def power(capture: "Capture", base: Scalar, exponent: Scalar, undefined: Exception | None = None) -> Scalar:
    """Emit the power of two floats; `undefined` is what Python raises where it is no float, if it does."""
    result = Scalar(capture.builder.emit(elementary.PowFOp(base.ssa, exponent.ssa)).result)
    number, power_of = constant_scalar(base.ssa), constant_scalar(exponent.ssa)
    by_zero = (number is None or number == 0) and (power_of is None or power_of < 0)
    if by_zero:
        zero = compare(capture, ast.Eq, base, 0.0)
        negative = compare(capture, ast.Lt, exponent, 0.0)
        error = undefined or ZeroDivisionError("0.0 cannot be raised to a negative power")
        require(capture, _not(capture, binary(capture, ast.BitAnd, zero, negative)), error)
    if (number is None or number < 0) and (power_of is None or not float(power_of).is_integer()):
        number_is_nan = compare(capture, ast.NotEq, base, base)
        nan = binary(capture, ast.BitOr, number_is_nan, compare(capture, ast.NotEq, exponent, exponent))
        fine = binary(capture, ast.BitOr, nan, compare(capture, ast.Eq, result, result))
        if undefined is not None:
            require(capture, fine.ssa, undefined)
        else:
            text = "TypeError: the power of a negative number is complex, in a program compiled for floats"
            capture.builder.emit(AssertOp(fine.ssa, text))
    if power_of is None or abs(power_of) > 1:
        infinite = [compare(capture, ast.Eq, absolute(capture, value), math.inf) for value in (result, base, exponent)]
        allowed = binary(capture, ast.BitOr, infinite[1], infinite[2])
        overflow = binary(capture, ast.BitAnd, infinite[0], Scalar(_not(capture, allowed)))
        if by_zero:
            overflow = binary(capture, ast.BitAnd, overflow, compare(capture, ast.NotEq, base, 0.0))
        require(capture, _not(capture, overflow), OverflowError("(34, 'Numerical result out of range')"))
    return result


def _not(capture: "Capture", test: Scalar) -> SSAValue:
    return capture.builder.emit(arith.XOrIOp(test.ssa, capture.builder.constant(True))).result


_NAMES: dict[type[ast.operator], str] = {
    ast.Pow: "`**`",
    ast.Mod: "`%`",
    ast.FloorDiv: "`//`",
    ast.LShift: "`<<`",
    ast.RShift: "`>>`",
    ast.MatMult: "`@`",
}


def _check_divisor(capture: "Capture", divisor: Value, message: str) -> None:
    if isinstance(divisor, Scalar):
        nonzero = compare(capture, ast.NotEq, divisor, 0)
        require(capture, nonzero.ssa, ZeroDivisionError(message))
    elif not divisor:
        raise capture.raised(ZeroDivisionError(message))


def compare(capture: "Capture", operator: type[ast.cmpop], left: Value, right: Value) -> Scalar:
    integer, floating = COMPARISONS[operator]
    if float in (kind_of(left), kind_of(right)):
        a, b = as_ssa(capture, left, float), as_ssa(capture, right, float)
        return Scalar(capture.builder.emit(arith.CmpfOp(a, b, floating)).result)
    a, b = as_ssa(capture, left, int), as_ssa(capture, right, int)
    return Scalar(capture.builder.emit(arith.CmpiOp(a, b, integer)).result)


def unary(capture: "Capture", operator: type[ast.unaryop], value: Scalar) -> Scalar:
    emit, constant = capture.builder.emit, capture.builder.constant
    if operator is ast.UAdd and value.kind is not bool:
        return value
    if operator is ast.USub and value.kind is float:
        return Scalar(emit(arith.NegfOp(value.ssa)).result)
    if operator in (ast.USub, ast.UAdd):
        sign = -1 if operator is ast.USub else 1
        return Scalar(emit(arith.MuliOp(as_ssa(capture, value, int), constant(sign))).result)
    if operator is ast.Invert and value.kind is not float:
        return Scalar(emit(arith.XOrIOp(as_ssa(capture, value, int), constant(-1))).result)
    raise capture.error(f"the operator {operator.__name__} on {value.describe()}")


def convert(capture: "Capture", value: Value, kind: Kind) -> Value:
    """Emit `kind(value)` of a number."""
    if not isinstance(value, Scalar):
        return kind(value)
    if value.kind is kind:
        return value
    if kind is bool:
        return compare(capture, ast.NotEq, value, value.kind())
    if kind is int and value.kind is float:
        return _truncated(capture, value)
    return Scalar(as_ssa(capture, value, kind))


def _truncated(capture: "Capture", value: Scalar) -> Scalar:
    """Emit `int(value)` of a float; Python has an int for every finite one, which no handler must hide."""
    size = absolute(capture, value)
    number = compare(capture, ast.Eq, value, value)
    require(capture, number.ssa, ValueError("cannot convert float NaN to integer"))
    finite = compare(capture, ast.Lt, size, math.inf)
    require(capture, finite.ssa, OverflowError("cannot convert float infinity to integer"))
    limit = float(2**63)
    least, greatest = compare(capture, ast.GtE, value, -limit), compare(capture, ast.Lt, value, limit)
    fits = binary(capture, ast.BitAnd, least, greatest)
    text = "OverflowError: a float beyond 64 bits as an int, in a program compiled for ints of 64 bits"
    capture.builder.emit(AssertOp(fits.ssa, text))
    return Scalar(capture.builder.emit(arith.FPToSIOp(value.ssa, i64)).result)


def select(capture: "Capture", condition: Scalar, left: Value, right: Value) -> Scalar:
    """Emit `left if condition else right` for two numbers of one kind."""
    a, b = as_ssa(capture, left), as_ssa(capture, right)
    return Scalar(capture.builder.emit(arith.SelectOp(condition.ssa, a, b)).result)


def extreme(capture: "Capture", greatest: bool, left: Value, right: Value) -> Scalar:
    """Emit the greater or the lesser of two ints."""
    op = arith.MaxSIOp if greatest else arith.MinSIOp
    return Scalar(capture.builder.emit(op(as_ssa(capture, left, int), as_ssa(capture, right, int))).result)


def absolute(capture: "Capture", value: Scalar) -> Scalar:
    if value.kind is float:
        negated = capture.builder.emit(arith.NegfOp(value.ssa)).result
        return Scalar(capture.builder.emit(arith.MaximumfOp(value.ssa, negated)).result)
    negative = unary(capture, ast.USub, value)
    return Scalar(capture.builder.emit(arith.MaxSIOp(as_ssa(capture, value, int), negative.ssa)).result)


BinaryRule = Callable[["Capture", type[ast.operator], Value, Value], Scalar]
