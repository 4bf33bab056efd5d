"""Structured control flow: `if`, `switch`, `for`, `while`.

Every region has exactly one block. Both regions of an `if` are always present in memory; an `else` that only yields
nothing is not printed.
"""

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import DenseArrayBase, i1, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_region_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.pattern_rewriter import RewritePattern
from xdsl.printer import Printer
from xdsl.traits import HasCanonicalizationPatternsTrait, RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException

from dycl.errors import an
from dycl.ir.ops.terminators import YieldOp
from dycl.ir.syntax import (
    is_implied,
    parse_assignments,
    parse_attributes,
    parse_body,
    parse_result_types,
    print_assignments,
    print_attributes,
    print_body,
    print_location,
    print_result_types,
)
from dycl.ir.types import refines


class ControlFlowPatterns(HasCanonicalizationPatternsTrait):
    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        from dycl.ir.canonicalization import CONTROL_FLOW_PATTERNS

        return CONTROL_FLOW_PATTERNS


def _body(region: Region | Block | None) -> Region:
    if region is None:
        region = Block([YieldOp()])
    return region if isinstance(region, Region) else Region(region)


@irdl_op_definition
class IfOp(IRDLOperation):
    """Runs one of two regions: `%r = dycl.if %c -> (type) {...} else {...}`."""

    name = "dycl.if"

    condition = operand_def(i1)
    res = var_result_def()
    then_region = region_def("single_block")
    else_region = region_def("single_block")
    traits = traits_def(RecursiveMemoryEffect(), ControlFlowPatterns())

    def __init__(
        self,
        condition: SSAValue | Operation,
        result_types: Sequence[Attribute] = (),
        then_region: Region | Block | None = None,
        else_region: Region | Block | None = None,
    ):
        super().__init__(
            operands=[condition],
            result_types=[result_types],
            regions=[_body(then_region), _body(else_region)],
        )

    @property
    def then_block(self) -> Block:
        return self.then_region.block

    @property
    def else_block(self) -> Block:
        return self.else_region.block

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.condition)
        print_result_types(printer, self.result_types)
        printer.print_string(" ")
        print_body(printer, self.then_region, YieldOp)
        only = self.else_block.first_op
        if not (is_implied(printer, only, YieldOp) and only is self.else_block.last_op):
            printer.print_string(" else ")
            print_body(printer, self.else_region, YieldOp)
        print_attributes(printer, self)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        condition = parser.parse_operand(i1)
        result_types = parse_result_types(parser)
        then_region = parse_body(parser, YieldOp)
        else_region = parse_body(parser, YieldOp) if parser.parse_optional_keyword("else") else None
        op = cls(condition, result_types, then_region, else_region)
        parse_attributes(parser, op)
        return op


@irdl_op_definition
class SwitchOp(IRDLOperation):
    """Runs the region whose case equals an integer, else the default:
    `%r = dycl.switch %i -> (type) case 0 {...} case 1 {...} default {...}`."""

    name = "dycl.switch"

    index = operand_def(i64)
    cases = prop_def(DenseArrayBase.constr(i64))
    res = var_result_def()
    default_region = region_def("single_block")
    case_regions = var_region_def("single_block")
    traits = traits_def(RecursiveMemoryEffect(), ControlFlowPatterns())

    def __init__(
        self,
        index: SSAValue | Operation,
        result_types: Sequence[Attribute],
        cases: Sequence[int],
        case_regions: Sequence[Region | Block],
        default_region: Region | Block | None = None,
    ):
        super().__init__(
            operands=[index],
            result_types=[result_types],
            properties={"cases": DenseArrayBase.from_list(i64, list(cases))},
            regions=[_body(default_region), [_body(region) for region in case_regions]],
        )

    @property
    def case_values(self) -> tuple[int, ...]:
        return tuple(self.cases.get_values())

    def verify_(self) -> None:
        values = self.case_values
        if len(values) != len(self.case_regions):
            raise VerifyException(f"{len(values)} cases but {len(self.case_regions)} regions")
        if len(set(values)) != len(values):
            raise VerifyException("two cases have the same value")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.index)
        print_result_types(printer, self.result_types)
        for value, region in zip(self.case_values, self.case_regions, strict=True):
            printer.print_string(f" case {value} ")
            print_body(printer, region, YieldOp)
        printer.print_string(" default ")
        print_body(printer, self.default_region, YieldOp)
        print_attributes(printer, self)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        index = parser.parse_operand(i64)
        result_types = parse_result_types(parser)
        cases: list[int] = []
        regions: list[Region] = []
        while parser.parse_optional_keyword("case"):
            cases.append(parser.parse_integer())
            regions.append(parse_body(parser, YieldOp))
        parser.parse_keyword("default")
        op = cls(index, result_types, cases, regions, parse_body(parser, YieldOp))
        parse_attributes(parser, op)
        return op


