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

from dycl.frontends.torch.objects import scalars
from dycl.frontends.torch.paths.branches import require
from dycl.frontends.torch.syntax.iteration import elements
from dycl.frontends.torch.syntax.operators import binary_operation
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


def _hypot(capture: "Capture", *values: Value) -> Value:
    """The root of the sum of squares, scaled by the largest of them lest a square overflows."""
    values = tuple(_number(capture, value) for value in values)
    if not any(isinstance(value, Scalar) for value in values):
        return capture.native(math.hypot, *values)
    sizes = [scalars.absolute(capture, _float(capture, value)) for value in values]
    largest = sizes[0]
    for size in sizes[1:]:
        largest = scalars.select(capture, scalars.compare(capture, ast.Gt, size, largest), size, largest)
    plain = scalars.binary(
        capture,
        ast.BitOr,
        scalars.compare(capture, ast.Eq, largest, 0.0),
        _not(capture, _is_finite(capture, largest)),
    )
    scale = scalars.select(capture, plain, _float(capture, 1.0), largest)
    squares: Value = 0.0
    infinite = _is_infinite(capture, sizes[0])
    for size in sizes:
        part = _emitted(capture, arith.DivfOp, size.ssa, scale.ssa)
        squares = scalars.binary(capture, ast.Add, squares, scalars.binary(capture, ast.Mult, part, part))
        infinite = scalars.binary(capture, ast.BitOr, infinite, _is_infinite(capture, size))
    root = scalars.binary(capture, ast.Mult, scale, _emitted(capture, elementary.SqrtOp, squares.ssa))
    return scalars.select(capture, infinite, _float(capture, math.inf), root)


def _distance(capture: "Capture", one: Value, other: Value) -> Value:
    pairs = list(zip(elements(capture, one), elements(capture, other), strict=True))
    return _hypot(capture, *(binary_operation(capture, ast.Sub, *pair) for pair in pairs))


def _is_close(capture: "Capture", one: Value, other: Value, *, rel_tol: Value = 1e-09, abs_tol: Value = 0.0) -> Value:
    numbers = [_number(capture, value) for value in (one, other, rel_tol, abs_tol)]
    if not any(isinstance(value, Scalar) for value in numbers):
        return capture.native(math.isclose, one, other, rel_tol=rel_tol, abs_tol=abs_tol)
    a, b, relative, absolute = (_float(capture, value) for value in numbers)
    for tolerance in numbers[2:]:
        test = scalars.compare(capture, ast.Lt, tolerance, 0.0) if isinstance(tolerance, Scalar) else tolerance < 0
        if isinstance(test, Scalar):
            require(capture, _not(capture, test).ssa, ValueError("tolerances must be non-negative"))
        elif test:
            raise capture.raised(ValueError("tolerances must be non-negative"))
    difference = scalars.absolute(capture, scalars.binary(capture, ast.Sub, a, b))
    near = scalars.compare(capture, ast.LtE, difference, absolute)
    for value in (a, b):
        allowed = scalars.binary(capture, ast.Mult, relative, scalars.absolute(capture, value))
        near = scalars.binary(capture, ast.BitOr, near, scalars.compare(capture, ast.LtE, difference, allowed))
    finite = scalars.binary(capture, ast.BitAnd, _is_finite(capture, a), _is_finite(capture, b))
    near = scalars.binary(capture, ast.BitAnd, near, finite)
    return scalars.binary(capture, ast.BitOr, near, scalars.compare(capture, ast.Eq, a, b))


def _exact_sum(capture: "Capture", values: Value) -> Value:
    """`fsum`, with what rounding has lost of each addition added at the end (Neumaier, ZAMM 1974)."""
    numbers = [_number(capture, value) for value in elements(capture, values)]
    if not any(isinstance(value, Scalar) for value in numbers):
        return capture.native(math.fsum, numbers)
    total, lost = _float(capture, numbers[0]), _float(capture, 0.0)
    for number in (_float(capture, value) for value in numbers[1:]):
        added = scalars.binary(capture, ast.Add, total, number)
        is_larger = scalars.compare(
            capture, ast.GtE, scalars.absolute(capture, total), scalars.absolute(capture, number)
        )
        large = scalars.select(capture, is_larger, total, number)
        small = scalars.select(capture, is_larger, number, total)
        rest = scalars.binary(capture, ast.Add, scalars.binary(capture, ast.Sub, large, added), small)
        # Of an infinite sum nothing is lost; its rest is no number.
        rest = scalars.select(capture, _is_finite(capture, added), rest, _float(capture, 0.0))
        total, lost = added, scalars.binary(capture, ast.Add, lost, rest)
    return scalars.binary(capture, ast.Add, total, lost)


def _falling(native: Callable[[int, int], int], *, divided: bool) -> StandIn:
    """`comb` and `perm` of a number known only at run time: a product of as many factors as are chosen."""

    def run(capture: "Capture", total: Value, chosen: Value = None) -> Value:
        total = capture.item(total) if isinstance(total, torch.Tensor) else total
        if not isinstance(total, Scalar) and not isinstance(chosen, Symbolic):
            return capture.native(native, total, chosen)
        if not isinstance(chosen, int) or not isinstance(total, Scalar) or total.kind is float:
            raise capture.error(
                f"`math.{native.__name__}` of a count known only at run time",
                "how many factors it has is not known while the program is compiled",
                "choose a number of elements that Python knows",
            )
        message = "n must be a non-negative integer"
        require(capture, scalars.compare(capture, ast.GtE, total, 0).ssa, ValueError(message))
        product: Value = 1
        for index in range(chosen):
            product = scalars.binary(capture, ast.Mult, product, scalars.binary(capture, ast.Sub, total, index))
            if divided and index:
                product = scalars.binary(capture, ast.FloorDiv, product, index + 1)
        return product

    return run


MATHEMATICS: dict[Value, StandIn] = {
    divmod: _divmod,
    math.acos: _function(math.acos, elementary.AcosOp, _unit),
    math.asin: _function(math.asin, elementary.AsinOp, _unit),
    math.atan: _function(math.atan, elementary.AtanOp),
    math.atan2: _atan2,
    math.ceil: _whole(math.ceil, elementary.CeilOp),
    math.comb: _falling(math.comb, divided=True),
    math.cos: _function(math.cos, elementary.CosOp, _finite),
    math.cosh: _function(math.cosh, elementary.CoshOp, overflows=True),
    math.dist: _distance,
    math.erf: _function(math.erf, elementary.ErfOp),
    math.exp: _function(math.exp, elementary.ExpOp, overflows=True),
    math.expm1: _function(math.expm1, elementary.ExpM1Op, overflows=True),
    math.fabs: _fabs,
    math.floor: _whole(math.floor, elementary.FloorOp),
    math.fsum: _exact_sum,
    math.hypot: _hypot,
    math.isclose: _is_close,
    math.isfinite: _test(math.isfinite, _is_finite),
    math.isinf: _test(math.isinf, _is_infinite),
    math.isnan: _test(math.isnan, _is_nan),
    math.log: _log,
    math.log10: _function(math.log10, elementary.Log10Op, _beyond(ast.LtE, 0.0)),
    math.log1p: _function(math.log1p, elementary.Log1pOp, _beyond(ast.LtE, -1.0)),
    math.log2: _function(math.log2, elementary.Log2Op, _beyond(ast.LtE, 0.0)),
    math.perm: _falling(math.perm, divided=False),
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
