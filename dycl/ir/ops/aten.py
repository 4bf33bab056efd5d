"""`dycl.aten`: one op for every functional ATen overload.

torch's schema verifies it, FakeTensor gives its shapes, the overload itself is its semantics. torch is imported only
when one of these is asked for.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self, TypeAlias, TypeVar, Union

from xdsl.dialects.builtin import ArrayAttr, FloatAttr, IntegerAttr, NoneAttr, StringAttr, f64, i1, i64
from xdsl.ir import Attribute, Operation, ParametrizedAttribute, SSAValue, TypeAttribute
from xdsl.irdl import (
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    prop_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.pattern_rewriter import RewritePattern
from xdsl.printer import Printer
from xdsl.traits import EffectInstance, HasCanonicalizationPatternsTrait, MemoryEffect, MemoryEffectKind

from dycl.ir.syntax import parse_attributes, print_attributes, resolve

Constant: TypeAlias = bool | int | float | str | TypeAttribute | None
"""An argument known at compile time; a TypeAttribute is a dtype."""

Argument: TypeAlias = "SSAValue | Constant | Sequence[Argument]"

T = TypeVar("T")

Bound: TypeAlias = Union[T, Constant, list["Bound[T]"]]  # noqa: UP007 (a string cannot stand in `X | Y`)
"""An argument whose operands have been replaced by values of type T."""

RANDOM_OPS = frozenset(
    [
        "_sample_dirichlet",
        "_standard_gamma",
        "bernoulli",
        "binomial",
        "cauchy",
        "exponential",
        "geometric",
        "log_normal",
        "multinomial",
        "normal",
        "normal_functional",
        "poisson",
        "rand",
        "rand_like",
        "randint",
        "randint_like",
        "randn",
        "randn_like",
        "random",
        "randperm",
        "rrelu",
        "rrelu_with_noise",
        "rrelu_with_noise_functional",
        "uniform",
    ]
)
"""Overload packets whose result is not a function of their arguments."""

RANDOM_ARGUMENTS: dict[str, int] = {
    "alpha_dropout": 2,
    "dropout": 2,
    "feature_alpha_dropout": 2,
    "feature_dropout": 2,
    "native_dropout": 2,
    "scaled_dot_product_attention": 4,
    "_scaled_dot_product_flash_attention": 3,
    "_scaled_dot_product_flash_attention_for_cpu": 3,
    "_scaled_dot_product_efficient_attention": 5,
}
"""Overload packets that are random unless one argument is off: its place. Whether they train, or their dropout rate."""


@irdl_attr_definition
class OperandAttr(ParametrizedAttribute):
    """Stands, in an argument list, for the op's next operand."""

    name = "dycl.operand"


OPERAND = OperandAttr()
NONE = NoneAttr()


class AtenEffects(MemoryEffect):
    """Pure, except that ops which draw random numbers write the generator's state."""

    @classmethod
    def get_effects(cls, op: Operation) -> set[EffectInstance]:
        assert isinstance(op, AtenOp)
        return {EffectInstance(MemoryEffectKind.WRITE)} if op.is_random else set()


class AtenPatterns(HasCanonicalizationPatternsTrait):
    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        from dycl.ir.canonicalization import ATEN_PATTERNS

        return ATEN_PATTERNS


@irdl_op_definition
class AtenOp(IRDLOperation):
    """Calls a functional ATen overload with arguments in schema order, constants inline:
    `%y = dycl.aten add.Tensor(%a, %b, 1) : (type, type) -> type`."""

    name = "dycl.aten"

    overload = prop_def(StringAttr)
    arguments = prop_def(ArrayAttr[Attribute])
    inputs = var_operand_def()
    res = var_result_def()
    traits = traits_def(AtenEffects(), AtenPatterns())

    def __init__(self, overload: str, arguments: Sequence[Argument], result_types: Sequence[Attribute]):
        """`arguments` holds SSA values, Python constants, xDSL element types for dtypes, and lists of these."""
        operands: list[SSAValue] = []
        encoded = ArrayAttr([_encode(argument, operands) for argument in arguments])
        super().__init__(
            operands=[operands],
            result_types=[result_types],
            properties={"overload": StringAttr(overload), "arguments": encoded},
        )

    @classmethod
    def create_raw(
        cls,
        overload: StringAttr,
        arguments: ArrayAttr[Attribute],
        operands: Sequence[SSAValue],
        types: Sequence[Attribute],
    ) -> Self:
        return cls.create(
            operands=operands, result_types=types, properties={"overload": overload, "arguments": arguments}
        )

    @property
    def packet(self) -> str:
        """The overload's name without its variant: `add` of `add.Tensor`."""
        return self.overload.data.partition(".")[0]

    @property
    def is_random(self) -> bool:
        """Whether the op draws random numbers: what it gives is then not a function of its arguments."""
        if self.packet in RANDOM_OPS:
            return True
        place = RANDOM_ARGUMENTS.get(self.packet)
        if place is None or place >= len(self.arguments):
            return False
        switch = self.arguments.data[place]
        return isinstance(switch, OperandAttr) or bool(constant_value(switch))

    def bind(self, value_of: Callable[[SSAValue], T]) -> list[Bound[T]]:
        """Return the arguments as Python values in schema order, with each operand replaced by `value_of(operand)`."""
        operands = iter(self.inputs)
        return [_decode(attr, operands, value_of) for attr in self.arguments]

    def replace_operand_arguments(self, constants: Mapping[SSAValue, Constant]) -> "AtenOp":
        """Return a new op in which the operands that `constants` names are inline constants."""

        def argument(bound: Bound[SSAValue]) -> Argument:
            if isinstance(bound, list):
                return [argument(item) for item in bound]
            if isinstance(bound, SSAValue) and bound in constants:
                return constants[bound]
            return bound

        op = AtenOp(self.overload.data, [argument(bound) for bound in self.bind(lambda v: v)], self.result_types)
        op.location = self.location
        for new, old in zip(op.results, self.results, strict=True):
            new.name_hint = old.name_hint
        return op

    def verify_(self) -> None:
        from dycl.ir.schema import verify_aten

        verify_aten(self)

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.overload.data}")
        operands = iter(self.inputs)
        with printer.in_parens():
            printer.print_list(self.arguments, lambda attr: _print_argument(printer, attr, operands))
        printer.print_string(" : ")
        printer.print_function_type(self.operand_types, self.result_types)
        print_attributes(printer, self)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        overload = parser.parse_identifier(" for the ATen overload")
        operands: list[UnresolvedOperand] = []
        arguments = parser.parse_comma_separated_list(parser.Delimiter.PAREN, lambda: _parse_argument(parser, operands))
        parser.parse_punctuation(":")
        position = parser.pos
        function = parser.parse_function_type()
        values = resolve(parser, operands, function.inputs.data, position)
        op = cls.create_raw(StringAttr(overload), ArrayAttr(arguments), values, function.outputs.data)
        parse_attributes(parser, op)
        return op


