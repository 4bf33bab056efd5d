"""How long each tensor of a function is needed, and which tensors may be one and the same array.

The ops of a function are numbered in the order of its text. A tensor lives from its definition to its last use; a use
inside a loop of what was defined before the loop counts to the loop's end. A branch that is laid out behind another one
is taken for later than it: this errs on the safe side only.

Tensors that may be one array at run time form a *family*: where branches meet or a loop carries on, the value is one of
several. A view is the tensor that it looks at. Only tensors of sizes known at compile time are arrays that stay in
place; one that becomes a value of unknown size is copied.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from dycl.ir.host_ops import is_host_view
from dycl.ir.ops import (
    BreakOp,
    ConditionOp,
    ConstantOp,
    ContinueOp,
    ForOp,
    IfOp,
    LaunchOp,
    ParamOp,
    ScalarTensorOp,
    SwitchOp,
    WhileOp,
    YieldOp,
)
from dycl.ir.types import is_static, is_tensor


class Write(NamedTuple):
    """An op that writes to buffers: its place in the text, its results that need one, and whether a loop holds it."""

    op: Operation
    position: int
    values: Sequence[SSAValue]
    in_loop: bool


class Loop(NamedTuple):
    op: Operation
    start: int
    end: int


@dataclass
class Lifetimes:
    """The lifetimes in one function."""

    writes: list[Write] = field(default_factory=list[Write])
    """In the order of the text."""
    start: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    """Where a tensor is defined; views have no entry."""
    end: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    """Where a tensor is used last."""
    calls: list[int] = field(default_factory=list[int])
    """Where functions are called."""
    _viewed: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    _parent: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])

    def array(self, value: SSAValue) -> SSAValue:
        """Return the tensor that `value` looks at, itself where it is no view."""
        return self._viewed.get(value, value)

    def family(self, value: SSAValue) -> SSAValue:
        """Return the tensor that stands for the family of `value`."""
        root = value = self.array(value)
        while (parent := self._parent.get(root)) is not None:
            root = parent
        while value is not root:
            self._parent[value], value = root, self._parent[value]
        return root

    def join(self, left: SSAValue, right: SSAValue) -> None:
        if is_in_place(left.type) and is_in_place(right.type) and may_be_buffer(left) and may_be_buffer(right):
            a, b = self.family(left), self.family(right)
            if a is not b:
                self._parent[a] = b

    def view(self, result: SSAValue, source: SSAValue) -> None:
        self._viewed[result] = self.array(source)


def is_in_place(type: Attribute) -> bool:
    """Whether the values of a type are arrays that live as long as the frame."""
    return is_tensor(type) and is_static(type)


def may_be_buffer(value: SSAValue) -> bool:
    """Whether a tensor may be in one of the function's buffers: not so its arguments, constants and weights, which the
    function never writes to."""
    owner = value.owner
    if isinstance(owner, Block):
        return not isinstance(owner.parent_op(), FuncOp)
    return not isinstance(owner, ConstantOp | ParamOp)


def results_in_buffers(op: Operation) -> list[SSAValue]:
    """Return the results of an op that it writes to buffers: those of sizes known at compile time."""
    if isinstance(op, LaunchOp):
        return [result for result in op.results if is_static(result.type)]
    if isinstance(op, CallOp | ScalarTensorOp):
        return [result for result in op.results if is_in_place(result.type)]
    return []


def lifetimes(function: FuncOp) -> Lifetimes:
    """Return the lifetimes of a function's tensors."""
    found = Lifetimes()
    loops: dict[Operation, Loop] = {}
    _number(function.body.block, found, loops, 0, False)
    _extend(function.body.block, found, loops, [], 0)
    return found


def _number(block: Block, found: Lifetimes, loops: dict[Operation, Loop], position: int, in_loop: bool) -> int:
    """Note where values are defined and joined; return the first position behind the block."""
    position += 1
    for argument in block.args:
        found.start[argument] = position
    for op in block.ops:
        position += 1
        start = position
        is_loop = isinstance(op, ForOp | WhileOp)
        for region in op.regions:
            position = _number(region.block, found, loops, position, in_loop or is_loop)
        if is_loop:
            loops[op] = Loop(op, start, position)
        if is_host_view(op):
            found.view(op.results[0], op.operands[0])
        else:
            for result in op.results:
                found.start[result] = position
        for left, right in _meeting(op):
            found.join(left, right)
        if isinstance(op, CallOp):
            found.calls.append(position)
        values = results_in_buffers(op)
        if values:
            found.writes.append(Write(op, position, values, in_loop))
    return position + 1


def _meeting(op: Operation) -> Iterator[tuple[SSAValue, SSAValue]]:
    """Yield pairs of values of which the second may be the first, after an op with regions or at one that leaves."""
    match op:
        case IfOp() | SwitchOp():
            for region in op.regions:
                end = region.block.last_op
                if isinstance(end, YieldOp):
                    yield from zip(op.results, end.values, strict=True)
        case ForOp():
            yield from zip(op.body.block.args[1:], op.inits, strict=True)
            yield from zip(op.body.block.args[1:], op.res, strict=True)
            yield from _handed_on(op.body.block, op.res, op.res)
        case WhileOp():
            condition = op.before.block.last_op
            assert isinstance(condition, ConditionOp)
            yield from zip(op.before.block.args, op.inits, strict=True)
            yield from zip(op.body.block.args, op.res, strict=True)
            yield from zip(op.res, condition.values, strict=True)
            yield from _handed_on(op.body.block, op.before.block.args, op.res)
        case _:
            pass


def _handed_on(
    body: Block, carried: Sequence[SSAValue], results: Sequence[SSAValue]
) -> Iterator[tuple[SSAValue, SSAValue]]:
    """Yield what a loop's body hands on, to the next iteration or as the loop's results."""
    end = body.last_op
    if isinstance(end, YieldOp):
        yield from zip(carried, end.values, strict=True)
    for op in exits(body):
        yield from zip(carried if isinstance(op, ContinueOp) else results, op.values, strict=True)


def exits(block: Block) -> Iterator[BreakOp | ContinueOp]:
    """Yield the ops that leave the loop, or the iteration, whose body `block` is."""
    for op in block.ops:
        if isinstance(op, BreakOp | ContinueOp):
            yield op
        elif isinstance(op, IfOp | SwitchOp):
            for region in op.regions:
                yield from exits(region.block)


def _extend(block: Block, found: Lifetimes, loops: dict[Operation, Loop], around: list[Loop], position: int) -> int:
    """Note where values are used last; return the first position behind the block. Counts as `_number` does."""
    position += 1
    for op in block.ops:
        position += 1
        for operand in op.operands:
            value = found.array(operand)
            defined = found.start[value]
            end = next((loop.end for loop in around if defined < loop.start), position)
            found.end[value] = max(found.end.get(value, 0), end)
        loop = loops.get(op)
        if loop:
            around.append(loop)
        for region in op.regions:
            position = _extend(region.block, found, loops, around, position)
        if loop:
            around.pop()
    return position + 1
