"""Bounds of integer arithmetic on sizes, where torch's own give up: it bounds `n` and `n // 2` apart, and so leaves
`n // 2 < n` open.

A quotient `a // c` is `(a - r) / c` for a remainder `r` from 0 to c - 1. What is then linear in the symbols has its
bounds where each symbol has its own. Importing this module imports torch.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import sympy
from torch.utils._sympy.functions import FloorDiv, Mod, PythonMod

Expression: TypeAlias = Any
"""An integer or a condition, as sympy has it; sympy's types do not know its own arithmetic."""

Bounds: TypeAlias = tuple[int | None, int | None]
"""The least and the greatest value, None for one that is not known."""

_RELATIONS = (sympy.LessThan, sympy.StrictLessThan, sympy.GreaterThan, sympy.StrictGreaterThan)


def decide(condition: Expression, bounds_of: Callable[[Expression], Bounds]) -> bool | None:
    """Return whether inequalities of integers hold, None where the bounds of their parts leave it open."""
    if isinstance(condition, sympy.And | sympy.Or):
        found = {decide(part, bounds_of) for part in condition.args}
        decisive = isinstance(condition, sympy.Or)
        return decisive if decisive in found else None if None in found else not decisive
    if not isinstance(condition, _RELATIONS):
        return None
    strict = isinstance(condition, sympy.StrictLessThan | sympy.StrictGreaterThan)
    greater: Expression = condition.gts
    low, high = bounds(greater - condition.lts, bounds_of)
    if low is not None and low >= strict:
        return True
    return False if high is not None and high < strict else None


def narrowed(expression: Expression, found: Bounds, facts: Iterable[Expression]) -> Bounds:
    """Return the bounds of an expression where some conditions hold."""
    low, high = found
    for fact in facts:
        if not isinstance(fact, (sympy.Eq, *_RELATIONS)):
            continue
        strict = isinstance(fact, sympy.StrictLessThan | sympy.StrictGreaterThan)
        pairs = [(fact.lhs, fact.rhs), (fact.rhs, fact.lhs)] if isinstance(fact, sympy.Eq) else [(fact.lts, fact.gts)]
        for lesser, greater in pairs:
            if lesser == expression and isinstance(greater, sympy.Integer):
                most = int(greater) - strict
                high = most if high is None else min(high, most)
            if greater == expression and isinstance(lesser, sympy.Integer):
                least = int(lesser) + strict
                low = least if low is None else max(low, least)
    return low, high


def bounds(expression: Expression, bounds_of: Callable[[Expression], Bounds]) -> Bounds:
    """Return the bounds of an integer expression, given those of its symbols and of what is not linear in it."""
    remainders: dict[tuple[Expression, Expression], Expression] = {}
    greatest: dict[Expression, int] = {}

    def remainder(dividend: Expression, divisor: Expression) -> Expression:
        symbol = remainders.setdefault((dividend, divisor), sympy.Dummy(integer=True))
        greatest[symbol] = int(divisor) - 1
        return symbol

    def linear(part: Expression) -> Expression:
        if isinstance(part, sympy.Add | sympy.Mul):
            return part.func(*map(linear, part.args))
        if isinstance(part, FloorDiv | Mod | PythonMod):
            dividend, divisor = part.args
            if isinstance(divisor, sympy.Integer) and int(divisor) > 0:
                rest = remainder(dividend, divisor)
                return (linear(dividend) - rest) / divisor if isinstance(part, FloorDiv) else rest
        return part

    low: Expression = 0
    high: Expression = 0
    for part, factor in sympy.expand(linear(expression)).as_coefficients_dict().items():
        least, most = _product(part, greatest, bounds_of)
        if factor < 0:
            least, most = most, least
        low = None if low is None or least is None else low + factor * least
        high = None if high is None or most is None else high + factor * most
    # The value is an integer, whatever its parts are.
    return None if low is None else int(sympy.ceiling(low)), None if high is None else int(sympy.floor(high))


def _product(
    product: Expression, greatest: Mapping[Expression, int], bounds_of: Callable[[Expression], Bounds]
) -> Bounds:
    """Return the bounds of a product, some of whose factors are powers of remainders."""
    if product.free_symbols.isdisjoint(greatest):
        return (1, 1) if product == 1 else bounds_of(product)
    low, high = 1, 1
    for factor in sympy.Mul.make_args(product):
        base, exponent = factor.as_base_exp()
        least, most = (0, greatest[base] ** int(exponent)) if base in greatest else bounds_of(factor)
        if least is None or least < 0:
            return None, None
        low, high = low * least, None if high is None or most is None else high * most
    return low, high
