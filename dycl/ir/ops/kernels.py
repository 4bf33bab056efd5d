"""Static tensor subgraphs: `region` in place, `kernel` as a symbol, `launch` as its call; and the host's `assert`."""

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import (
    FlatSymbolRefAttrConstr,
    FunctionType,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    i1,
)
from xdsl.dialects.utils import parse_func_op_like, print_func_op_like
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    IsolatedFromAbove,
    Pure,
    RecursiveMemoryEffect,
    SymbolOpInterface,
)
from xdsl.utils.exceptions import VerifyException

from dycl.ir.ops.terminators import YieldOp
from dycl.ir.syntax import (
    parse_assignments,
    parse_attributes,
    parse_body,
    parse_result_types,
    print_assignments,
    print_attributes,
    print_body,
    print_result_types,
)


@irdl_op_definition
class RegionOp(IRDLOperation):
    """A static tensor subgraph, isolated from above, that becomes one kernel:
    `%r = dycl.region (%a = %x : type) -> (type) {... dycl.yield %y : type}`."""

    name = "dycl.region"

    inputs = var_operand_def()
    res = var_result_def()
    body = region_def("single_block")
    traits = traits_def(IsolatedFromAbove(), RecursiveMemoryEffect())

    def __init__(self, inputs: Sequence[SSAValue], result_types: Sequence[Attribute], body: Region | Block):
        super().__init__(
            operands=[inputs],
            result_types=[result_types],
            regions=[body if isinstance(body, Region) else Region(body)],
        )

    def verify_(self) -> None:
        types = tuple(argument.type for argument in self.body.block.args)
        if types != tuple(self.operand_types):
            raise VerifyException("the body's arguments must have the types of the inputs")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        print_assignments(printer, self.body.block.args, self.inputs)
        print_result_types(printer, self.result_types)
        printer.print_string(" ")
        print_body(printer, self.body, YieldOp)
        print_attributes(printer, self)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        inputs = parse_assignments(parser)
        result_types = parse_result_types(parser)
        op = cls(inputs.operands, result_types, parse_body(parser, YieldOp, inputs.arguments))
        parse_attributes(parser, op)
        return op


@irdl_op_definition
class KernelOp(IRDLOperation):
    """A region outlined to a symbol: `dycl.kernel @k0(%x: type) -> type {... dycl.yield %y : type}`."""

    name = "dycl.kernel"

    sym_name = prop_def(SymbolNameConstraint())
    function_type = prop_def(FunctionType)
    body = region_def("single_block")
    traits = traits_def(IsolatedFromAbove(), SymbolOpInterface())

    def __init__(self, name: str, function_type: FunctionType, body: Region | Block):
        super().__init__(
            properties={"sym_name": StringAttr(name), "function_type": function_type},
            regions=[body if isinstance(body, Region) else Region(body)],
        )

    @property
    def symbol(self) -> str:
        return self.sym_name.data

    def verify_(self) -> None:
        if self.function_type.inputs.data != tuple(argument.type for argument in self.body.block.args):
            raise VerifyException("the body's arguments must have the kernel's input types")

    def print(self, printer: Printer) -> None:
        print_func_op_like(
            printer,
            self.sym_name,
            self.function_type,
            self.body,
            self.attributes,
            reserved_attr_names=("sym_name", "function_type"),
        )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        position = parser.pos
        name, inputs, outputs, region, attributes, of_arguments, of_results = parse_func_op_like(
            parser, reserved_attr_names=("sym_name", "function_type")
        )
        if of_arguments is not None or of_results is not None:
            parser.raise_error("a kernel's arguments and results have no attributes", position, parser.pos)
        op = cls(name, FunctionType.from_lists(inputs, outputs), region)
        if attributes is not None:
            op.attributes |= attributes.data
        return op


@irdl_op_definition
class LaunchOp(IRDLOperation):
    """Calls a kernel: `%y = dycl.launch @k0(%x) : (type) -> type`.

    An input may be of a more precise type than the kernel's. `dycl.ir.verify` checks it against the kernel: looking the
    symbol up for each launch would cost a walk over the module each time.
    """

    name = "dycl.launch"

    callee = prop_def(FlatSymbolRefAttrConstr)
    inputs = var_operand_def()
    res = var_result_def()
    traits = traits_def(Pure())

    def __init__(self, kernel: str, inputs: Sequence[SSAValue], result_types: Sequence[Attribute]):
        super().__init__(operands=[inputs], result_types=[result_types], properties={"callee": SymbolRefAttr(kernel)})

    @property
    def kernel(self) -> str:
        return self.callee.root_reference.data

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_attribute(self.callee)
        with printer.in_parens():
            printer.print_list(self.inputs, printer.print_operand)
        printer.print_string(" : ")
        printer.print_function_type(self.operand_types, self.result_types)
        print_attributes(printer, self)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        callee = parser.parse_symbol_name().data
        operands = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_unresolved_operand)
        parser.parse_punctuation(":")
        position = parser.pos
        function = parser.parse_function_type()
        values = parser.resolve_operands(operands, function.inputs.data, position)
        op = cls(callee, values, function.outputs.data)
        parse_attributes(parser, op)
        return op


@irdl_op_definition
class AssertOp(IRDLOperation):
    """A check of the source program, raised by the host: `dycl.assert %c, "message"`."""

    name = "dycl.assert"

    condition = operand_def(i1)
    message = prop_def(StringAttr)

    def __init__(self, condition: SSAValue | Operation, message: str):
        super().__init__(operands=[condition], properties={"message": StringAttr(message)})

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.condition)
        printer.print_string(", ")
        printer.print_string_literal(self.message.data)
        print_attributes(printer, self)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        condition = parser.parse_operand(i1)
        parser.parse_punctuation(",")
        op = cls(condition, parser.parse_str_literal())
        parse_attributes(parser, op)
        return op
