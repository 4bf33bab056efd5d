"""torch's shape environment, without its guesses: it notes what an operation asks of sizes, and believes none of it.

torch takes a size known only at run time for equal to another where an operation would else not know its result, and
from then on everywhere. A program has other paths, on which that need not hold, and `add` of tensors of sizes 1 and 5
is no error. Importing this module imports torch.
"""

import itertools
import operator
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias, cast

import sympy
import torch
from torch.fx.experimental.sym_node import SymNode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from dycl.ir import size_bounds
from dycl.ir.size_bounds import Bounds, Expression

Assignment: TypeAlias = dict[Expression, int]
"""A size for each symbol."""

_PRIMES = (3, 5, 7, 11, 13, 17, 19, 23)
_LARGE = (10007, 10037, 10061, 10079, 10093, 10103, 10133, 10151)
"""Larger than the numbers among most arguments."""
_FEWEST_ASSIGNMENTS = 3
_MAX_ASSIGNMENTS = 16
_MOST_COMMON = 64
_MAX_SOLUTION = 4096


class SizeEnv(ShapeEnv):
    """Symbols for sizes and numbers known only at run time.

    `claims` are the conditions that operations asked for and that do not follow from the symbols' bounds; `facts` are
    conditions that hold where the present operation stands.
    """

    def __init__(self) -> None:
        super().__init__(allow_scalar_outputs=True, allow_dynamic_output_shape_ops=True)
        self.claims: list[Expression] = []
        self.facts: Sequence[Expression] = ()
        self._marks: list[int] = []

    def guard_or_defer_runtime_assert(  # pyright: ignore[reportIncompatibleVariableOverride]: torch's is cached
        self, orig_expr: Expression, msg: str, fx_node: torch.fx.Node | None = None
    ) -> bool:
        known = self.decide(orig_expr)
        if known is not None:
            return known
        if self._marks and any(map(self._is_new, orig_expr.free_symbols)):
            # It says what a symbol is that the operation has just made, such as the number of rows of `nonzero`.
            return super().guard_or_defer_runtime_assert(orig_expr, msg, fx_node)
        self.claims.append(orig_expr)
        return True

    def evaluate_sym_node(
        self, sym_node: SymNode, size_oblivious: bool = False, fallback_value: bool | None = None
    ) -> sympy.Basic:
        if self.facts:
            known = self.decide(sym_node.expr)
            if known is not None:
                return sympy.true if known else sympy.false
        return super().evaluate_sym_node(sym_node, size_oblivious, fallback_value)

    def mark(self) -> None:
        """Begin an operation: what it says of symbols that it makes is believed."""
        self._marks.append(self.unbacked_symint_counter)

    def release(self) -> None:
        self._marks.pop()

    def _is_new(self, symbol: Expression) -> bool:
        number = str(symbol).removeprefix("u")
        return number.isdigit() and int(number) >= self._marks[-1]

    @contextmanager
    def where(self, facts: Sequence[Expression]) -> Generator[None]:
        """Run an operation where some conditions hold."""
        before, self.facts = self.facts, facts
        try:
            yield
        finally:
            self.facts = before

    def decide(self, condition: Expression) -> bool | None:
        """Return whether a condition follows from the symbols' bounds and the facts; None where they leave it open."""
        if self.facts:
            if condition in self.facts:
                return True
            if sympy.Not(condition) in self.facts:
                return False
        found = self._maybe_evaluate_static(condition)  # pyright: ignore: torch has no public name for it
        return size_bounds.decide(condition, self._bounds_here) if found is None else bool(found)

    def _bounds_here(self, expression: Expression) -> Bounds:
        return size_bounds.narrowed(expression, self.bounds(expression), self.facts)

    def size(self, low: int | None = 0, high: int | None = None) -> torch.SymInt:
        """Return a new size or number between bounds, both included."""
        symbol = self.create_unbacked_symint()
        self.bound(symbol, low, high)
        return symbol

    def bound(self, symbol: torch.SymInt, low: int | None, high: int | None) -> None:
        """Note the bounds of a symbol, both included; None leaves one open."""
        most = torch.iinfo(torch.int64).max - 1
        self.constrain_symbol_range(symbol.node.expr, -most if low is None else low, most if high is None else high)

    def bounds(self, expression: Expression) -> Bounds:
        """Return what is known of the least and the greatest value of an integer expression."""
        found = self.bound_sympy(expression)
        return _finite(found.lower), _finite(found.upper)

    def assignments(
        self, symbols: Sequence[Expression], asked: Sequence[Expression] = (), facts: Sequence[Expression] = ()
    ) -> Iterator[Assignment]:
        """Yield sizes to try an operation at: within the symbols' bounds and the facts, and among them those that torch
        may leave out, namely 0, 1, equal ones, and those that meet the conditions that it asked for."""
        bounds = {symbol: self.bounds(symbol) for symbol in symbols}

        def within(values: Mapping[Expression, int]) -> Assignment:
            return {symbol: _clamped(values[symbol], *bounds[symbol]) for symbol in symbols}

        primes = dict(zip(symbols, itertools.cycle(_PRIMES), strict=False))
        least = {symbol: low or 0 for symbol, (low, _) in bounds.items()}
        if any(least[symbol] > prime for symbol, prime in primes.items()):
            primes = {symbol: least[symbol] + prime for symbol, prime in primes.items()}
        candidates = [
            *(within(dict.fromkeys(symbols, size)) for size in (1, 0, -2)),
            within(primes),
            within(dict(zip(symbols, itertools.cycle(_LARGE), strict=False))),
            *(within({**primes, symbol: 1}) for symbol in symbols if len(symbols) > 1),
            *(within(dict.fromkeys(symbols, size)) for size in _common(list(bounds.values())) if len(symbols) > 1),
            *(within({**primes, **found}) for found in map(_solution, (*asked, *facts)) if found is not None),
        ]
        others = (within(dict.fromkeys(symbols, size)) for size in range(2, _MOST_COMMON))
        seen: set[tuple[int, ...]] = set()
        for index, candidate in enumerate(itertools.chain(candidates, others)):
            if index >= len(candidates) and len(seen) >= _FEWEST_ASSIGNMENTS:
                return
            values = tuple(candidate.values())
            if values in seen or any(fact.subs(candidate) == sympy.false for fact in facts):
                continue
            seen.add(values)
            yield candidate
            if len(seen) == _MAX_ASSIGNMENTS:
                return