@irdl_op_definition
class ForOp(IRDLOperation):
    """Counts from `start` to `stop` (excluded) by `step`, carrying values:
    `%r = dycl.for %i = %start to %stop step %step iter_args(%a = %init : type) {... dycl.yield %next : type}`.

    Follows Python's `range`: the step may be negative, never zero. The results are the carried values after the last
    iteration. A carried value's type may be less precise than its initial value's.
    """

    name = "dycl.for"

    start = operand_def(i64)
    stop = operand_def(i64)
    step = operand_def(i64)
    inits = var_operand_def()
    res = var_result_def()
    body = region_def("single_block")
    traits = traits_def(RecursiveMemoryEffect(), ControlFlowPatterns())

    def __init__(
        self,
        start: SSAValue | Operation,
        stop: SSAValue | Operation,
        step: SSAValue | Operation,
        inits: Sequence[SSAValue],
        body: Region | Block,
    ):
        """`body` takes the induction variable (i64), then the carried values."""
        region = _body(body)
        super().__init__(
            operands=[start, stop, step, inits],
            result_types=[[argument.type for argument in region.block.args[1:]]],
            regions=[region],
        )

    def verify_(self) -> None:
        arguments = self.body.block.args
        if not arguments or arguments[0].type != i64:
            raise VerifyException("the body's first argument must be the induction variable, an i64")
        _verify_carried("init", self.inits, [argument.type for argument in arguments[1:]])
        if tuple(argument.type for argument in arguments[1:]) != self.result_types:
            raise VerifyException("the results' types must be those of the carried values")

    def print(self, printer: Printer) -> None:
        induction, *carried = self.body.block.args
        printer.print_string(" ")
        printer.print_ssa_value(induction)
        print_location(printer, induction.location)
        for keyword, value in ((" = ", self.start), (" to ", self.stop), (" step ", self.step)):
            printer.print_string(keyword)
            printer.print_operand(value)
        if carried:
            printer.print_string(" iter_args")
            print_assignments(printer, carried, self.inits)
        printer.print_string(" ")
        print_body(printer, self.body, YieldOp)
        print_attributes(printer, self)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        induction = parser.parse_argument(expect_type=False).resolve(i64)
        induction.location = parser.parse_optional_location()
        parser.parse_punctuation("=")
        start = parser.parse_operand(i64)
        parser.parse_keyword("to")
        stop = parser.parse_operand(i64)
        parser.parse_keyword("step")
        step = parser.parse_operand(i64)
        carried = parse_assignments(parser) if parser.parse_optional_keyword("iter_args") else None
        arguments = (induction, *(carried.arguments if carried else ()))
        body = parse_body(parser, YieldOp, arguments)
        op = cls(start, stop, step, carried.operands if carried else (), body)
        parse_attributes(parser, op)
        return op


@irdl_op_definition
class WhileOp(IRDLOperation):
    """Repeats while a condition holds, carrying values:
    `%r = dycl.while (%a = %init : type) -> (type) {... dycl.condition(%c) %x : type} do (%b : type) {... dycl.yield}`.

    The first region computes the condition and the values handed on; they are the body's arguments and, once the
    condition fails, the loop's results. The body's yield gives the next iteration's values. `break` in the body gives
    the results directly, `continue` the next iteration's values.
    """

    name = "dycl.while"

    inits = var_operand_def()
    res = var_result_def()
    before = region_def("single_block")
    body = region_def("single_block")
    traits = traits_def(RecursiveMemoryEffect(), ControlFlowPatterns())

    def __init__(
        self,
        inits: Sequence[SSAValue],
        result_types: Sequence[Attribute],
        before: Region | Block,
        body: Region | Block,
    ):
        super().__init__(operands=[inits], result_types=[result_types], regions=[_body(before), _body(body)])

    def verify_(self) -> None:
        _verify_carried("init", self.inits, [argument.type for argument in self.before.block.args])
        if tuple(argument.type for argument in self.body.block.args) != self.result_types:
            raise VerifyException("the body's arguments must have the types of the results")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        print_assignments(printer, self.before.block.args, self.inits)
        print_result_types(printer, self.result_types)
        printer.print_string(" ")
        print_body(printer, self.before, YieldOp)
        printer.print_string(" do ")
        with printer.in_parens():
            printer.print_list(self.body.block.args, printer.print_block_argument)
        printer.print_string(" ")
        print_body(printer, self.body, YieldOp)
        print_attributes(printer, self)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        carried = parse_assignments(parser)
        result_types = parse_result_types(parser)
        before = parse_body(parser, None, carried.arguments)
        parser.parse_keyword("do")

        def argument() -> Parser.Argument:
            found = parser.parse_argument()
            found.location = parser.parse_optional_location()
            return found

        arguments = parser.parse_comma_separated_list(parser.Delimiter.PAREN, argument)
        body = parse_body(parser, YieldOp, arguments)
        op = cls(carried.operands, result_types, before, body)
        parse_attributes(parser, op)
        return op


def _verify_carried(what: str, values: Sequence[SSAValue], types: Sequence[Attribute]) -> None:
    if len(values) != len(types):
        raise VerifyException(f"{len(values)} {what} values but {len(types)} carried values")
    for index, (value, type) in enumerate(zip(values, types, strict=True)):
        if not refines(value.type, type):
            raise VerifyException(f"{what} value {index} is {value.type}, which is not {an(str(type))}")
