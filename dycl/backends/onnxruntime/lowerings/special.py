"""Functions that ONNX Runtime has no kernels for, or in f32 only: f64 is made of ops that it has in f64."""

import math
from collections.abc import Sequence

import onnx_ir as ir

from dycl.backends.onnxruntime.graph import BOOL, DOUBLE, Graph

# W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969); highest power first.
_NEAR = 0.46875
_NEAR_P = (
    1.85777706184603153e-1,
    3.16112374387056560e0,
    1.13864154151050156e2,
    3.77485237685302021e2,
    3.20937758913846947e3,
)
_NEAR_Q = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
_FAR = 6.0
"""From here on the error function is 1 in f64."""
_FAR_P = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e1,
    2.98635138197400131e2,
    8.81952221241769090e2,
    1.71204761263407058e3,
    2.05107837782607147e3,
    1.23033935479799725e3,
)
_FAR_Q = (
    1.0,
    1.57449261107098347e1,
    1.17693950891312499e2,
    5.37181101862009858e2,
    1.62138957456669019e3,
    3.29079923573345963e3,
    4.36261909014324716e3,
    3.43936767414372164e3,
    1.23033935480374942e3,
)


def erf(graph: Graph, x: ir.Value) -> ir.Value:
    """Return the error function of `x`."""
    if x.dtype != DOUBLE:
        return graph.op("Erf", x)
    magnitude = graph.op("Abs", x)
    square = graph.op("Mul", x, x)
    near = graph.op("Mul", x, _ratio(graph, square, _NEAR_P, _NEAR_Q))
    # Beyond, the polynomials would overflow.
    far = graph.op("Clip", magnitude, None, graph.constant(_FAR, DOUBLE))
    tail = graph.op("Exp", graph.op("Neg", graph.op("Mul", far, far)))
    rest = graph.op("Mul", tail, _ratio(graph, far, _FAR_P, _FAR_Q))
    signed = graph.op("Mul", graph.op("Sign", x), graph.op("Sub", graph.constant(1, DOUBLE), rest))
    is_near = graph.op("LessOrEqual", magnitude, graph.constant(_NEAR, DOUBLE), dtype=BOOL)
    found = graph.op("Where", is_near, near, signed, dtype=DOUBLE)
    return graph.op("Where", graph.op("IsNaN", x, dtype=BOOL), x, found, dtype=DOUBLE)


def _ratio(graph: Graph, x: ir.Value, numerator: Sequence[float], denominator: Sequence[float]) -> ir.Value:
    return graph.op("Div", _polynomial(graph, x, numerator), _polynomial(graph, x, denominator))


def _polynomial(graph: Graph, x: ir.Value, coefficients: Sequence[float]) -> ir.Value:
    """Horner's scheme."""
    first, *others = coefficients
    value = graph.constant(first, DOUBLE)
    for coefficient in others:
        value = graph.op("Add", graph.op("Mul", x, value), graph.constant(coefficient, DOUBLE))
    return value


def erfc(graph: Graph, x: ir.Value) -> ir.Value:
    """Return 1 less the error function of `x`."""
    assert x.dtype is not None
    return graph.op("Sub", graph.constant(1, x.dtype), erf(graph, x))


def gelu(graph: Graph, x: ir.Value, approximate: str) -> ir.Value:
    if x.dtype != DOUBLE:
        return graph.op("Gelu", x, approximate=approximate)
    if approximate == "none":
        share = erf(graph, graph.op("Mul", x, graph.constant(math.sqrt(0.5), DOUBLE)))
    else:
        cube = graph.op("Mul", graph.op("Mul", x, x), x)
        bent = graph.op("Add", x, graph.op("Mul", cube, graph.constant(0.044715, DOUBLE)))
        share = graph.op("Tanh", graph.op("Mul", bent, graph.constant(math.sqrt(2 / math.pi), DOUBLE)))
    half = graph.op("Mul", x, graph.constant(0.5, DOUBLE))
    return graph.op("Mul", half, graph.op("Add", share, graph.constant(1, DOUBLE)))


def _mean_of_powers(graph: Graph, x: ir.Value, op_type: str) -> ir.Value:
    powers = [graph.op("Exp", power) for power in (x, graph.op("Neg", x))]
    return graph.op("Mul", graph.op(op_type, *powers), graph.constant(0.5, DOUBLE))


def sinh(graph: Graph, x: ir.Value) -> ir.Value:
    return _mean_of_powers(graph, x, "Sub") if x.dtype == DOUBLE else graph.op("Sinh", x)


def cosh(graph: Graph, x: ir.Value) -> ir.Value:
    return _mean_of_powers(graph, x, "Add") if x.dtype == DOUBLE else graph.op("Cosh", x)


def sinc(graph: Graph, x: ir.Value) -> ir.Value:
    """Return `sin(pi * x) / (pi * x)`, 1 at 0."""
    dtype = x.dtype
    assert dtype is not None
    angle = graph.op("Mul", x, graph.constant(math.pi, dtype))
    is_zero = graph.op("Equal", x, graph.constant(0, dtype), dtype=BOOL)
    one = graph.constant(1, dtype)
    return graph.op("Where", is_zero, one, graph.op("Div", graph.op("Sin", angle), angle), dtype=dtype)


def tan(graph: Graph, x: ir.Value) -> ir.Value:
    return graph.op("Div", graph.op("Sin", x), graph.op("Cos", x)) if x.dtype == DOUBLE else graph.op("Tan", x)


def softplus(graph: Graph, x: ir.Value) -> ir.Value:
    """Return `log(1 + exp(x))`."""
    if x.dtype != DOUBLE:
        return graph.op("Softplus", x)
    small = graph.op("Exp", graph.op("Neg", graph.op("Abs", x)))
    rest = graph.op("Log", graph.op("Add", small, graph.constant(1, DOUBLE)))
    return graph.op("Add", graph.op("Max", x, graph.constant(0, DOUBLE)), rest)


def elu(graph: Graph, x: ir.Value, alpha: float) -> ir.Value:
    """Return `x` where it is positive, elsewhere `alpha * (exp(x) - 1)`."""
    if x.dtype != DOUBLE:
        return graph.op("Elu", x, alpha=alpha)
    zero = graph.constant(0, DOUBLE)
    below = graph.op("Sub", graph.op("Exp", graph.op("Min", x, zero)), graph.constant(1, DOUBLE))
    scaled = graph.op("Mul", below, graph.constant(alpha, DOUBLE))
    return graph.op("Where", graph.op("Greater", x, zero, dtype=BOOL), x, scaled, dtype=DOUBLE)


def leaky_relu(graph: Graph, x: ir.Value, slope: float) -> ir.Value:
    if x.dtype != DOUBLE:
        return graph.op("LeakyRelu", x, alpha=slope)
    is_negative = graph.op("Less", x, graph.constant(0, DOUBLE), dtype=BOOL)
    return graph.op("Where", is_negative, graph.op("Mul", x, graph.constant(slope, DOUBLE)), x, dtype=DOUBLE)


def hard_sigmoid(graph: Graph, x: ir.Value) -> ir.Value:
    """Return `x / 6 + 1 / 2` between 0 and 1."""
    if x.dtype != DOUBLE:
        return graph.op("HardSigmoid", x, alpha=1 / 6, beta=0.5)
    line = graph.op("Add", graph.op("Div", x, graph.constant(6, DOUBLE)), graph.constant(0.5, DOUBLE))
    return graph.op("Clip", line, graph.constant(0, DOUBLE), graph.constant(1, DOUBLE))
