"""Arithmetic of host programs where Python's operators mean something else."""

import math

__all__ = ["divide", "maximum", "minimum", "quotient", "remainder"]


def divide(a: float, b: float) -> float:
    """Divide as IEEE 754 does, where Python raises on zero."""
    if b != 0.0:
        return a / b
    if a == 0.0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def maximum(a: float, b: float) -> float:
    """Return the larger; not a number where either is none, and 0.0 is larger than -0.0."""
    if math.isnan(a) or math.isnan(b):
        return math.nan
    if a == b:
        return a if math.copysign(1.0, a) > 0 else b
    return max(a, b)


def minimum(a: float, b: float) -> float:
    """Return the smaller; not a number where either is none, and -0.0 is smaller than 0.0."""
    return -maximum(-a, -b)


def quotient(a: int, b: int) -> int:
    """Divide and round towards zero, where Python's `//` rounds down."""
    found = abs(a) // abs(b)
    return found if (a < 0) == (b < 0) else -found


def remainder(a: int, b: int) -> int:
    """Return what `quotient` leaves: it has the sign of `a`, where Python's `%` has that of `b`."""
    return a - b * quotient(a, b)
