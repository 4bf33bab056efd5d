"""Elementary functions of host programs: Python's own, but where those raise, what IEEE 754 has: infinity or NaN.

A check that the source program makes stands before them in the host program.
"""

import math
from collections.abc import Callable

__all__ = [
    "acos",
    "asin",
    "atan",
    "atan2",
    "ceil",
    "cos",
    "cosh",
    "erf",
    "exp",
    "expm1",
    "floor",
    "integer",
    "log",
    "log1p",
    "log2",
    "log10",
    "power",
    "roundeven",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "trunc",
]


def _ieee(function: Callable[[float], float], pole: float | None = None) -> Callable[[float], float]:
    """Return the function with infinity beyond the largest number and, as minus infinity, at its pole."""

    def evaluate(value: float) -> float:
        try:
            return function(value)
        except OverflowError:
            return -math.inf if function is math.sinh and value < 0 else math.inf
        except ValueError:
            return -math.inf if value == pole else math.nan

    return evaluate


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: float(function(value)) if math.isfinite(value) else value


acos = _ieee(math.acos)
asin = _ieee(math.asin)
atan = math.atan
atan2 = math.atan2
ceil = _whole(math.ceil)
cos = _ieee(math.cos)
cosh = _ieee(math.cosh)
erf = math.erf
exp = _ieee(math.exp)
expm1 = _ieee(math.expm1)
floor = _whole(math.floor)
log = _ieee(math.log, 0.0)
log10 = _ieee(math.log10, 0.0)
log1p = _ieee(math.log1p, -1.0)
log2 = _ieee(math.log2, 0.0)
roundeven = _whole(round)
sin = _ieee(math.sin)
sinh = _ieee(math.sinh)
sqrt = _ieee(math.sqrt)
tan = _ieee(math.tan)
tanh = math.tanh
trunc = _whole(math.trunc)


def integer(value: float) -> int:
    """Return the float without its fraction; 0 where it is infinite or not a number."""
    return int(value) if math.isfinite(value) else 0


def power(a: float, b: float) -> float:
    """Return `a` to the power of `b`; not a number where that is complex."""
    try:
        found = a**b
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ZeroDivisionError:
        return math.copysign(math.inf, a) if b % 2 == 1 else math.inf
    return math.nan if isinstance(found, complex) else found
