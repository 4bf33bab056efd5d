"""`verify`: one walk over a program, in the order of its text, that applies every rule to every op."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from xdsl.dialects.arith import SelectOp
from xdsl.dialects.builtin import FunctionType, ModuleOp, StringAttr
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Attribute, Block, Operation, OpResult, Region, SSAValue
from xdsl.traits import IsolatedFromAbove, IsTerminator
from xdsl.utils.exceptions import VerifyException

from dycl.ir.interpret.scalars import is_scalar_op
from dycl.ir.ops import ConditionOp, IfOp, KernelOp, LaunchOp, SwitchOp, YieldOp
from dycl.ir.types import is_scalar, refines
from dycl.ir.verify.diagnostics import InvalidProgram
from dycl.ir.verify.rules import TERMINATORS, Scope, endings, is_value_type, misplaced, target

OpT = TypeVar("OpT", bound=Operation)


def verify(op: Operation) -> None:
    """Check that a program is well-formed.

    `op` is a module, or a function or kernel of one; of an op inside a function, the whole function is checked.

    Raises:
        InvalidProgram: it is not; the first fault in the order of the text
    """
    while not op.has_trait(IsolatedFromAbove) and (parent := op.parent_op()) is not None:
        op = parent
    module = op
    while (parent := module.parent_op()) is not None:
        module = parent
    check = _Check(_named(module, KernelOp), _named(module, FuncOp))
    check.definition(op, Scope())
    if not isinstance(op, ModuleOp):
        check.regions(op, Scope())
        return
    for inner in op.body.block.ops:
        check.op(inner, Scope(), op)


def _named(module: Operation, kind: type[OpT]) -> Mapping[str, OpT]:
    if not isinstance(module, ModuleOp):
        return {}
    found = (op for op in module.body.block.ops if isinstance(op, kind))
    return {name.data: op for op in found if isinstance(name := op.properties.get("sym_name"), StringAttr)}


@dataclass
class _Check:
    """The values visible at the point that the walk has reached, and what it has learned so far."""

    kernels: Mapping[str, KernelOp]
    functions: Mapping[str, FuncOp]
    visible: set[SSAValue] = field(default_factory=set[SSAValue])
    known_types: set[Attribute] = field(default_factory=set[Attribute])

    def regions(self, op: Operation, scope: Scope) -> bool:
        """Check an op's regions; return whether none of them goes on behind the op."""
        if not op.has_trait(IsolatedFromAbove):
            leave = [self.region(op, index, region, scope) for index, region in enumerate(op.regions)]
            return bool(leave) and all(leave)
        outer, self.visible = self.visible, set()
        for index, region in enumerate(op.regions):
            self.region(op, index, region, scope)
        self.visible = outer
        return False

    def region(self, op: Operation, index: int, region: Region, scope: Scope) -> bool:
        """Check a region; return whether control never reaches its end by a `yield`."""
        block = region.first_block
        if block is None:
            raise InvalidProgram(op, f"{op.name} has no body")
        if block is not region.last_block:
            raise InvalidProgram(op, f"a region of {op.name} has more than one block")
        inside = scope.inside(op, index)
        self._end(op, index, block)
        for argument in block.args:
            self._type(argument, op)
        self.visible.update(block.args)
        leaves = False
        for inner in block.ops:
            leaves |= self.op(inner, inside, op)
        for inner in block.ops:
            self.visible.difference_update(inner.results)
        self.visible.difference_update(block.args)
        return leaves

    def op(self, op: Operation, scope: Scope, parent: Operation) -> bool:
        """Check an op and all inside it; return whether the code behind it is never reached."""
        problem = misplaced(op, scope, parent)
        if problem is not None:
            raise InvalidProgram(op, problem)
        for index, operand in enumerate(op.operands):
            if operand not in self.visible:
                raise InvalidProgram(op, f"operand {index} {_why_invisible(operand, op)}")
        for result in op.results:
            self._type(result, op)
        if isinstance(op, CallOp):
            # Its own definition asks for the very types of the function's arguments.
            self._call(op)
        else:
            self.definition(op, scope)
        if isinstance(op, TERMINATORS):
            _check_values(op, scope, parent)
            return not isinstance(op, YieldOp | ConditionOp)
        if isinstance(op, LaunchOp):
            self._launch(op)
        elif is_scalar_op(op):
            _check_scalar_op(op)
        leaves = False
        if op.regions:
            none_goes_on = self.regions(op, scope)
            leaves = none_goes_on and isinstance(op, IfOp | SwitchOp)
        if leaves and (behind := op.next_op) is not None and not isinstance(behind, TERMINATORS):
            raise InvalidProgram(behind, f"code after a {op.name} whose sides all leave: it can never run")
        self.visible.update(op.results)
        return leaves

    def definition(self, op: Operation, scope: Scope) -> None:
        """Check an op against its own definition."""
        try:
            op.verify_()
        except VerifyException as error:
            if "IsolatedFromAbove" in str(error):
                # xDSL's message shows the op around; the walk below it finds the operand.
                self.regions(op, scope)
            raise InvalidProgram(op, _first_lines(error)) from error

    def _type(self, value: SSAValue, op: Operation) -> None:
        type = value.type
        if type in self.known_types:
            return
        if not is_value_type(type):
            raise InvalidProgram(op, f"{type} is not the type of a value: that is a tensor, i1, i64 or f64")
        self.known_types.add(type)

    def _end(self, op: Operation, index: int, block: Block) -> None:
        allowed = endings(op, index)
        names = " or ".join(terminator.name for terminator in allowed)
        last = block.last_op
        if last is None or not last.has_trait(IsTerminator):
            raise InvalidProgram(last or op, f"a block of {op.name} must end in {names}")
        for inner in block.ops:
            if inner is not last and isinstance(inner, TERMINATORS):
                raise InvalidProgram(inner, f"{inner.name} is not at the end of its block")
        if not isinstance(last, allowed) and isinstance(last, TERMINATORS):
            raise InvalidProgram(last, f"a block of {op.name} must end in {names}, not {last.name}")

    def _launch(self, op: LaunchOp) -> None:
        kernel = self.kernels.get(op.kernel)
        if kernel is None:
            raise InvalidProgram(op, f"@{op.kernel} is not a kernel of this module")
        _check_use(op, f"@{op.kernel}", kernel.function_type)

    def _call(self, op: CallOp) -> None:
        name = op.callee.string_value()
        function = self.functions.get(name)
        if function is None:
            raise InvalidProgram(op, f"@{name} is not a function of this module")
        _check_use(op, f"@{name}", function.function_type)


