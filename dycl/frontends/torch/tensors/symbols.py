"""Numbers that torch knows as symbols, and the SSA values that they are.

Native code takes a run-time number as a torch `SymInt`, `SymFloat` or `SymBool`; sizes that depend on data are
`SymInt`s that torch makes. Both ways lead through the symbols of one `SizeEnv`: a number computed from sizes is torch's
expression of their symbols, so that torch sees that `x[:n + 1]` and `zeros(1 + n)` have one size.
"""

import itertools
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import sympy
import torch
from xdsl.dialects import arith
from xdsl.dialects.builtin import f64, i1, i64
from xdsl.ir import Block, Operation, SSAValue

from dycl.frontends.builder import Builder
from dycl.frontends.torch.tensors.formulas import NUMBERS, Formula, text_of
from dycl.frontends.torch.values import Scalar, Value
from dycl.ir.ops import DimOp, ItemOp
from dycl.ir.scalars import constant_scalar
from dycl.ir.size_bounds import Expression
from dycl.ir.size_env import SizeEnv

SYMBOLIC = (torch.SymInt, torch.SymFloat, torch.SymBool)

Size: TypeAlias = int | torch.SymInt
Kind: TypeAlias = type[Exception]
Source: TypeAlias = tuple[SSAValue, int | None]
"""Where a symbol's value is: a number, or the size of a tensor along an axis."""


