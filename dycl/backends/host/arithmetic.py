"""Host scalars in Python: an `arith` or `math` op as an expression.

An i64 is Python's int, which has no largest value: where the source program's arithmetic would wrap around in i64, the
host program goes on like the source, and a number that no kernel can take raises an OverflowError.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects import math as elementary
from xdsl.dialects.builtin import i1
from xdsl.ir import Operation

from dycl.errors import DyclError
from dycl.ir.locations import describe
from dycl.ir.scalars import Scalar


@dataclass(frozen=True)
class Expression:
    """Python text."""

    text: str
    atomic: bool = True
    """Whether it needs no parentheses as a part of another."""
    reads: bool = False
    """Whether it reads a buffer, and so must be evaluated before that is written to again."""

    def __str__(self) -> str:
        return self.text if self.atomic else f"({self.text})"


def literal(value: Scalar) -> Expression:
    if isinstance(value, float) and not math.isfinite(value):
        return Expression(f'float("{value}")')
    return Expression(repr(value))


def negation(condition: Expression) -> Expression:
    return Expression(f"not {condition}", False, condition.reads)


def arithmetic(op: Operation, operands: Sequence[Expression]) -> Expression:
    """Return an `arith` or `math` op on host scalars as an expression of its operands' expressions.

    Raises:
        DyclError: the op has no counterpart
    """
    logical = bool(op.operands) and op.operands[0].type == i1
    template: str | None
    match op:
        case arith.CmpiOp():
            template = (_BOOL_PREDICATES if logical else _INTEGER_PREDICATES).get(op.predicate.value.data)
        case arith.CmpfOp():
            template = _FLOAT_PREDICATES[op.predicate.value.data]
        case arith.XOrIOp() if logical and str(operands[1]) == "True":
            return negation(operands[0])
        case _:
            template = (_LOGIC.get(type(op)) if logical else None) or _TEMPLATES.get(type(op))
    if template is None:
        raise DyclError(f"the host program has no counterpart of {op.name} on {op.operands[0].type}, at {describe(op)}")
    atomic = template[-1] == ")" and template[0].isalpha() and not template.startswith("not ")
    return Expression(template.format(*operands), atomic, any(operand.reads for operand in operands))


_TEMPLATES: Mapping[type[Operation], str] = {
    arith.AddiOp: "{} + {}",
    arith.SubiOp: "{} - {}",
    arith.MuliOp: "{} * {}",
    arith.FloorDivSIOp: "{} // {}",
    arith.DivSIOp: "quotient({}, {})",
    arith.RemSIOp: "remainder({}, {})",
    arith.MaxSIOp: "max({}, {})",
    arith.MinSIOp: "min({}, {})",
    arith.AndIOp: "{} & {}",
    arith.OrIOp: "{} | {}",
    arith.XOrIOp: "{} ^ {}",
    arith.AddfOp: "{} + {}",
    arith.SubfOp: "{} - {}",
    arith.MulfOp: "{} * {}",
    arith.DivfOp: "divide({}, {})",
    arith.NegfOp: "-{}",
    arith.MaximumfOp: "maximum({}, {})",
    arith.MinimumfOp: "minimum({}, {})",
    arith.SelectOp: "{1} if {0} else {2}",
    arith.SIToFPOp: "float({})",
    arith.UIToFPOp: "float({} % 2**64)",
    arith.FPToSIOp: "elementary.integer({})",
    arith.ExtUIOp: "int({})",
    arith.TruncIOp: "bool({} & 1)",
    arith.ShLIOp: "{} << {}",
    arith.ShRSIOp: "{} >> {}",
    elementary.AcosOp: "elementary.acos({})",
    elementary.AsinOp: "elementary.asin({})",
    elementary.Atan2Op: "elementary.atan2({}, {})",
    elementary.AtanOp: "elementary.atan({})",
    elementary.CeilOp: "elementary.ceil({})",
    elementary.CosOp: "elementary.cos({})",
    elementary.CoshOp: "elementary.cosh({})",
    elementary.ErfOp: "elementary.erf({})",
    elementary.ExpM1Op: "elementary.expm1({})",
    elementary.ExpOp: "elementary.exp({})",
    elementary.FloorOp: "elementary.floor({})",
    elementary.IPowIOp: "{} ** {}",
    elementary.Log10Op: "elementary.log10({})",
    elementary.Log1pOp: "elementary.log1p({})",
    elementary.Log2Op: "elementary.log2({})",
    elementary.LogOp: "elementary.log({})",
    elementary.PowFOp: "elementary.power({}, {})",
    elementary.RoundEvenOp: "elementary.roundeven({})",
    elementary.SinOp: "elementary.sin({})",
    elementary.SinhOp: "elementary.sinh({})",
    elementary.SqrtOp: "elementary.sqrt({})",
    elementary.TanOp: "elementary.tan({})",
    elementary.TanhOp: "elementary.tanh({})",
    elementary.TruncOp: "elementary.trunc({})",
}
"""Expressions of the operands."""

_LOGIC: Mapping[type[Operation], str] = {
    arith.AddiOp: "{} != {}",
    arith.SubiOp: "{} != {}",
    arith.MuliOp: "{} and {}",
    arith.AndIOp: "{} and {}",
    arith.OrIOp: "{} or {}",
    arith.XOrIOp: "{} != {}",
    arith.SIToFPOp: "-float({})",
    arith.UIToFPOp: "float({})",
    arith.ExtSIOp: "-int({})",
}
"""What differs where the first operand is an i1; as a signed number, true is -1."""

_INTEGER_PREDICATES = dict(
    enumerate(
        ["{} == {}", "{} != {}", "{} < {}", "{} <= {}", "{} > {}", "{} >= {}"]
        + [f"{{}} % 2**64 {sign} {{}} % 2**64" for sign in ("<", "<=", ">", ">=")]
    )
)
"""eq, ne, slt, sle, sgt, sge, ult, ule, ugt, uge."""

_BOOL_PREDICATES = dict(enumerate(["{} == {}", "{} != {}", "{} > {}", "{} >= {}", "{} < {}", "{} <= {}"])) | dict(
    enumerate(["{} < {}", "{} <= {}", "{} > {}", "{} >= {}"], 6)
)

_FLOAT_PREDICATES = [
    "False",
    "{} == {}",
    "{} > {}",
    "{} >= {}",
    "{} < {}",
    "{} <= {}",
    "{0} < {1} or {0} > {1}",
    "{0} == {0} and {1} == {1}",
    "not ({0} < {1} or {0} > {1})",
    "not {} <= {}",
    "not {} < {}",
    "not {} >= {}",
    "not {} > {}",
    "{} != {}",
    "{0} != {0} or {1} != {1}",
    "True",
]
"""false, oeq, ogt, oge, olt, ole, one, ord, ueq, ugt, uge, ult, ule, une, uno, true."""
