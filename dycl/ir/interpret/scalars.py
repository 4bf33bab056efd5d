"""What arithmetic on host scalars means: MLIR's `arith` and `math` on i1, i64, f64, held as Python's bool, int, float.

An integer op reads its operands as signed or as unsigned numbers of their width, and wraps its result to it: as a
signed number, the i1 `true` is -1. Division by zero raises ZeroDivisionError, as it does in Python; what is no number
is 0 as an integer, where a check of the program has not come before.
"""

import math
import operator
from collections.abc import Callable, Sequence

from xdsl.dialects import arith
from xdsl.dialects import math as elementary
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, i1
from xdsl.ir import Attribute, Operation

import dycl.runtime.elementary as functions
from dycl.errors import DyclError
from dycl.ir.interpret.execution import Activation, Outcome, Semantics, Value
from dycl.ir.locations import describe


def signed(value: Value) -> int:
    """Read an i1 or i64 as a signed number."""
    assert isinstance(value, int)
    return -int(value) if isinstance(value, bool) else value


def unsigned(value: Value) -> int:
    """Read an i1 or i64 as an unsigned number."""
    assert isinstance(value, int)
    return int(value) if isinstance(value, bool) else value % 2**64


def wrap(value: int, type: Attribute) -> bool | int:
    """Return the i1 or i64 with the low bits of `value`."""
    return bool(value & 1) if type == i1 else (value + 2**63) % 2**64 - 2**63


def real(value: Value) -> float:
    assert isinstance(value, float)
    return value


def _truncated_quotient(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _quotient(a: float, b: float) -> float:
    if b != 0:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)


def _maximum(a: float, b: float) -> float:
    if math.isnan(a) or math.isnan(b):
        return math.nan
    return max(a, b, key=lambda number: (number, math.copysign(1, number)))


def _or_number(choose: Callable[[float, float], float]) -> Callable[[float, float], float]:
    return lambda a, b: b if math.isnan(a) else a if math.isnan(b) else choose(a, b)


def _minimum(a: float, b: float) -> float:
    return -_maximum(-a, -b)


def _integer_power(a: int, b: int) -> int:
    """A negative exponent gives the power without its fraction."""
    return pow(a, b, 2**64) if b >= 0 else 0 if abs(a) > 1 else a ** (b % 2) if a else 0


