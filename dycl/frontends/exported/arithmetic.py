"""Python's arithmetic on sizes and other host scalars, as exported graphs have it, as `arith` ops.

Where every operand is known, so is the result.
"""

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, TypeAlias

import torch
from xdsl.dialects import arith
from xdsl.dialects.builtin import f64, i1, i64
from xdsl.ir import Attribute, SSAValue

from dycl.frontends.builder import Builder
from dycl.frontends.refusal import Refusal
from dycl.ir.ops import AssertOp

Number: TypeAlias = SSAValue | bool | int | float
Rule: TypeAlias = Callable[[Builder, Sequence[Number]], SSAValue]


def type_of(value: Number) -> Attribute:
    if isinstance(value, SSAValue):
        return value.type
    return i1 if isinstance(value, bool) else i64 if isinstance(value, int) else f64


def as_ssa(builder: Builder, value: Number, type: Attribute | None = None) -> SSAValue:
    """Return a number as an SSA value of its own type, or of a wider one: i1, i64, f64."""
    want = type or type_of(value)
    if not isinstance(value, SSAValue):
        return builder.constant({i1: bool, i64: int, f64: float}[want](value))  # pyright: ignore[reportArgumentType]: a scalar type
    if value.type == i1 and want != i1:
        value = builder.emit(arith.ExtUIOp(value, i64)).result
    if value.type == i64 and want == f64:
        value = builder.emit(arith.SIToFPOp(value, f64)).result
    if value.type == f64 and want == i64:
        value = builder.emit(arith.FPToSIOp(value, i64)).result
    return value


def compute(builder: Builder, function: Callable[..., Any], operands: Sequence[Number]) -> Number:
    """Return `function(*operands)`: computed now, or emitted.

    Raises:
        Refusal: the function is not one of `RULES`, or fails
    """
    if function is torch.sym_sum:
        return reduce(lambda left, right: compute(builder, operator.add, (left, right)), operands, 0)
    rule = RULES.get(function)
    if rule is None:
        name = getattr(function, "__name__", str(function))
        raise Refusal(f"the function `{name}` on a number known only at run time", "the IR has no op for it")
    if any(isinstance(operand, SSAValue) for operand in operands):
        return rule(builder, operands)
    try:
        return function(*operands)
    except ArithmeticError as error:
        raise Refusal(f"arithmetic on sizes that fails: {error}") from error


def _common(values: Sequence[Number]) -> Attribute:
    types = [type_of(value) for value in values]
    return f64 if f64 in types else i64


def _binary(integer: Callable[..., Any], floating: Callable[..., Any]) -> Rule:
    def rule(builder: Builder, values: Sequence[Number]) -> SSAValue:
        type = _common(values)
        left, right = (as_ssa(builder, value, type) for value in values)
        return builder.emit((floating if type == f64 else integer)(left, right)).result

    return rule


def _fold(function: Callable[..., Any]) -> Rule:
    def rule(builder: Builder, values: Sequence[Number]) -> SSAValue:
        total = reduce(lambda left, right: compute(builder, function, (left, right)), values)
        return as_ssa(builder, total)

    return rule


def _compare(integer: str, floating: str) -> Rule:
    def rule(builder: Builder, values: Sequence[Number]) -> SSAValue:
        type = _common(values)
        left, right = (as_ssa(builder, value, type) for value in values)
        if type == f64:
            return builder.emit(arith.CmpfOp(left, right, floating)).result
        return builder.emit(arith.CmpiOp(left, right, integer)).result

    return rule


def _bits(op: type[arith.AndIOp] | type[arith.OrIOp] | type[arith.XOrIOp]) -> Rule:
    def rule(builder: Builder, values: Sequence[Number]) -> SSAValue:
        type = i1 if all(type_of(value) == i1 for value in values) else i64
        left, right = (as_ssa(builder, value, type) for value in values)
        return builder.emit(op(left, right)).result

    return rule


def _divisor(builder: Builder, value: Number, type: Attribute) -> SSAValue:
    if not isinstance(value, SSAValue) and value == 0:
        raise Refusal("a division by zero")
    ssa = as_ssa(builder, value, type)
    if isinstance(value, SSAValue):
        nonzero = as_ssa(builder, compute(builder, operator.ne, (value, 0)))
        builder.emit(AssertOp(nonzero, "ZeroDivisionError: division by zero"))
    return ssa


def _true_divide(builder: Builder, values: Sequence[Number]) -> SSAValue:
    divisor = _divisor(builder, values[1], f64)
    return builder.emit(arith.DivfOp(as_ssa(builder, values[0], f64), divisor)).result