def _encode(argument: Argument, operands: list[SSAValue]) -> Attribute:
    match argument:
        case None:
            return NONE
        case SSAValue():
            operands.append(argument)
            return OPERAND
        case bool():
            return IntegerAttr(int(argument), i1)
        case int():
            return IntegerAttr(argument, i64)
        case float():
            # One NaN for all, so that equal text means equal programs.
            return FloatAttr(math.nan if math.isnan(argument) else argument, f64)
        case str():
            return StringAttr(argument)
        case TypeAttribute():
            return argument
        case _:
            return ArrayAttr([_encode(item, operands) for item in argument])


def _decode(attr: Attribute, operands: Iterator[SSAValue], value_of: Callable[[SSAValue], T]) -> Bound[T]:
    match attr:
        case OperandAttr():
            return value_of(next(operands))
        case ArrayAttr():
            return [_decode(item, operands, value_of) for item in attr]
        case _:
            return constant_value(attr)


def constant_value(attr: Attribute) -> Constant:
    """Return the Python value of a constant argument."""
    match attr:
        case NoneAttr():
            return None
        case IntegerAttr():
            return bool(attr.value.data) if attr.type == i1 else attr.value.data
        case FloatAttr():
            return attr.value.data
        case StringAttr():
            return attr.data
        case TypeAttribute():
            return attr
        case _:
            raise ValueError(f"{attr} is not an argument of an ATen op")


def _print_argument(printer: Printer, attr: Attribute, operands: Iterator[SSAValue]) -> None:
    match attr:
        case OperandAttr():
            printer.print_operand(next(operands))
        case ArrayAttr():
            with printer.in_square_brackets():
                printer.print_list(attr, lambda item: _print_argument(printer, item, operands))
        case NoneAttr():
            printer.print_string("none")
        case IntegerAttr():
            printer.print_int(attr.value.data, attr.type)
        case FloatAttr():
            printer.print_string(_float_literal(attr.value.data))
        case _:
            printer.print_attribute(attr)


def _float_literal(value: float) -> str:
    """Return the shortest literal that reads back as `value`; unlike Python's, it always has a point."""
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    if value - value == 0 and "." not in mantissa:
        mantissa += ".0"
    return mantissa + exponent + power


def _parse_argument(parser: Parser, operands: list[UnresolvedOperand]) -> Attribute:
    operand = parser.parse_optional_unresolved_operand()
    if operand is not None:
        operands.append(operand)
        return OPERAND
    items = parser.parse_optional_comma_separated_list(
        parser.Delimiter.SQUARE, lambda: _parse_argument(parser, operands)
    )
    if items is not None:
        return ArrayAttr(items)
    if parser.parse_optional_keyword("none"):
        return NONE
    if parser.parse_optional_keyword("nan"):
        return FloatAttr(math.nan, f64)
    sign = -1 if parser.parse_optional_characters("-") else 1
    if parser.parse_optional_keyword("inf"):
        return FloatAttr(sign * math.inf, f64)
    flag = parser.parse_optional_boolean()
    if flag is not None:
        return IntegerAttr(int(flag), i1)
    number = parser.parse_optional_number(allow_boolean=False)
    if number is not None:
        return IntegerAttr(sign * number, i64) if isinstance(number, int) else FloatAttr(sign * number, f64)
    text = parser.parse_optional_str_literal()
    if text is not None:
        return StringAttr(text)
    return parser.parse_type()
