"""Arithmetic on sizes in its two forms: torch's expressions of symbols, and the IR's `arith` ops."""

from collections.abc import Callable, Mapping
from functools import reduce

import sympy
import torch
from torch.utils._sympy import functions
from xdsl.dialects import arith
from xdsl.dialects.builtin import f64, i64
from xdsl.ir import Operation, SSAValue

from dycl.frontends.builder import Builder
from dycl.frontends.refusal import Refusal
from dycl.frontends.torch.values import Value
from dycl.ir.size_bounds import Expression

NUMBERS: Mapping[type[Operation], Callable[[Value, Value], Value]] = {
    arith.AddiOp: lambda a, b: a + b,
    arith.SubiOp: lambda a, b: a - b,
    arith.MuliOp: lambda a, b: a * b,
    arith.FloorDivSIOp: lambda a, b: a // b,
    arith.MinSIOp: torch.sym_min,
    arith.MaxSIOp: torch.sym_max,
}
"""What torch calls the ops on integers."""

_MAX_POWER = 16

_FOLDS: Mapping[type[Expression], type[Operation]] = {
    sympy.Mul: arith.MuliOp,
    functions.Max: arith.MaxSIOp,
    functions.Min: arith.MinSIOp,
}

_RELATIONS: Mapping[type[Expression], tuple[str, str]] = {
    sympy.Eq: ("eq", "oeq"),
    sympy.Ne: ("ne", "une"),
    sympy.StrictLessThan: ("slt", "olt"),
    sympy.LessThan: ("sle", "ole"),
    sympy.StrictGreaterThan: ("sgt", "ogt"),
    sympy.GreaterThan: ("sge", "oge"),
}
"""Predicates of `cmpi` and `cmpf`."""