def _floor_divide(builder: Builder, values: Sequence[Number]) -> SSAValue:
    if _common(values) == f64:
        return _floor(builder, [_true_divide(builder, values)], f64)
    divisor = _divisor(builder, values[1], i64)
    return builder.emit(arith.FloorDivSIOp(as_ssa(builder, values[0], i64), divisor)).result


def _modulo(builder: Builder, values: Sequence[Number]) -> SSAValue:
    if _common(values) == f64:
        raise Refusal("`%` of floats known only at run time", "the IR has no op for it")
    left = as_ssa(builder, values[0], i64)
    quotient = _floor_divide(builder, [left, values[1]])
    whole = builder.emit(arith.MuliOp(quotient, as_ssa(builder, values[1], i64))).result
    return builder.emit(arith.SubiOp(left, whole)).result


def _power(builder: Builder, values: Sequence[Number]) -> SSAValue:
    base, exponent = values
    if isinstance(exponent, SSAValue) or not isinstance(exponent, int) or not 1 <= exponent <= 8:
        raise Refusal("`**` of a number known only at run time", "only small constant exponents are taken")
    return _fold(operator.mul)(builder, [base] * exponent)


def _negate(builder: Builder, values: Sequence[Number]) -> SSAValue:
    if type_of(values[0]) == f64:
        return builder.emit(arith.NegfOp(as_ssa(builder, values[0]))).result
    return as_ssa(builder, compute(builder, operator.sub, (0, values[0])))


def _not(builder: Builder, values: Sequence[Number]) -> SSAValue:
    return as_ssa(builder, compute(builder, operator.eq, (values[0], False)))


def _floor(builder: Builder, values: Sequence[Number], type: Attribute = i64) -> SSAValue:
    """Round down: a conversion rounds towards zero, which is too far up for negative numbers."""
    if type_of(values[0]) != f64:
        return as_ssa(builder, values[0], i64)
    whole = as_ssa(builder, values[0], i64)
    above = as_ssa(builder, compute(builder, operator.gt, (whole, values[0])))
    return as_ssa(builder, compute(builder, operator.sub, (whole, above)), type)


def _ceil(builder: Builder, values: Sequence[Number]) -> SSAValue:
    if type_of(values[0]) != f64:
        return as_ssa(builder, values[0], i64)
    whole = as_ssa(builder, values[0], i64)
    below = as_ssa(builder, compute(builder, operator.lt, (whole, values[0])))
    return as_ssa(builder, compute(builder, operator.add, (whole, below)))


def _select(builder: Builder, values: Sequence[Number]) -> SSAValue:
    type = i1 if all(type_of(value) == i1 for value in values) else _common(values[1:])
    left, right = (as_ssa(builder, value, type) for value in values[1:])
    return builder.emit(arith.SelectOp(as_ssa(builder, values[0], i1), left, right)).result


def _convert(type: Attribute) -> Rule:
    return lambda builder, values: as_ssa(builder, values[0], type)


_MAX = _binary(arith.MaxSIOp, arith.MaximumfOp)
_MIN = _binary(arith.MinSIOp, arith.MinimumfOp)

RULES: dict[Callable[..., Any], Rule] = {
    operator.add: _binary(arith.AddiOp, arith.AddfOp),
    operator.sub: _binary(arith.SubiOp, arith.SubfOp),
    operator.mul: _binary(arith.MuliOp, arith.MulfOp),
    operator.truediv: _true_divide,
    operator.floordiv: _floor_divide,
    operator.mod: _modulo,
    operator.pow: _power,
    pow: _power,
    operator.neg: _negate,
    operator.pos: lambda builder, values: as_ssa(builder, values[0]),
    operator.eq: _compare("eq", "oeq"),
    operator.ne: _compare("ne", "une"),
    operator.lt: _compare("slt", "olt"),
    operator.le: _compare("sle", "ole"),
    operator.gt: _compare("sgt", "ogt"),
    operator.ge: _compare("sge", "oge"),
    operator.and_: _bits(arith.AndIOp),
    operator.or_: _bits(arith.OrIOp),
    operator.xor: _bits(arith.XOrIOp),
    operator.not_: _not,
    torch.sym_not: _not,
    torch.sym_float: _convert(f64),
    torch.sym_int: _convert(i64),
    torch.sym_max: _MAX,
    torch.sym_min: _MIN,
    max: _fold(torch.sym_max),
    min: _fold(torch.sym_min),
    torch.sym_ite: _select,
    math.trunc: _convert(i64),
    math.floor: lambda builder, values: _floor(builder, values),
    math.ceil: _ceil,
}
"""What exported graphs do with numbers, by Python's and torch's functions for it."""
