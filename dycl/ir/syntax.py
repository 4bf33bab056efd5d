"""Pieces of textual syntax that several ops share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import UNKNOWN_LOC, LocationAttr
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.traits import IsTerminator


@dataclass(frozen=True)
class Assignments:
    """A parsed `(%arg = %operand : type, ...)`: the operands, and the block arguments they initialise."""

    operands: tuple[SSAValue, ...]
    arguments: tuple[Parser.Argument, ...]

    @property
    def types(self) -> tuple[Attribute, ...]:
        return tuple(argument.type for argument in self.arguments)


def print_assignments(printer: Printer, arguments: Sequence[BlockArgument], operands: Sequence[SSAValue]) -> None:
    """Print `(%arg = %operand : type, ...)`, as `%arg : type = %operand : type` where the two types differ."""

    def one(pair: tuple[BlockArgument, SSAValue]) -> None:
        argument, operand = pair
        printer.print_ssa_value(argument)
        if argument.type != operand.type:
            printer.print_string(" : ")
            printer.print_attribute(argument.type)
        print_location(printer, argument.location)
        printer.print_string(" = ")
        printer.print_operand(operand)
        printer.print_string(" : ")
        printer.print_attribute(operand.type)

    with printer.in_parens():
        printer.print_list(zip(arguments, operands, strict=True), one)


def parse_assignments(parser: Parser) -> Assignments:
    def one() -> tuple[SSAValue, Parser.Argument]:
        argument = parser.parse_argument(expect_type=False)
        argument_type = parser.parse_type() if parser.parse_optional_punctuation(":") else None
        location = parser.parse_optional_location()
        parser.parse_punctuation("=")
        operand = parser.parse_unresolved_operand()
        parser.parse_punctuation(":")
        operand_type = parser.parse_type()
        resolved = argument.resolve(argument_type or operand_type)
        resolved.location = location
        return parser.resolve_operand(operand, operand_type), resolved

    pairs = parser.parse_comma_separated_list(parser.Delimiter.PAREN, one)
    return Assignments(tuple(operand for operand, _ in pairs), tuple(argument for _, argument in pairs))


def print_result_types(printer: Printer, types: Sequence[Attribute]) -> None:
    """Print ` -> (type, ...)`, nothing where there are no types."""
    if types:
        printer.print_string(" -> ")
        with printer.in_parens():
            printer.print_list(types, printer.print_attribute)


def parse_result_types(parser: Parser) -> list[Attribute]:
    if parser.parse_optional_punctuation("->") is None:
        return []
    return list(parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type))


def print_typed_operands(printer: Printer, operands: Sequence[SSAValue]) -> None:
    """Print ` %a, %b : type, type`, nothing where there are no operands."""
    if operands:
        printer.print_string(" ")
        printer.print_list(operands, printer.print_operand)
        printer.print_string(" : ")
        printer.print_list([operand.type for operand in operands], printer.print_attribute)


def parse_typed_operands(parser: Parser) -> Sequence[SSAValue]:
    unresolved = parser.parse_optional_undelimited_comma_separated_list(
        parser.parse_optional_unresolved_operand, parser.parse_unresolved_operand
    )
    if not unresolved:
        return ()
    parser.parse_punctuation(":")
    position = parser.pos
    types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
    return resolve(parser, unresolved, types, position)


def resolve(
    parser: Parser, operands: Sequence[UnresolvedOperand], types: Sequence[Attribute], position: int
) -> Sequence[SSAValue]:
    if len(operands) != len(types):
        parser.raise_error(f"{len(operands)} operands but {len(types)} types", position, parser.pos)
    return [parser.resolve_operand(operand, type) for operand, type in zip(operands, types, strict=True)]


def print_location(printer: Printer, location: LocationAttr) -> None:
    """Print ` loc(...)` of a block argument where the printer shows locations and this one says something."""
    if printer.print_debuginfo and location != UNKNOWN_LOC:
        printer.print_string(" ")
        printer.print_attribute(location)


def is_implied(printer: Printer, op: Operation | None, terminator: type[Operation]) -> bool:
    """Whether the op is what the parser adds to a block that has no terminator."""
    return (
        isinstance(op, terminator)
        and not op.operands
        and not op.attributes
        and not (printer.print_debuginfo and op.location != UNKNOWN_LOC)
    )


def print_body(printer: Printer, region: Region, implicit: type[Operation]) -> None:
    """Print a region without its arguments, and without its terminator where that is an empty `implicit`."""
    printer.print_region(
        region,
        print_entry_block_args=False,
        print_empty_block=False,
        print_block_terminators=not is_implied(printer, region.block.last_op, implicit),
    )


def parse_body(
    parser: Parser, implicit: Callable[[], Operation] | None, arguments: Sequence[Parser.Argument] | None = None
) -> Region:
    """Parse a region of one block; where it has no terminator, add an `implicit` one."""
    position = parser.pos
    region = parser.parse_region(arguments)
    block = region.blocks.first
    if block is not region.blocks.last:
        parser.raise_error("expected a region of one block", position, parser.pos)
    if block is None:
        block = Block()
        region.add_block(block)
    last = block.last_op
    if implicit is not None and (last is None or not last.has_trait(IsTerminator)):
        block.add_op(implicit())
    return region


def print_attributes(printer: Printer, op: Operation) -> None:
    """Print the discardable attributes as ` attributes {...}`, nothing where there are none."""
    if op.attributes:
        printer.print_op_attributes(op.attributes, print_keyword=True)


def parse_attributes(parser: Parser, op: Operation) -> None:
    found = parser.parse_optional_attr_dict_with_keyword()
    if found is not None:
        op.attributes |= found.data
