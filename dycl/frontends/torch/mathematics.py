"""Python's `math`, and its functions of numbers, on numbers known only at run time.

What Python raises, the compiled program raises: a check goes before or behind the operation.
"""

import ast
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from xdsl.dialects import arith
from xdsl.dialects import math as elementary
from xdsl.ir import Operation, SSAValue

from dycl.frontends.torch import scalars
from dycl.frontends.torch.branches import require
from dycl.frontends.torch.iteration import elements
from dycl.frontends.torch.operators import binary_operation
from dycl.frontends.torch.values import Scalar, Symbolic, Value, is_number

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

StandIn = Callable[..., Value]
Check = Callable[["Capture", Scalar], Scalar]
"""Whether an argument is one that the function takes."""


def _number(capture: "Capture", value: Value) -> Value:
    """Return a number, that of a tensor of one element included, or raise what Python raises."""
    capture.usable(value)
    if isinstance(value, torch.Tensor):
        value = capture.item(value)
    if not is_number(value):
        raise capture.raised(TypeError(f"must be real number, not {type(value).__name__}"))
    return value


def _float(capture: "Capture", value: Value) -> Scalar:
    return Scalar(scalars.as_ssa(capture, value, float))


def _not(capture: "Capture", test: Scalar) -> Scalar:
    return Scalar(capture.builder.emit(arith.XOrIOp(test.ssa, capture.builder.constant(True))).result)


def _is_infinite(capture: "Capture", value: Scalar) -> Scalar:
    return scalars.compare(capture, ast.Eq, scalars.absolute(capture, value), math.inf)


def _beyond(kind: type[ast.cmpop], bound: float) -> Check:
    """Takes all but what compares so with a bound; a NaN passes."""
    return lambda capture, value: _not(capture, scalars.compare(capture, kind, value, bound))


def _unit(capture: "Capture", value: Scalar) -> Scalar:
    return _not(capture, scalars.compare(capture, ast.Gt, scalars.absolute(capture, value), 1.0))


def _finite(capture: "Capture", value: Scalar) -> Scalar:
    return _not(capture, _is_infinite(capture, value))


def _function(
    native: Callable[[float], float], op: type[Operation], takes: Check | None = None, overflows: bool = False
) -> StandIn:
    def run(capture: "Capture", value: Value) -> Value:
        value = _number(capture, value)
        if not isinstance(value, Scalar):
            return capture.native(native, value)
        value = _float(capture, value)
        if takes is not None:
            require(capture, takes(capture, value).ssa, ValueError("math domain error"))
        result = _emitted(capture, op, value.ssa)
        if overflows:
            _require_range(capture, result, [value])
        return result

    return run


def _emitted(capture: "Capture", op: type[Operation], *operands: SSAValue) -> Scalar:
    made: Value = op
    return Scalar(capture.builder.emit(made(*operands)).result)


def _require_range(capture: "Capture", result: Scalar, operands: list[Value]) -> None:
    """Require a result to be infinite only where an operand is."""
    fine = _not(capture, _is_infinite(capture, result))
    for operand in operands:
        if isinstance(operand, Scalar):
            fine = scalars.binary(capture, ast.BitOr, fine, _is_infinite(capture, operand))
    require(capture, fine.ssa, OverflowError("math range error"))


def _log(capture: "Capture", value: Value, *base: Value) -> Value:
    found = _NATURAL(capture, value)
    return binary_operation(capture, ast.Div, found, _NATURAL(capture, base[0])) if base else found


_NATURAL = _function(math.log, elementary.LogOp, _beyond(ast.LtE, 0.0))


def _whole(native: Callable[[float], int], op: type[Operation]) -> StandIn:
    """`floor`, `ceil`, `trunc` and `round`: an int."""

    def run(capture: "Capture", value: Value) -> Value:
        value = _number(capture, value)
        if not isinstance(value, Scalar):
            return capture.native(native, value)
        if value.kind is not float:
            return scalars.convert(capture, value, int)
        return scalars.convert(capture, _emitted(capture, op, value.ssa), int)

    return run


def _round(capture: "Capture", value: Value, digits: Value = None) -> Value:
    if isinstance(value, torch.Tensor):
        return capture.torch_call(torch.round, value, **({} if digits is None else {"decimals": digits}))
    if not isinstance(value, Scalar):
        return capture.native(round, value, digits)
    if digits is None:
        return _ROUND(capture, value)
    if value.kind is not float and isinstance(digits, int) and digits >= 0:
        return scalars.convert(capture, value, int)
    raise capture.error(
        "`round` to a number of digits, of a number known only at run time",
        "Python rounds its decimal text, which a compiled program does not make",
        "use `torch.round(x, decimals=...)` before `.item()`, or round the result outside the model",
    )