def _check_use(op: LaunchOp | CallOp, callee: str, type: FunctionType) -> None:
    """Check the operands and results of a launch or call against the types of what it runs."""
    _check_types(op, f"input of {callee}", op.operand_types, type.inputs.data)
    outputs = type.outputs.data
    if len(outputs) != len(op.results):
        raise InvalidProgram(op, f"{callee} gives {len(outputs)} results, not {len(op.results)}")
    for index, (given, result) in enumerate(zip(outputs, op.result_types, strict=True)):
        if given != result:
            raise InvalidProgram(op, f"result {index} of {callee} is {given}, not {result}")


def _check_values(op: Operation, scope: Scope, parent: Operation) -> None:
    goal = target(op, scope, parent)
    values = op.operand_types[1:] if isinstance(op, ConditionOp) else op.operand_types
    _check_types(op, goal.what, values, goal.types)


def _check_types(op: Operation, what: str, given: Sequence[Attribute], wanted: Sequence[Attribute]) -> None:
    if len(given) != len(wanted):
        raise InvalidProgram(op, f"{len(given)} {_plural(len(given), 'value')} for {len(wanted)} {what}")
    for index, (value, goal) in enumerate(zip(given, wanted, strict=True)):
        if not refines(value, goal):
            raise InvalidProgram(op, f"value {index} is {value}, but that {what} is {goal}")


def _check_scalar_op(op: Operation) -> None:
    values = (op.operands[0],) if isinstance(op, SelectOp) else (*op.operands, *op.results)
    for value in values:
        if not is_scalar(value.type):
            raise InvalidProgram(op, f"{op.name} works on host scalars, not on {value.type}; dycl.aten does on tensors")


def _why_invisible(operand: SSAValue, op: Operation) -> str:
    owner = operand.owner
    block = owner.parent if isinstance(owner, Operation) else owner
    if block is None:
        return "is the result of an op that is not in the program"
    holder: Operation | None = op
    isolated: Operation | None = None
    while holder is not None:
        if isolated is None and holder is not op and holder.has_trait(IsolatedFromAbove):
            isolated = holder
        if holder.parent is block:
            if isolated is not None:
                return f"is defined outside of {isolated.name}, which takes values as its inputs only"
            return (
                "is its own result"
                if isinstance(operand, OpResult) and operand.op is op
                else "is used before it is defined"
            )
        holder = holder.parent_op()
    return "is defined inside another region, where it cannot be seen from here"


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"


def _first_lines(error: VerifyException) -> str:
    return " ".join(line.strip() for line in str(error).splitlines()[:2])