def _common(bounds: Sequence[Bounds]) -> list[int]:
    """Sizes that all symbols can have, so far as there are any."""
    low = max((low for low, _ in bounds if low is not None), default=None)
    high = min((high for _, high in bounds if high is not None), default=None)
    return (
        [_clamped(6, low, high), _clamped(2, low, high)] if high is not None and high < 6 else [_clamped(6, low, high)]
    )


def _solution(condition: Expression) -> Assignment | None:
    """A size that meets an equality of one symbol."""
    if not isinstance(condition, sympy.Eq) or len(condition.free_symbols) != 1:
        return None
    (symbol,) = condition.free_symbols
    left, right = cast(tuple[Expression, Expression], condition.args)
    # Sizes put into the expression one by one would take a thousand times as long.
    difference = sympy.lambdify(symbol, left - right, [_INTEGER_FUNCTIONS, "math"])
    try:
        return next(({symbol: size} for size in range(2, _MAX_SOLUTION) if difference(size) == 0), None)
    except (NameError, ZeroDivisionError):
        return None


_INTEGER_FUNCTIONS = {
    "CleanDiv": operator.floordiv,
    "FloorDiv": operator.floordiv,
    "Max": max,
    "Min": min,
    "Mod": operator.mod,
    "PythonMod": operator.mod,
}
"""What torch and sympy call what integers do."""


def _clamped(size: int, low: int | None, high: int | None) -> int:
    size = size if high is None else min(size, high)
    return size if low is None else max(size, low)


def _finite(bound: Expression) -> int | None:
    return int(bound) if isinstance(bound, sympy.Integer) else None