_ROUND = _whole(round, elementary.RoundEvenOp)


def _test(native: Callable[[float], bool], test: Check) -> StandIn:
    def run(capture: "Capture", value: Value) -> Value:
        value = _number(capture, value)
        return test(capture, _float(capture, value)) if isinstance(value, Scalar) else capture.native(native, value)

    return run


def _is_nan(capture: "Capture", value: Scalar) -> Scalar:
    return scalars.compare(capture, ast.NotEq, value, value)


def _is_finite(capture: "Capture", value: Scalar) -> Scalar:
    return scalars.compare(capture, ast.Lt, scalars.absolute(capture, value), math.inf)


def _fabs(capture: "Capture", value: Value) -> Value:
    value = _number(capture, value)
    if isinstance(value, Scalar):
        return scalars.absolute(capture, _float(capture, value))
    return capture.native(math.fabs, value)


def _atan2(capture: "Capture", y: Value, x: Value) -> Value:
    y, x = _number(capture, y), _number(capture, x)
    if not isinstance(y, Scalar) and not isinstance(x, Scalar):
        return capture.native(math.atan2, y, x)
    return _emitted(capture, elementary.Atan2Op, _float(capture, y).ssa, _float(capture, x).ssa)


def _power(capture: "Capture", base: Value, exponent: Value) -> Value:
    base, exponent = (_number(capture, value) for value in (base, exponent))
    if not isinstance(base, Scalar) and not isinstance(exponent, Scalar):
        return capture.native(math.pow, base, exponent)
    return scalars.power(capture, _float(capture, base), _float(capture, exponent), ValueError("math domain error"))


def _pow(capture: "Capture", base: Value, exponent: Value, *modulus: Value) -> Value:
    if not modulus:
        return binary_operation(capture, ast.Pow, base, exponent)
    if any(isinstance(value, Symbolic) for value in (base, exponent, *modulus)):
        raise capture.error("`pow` with a modulus, of numbers known only at run time")
    return capture.native(pow, base, exponent, *modulus)


def _divmod(capture: "Capture", left: Value, right: Value) -> Value:
    return binary_operation(capture, ast.FloorDiv, left, right), binary_operation(capture, ast.Mod, left, right)


def _product(capture: "Capture", values: Value, *, start: Value = 1) -> Value:
    total = start
    for value in elements(capture, values):
        total = binary_operation(capture, ast.Mult, total, value)
    return total


MATHEMATICS: dict[Value, StandIn] = {
    divmod: _divmod,
    math.acos: _function(math.acos, elementary.AcosOp, _unit),
    math.asin: _function(math.asin, elementary.AsinOp, _unit),
    math.atan: _function(math.atan, elementary.AtanOp),
    math.atan2: _atan2,
    math.ceil: _whole(math.ceil, elementary.CeilOp),
    math.cos: _function(math.cos, elementary.CosOp, _finite),
    math.cosh: _function(math.cosh, elementary.CoshOp, overflows=True),
    math.erf: _function(math.erf, elementary.ErfOp),
    math.exp: _function(math.exp, elementary.ExpOp, overflows=True),
    math.expm1: _function(math.expm1, elementary.ExpM1Op, overflows=True),
    math.fabs: _fabs,
    math.floor: _whole(math.floor, elementary.FloorOp),
    math.isfinite: _test(math.isfinite, _is_finite),
    math.isinf: _test(math.isinf, _is_infinite),
    math.isnan: _test(math.isnan, _is_nan),
    math.log: _log,
    math.log10: _function(math.log10, elementary.Log10Op, _beyond(ast.LtE, 0.0)),
    math.log1p: _function(math.log1p, elementary.Log1pOp, _beyond(ast.LtE, -1.0)),
    math.log2: _function(math.log2, elementary.Log2Op, _beyond(ast.LtE, 0.0)),
    math.pow: _power,
    math.prod: _product,
    math.sin: _function(math.sin, elementary.SinOp, _finite),
    math.sinh: _function(math.sinh, elementary.SinhOp, overflows=True),
    math.sqrt: _function(math.sqrt, elementary.SqrtOp, _beyond(ast.Lt, 0.0)),
    math.tan: _function(math.tan, elementary.TanOp, _finite),
    math.tanh: _function(math.tanh, elementary.TanhOp),
    math.trunc: _whole(math.trunc, elementary.TruncOp),
    pow: _pow,
    round: _round,
}

NUMERIC = frozenset([abs, float, int, max, min, *MATHEMATICS])
"""Functions that make numbers of numbers."""
