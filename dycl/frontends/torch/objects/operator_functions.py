"""The functions of Python's `operator` module: each is the operator that it is named after."""

import ast
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from dycl.frontends.torch.objects import scalars
from dycl.frontends.torch.syntax.operators import augmented_operation, binary_operation, comparison, unary_operation
from dycl.frontends.torch.syntax.subscripts import delete_item, read_item, write_item
from dycl.frontends.torch.syntax.truth import invert, truth_value
from dycl.frontends.torch.values import Scalar, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

StandIn = Callable[..., Value]

_BINARY: dict[str, type[ast.operator]] = {
    "add": ast.Add,
    "and_": ast.BitAnd,
    "floordiv": ast.FloorDiv,
    "lshift": ast.LShift,
    "matmul": ast.MatMult,
    "mod": ast.Mod,
    "mul": ast.Mult,
    "or_": ast.BitOr,
    "pow": ast.Pow,
    "rshift": ast.RShift,
    "sub": ast.Sub,
    "truediv": ast.Div,
    "xor": ast.BitXor,
}
_COMPARISONS: dict[str, type[ast.cmpop]] = {
    "eq": ast.Eq,
    "ge": ast.GtE,
    "gt": ast.Gt,
    "is_": ast.Is,
    "is_not": ast.IsNot,
    "le": ast.LtE,
    "lt": ast.Lt,
    "ne": ast.NotEq,
}
_UNARY: dict[str, type[ast.unaryop]] = {"invert": ast.Invert, "neg": ast.USub, "pos": ast.UAdd}


def _binary(kind: type[ast.operator]) -> StandIn:
    def run(capture: "Capture", left: Value, right: Value) -> Value:
        return binary_operation(capture, kind, left, right)

    return run


def _in_place(kind: type[ast.operator]) -> StandIn:
    def run(capture: "Capture", left: Value, right: Value) -> Value:
        return augmented_operation(capture, kind, left, right)

    return run


def _comparison(kind: type[ast.cmpop]) -> StandIn:
    def run(capture: "Capture", left: Value, right: Value) -> Value:
        return comparison(capture, kind, left, right)

    return run


def _unary(kind: type[ast.unaryop]) -> StandIn:
    def run(capture: "Capture", value: Value) -> Value:
        return unary_operation(capture, kind, value)

    return run


def _contains(capture: "Capture", container: Value, item: Value) -> Value:
    return comparison(capture, ast.In, item, container)


def _read_item(capture: "Capture", owner: Value, index: Value) -> Value:
    return read_item(capture, owner, index)


def _write_item(capture: "Capture", owner: Value, index: Value, value: Value) -> None:
    write_item(capture, owner, index, value)


def _delete_item(capture: "Capture", owner: Value, index: Value) -> None:
    delete_item(capture, owner, index)


def _not(capture: "Capture", value: Value) -> Value:
    return invert(capture, truth_value(capture, value))


def _truth(capture: "Capture", value: Value) -> Value:
    return truth_value(capture, value)


def _index(capture: "Capture", value: Value) -> Value:
    value = capture.index(value) if isinstance(value, torch.Tensor) else capture.usable(value)
    if not isinstance(value, Scalar):
        return capture.native(operator.index, value)
    if value.kind is float:
        raise capture.raised(TypeError("'float' object cannot be interpreted as an integer"))
    return scalars.convert(capture, value, int)


OPERATOR_FUNCTIONS: dict[Value, StandIn] = {
    **{getattr(operator, name): _binary(kind) for name, kind in _BINARY.items()},
    **{getattr(operator, f"i{name.rstrip('_')}"): _in_place(kind) for name, kind in _BINARY.items()},
    **{getattr(operator, name): _comparison(kind) for name, kind in _COMPARISONS.items()},
    **{getattr(operator, name): _unary(kind) for name, kind in _UNARY.items()},
    operator.index: _index,
    operator.inv: _unary(ast.Invert),
    operator.concat: _binary(ast.Add),
    operator.contains: _contains,
    operator.delitem: _delete_item,
    operator.getitem: _read_item,
    operator.iconcat: _in_place(ast.Add),
    operator.not_: _not,
    operator.setitem: _write_item,
    operator.truth: _truth,
}
