"""Tests: what `if`, `while`, `not`, `and`, `or`, `assert` and chained comparisons ask of a value."""

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from xdsl.dialects import arith
from xdsl.ir import Block, SSAValue

from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.paths.branches import branch_value, join, outcome_value, run_side, take
from dycl.frontends.torch.paths.journal import AttributeSlot, Slot, VariableSlot
from dycl.frontends.torch.paths.merge import Side
from dycl.frontends.torch.syntax.iteration import Cursor
from dycl.frontends.torch.syntax.truth import truth_of
from dycl.frontends.torch.values import Scalar, Value
from dycl.ir.ops import AtenOp, DimOp, ItemOp
from dycl.ir.types import is_tensor, shape_of

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

Truth: TypeAlias = bool | SSAValue
"""A truth value: known, or an i1."""

_CHEAP_OPS = 8
_CHEAP_ELEMENTS = 64


def condition(activation: Activation, node: ast.expr) -> Truth:
    """Evaluate an expression as a test."""
    capture = activation.capture
    if isinstance(node, ast.BoolOp):
        tests = [lambda part=part: condition(activation, part) for part in node.values]
        return fold(capture, tests, isinstance(node.op, ast.And))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return negate(capture, condition(activation, node.operand))
    value = activation.evaluate(node)
    before, activation.node = activation.node, node
    truth = truth_of(capture, value)
    activation.node = before
    return truth


def negate(capture: "Capture", truth: Truth) -> Truth:
    if isinstance(truth, bool):
        return not truth
    return capture.builder.emit(arith.XOrIOp(truth, capture.builder.constant(True))).result


def value_of(truth: Truth) -> Value:
    return truth if isinstance(truth, bool) else Scalar(truth)


def fold(capture: "Capture", tests: Sequence[Callable[[], Truth]], conjunction: bool) -> Truth:
    """Evaluate tests until one decides: the first false one of a conjunction, the first true one of a disjunction.

    Where a test is known only at run time, those after it are evaluated at once if they are cheap and cannot fail, else
    only on the side of a branch that asks for them.
    """
    return fold_each(capture, iter(tests), conjunction)


def fold_each(capture: "Capture", tests: Iterator[Callable[[], Truth]], conjunction: bool) -> Truth:
    """Do what `fold` does of tests that come one by one."""
    for test in tests:
        truth = test()
        if isinstance(truth, bool):
            if truth is not conjunction:
                return truth
            continue
        start, location = capture.journal.clock, capture.where()
        side = run_side(capture, lambda: (None, value_of(fold_each(capture, tests, conjunction))))
        if _is_cheap(side):
            take(capture, side)
            return _combine(capture, truth, side.value, conjunction)
        decided = Side(Block(), {}, None, not conjunction, start)
        sides = (side, decided) if conjunction else (decided, side)
        return truth_of(capture, outcome_value(join(capture, truth, location, *sides)))
    return conjunction


def _combine(capture: "Capture", left: SSAValue, right: Value, conjunction: bool) -> Truth:
    if not isinstance(right, Scalar):
        return left if right is conjunction else right
    op = arith.AndIOp if conjunction else arith.OrIOp
    return capture.builder.emit(op(left, right.ssa)).result


def _is_cheap(side: Side) -> bool:
    """Whether a side may be evaluated whether it is asked for or not; how far a generator has come does not count."""
    ops = list(side.block.ops)
    written = [slot for slot, _ in side.state.values() if not _is_of_generator(slot)]
    return side.completion is None and not written and len(ops) <= _CHEAP_OPS and all(map(_is_cheap_op, ops))


def _is_of_generator(slot: Slot) -> bool:
    if isinstance(slot, AttributeSlot):
        return isinstance(slot.owner, Cursor)
    return isinstance(slot, VariableSlot) and slot.env.is_comprehension


def _is_cheap_op(op: object) -> bool:
    if isinstance(op, AtenOp):
        types = [type for type in (*op.operand_types, *op.result_types) if is_tensor(type)]
        return all(_elements(shape_of(type)) <= _CHEAP_ELEMENTS for type in types)
    return isinstance(op, ItemOp | DimOp) or type(op).__module__.startswith("xdsl.dialects.arith")


def _elements(shape: tuple[int | None, ...]) -> int:
    count = 1
    for size in shape:
        count *= _CHEAP_ELEMENTS + 1 if size is None else size
    return count


def evaluate_bool_op(activation: Activation, node: ast.BoolOp) -> Value:
    """`and` and `or` as values: the operand that decides."""
    return _bool_op(activation, node.values, isinstance(node.op, ast.And))


def _bool_op(activation: Activation, operands: Sequence[ast.expr], conjunction: bool) -> Value:
    capture = activation.capture
    value = activation.evaluate(operands[0])
    for index in range(1, len(operands)):
        truth = truth_of(capture, value)
        if isinstance(truth, bool):
            if truth is not conjunction:
                return value
            value = activation.evaluate(operands[index])
            continue
        rest = operands[index:]
        if isinstance(value, Scalar) and value.kind is bool:
            return _bool_scalars(activation, value, rest, conjunction)

        def first(value: Value = value) -> Value:
            return value

        def others(rest: Sequence[ast.expr] = rest) -> Value:
            return _bool_op(activation, rest, conjunction)

        return branch_value(capture, truth, *((others, first) if conjunction else (first, others)))
    return value


def _bool_scalars(activation: Activation, value: Scalar, rest: Sequence[ast.expr], conjunction: bool) -> Value:
    capture = activation.capture
    start, location = capture.journal.clock, capture.where()
    side = run_side(capture, lambda: (None, _bool_op(activation, rest, conjunction)))
    is_bool = isinstance(side.value, bool) or (isinstance(side.value, Scalar) and side.value.kind is bool)
    if is_bool and _is_cheap(side):
        take(capture, side)
        return value_of(_combine(capture, value.ssa, side.value, conjunction))
    decided = Side(Block(), {}, None, not conjunction, start)
    sides = (side, decided) if conjunction else (decided, side)
    return outcome_value(join(capture, value.ssa, location, *sides))
