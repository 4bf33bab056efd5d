"""Operators on whatever two values they meet: tensors, numbers known or not, other objects."""

import ast
import operator
from collections import deque
from typing import TYPE_CHECKING

import torch
from xdsl.dialects.builtin import i1

from dycl.frontends.torch.objects import scalars
from dycl.frontends.torch.objects.arrays import Array
from dycl.frontends.torch.objects.clocks import ClockReading, clock_arithmetic
from dycl.frontends.torch.objects.containers import call_container_method, refuse_counting
from dycl.frontends.torch.objects.grown_lists import contains, extended
from dycl.frontends.torch.objects.numbers import scalar_tensor
from dycl.frontends.torch.paths.forks import fork, forked_call, whether
from dycl.frontends.torch.paths.grown import Grown, grown_of, new_list, of_list, repeated
from dycl.frontends.torch.syntax.truth import invert, truth_value
from dycl.frontends.torch.values import Choice, Scalar, Symbolic, Value, holds, is_number, unknown_text

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

_BINARY: dict[type[ast.operator], Value] = {
    ast.Add: operator.add,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.LShift: operator.lshift,
    ast.MatMult: operator.matmul,
    ast.Mod: operator.mod,
    ast.Mult: operator.mul,
    ast.Pow: operator.pow,
    ast.RShift: operator.rshift,
    ast.Sub: operator.sub,
}
_IN_PLACE: dict[type[ast.operator], Value] = {
    ast.Add: operator.iadd,
    ast.BitAnd: operator.iand,
    ast.BitOr: operator.ior,
    ast.BitXor: operator.ixor,
    ast.Div: operator.itruediv,
    ast.FloorDiv: operator.ifloordiv,
    ast.LShift: operator.ilshift,
    ast.MatMult: operator.imatmul,
    ast.Mod: operator.imod,
    ast.Mult: operator.imul,
    ast.Pow: operator.ipow,
    ast.RShift: operator.irshift,
    ast.Sub: operator.isub,
}
_UNARY: dict[type[ast.unaryop], Value] = {ast.Invert: operator.invert, ast.UAdd: operator.pos, ast.USub: operator.neg}
_COMPARE: dict[type[ast.cmpop], Value] = {
    ast.Eq: operator.eq,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.NotEq: operator.ne,
}


_SWAPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.Eq,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.NotEq: ast.NotEq,
}


def binary_operation(capture: "Capture", kind: type[ast.operator], left: Value, right: Value) -> Value:
    if kind is ast.Add and isinstance(left, list) and isinstance(right, list):
        joined = _joined_lists(capture, left, right)
        if joined is not None:
            return new_list(capture, joined)
    _usable(capture, left, right)
    if isinstance(left, Choice) or isinstance(right, Choice):
        return forked_call(capture, lambda sides, _: binary_operation(capture, kind, *sides), [left, right], {})
    if isinstance(left, ClockReading) or isinstance(right, ClockReading):
        return clock_arithmetic(capture, left, right)
    if isinstance(left, torch.Tensor) or isinstance(right, torch.Tensor):
        if kind is ast.Mod and isinstance(left, str):
            return unknown_text()
        left, right = (v.tensor if isinstance(v, Array) and not v.tensor.dim() else v for v in (left, right))
        return capture.torch_call(_BINARY[kind], *_bools_as_tensors(capture, left, right))
    if is_number(left) and is_number(right) and (isinstance(left, Scalar) or isinstance(right, Scalar)):
        return scalars.binary(capture, kind, left, right)
    if kind is ast.Mod and isinstance(left, str) and holds(right, lambda v: isinstance(v, Symbolic | torch.Tensor)):
        return unknown_text()
    if kind is ast.Mult and isinstance(left, Scalar) and isinstance(right, list):
        left, right = right, left
    if kind is ast.Mult and isinstance(left, list) and isinstance(right, Scalar) and right.kind is not float:
        copies = repeated(capture, left, right)
        if copies is None:
            raise capture.error(
                "a list repeated a number of times known only at run time",
                "its items are kept as one tensor, which must be of numbers",
                "make a tensor of the items, and repeat that",
            )
        return new_list(capture, copies)
    found = _by_method(capture, _BINARY[kind], left, right)
    if found is not NotImplemented:
        return found
    refuse_counting(capture, left, right)
    result = capture.native(_BINARY[kind], left, right)
    return capture.born(result) if isinstance(result, list | dict | set) else result


