"""Weights, constants, and the passage between tensors and host scalars."""

from typing import Self

from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IntegerAttr, StringAttr, TensorType, f64, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import ConstantLike, Pure
from xdsl.utils.exceptions import VerifyException

from dycl.errors import an
from dycl.ir.syntax import parse_attributes, print_attributes
from dycl.ir.types import is_scalar, shape_of

MAX_CONSTANT_BYTES = 1024
"""A larger constant belongs in the weight store, behind a `dycl.param`."""


@irdl_op_definition
class ParamOp(IRDLOperation):
    """A weight by its key in the program's weight store: `%w = dycl.param "conv1.weight" : type`."""

    name = "dycl.param"

    key = prop_def(StringAttr)
    value = result_def(TensorType)
    traits = traits_def(Pure())

    def __init__(self, key: str, type: Attribute):
        super().__init__(result_types=[type], properties={"key": StringAttr(key)})

    def verify_(self) -> None:
        if None in shape_of(self.value.type):
            raise VerifyException("a weight's sizes must all be known")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_string_literal(self.key.data)
        print_attributes(printer, self)
        printer.print_string(" : ")
        printer.print_attribute(self.value.type)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        key = parser.parse_str_literal()
        attributes = parser.parse_optional_attr_dict_with_keyword()
        parser.parse_punctuation(":")
        op = cls(key, parser.parse_type())
        if attributes is not None:
            op.attributes |= attributes.data
        return op


@irdl_op_definition
class ConstantOp(IRDLOperation):
    """A small constant tensor: `%c = dycl.constant dense<[1, 2]> : tensor<2xi64>`."""

    name = "dycl.constant"

    value = prop_def(DenseIntOrFPElementsAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure(), ConstantLike())

    def __init__(self, value: DenseIntOrFPElementsAttr):
        super().__init__(result_types=[value.type], properties={"value": value})

    def verify_(self) -> None:
        if self.value.type != self.result.type:
            raise VerifyException(f"a constant of type {self.value.type} cannot give {an(str(self.result.type))}")
        if len(self.value.data.data) > MAX_CONSTANT_BYTES:
            raise VerifyException(
                f"a constant of {len(self.value.data.data)} bytes belongs in the weight store "
                f"(limit {MAX_CONSTANT_BYTES})"
            )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        if _reads_back(self.value):
            printer.print_attribute(self.value)
        else:
            printer.print_string(f'dense<"0x{self.value.data.data.hex().upper()}"> : ')
            printer.print_attribute(self.value.type)
        print_attributes(printer, self)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        position = parser.pos
        value = parser.parse_attribute()
        if not isinstance(value, DenseIntOrFPElementsAttr):
            parser.raise_error("expected dense<...> : tensor<...>", position, parser.pos)
        op = cls(value)
        parse_attributes(parser, op)
        return op


@irdl_op_definition
class ItemOp(IRDLOperation):
    """The only element of a tensor as a host scalar, as torch's `.item()`: `%s = dycl.item %t : tensor<f32> -> f64`."""

    name = "dycl.item"

    tensor = operand_def(TensorType)
    scalar = result_def()
    traits = traits_def(Pure())

    def __init__(self, tensor: SSAValue | Operation, type: Attribute | None = None):
        """`type` defaults to the scalar type of the tensor's elements: i1, i64 or f64."""
        operand = SSAValue.get(tensor)
        super().__init__(operands=[operand], result_types=[type or scalar_type_of(operand.type)])

    def verify_(self) -> None:
        if any(size not in (1, None) for size in shape_of(self.tensor.type)):
            raise VerifyException(f"{self.tensor.type} has more than one element")
        if self.scalar.type != scalar_type_of(self.tensor.type):
            raise VerifyException(f"the item of {self.tensor.type} is {scalar_type_of(self.tensor.type)}")

    def print(self, printer: Printer) -> None:
        _print_conversion(printer, self, self.tensor, self.scalar)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        op = cls(*_parse_conversion(parser))
        parse_attributes(parser, op)
        return op


@irdl_op_definition
class ScalarTensorOp(IRDLOperation):
    """A host scalar as a tensor without dimensions: `%t = dycl.scalar_tensor %s : f64 -> tensor<f32>`."""

    name = "dycl.scalar_tensor"

    scalar = operand_def()
    tensor = result_def(TensorType)
    traits = traits_def(Pure())

    def __init__(self, scalar: SSAValue | Operation, type: Attribute):
        super().__init__(operands=[scalar], result_types=[type])

    def verify_(self) -> None:
        if not is_scalar(self.scalar.type):
            raise VerifyException(f"{self.scalar.type} is not a host scalar")
        if shape_of(self.tensor.type):
            raise VerifyException(f"{self.tensor.type} has dimensions")

    def print(self, printer: Printer) -> None:
        _print_conversion(printer, self, self.scalar, self.tensor)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        op = cls(*_parse_conversion(parser))
        parse_attributes(parser, op)
        return op


@irdl_op_definition
class DimOp(IRDLOperation):
    """A size of a tensor: `%n = dycl.dim %t, 0 : tensor<?x3xf32>`, an i64."""

    name = "dycl.dim"

    tensor = operand_def(TensorType)
    axis = prop_def(IntegerAttr)
    size = result_def(i64)
    traits = traits_def(Pure())

    def __init__(self, tensor: SSAValue | Operation, axis: int):
        super().__init__(operands=[tensor], result_types=[i64], properties={"axis": IntegerAttr(axis, i64)})

    def verify_(self) -> None:
        rank = len(shape_of(self.tensor.type))
        if not 0 <= self.axis.value.data < rank:
            raise VerifyException(f"axis {self.axis.value.data} is out of range for {self.tensor.type}")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.tensor)
        printer.print_string(f", {self.axis.value.data} : ")
        printer.print_attribute(self.tensor.type)
        print_attributes(printer, self)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        tensor = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        axis = parser.parse_integer()
        parser.parse_punctuation(":")
        op = cls(parser.resolve_operand(tensor, parser.parse_type()), axis)
        parse_attributes(parser, op)
        return op


def scalar_type_of(tensor: Attribute) -> Attribute:
    """Return the host scalar type of a tensor's elements: i1 for bool, i64 for integers, f64 for floats."""
    assert isinstance(tensor, TensorType)
    element = tensor.get_element_type()
    if element == i1:
        return i1
    return i64 if element.name == "integer_type" else f64


def _reads_back(value: DenseIntOrFPElementsAttr) -> bool:
    """Whether xDSL reads the constant as it prints it.

    It prints some floats (infinities, NaNs, 1000001.0) as their bits, but reads these as an integer; and where all
    elements are equal it prints one of them, though 0.0 and -0.0 are equal too.
    """
    data, count = value.data.data, len(value)
    if count and value.is_splat() and data != data[: len(data) // count] * count:
        return False
    return "0x" not in str(value).partition(">")[0]


def _print_conversion(printer: Printer, op: Operation, operand: SSAValue, result: SSAValue) -> None:
    printer.print_string(" ")
    printer.print_operand(operand)
    printer.print_string(" : ")
    printer.print_attribute(operand.type)
    printer.print_string(" -> ")
    printer.print_attribute(result.type)
    print_attributes(printer, op)


def _parse_conversion(parser: Parser) -> tuple[SSAValue, Attribute]:
    operand = parser.parse_unresolved_operand()
    parser.parse_punctuation(":")
    value = parser.resolve_operand(operand, parser.parse_type())
    parser.parse_punctuation("->")
    return value, parser.parse_type()
