"""The ops that end a block.

`yield` hands values to the enclosing op. `return` leaves the function from inside any region; `break` and `continue`
leave the nearest loop or its iteration. A branch may end in one of these three; the code after the `if` then runs only
when the other side was taken.
"""

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import i1
from xdsl.ir import SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, traits_def, var_operand_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsTerminator, Pure

from dycl.ir.syntax import parse_attributes, parse_typed_operands, print_attributes, print_typed_operands


class ValuesTerminator(IRDLOperation):
    """A terminator that carries values: `dycl.NAME %a, %b : type, type`."""

    values = var_operand_def()

    def __init__(self, values: Sequence[SSAValue] = ()):
        super().__init__(operands=[values])

    def print(self, printer: Printer) -> None:
        print_typed_operands(printer, self.values)
        print_attributes(printer, self)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        op = cls(parse_typed_operands(parser))
        parse_attributes(parser, op)
        return op


@irdl_op_definition
class YieldOp(ValuesTerminator):
    """Ends a region with the enclosing op's results, or a loop's body with the next iteration's values."""

    name = "dycl.yield"
    traits = traits_def(IsTerminator(), Pure())


@irdl_op_definition
class ReturnOp(ValuesTerminator):
    """Leaves the function with its results, from inside any region."""

    name = "dycl.return"
    traits = traits_def(IsTerminator())


@irdl_op_definition
class BreakOp(ValuesTerminator):
    """Leaves the nearest enclosing loop; the values become the loop's results."""

    name = "dycl.break"
    traits = traits_def(IsTerminator())


@irdl_op_definition
class ContinueOp(ValuesTerminator):
    """Ends this iteration of the nearest enclosing loop; the values are the next iteration's."""

    name = "dycl.continue"
    traits = traits_def(IsTerminator())


@irdl_op_definition
class ConditionOp(IRDLOperation):
    """Ends the first region of `while`: goes on with the body and `values` while the condition holds, else leaves
    the loop with `values` as its results. Syntax: `dycl.condition(%c) %a : type`."""

    name = "dycl.condition"

    condition = operand_def(i1)
    values = var_operand_def()
    traits = traits_def(IsTerminator(), Pure())

    def __init__(self, condition: SSAValue, values: Sequence[SSAValue] = ()):
        super().__init__(operands=[condition, values])

    def print(self, printer: Printer) -> None:
        with printer.in_parens():
            printer.print_operand(self.condition)
        print_typed_operands(printer, self.values)
        print_attributes(printer, self)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        with parser.in_parens():
            condition = parser.parse_operand(i1)
        op = cls(condition, parse_typed_operands(parser))
        parse_attributes(parser, op)
        return op