@dataclass
class Symbols:
    builder: Builder
    shapes: SizeEnv
    require: Callable[[SSAValue, Kind | None, str], None]
    """Emits the check of a condition, with the kind of exception that eager execution raises, if that is known."""
    sources: dict[Expression, list[Source]] = field(default_factory=dict[Expression, list[Source]])
    """In the order in which they were learned."""
    lowered: dict[SSAValue, Value] = field(default_factory=dict[SSAValue, Value])
    """What native code gets for an SSA value."""
    sizes: dict[SSAValue, tuple[Size, ...]] = field(default_factory=dict[SSAValue, tuple[Size, ...]])
    """Of the tensors that have a size known only at run time."""
    names: dict[Expression, str] = field(default_factory=dict[Expression, str])
    """Of the sizes that the signature names."""
    facts: dict[Block, dict[Expression, None]] = field(default_factory=dict[Block, dict[Expression, None]])
    """Conditions on sizes that hold in the rest of a block, because the program checks them."""
    items: dict[SSAValue, Value] = field(default_factory=dict[SSAValue, Value])
    """The numbers that tensors of one element hold."""
    _branch_facts: dict[Block, list[Expression]] = field(default_factory=dict[Block, list[Expression]])
    _branches_seen: dict[Block, int] = field(default_factory=dict[Block, int])

    # New symbols

    def fresh(self, bounds: tuple[int | None, int | None] = (0, None)) -> torch.SymInt:
        """Return a new size or other integer, of which nothing is known but its bounds, both included."""
        return self.shapes.size(*bounds)

    def named(self, name: str, bounds: tuple[int, int]) -> Size:
        """Return the size that a signature calls `name`, the same one every time."""
        for symbol, known in self.names.items():
            if known == name:
                return self.size_of(symbol)
        size = self.shapes.size(*bounds)
        self.names[size.node.expr] = name
        return size

    def size_of(self, expression: Expression) -> Size:
        """Return the size that torch knows as an expression."""
        return self.shapes.create_symintnode(expression, hint=None)

    def bind(self, symbol: Value, ssa: SSAValue) -> None:
        """Declare that a host scalar is a symbol or an expression of symbols: raising the one gives the other."""
        self.lowered[ssa] = symbol
        if isinstance(symbol, SYMBOLIC) and not symbol.node.expr.is_number:
            self._add(symbol.node.expr, (ssa, None))

    def learn_sizes(self, tensor: torch.Tensor, ssa: SSAValue) -> None:
        """Note that the sizes of `ssa` are those of its fake tensor."""
        sizes: tuple[Size, ...] = tuple(tensor.size())
        if all(type(size) is int for size in sizes):
            return
        self.sizes[ssa] = sizes
        for axis, size in enumerate(sizes):
            if isinstance(size, torch.SymInt) and self._visible(size.node.expr) is None:
                self._add(size.node.expr, (ssa, axis))

    # From the IR to torch

    def lower(self, scalar: Scalar) -> Value:
        """Return what stands for a run-time number in native code: torch's symbol, or a number that it turns out
        to be."""
        return self._lowered(scalar.ssa, scalar.bounds)

    def _lowered(self, ssa: SSAValue, bounds: tuple[int, int] | None = None) -> Value:
        known = self.lowered.get(ssa)
        if known is None:
            known = self._derived(ssa)
            if known is None:
                known = self._opaque(ssa, bounds)
                if isinstance(ssa.owner, ItemOp):
                    self.items[ssa.owner.tensor] = known
            self.lowered[ssa] = known
        return known

    def _derived(self, ssa: SSAValue) -> Value | None:
        """What a number is by the op that computes it."""
        constant = constant_scalar(ssa)
        if constant is not None:
            return constant
        owner = ssa.owner
        if isinstance(owner, DimOp) and owner.tensor in self.sizes:
            return self.sizes[owner.tensor][owner.axis.value.data]
        if isinstance(owner, ItemOp):
            return self.items.get(owner.tensor)
        if not isinstance(owner, Operation) or type(owner) not in NUMBERS or ssa.type != i64:
            return None
        try:
            return NUMBERS[type(owner)](*map(self._lowered, owner.operands))
        except ZeroDivisionError:
            return None

    def _opaque(self, ssa: SSAValue, bounds: tuple[int, int] | None) -> Value:
        if ssa.type == i1:
            symbol = self.shapes.create_unbacked_symbool()
        elif ssa.type == f64:
            symbol = self.shapes.create_unbacked_symfloat()
        else:
            symbol = self.shapes.size(*(bounds or (None, None)))
        self._add(symbol.node.expr, (ssa, None))
        return symbol

    # From torch to the IR

    def raised(self, symbol: Value) -> Value:
        """Return the number that a torch symbol is: a Python number, or a `Scalar` that is lowered to it again."""
        expression = symbol.node.expr
        if expression in (sympy.true, sympy.false):
            return bool(expression)
        if expression.is_number:
            return int(expression) if isinstance(symbol, torch.SymInt) else float(expression)
        ssa = self.value(symbol)
        self.lowered.setdefault(ssa, symbol)
        low, high = self.shapes.bounds(expression) if isinstance(symbol, torch.SymInt) else (None, None)
        return Scalar(ssa, None if low is None or high is None else (low, high))

    def value(self, symbol: Value) -> SSAValue:
        """Return the SSA value of a torch symbol.

        Raises:
            Refusal: it comes from arithmetic that is not taken
        """
        return self._value(symbol.node.expr)

    def _value(self, expression: Expression) -> SSAValue:
        return Formula(self.builder, self._leaf).value(expression)

    def _leaf(self, expression: Expression) -> SSAValue | None:
        """The value of a symbol, and of what cannot be computed from symbols that are at hand."""
        source = self._visible(expression)
        if source is None or (
            source[1] is not None
            and not expression.is_Symbol
            and all(self._visible(symbol) is not None for symbol in expression.free_symbols)
        ):
            return None
        ssa, axis = source
        return ssa if axis is None else self.builder.emit(DimOp(ssa, axis)).size

    def is_at_hand(self, expression: Expression) -> bool:
        """Whether a size is computed from what has a value here."""
        return self._visible(expression) is not None or all(
            self._visible(symbol) is not None for symbol in expression.free_symbols
        )

    def is_of_signature(self, expression: Expression) -> bool:
        """Whether a size is one wherever it is asked for: computed from those that the signature names."""
        with self.shapes.where([]):
            named = all(symbol in self.names for symbol in expression.free_symbols)
            return named and self.shapes.decide(sympy.Ge(expression, 0)) is True

    def _add(self, expression: Expression, source: Source) -> None:
        self.sources.setdefault(expression, []).append(source)

    def _visible(self, expression: Expression) -> Source | None:
        return next((s for s in self.sources.get(expression, ()) if self.builder.is_visible(s[0])), None)

    # What is known of sizes

    def decide(self, test: Callable[[Value, Value], Value], left: Value, right: Value) -> bool | None:
        """Return a comparison of two integers that are computed from sizes, None where it depends on the run."""
        if not (self._is_size(left) and self._is_size(right)):
            return None
        apart = _apart(test, left, right)
        if apart is not None:
            return apart
        a, b = (self.lower(value) if isinstance(value, Scalar) else value for value in (left, right))
        found = test(a, b)
        return found if isinstance(found, bool) else self.holds(found.node.expr)

    def _is_size(self, value: Value) -> bool:
        if not isinstance(value, Scalar):
            return isinstance(value, int)
        return value.ssa.type == i64 and (value.bounds is not None or self._is_of_sizes(value.ssa))

    def _is_of_sizes(self, ssa: SSAValue) -> bool:
        if ssa in self.lowered or constant_scalar(ssa) is not None:
            return True
        owner = ssa.owner
        if isinstance(owner, DimOp):
            return owner.tensor in self.sizes
        return isinstance(owner, Operation) and type(owner) in NUMBERS and all(map(self._is_of_sizes, owner.operands))

    def is_never(self, size: Size, number: int) -> bool:
        """Whether a size is known to be another one than `number`."""
        if isinstance(size, int):
            return size != number
        return self.holds(sympy.Eq(size.node.expr, number)) is False

    def holds(self, condition: Expression) -> bool | None:
        """Return whether a condition is known to hold here, by the bounds of sizes or because it was checked."""
        with self.shapes.where(self.known_facts()):
            return self.shapes.decide(condition)

    def known_facts(self) -> list[Expression]:
        """The conditions on sizes that hold here: those checked on the way, and those of the branches taken."""
        found: list[Expression] = []
        for block in self.builder.blocks:
            found += self.facts.get(block, ())
            found += self._facts_of_branches(block)
        return found

    def _facts_of_branches(self, block: Block) -> list[Expression]:
        known, seen = self.builder.facts.get(block, {}), self._branches_seen.get(block, 0)
        found = self._branch_facts.setdefault(block, [])
        for ssa, value in itertools.islice(known.items(), seen, None):
            condition = self._condition(ssa, value)
            if condition is not None:
                found.append(condition)
        self._branches_seen[block] = len(known)
        return found

    def _condition(self, ssa: SSAValue, value: bool | int) -> Expression | None:
        """What it says of sizes that a host scalar has a value here, None where that is nothing."""
        if not isinstance(value, bool):
            size = self.lower(Scalar(ssa)) if self._is_of_sizes(ssa) else None
            return sympy.Eq(size.node.expr, value) if isinstance(size, torch.SymInt) else None
        owner = ssa.owner
        if not isinstance(owner, arith.CmpiOp) or not all(map(self._is_of_sizes, owner.operands)):
            return None
        relation = _RELATIONS.get(owner.predicate.value.data)
        if relation is None or owner.lhs.type != i64:
            return None
        found = relation(*(sympy.sympify(_expression(self._lowered(operand))) for operand in owner.operands))
        return (found if value else sympy.Not(found)) if found.is_Relational else None

    def check(self, condition: Expression, kind: Kind | None, message: str) -> None:
        """Emit the check of a condition on sizes, unless it is known to hold."""
        if not self.holds(condition):
            self.require(self._value(condition), kind, message)
            self._note(condition)

    def assume(self, test: Callable[[Value, Value], Value], left: Value, right: Value) -> None:
        """Note that a comparison of two integers holds in what follows in this block."""
        a, b = (self.lower(value) if isinstance(value, Scalar) else value for value in (left, right))
        found = test(a, b)
        if isinstance(found, torch.SymBool):
            self._note(found.node.expr)

    def _note(self, condition: Expression) -> None:
        self.facts.setdefault(self.builder.blocks[-1], {})[condition] = None

    def needed(self, condition: Expression, packet: str) -> str:
        """Say that an operation fails unless a condition holds."""
        return f"`{packet}` needs {text_of(condition, self.names)}"


_RELATIONS: Mapping[int, Callable[[Expression, Expression], Expression]] = {
    0: sympy.Eq,
    1: sympy.Ne,
    2: sympy.Lt,
    3: sympy.Le,
    4: sympy.Gt,
    5: sympy.Ge,
}
"""By the number that `cmpi` has for a predicate; those of unsigned integers are left out."""


def _expression(number: Value) -> Value:
    return number.node.expr if isinstance(number, SYMBOLIC) else number


def _apart(test: Callable[[Value, Value], Value], left: Value, right: Value) -> bool | None:
    """Return a comparison of two integers whose known bounds do not overlap in it, None for others."""
    (a, b), (c, d) = (
        (value.bounds or (-math.inf, math.inf)) if isinstance(value, Scalar) else (value, value)
        for value in (left, right)
    )
    if b < c or a > d:
        return bool(test(a, c) if b < c else test(b, d))
    found = {bool(test(x, y)) for x in (a, b) for y in (c, d)}
    return found.pop() if len(found) == 1 and test in (operator.lt, operator.le, operator.gt, operator.ge) else None