def _bools_as_tensors(capture: "Capture", left: Value, right: Value) -> tuple[Value, Value]:
    """Return operands with tensors for run-time bools, which torch would ask for; without dimensions, they promote
    alike."""

    def converted(value: Value) -> Value:
        is_bool = isinstance(value, Scalar) and value.kind is bool
        return scalar_tensor(capture, value, i1) if is_bool else value

    return converted(left), converted(right)


def _joined_lists(capture: "Capture", left: "list[Value]", right: "list[Value]") -> Grown | None:
    """Return `left + right` where one of them is a list that has grown."""
    first, second = grown_of(capture, left), grown_of(capture, right)
    if first is not None:
        return extended(capture, first, second or right)
    if second is not None:
        return extended(capture, of_list(capture, left), second) if left else second
    return None


def unary_operation(capture: "Capture", kind: type[ast.unaryop], value: Value) -> Value:
    _usable(capture, value)
    if isinstance(value, Choice):
        return fork(capture, value, lambda option: unary_operation(capture, kind, option))
    if isinstance(value, Scalar):
        return scalars.unary(capture, kind, value)
    if isinstance(value, torch.Tensor):
        return capture.torch_call(_UNARY[kind], value)
    method = capture.method(value, _dunder(_UNARY[kind]))
    return capture.evaluator.call(capture, method, [], {}) if method else capture.native(_UNARY[kind], value)


def comparison(capture: "Capture", kind: type[ast.cmpop], left: Value, right: Value) -> Value:
    """Return `left kind right`: a bool, a tensor, or a bool known only at run time."""
    _usable(capture, left, right)
    if kind in (ast.Is, ast.IsNot):
        same = _identity(capture, left, right)
        return same if kind is ast.Is else invert(capture, same)
    if kind in (ast.In, ast.NotIn):
        found = _membership(capture, left, right)
        return found if kind is ast.In else invert(capture, found)
    if isinstance(left, Choice) or isinstance(right, Choice):
        return _compared_choice(capture, kind, left, right)
    if isinstance(left, ClockReading) or isinstance(right, ClockReading):
        raise capture.error(
            "a comparison with a reading of the clock",
            "a compiled program reads no clock",
            "pass the time in as an input",
        )
    if isinstance(left, Array):
        return left.compare(kind, right)
    if isinstance(right, Array):
        return right.compare(_SWAPPED[kind], left)
    if isinstance(left, torch.Tensor) or isinstance(right, torch.Tensor):
        return capture.torch_call(_COMPARE[kind], *_bools_as_tensors(capture, left, right))
    if isinstance(left, Scalar) or isinstance(right, Scalar):
        if is_number(left) and is_number(right):
            known = capture.symbols.decide(_COMPARE[kind], left, right)
            return scalars.compare(capture, kind, left, right) if known is None else known
        if kind in (ast.Eq, ast.NotEq):
            return kind is ast.NotEq
        raise capture.raised(TypeError("an ordering of a number and something else"))
    if kind in (ast.Eq, ast.NotEq) and holds((left, right), lambda value: isinstance(value, Scalar)):
        same = _same_items(capture, left, right)
        if same is not None:
            return same if kind is ast.Eq else invert(capture, same)
    found = _by_method(capture, _COMPARE[kind], left, right)
    return found if found is not NotImplemented else capture.native(_COMPARE[kind], left, right)


def _same_items(capture: "Capture", left: Value, right: Value) -> Value:
    """Return whether two tuples or lists of numbers known only at run time are equal, None for other values."""
    for kind in (list, tuple):
        if isinstance(left, kind) and isinstance(right, kind):
            if len(left) != len(right):
                return False
            found: Value = True
            for one, other in zip(left, right, strict=True):
                same = comparison(capture, ast.Eq, one, other)
                if same is False or not (same is True or isinstance(same, Scalar)):
                    return False if same is False else None
                found = same if found is True else scalars.binary(capture, ast.BitAnd, found, same)
            return found
    return None


def _compared_choice(capture: "Capture", kind: type[ast.cmpop], left: Value, right: Value) -> Value:
    choice, other = (left, right) if isinstance(left, Choice) else (right, left)
    if capture.is_plain(other) and all(map(capture.is_plain, choice.options)):
        pairs = [(option, right) if choice is left else (left, option) for option in choice.options]
        if kind in (ast.Eq, ast.NotEq):
            return whether(capture, choice, [bool(comparison(capture, kind, *pair)) for pair in pairs])
    return forked_call(capture, lambda sides, _: comparison(capture, kind, *sides), [left, right], {})


