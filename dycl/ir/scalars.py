"""Host scalars whose value is known while compiling."""

from collections.abc import Sequence
from typing import TypeAlias

from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, IntegerType, f64, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue

from dycl.ir.interpret.scalars import evaluate_scalar, is_scalar_op
from dycl.ir.types import is_scalar

Scalar: TypeAlias = bool | int | float
"""A value of type i1, i64 or f64."""


def is_held(value: Scalar) -> bool:
    """Whether a host scalar can be this number: an int has 64 bits."""
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def scalar_attribute(value: Scalar) -> IntegerAttr[IntegerType] | FloatAttr:
    """Return what `arith.constant` holds to give `value`."""
    if isinstance(value, bool):
        return IntegerAttr[IntegerType](int(value), i1)
    return IntegerAttr[IntegerType](value, i64) if isinstance(value, int) else FloatAttr(value, f64)


def scalar_constant(value: Scalar) -> arith.ConstantOp:
    """Return an op that gives `value`."""
    return arith.ConstantOp(scalar_attribute(value))


def constant_scalar(value: SSAValue) -> Scalar | None:
    """Return the number that a value always is, where a constant op gives it."""
    op = value.owner
    return attribute_scalar(op.value) if isinstance(op, arith.ConstantOp) else None


def attribute_scalar(attribute: Attribute) -> Scalar | None:
    """Return the host scalar that an attribute holds, None where it holds something else."""
    match attribute:
        case IntegerAttr() if attribute.type == i1:
            return bool(attribute.value.data)
        case IntegerAttr() if attribute.type == i64:
            return attribute.value.data
        case FloatAttr() if attribute.type == f64:
            return attribute.value.data
        case _:
            return None


def evaluate(op: Operation, operands: Sequence[Scalar]) -> Scalar | None:
    """Return the result of an `arith` op on host scalars; None where it has none, as a division by zero, or is
    another op."""
    if not is_scalar_op(op) or not all(is_scalar(value.type) for value in (*op.operands, *op.results)):
        return None
    try:
        result = evaluate_scalar(op, operands)
    except (ArithmeticError, ValueError):
        return None
    assert isinstance(result, bool | int | float)
    return result


def is_true(value: SSAValue) -> bool:
    return constant_scalar(value) is True


def is_false(value: SSAValue) -> bool:
    return constant_scalar(value) is False