class Formula:
    """Emits an expression; `leaf` gives the value of a part that is known as a whole, None for others."""

    def __init__(self, builder: Builder, leaf: Callable[[Expression], SSAValue | None]) -> None:
        self.builder = builder
        self.leaf = leaf

    def value(self, expression: Expression) -> SSAValue:
        """Return the value of an expression of numbers or truth values.

        Raises:
            Refusal: the IR has no such arithmetic
        """
        known = self.leaf(expression)
        if known is not None:
            return known
        found = self._of_ints(expression) or self._of_floats(expression) or self._of_bools(expression)
        if found is None:
            raise Refusal(f"a size computed as {expression}", "the IR has no such arithmetic on sizes")
        return found

    def _emit(self, op: type[Operation], *operands: SSAValue) -> SSAValue:
        return self.builder.emit(op(*operands)).results[0]

    def _of_ints(self, expression: Expression) -> SSAValue | None:
        match expression:
            case sympy.Integer():
                return self.builder.constant(int(expression))
            case functions.Identity():
                return self.value(expression.args[0])
            case sympy.Add() if expression.is_integer:
                return self._sum(expression)
            case sympy.Mul() | functions.Max() | functions.Min() if expression.is_integer:
                op = _FOLDS[type(expression)]
                return reduce(lambda a, b: self._emit(op, a, b), map(self.value, expression.args))
            case functions.FloorDiv():
                return self._emit(arith.FloorDivSIOp, *map(self.value, expression.args))
            case functions.Mod() | functions.PythonMod():
                return self._remainder(*map(self.value, expression.args))
            case functions.ModularIndexing():
                base, divisor, modulus = expression.args
                whole = functions.FloorDiv(base, divisor)
                return self._remainder(self.value(whole), self.value(modulus))
            case sympy.Pow() | functions.PowByNatural() if expression.is_integer:
                return self._power(expression)
            case functions.CeilToInt() if isinstance(expression.args[0], functions.IntTrueDiv):
                return self._emit(arith.CeilDivSIOp, *map(self.value, expression.args[0].args))
            case functions.FloorToInt() if isinstance(expression.args[0], functions.IntTrueDiv):
                return self._emit(arith.FloorDivSIOp, *map(self.value, expression.args[0].args))
            case functions.TruncToInt():
                return self.builder.emit(arith.FPToSIOp(self._float(expression.args[0]), i64)).result
            case functions.FloorToInt() | functions.CeilToInt():
                return self._rounded(expression)
            case _:
                return None

    def _sum(self, expression: Expression) -> SSAValue:
        terms = sorted(expression.args, key=lambda term: (_is_negative(term), term.is_number, str(term)))
        total = self.value(terms[0])
        for term in terms[1:]:
            negative = _is_negative(term)
            operand = self.value(-term if negative else term)
            total = self._emit(arith.SubiOp if negative else arith.AddiOp, total, operand)
        return total

    def _remainder(self, dividend: SSAValue, divisor: SSAValue) -> SSAValue:
        quotient = self._emit(arith.FloorDivSIOp, dividend, divisor)
        return self._emit(arith.SubiOp, dividend, self._emit(arith.MuliOp, quotient, divisor))

    def _power(self, expression: Expression) -> SSAValue | None:
        base, exponent = expression.args
        if not isinstance(exponent, sympy.Integer) or not 1 <= int(exponent) <= _MAX_POWER:
            return None
        factor = self.value(base)
        return reduce(lambda a, b: self._emit(arith.MuliOp, a, b), [factor] * int(exponent))

    def _rounded(self, expression: Expression) -> SSAValue:
        """The whole number next to a float, up or down, from the one that lies towards zero."""
        number = self._float(expression.args[0])
        whole = self.builder.emit(arith.FPToSIOp(number, i64)).result
        back = self.builder.emit(arith.SIToFPOp(whole, f64)).result
        up = isinstance(expression, functions.CeilToInt)
        beyond = self.builder.emit(arith.CmpfOp(back, number, "olt" if up else "ogt")).result
        step = self.builder.emit(arith.ExtUIOp(beyond, i64)).result
        return self._emit(arith.AddiOp if up else arith.SubiOp, whole, step)

    def _float(self, expression: Expression) -> SSAValue:
        value = self.value(expression)
        return value if value.type == f64 else self.builder.emit(arith.SIToFPOp(value, f64)).result

    def _of_floats(self, expression: Expression) -> SSAValue | None:
        match expression:
            case sympy.Float() | sympy.Rational():
                return self.builder.constant(float(expression))
            case functions.ToFloat():
                return self._float(expression.args[0])
            case functions.IntTrueDiv() | functions.FloatTrueDiv():
                return self._emit(arith.DivfOp, *map(self._float, expression.args))
            case sympy.Add() | sympy.Mul():
                op = arith.AddfOp if isinstance(expression, sympy.Add) else arith.MulfOp
                return reduce(lambda a, b: self._emit(op, a, b), map(self._float, expression.args))
            case _:
                return None

    def _of_bools(self, expression: Expression) -> SSAValue | None:
        if expression in (sympy.true, sympy.false):
            return self.builder.constant(bool(expression))
        if type(expression) in _RELATIONS:
            left, right = map(self.value, expression.args)
            of_ints, of_floats = _RELATIONS[type(expression)]
            if f64 in (left.type, right.type):
                left, right = map(self._float, expression.args)
                return self.builder.emit(arith.CmpfOp(left, right, of_floats)).result
            return self.builder.emit(arith.CmpiOp(left, right, of_ints)).result
        match expression:
            case sympy.And() | sympy.Or():
                op = arith.AndIOp if isinstance(expression, sympy.And) else arith.OrIOp
                return reduce(lambda a, b: self._emit(op, a, b), map(self.value, expression.args))
            case sympy.Not():
                return self._emit(arith.XOrIOp, self.value(expression.args[0]), self.builder.constant(True))
            case _:
                return None


def _is_negative(term: Expression) -> bool:
    return bool(term.could_extract_minus_sign())


_SIGNS: Mapping[type[Expression], str] = {
    sympy.Eq: "==",
    sympy.Ne: "!=",
    sympy.StrictLessThan: "<",
    sympy.LessThan: "<=",
    sympy.StrictGreaterThan: ">",
    sympy.GreaterThan: ">=",
}


def text_of(condition: Expression, names: Mapping[Expression, str]) -> str:
    """Return a condition as Python writes it; a symbol without a name is `?`."""
    named = {symbol: sympy.Symbol(names.get(symbol, "?")) for symbol in condition.free_symbols}

    def text(part: Expression) -> str:
        if type(part) in _SIGNS:
            left, right = map(text, part.args)
            return f"{left} {_SIGNS[type(part)]} {right}"
        if isinstance(part, sympy.And | sympy.Or):
            word = " and " if isinstance(part, sympy.And) else " or "
            return word.join(sorted(map(text, part.args)))
        if isinstance(part, functions.Mod | functions.PythonMod):
            left, right = map(text, part.args)
            return f"{left if part.args[0].is_Symbol else f'({left})'} % {right}"
        shown = str(part.subs(named, simultaneous=True))
        return shown[1:-1] if isinstance(part, functions.FloorDiv) else shown

    return text(condition)