_SIGNED: dict[type[Operation], Callable[[int, int], int]] = {
    arith.AddiOp: operator.add,
    arith.SubiOp: operator.sub,
    arith.MuliOp: operator.mul,
    arith.DivSIOp: _truncated_quotient,
    arith.RemSIOp: lambda a, b: a - b * _truncated_quotient(a, b),
    arith.FloorDivSIOp: operator.floordiv,
    arith.CeilDivSIOp: lambda a, b: -(-a // b),
    arith.MinSIOp: min,
    arith.MaxSIOp: max,
    arith.AndIOp: operator.and_,
    arith.OrIOp: operator.or_,
    arith.XOrIOp: operator.xor,
    arith.ShRSIOp: lambda a, b: a >> min(b % 2**64, 64),
    elementary.IPowIOp: _integer_power,
}

_UNSIGNED: dict[type[Operation], Callable[[int, int], int]] = {
    arith.DivUIOp: operator.floordiv,
    arith.RemUIOp: operator.mod,
    arith.CeilDivUIOp: lambda a, b: -(-a // b),
    arith.MinUIOp: min,
    arith.MaxUIOp: max,
    arith.ShLIOp: lambda a, b: a << min(b, 64),
    arith.ShRUIOp: lambda a, b: a >> min(b, 64),
}

_FLOAT: dict[type[Operation], Callable[[float, float], float]] = {
    arith.AddfOp: operator.add,
    arith.SubfOp: operator.sub,
    arith.MulfOp: operator.mul,
    arith.DivfOp: _quotient,
    arith.MaximumfOp: _maximum,
    arith.MinimumfOp: _minimum,
    arith.MaxnumfOp: _or_number(_maximum),
    arith.MinnumfOp: _or_number(_minimum),
    elementary.Atan2Op: functions.atan2,
    elementary.PowFOp: functions.power,
}

_ELEMENTARY: dict[type[Operation], Callable[[float], float]] = {
    elementary.AcosOp: functions.acos,
    elementary.AsinOp: functions.asin,
    elementary.AtanOp: functions.atan,
    elementary.CeilOp: functions.ceil,
    elementary.CosOp: functions.cos,
    elementary.CoshOp: functions.cosh,
    elementary.ErfOp: functions.erf,
    elementary.ExpM1Op: functions.expm1,
    elementary.ExpOp: functions.exp,
    elementary.FloorOp: functions.floor,
    elementary.Log10Op: functions.log10,
    elementary.Log1pOp: functions.log1p,
    elementary.Log2Op: functions.log2,
    elementary.LogOp: functions.log,
    elementary.RoundEvenOp: functions.roundeven,
    elementary.SinOp: functions.sin,
    elementary.SinhOp: functions.sinh,
    elementary.SqrtOp: functions.sqrt,
    elementary.TanOp: functions.tan,
    elementary.TanhOp: functions.tanh,
    elementary.TruncOp: functions.trunc,
}
ELEMENTARY_OPS = frozenset([*_ELEMENTARY, elementary.Atan2Op, elementary.IPowIOp, elementary.PowFOp])
"""The ops of `math` that a program may hold."""

_UNARY: dict[type[Operation], Callable[[Value], int | float]] = {
    arith.NegfOp: lambda value: -real(value),
    arith.ExtSIOp: signed,
    arith.ExtUIOp: unsigned,
    arith.TruncIOp: signed,
    arith.SIToFPOp: lambda value: float(signed(value)),
    arith.UIToFPOp: lambda value: float(unsigned(value)),
    arith.FPToSIOp: lambda value: functions.integer(real(value)),
    arith.FPToUIOp: lambda value: functions.integer(real(value)),
    **{type: lambda value, function=function: function(real(value)) for type, function in _ELEMENTARY.items()},
}

_INTEGER_PREDICATES: tuple[tuple[Callable[[Value], int], Callable[[int, int], bool]], ...] = (
    (signed, operator.eq),
    (signed, operator.ne),
    (signed, operator.lt),
    (signed, operator.le),
    (signed, operator.gt),
    (signed, operator.ge),
    (unsigned, operator.lt),
    (unsigned, operator.le),
    (unsigned, operator.gt),
    (unsigned, operator.ge),
)
"""By the number of MLIR's predicate: eq, ne, slt, sle, sgt, sge, ult, ule, ugt, uge."""


_ORDERED_PREDICATES = (
    (False, False, False),
    (True, False, False),
    (False, True, False),
    (True, True, False),
    (False, False, True),
    (True, False, True),
    (False, True, True),
    (True, True, True),
    (True, False, False),
    (False, True, False),
    (True, True, False),
    (False, False, True),
    (True, False, True),
    (False, True, True),
    (False, False, False),
    (True, True, True),
)
"""Whether equal, greater and less hold: false, oeq, ogt, oge, olt, ole, one, ord, ueq, ugt, uge, ult, ule, une, uno,
true."""


def compare_floats(predicate: int, a: float, b: float) -> bool:
    """Compare by the number of MLIR's predicate: from 8 on, it holds where one of the two is not a number."""
    if math.isnan(a) or math.isnan(b):
        return predicate >= 8
    equal, greater, less = _ORDERED_PREDICATES[predicate]
    return (equal and a == b) or (greater and a > b) or (less and a < b)


def _constant(op: arith.ConstantOp, operands: Sequence[Value]) -> Value:
    value = op.value
    if isinstance(value, IntegerAttr):
        return wrap(value.value.data, value.type)
    if isinstance(value, FloatAttr):
        return value.value.data
    raise DyclError(f"arith.constant holds {value}, which is not a host scalar, at {describe(op)}")


def _integers(read: Callable[[Value], int], function: Callable[[int, int], int]) -> Callable[..., Value]:
    def evaluate(op: Operation, operands: Sequence[Value]) -> Value:
        a, b = operands
        try:
            return wrap(function(read(a), read(b)), op.results[0].type)
        except ZeroDivisionError as error:
            raise ZeroDivisionError(f"{op.name} by zero at {describe(op)}") from error

    return evaluate


def _floats(function: Callable[[float, float], float]) -> Callable[..., Value]:
    def evaluate(op: Operation, operands: Sequence[Value]) -> Value:
        a, b = operands
        return function(real(a), real(b))

    return evaluate


def _unary(function: Callable[[Value], int | float]) -> Callable[..., Value]:
    def evaluate(op: Operation, operands: Sequence[Value]) -> Value:
        value = function(operands[0])
        return value if isinstance(value, float) else wrap(value, op.results[0].type)

    return evaluate


def _compare_integers(op: arith.CmpiOp, operands: Sequence[Value]) -> Value:
    read, holds = _INTEGER_PREDICATES[op.predicate.value.data]
    a, b = operands
    return holds(read(a), read(b))


def _compare_floats(op: arith.CmpfOp, operands: Sequence[Value]) -> Value:
    a, b = operands
    return compare_floats(op.predicate.value.data, real(a), real(b))


def _select(op: arith.SelectOp, operands: Sequence[Value]) -> Value:
    condition, yes, no = operands
    return yes if condition else no


_EVALUATE: dict[type[Operation], Callable[..., Value]] = {
    arith.ConstantOp: _constant,
    **{type: _integers(signed, function) for type, function in _SIGNED.items()},
    **{type: _integers(unsigned, function) for type, function in _UNSIGNED.items()},
    **{type: _floats(function) for type, function in _FLOAT.items()},
    **{type: _unary(function) for type, function in _UNARY.items()},
    arith.CmpiOp: _compare_integers,
    arith.CmpfOp: _compare_floats,
    arith.SelectOp: _select,
}


def is_scalar_op(op: Operation) -> bool:
    """Whether the op is arithmetic that a program may hold, and so `evaluate_scalar` knows."""
    return type(op) in _EVALUATE


def evaluate_scalar(op: Operation, operands: Sequence[Value]) -> Value:
    """Return the result of an op for which `is_scalar_op` holds.

    Raises:
        ZeroDivisionError: it divides an integer by zero
    """
    return _EVALUATE[type(op)](op, operands)


def _run(op: Operation, now: Activation) -> Outcome:
    return (evaluate_scalar(op, now.all(op.operands)),)


SCALAR_SEMANTICS: Semantics = dict.fromkeys(_EVALUATE, _run)
