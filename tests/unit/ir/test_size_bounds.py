"""Bounds of arithmetic on sizes, against all values that the sizes have."""

import itertools

import pytest
import sympy
from torch.utils._sympy.functions import FloorDiv, Mod

from dycl.ir.size_bounds import bounds, decide

N, M = sympy.symbols("n m", integer=True)
RANGES = {N: (1, 9), M: (0, 4)}

EXPRESSIONS = [
    N - FloorDiv(N, 2),
    N - 3 * FloorDiv(N, 3),
    2 * N - M + 1,
    FloorDiv(N + M, 4) - N,
    Mod(N, 4) + M,
    -FloorDiv(N, 2) - FloorDiv(M, 3),
    FloorDiv(FloorDiv(N + 1, 2) + 1, 2),
    Mod(N, 4) * (Mod(N, 4) + 1),
    M * Mod(N, 4) - Mod(M, 3) * Mod(N, 4),
]


def of(expression):
    return RANGES.get(expression, (None, None))


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_bounds_hold_for_all_values(expression):
    low, high = bounds(expression, of)
    for n, m in itertools.product(range(1, 10), range(5)):
        assert low <= expression.subs({N: n, M: m}) <= high


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
@pytest.mark.parametrize("relation", [sympy.Lt, sympy.Le, sympy.Gt, sympy.Ge])
@pytest.mark.parametrize("number", [-2, 0, 1, 3])
def test_decisions_hold_for_all_values(expression, relation, number):
    condition = relation(expression, number)
    found = decide(condition, of)
    if found is not None:
        for n, m in itertools.product(range(1, 10), range(5)):
            assert bool(condition.subs({N: n, M: m})) == found


def test_what_must_be_decided_is():
    assert decide(FloorDiv(N, 2) < N, of) is True
    assert decide(FloorDiv(N, 2) >= N, of) is False
    assert decide(N - 3 * FloorDiv(N, 3) < 3, of) is True
    assert decide(N < 9, of) is None
    assert decide(sympy.Symbol("k", integer=True) < 9, of) is None