def augmented_operation(capture: "Capture", kind: type[ast.operator], left: Value, right: Value) -> Value:
    """Return what `left kind= right` binds; a list, set, dict or tensor is changed in place."""
    if (
        kind is ast.Add
        and isinstance(left, list)
        and (grown_of(capture, left) is not None or grown_of(capture, right) is not None)
    ):
        return call_container_method(capture, left.__iadd__, [right], {}) or left
    _usable(capture, left)
    if isinstance(left, Choice) or isinstance(right, Choice):
        return forked_call(capture, lambda sides, _: augmented_operation(capture, kind, *sides), [left, right], {})
    if isinstance(left, list | set | dict | deque) and not isinstance(right, Scalar):
        capture.mutate(left)
        return capture.native(_IN_PLACE[kind], left, right)
    if isinstance(left, torch.Tensor):
        return capture.torch_call(_IN_PLACE[kind], left, right)
    method = capture.method(left, _dunder(_IN_PLACE[kind]))
    if method is not None:
        return capture.evaluator.call(capture, method, [right], {})
    return binary_operation(capture, kind, left, right)


def _dunder(function: Value) -> str:
    return f"__{function.__name__.strip('_')}__"


_MIRRORED = {"__lt__": "__gt__", "__gt__": "__lt__", "__le__": "__ge__", "__ge__": "__le__"}


def _by_method(capture: "Capture", function: Value, left: Value, right: Value) -> Value:
    """Return what the user's own operator methods give, NotImplemented where there are none."""
    name = _dunder(function)
    mirrored = _MIRRORED.get(name, name if name in ("__eq__", "__ne__") else f"__r{name[2:]}")
    for owner, method_name, other in ((left, name, right), (right, mirrored, left)):
        method = capture.method(owner, method_name)
        if method is not None:
            found = capture.evaluator.call(capture, method, [other], {})
            if found is not NotImplemented:
                return found
    return NotImplemented


def _usable(capture: "Capture", *values: Value) -> None:
    for value in values:
        capture.usable(value)


def _identity(capture: "Capture", left: Value, right: Value) -> Value:
    if isinstance(left, Choice) or isinstance(right, Choice):
        choice, other = (left, right) if isinstance(left, Choice) else (right, left)
        return whether(capture, choice, [option is other for option in choice.options])
    for value, other in ((left, right), (right, left)):
        if isinstance(value, Scalar) and isinstance(other, bool | int | float | Scalar):
            raise capture.error(
                "`is` on a number known only at run time", "numbers have no identity to rely on", "use `==`"
            )
    traced = capture.is_traced(left) and capture.is_traced(right)
    if traced and left is not right and capture.heap.may_share(left, right):
        raise capture.error("the identity of tensors that are one on some paths", "it depends on the path")
    return left is right


def _membership(capture: "Capture", item: Value, container: Value) -> Value:
    grown = grown_of(capture, container)
    if grown is not None:
        return contains(capture, grown, item)
    if isinstance(item, Choice):
        if not all(map(capture.is_plain, item.options)):
            return fork(capture, item, lambda option: _membership(capture, option, container))
        return whether(capture, item, [bool(_membership(capture, option, container)) for option in item.options])
    capture.usable(container)
    if isinstance(container, Choice):
        return fork(capture, container, lambda option: _membership(capture, item, option))
    if isinstance(item, Scalar) and isinstance(container, list | tuple | range | set | frozenset | dict):
        values = list(container)
        if all(map(is_number, values)):
            found: Value = False
            for value in values:
                equal = scalars.compare(capture, ast.Eq, item, value)
                found = equal if found is False else scalars.binary(capture, ast.BitOr, found, equal)
            return found
    if holds(container, lambda v: isinstance(v, Symbolic | torch.Tensor)) and not isinstance(container, dict):
        if any(value is item for value in container):
            return True
        raise capture.error(
            "`in` over values known only at run time",
            "each comparison would depend on data",
            "compare with `==` and `.any()` on a tensor",
        )
    if isinstance(item, torch.Tensor) or isinstance(container, torch.Tensor):
        if isinstance(container, torch.Tensor):
            return truth_value(
                capture, capture.torch_call(torch.Tensor.any, capture.torch_call(operator.eq, container, item))
            )
        if isinstance(container, dict | set | frozenset):
            raise capture.error("a tensor as a key", "tensors are compared by identity as keys")
        raise capture.error("`in` with a tensor", "each comparison would depend on data")
    method = capture.method(container, "__contains__")
    if method is not None:
        return truth_value(capture, capture.evaluator.call(capture, method, [item], {}))
    return capture.native(operator.contains, container, item)
