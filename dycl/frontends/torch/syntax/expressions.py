"""What expressions mean."""

import ast
import builtins
import operator
import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from dycl.errors import an
from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.loops.loops import keep_loop
from dycl.frontends.torch.loops.sequences import RunTimeSequence
from dycl.frontends.torch.objects.clocks import read_environment
from dycl.frontends.torch.objects.containers import call_container_method
from dycl.frontends.torch.paths.branches import branch_value
from dycl.frontends.torch.paths.journal import Env
from dycl.frontends.torch.syntax.assignment import bind, bind_target, mangled
from dycl.frontends.torch.syntax.attributes import read_attribute
from dycl.frontends.torch.syntax.conditions import condition, evaluate_bool_op, fold, negate, value_of
from dycl.frontends.torch.syntax.functions import define
from dycl.frontends.torch.syntax.generators import generator_expression
from dycl.frontends.torch.syntax.iteration import elements, iterate, sequence_of
from dycl.frontends.torch.syntax.operators import binary_operation, comparison, unary_operation
from dycl.frontends.torch.syntax.subscripts import read_item
from dycl.frontends.torch.syntax.truth import truth_of
from dycl.frontends.torch.values import UNBOUND, Symbolic, Value, unknown_text

NodeT = TypeVar("NodeT", bound=ast.expr)
Handler = Callable[[Activation, NodeT], Value]


def evaluate(activation: Activation, node: ast.expr) -> Value:
    handler = _EXPRESSIONS.get(type(node))
    if handler is None:
        raise activation.capture.error(
            f"{an(type(node).__name__)} expression", "capture does not give it a meaning", "write it another way"
        )
    return handler(activation, node)


def _constant(activation: Activation, node: ast.Constant) -> Value:
    return node.value


def _name(activation: Activation, node: ast.Name) -> Value:
    capture, code = activation.capture, activation.code
    env = activation.env.find(node.id) if node.id not in activation.global_names else None
    if env is not None:
        return capture.defined(env.names[node.id])
    if node.id in code.cells and node.id not in activation.global_names:
        try:
            value = code.cells[node.id].cell_contents
        except ValueError:
            value = UNBOUND
    elif node.id in code.globals:
        value = code.globals[node.id]
    else:
        value = getattr(builtins, node.id, UNBOUND)
    if value is UNBOUND:
        raise capture.raised(NameError(f"name {node.id!r} is not defined"))
    capture.state.keep(value)
    return value


def _attribute(activation: Activation, node: ast.Attribute) -> Value:
    owner = activation.evaluate(node.value)
    return read_attribute(activation.capture, owner, mangled(activation, node.attr))


def _subscript(activation: Activation, node: ast.Subscript) -> Value:
    owner = activation.evaluate(node.value)
    index = activation.evaluate(node.slice)
    if owner is os.environ:
        return read_environment(activation.capture, operator.getitem, [owner, index], {})
    return read_item(activation.capture, owner, index)


def _slice(activation: Activation, node: ast.Slice) -> Value:
    parts = (node.lower, node.upper, node.step)
    return slice(*(None if part is None else _index(activation, part) for part in parts))


def _index(activation: Activation, node: ast.expr) -> Value:
    value = activation.evaluate(node)
    return activation.capture.index(value) if isinstance(value, torch.Tensor) else value


def _binary(activation: Activation, node: ast.BinOp) -> Value:
    left, right = activation.evaluate(node.left), activation.evaluate(node.right)
    return binary_operation(activation.capture, type(node.op), left, right)


def _unary(activation: Activation, node: ast.UnaryOp) -> Value:
    if isinstance(node.op, ast.Not):
        return value_of(negate(activation.capture, condition(activation, node.operand)))
    return unary_operation(activation.capture, type(node.op), activation.evaluate(node.operand))


def _compare(activation: Activation, node: ast.Compare) -> Value:
    capture = activation.capture
    left = activation.evaluate(node.left)
    if len(node.ops) == 1:
        return comparison(capture, type(node.ops[0]), left, activation.evaluate(node.comparators[0]))
    operand = [left]

    def test(index: int) -> Callable[[], bool | Value]:
        def run() -> bool | Value:
            right = activation.evaluate(node.comparators[index])
            result = comparison(capture, type(node.ops[index]), operand[0], right)
            operand[0] = right
            return truth_of(capture, result)

        return run

    return value_of(fold(capture, [test(index) for index in range(len(node.ops))], True))


def _conditional(activation: Activation, node: ast.IfExp) -> Value:
    test = condition(activation, node.test)
    if isinstance(test, bool):
        return activation.evaluate(node.body if test else node.orelse)
    return branch_value(
        activation.capture, test, lambda: activation.evaluate(node.body), lambda: activation.evaluate(node.orelse)
    )


def _items(activation: Activation, nodes: list[ast.expr]) -> list[Value]:
    values: list[Value] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            values.extend(iterate(activation, node.value))
        else:
            values.append(activation.evaluate(node))
    return values


def _tuple(activation: Activation, node: ast.Tuple) -> Value:
    return tuple(_items(activation, node.elts))


def _list(activation: Activation, node: ast.List) -> Value:
    return activation.capture.born(_items(activation, node.elts))


def _set(activation: Activation, node: ast.Set) -> Value:
    return activation.capture.born(activation.capture.native(set, _items(activation, node.elts)))


def _dict(activation: Activation, node: ast.Dict) -> Value:
    capture = activation.capture
    result: dict[Value, Value] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            capture.native(result.update, capture.usable(activation.evaluate(value)))
        else:
            known = activation.evaluate(key)
            capture.native(result.__setitem__, capture.key(known), activation.evaluate(value))
    return capture.born(result)


def _lambda(activation: Activation, node: ast.Lambda) -> Value:
    return define(activation, node)


def _named(activation: Activation, node: ast.NamedExpr) -> Value:
    value = activation.evaluate(node.value)
    bind(activation, node.target.id, value)
    return value


_CONVERSIONS: dict[int, Callable[[object], str]] = {ord("s"): str, ord("r"): repr, ord("a"): ascii}


def _joined(activation: Activation, node: ast.JoinedStr) -> Value:
    capture = activation.capture
    parts: list[str] = []
    unknown = False
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
            continue
        assert isinstance(part, ast.FormattedValue)
        value = activation.evaluate(part.value)
        spec = activation.evaluate(part.format_spec) if part.format_spec is not None else ""
        if isinstance(value, Symbolic) or isinstance(spec, Symbolic) or capture.holds_unknown(value):
            unknown = True
            continue
        convert = _CONVERSIONS.get(part.conversion)
        parts.append(capture.native(format, convert(value) if convert else value, spec))
    return unknown_text() if unknown else "".join(parts)


def _comprehension(activation: Activation, generators: list[ast.comprehension], emit: Callable[[], None]) -> None:
    outer = activation.env
    capture = activation.capture
    first = activation.evaluate(generators[0].iter)
    activation.env = Env(capture.journal.tick(), outer, {}, is_comprehension=True)
    env = activation.env

    def run(level: int, iterable: Value) -> None:
        generator = generators[level]
        activation.node = generator.iter
        sequence = sequence_of(capture, iterable)
        if isinstance(sequence, RunTimeSequence):
            keep_loop(activation, generator.iter, sequence, lambda value: step(level, value))
            return
        for value in elements(capture, iterable):
            step(level, value)

    def step(level: int, value: Value) -> None:
        generator = generators[level]
        bind_target(activation, env, generator.target, value)
        if level + 1 < len(generators):
            _where(activation, generator.ifs, lambda: run(level + 1, activation.evaluate(generators[level + 1].iter)))
        else:
            _where(activation, generator.ifs, emit)

    try:
        if any(generator.is_async for generator in generators):
            raise capture.error("an asynchronous comprehension")
        run(0, first)
    finally:
        activation.env = outer


def _where(activation: Activation, tests: Sequence[ast.expr], run: Callable[[], None]) -> None:
    """Run what the filters of a comprehension let through."""
    if not tests:
        run()
        return
    test = condition(activation, tests[0])
    if test is True:
        _where(activation, tests[1:], run)
    elif test is not False:
        activation.node = tests[0]

        def passed() -> Value:
            _where(activation, tests[1:], run)

        branch_value(activation.capture, test, passed, lambda: None)


def _list_comprehension(activation: Activation, node: ast.ListComp) -> Value:
    values: list[Value] = activation.capture.born([])
    _comprehension(activation, node.generators, lambda: _append(activation, values, node.elt))
    return values


def _append(activation: Activation, values: list[Value], item: ast.expr) -> None:
    call_container_method(activation.capture, values.append, [activation.evaluate(item)], {})


def _set_comprehension(activation: Activation, node: ast.SetComp) -> Value:
    values: list[Value] = activation.capture.born([])
    _comprehension(activation, node.generators, lambda: _append(activation, values, node.elt))
    return activation.capture.born(activation.capture.native(set, activation.capture.usable(values)))


def _dict_comprehension(activation: Activation, node: ast.DictComp) -> Value:
    result: dict[Value, Value] = activation.capture.born({})

    def emit() -> None:
        key = activation.capture.key(activation.evaluate(node.key))
        activation.capture.mutate(result)
        activation.capture.native(result.__setitem__, key, activation.evaluate(node.value))

    _comprehension(activation, node.generators, emit)
    return result


def _call(activation: Activation, node: ast.Call) -> Value:
    return activation.capture.evaluator.call_node(activation, node)


_EXPRESSIONS: dict[type[ast.expr], Handler[ast.expr]] = {
    ast.Attribute: _attribute,
    ast.BinOp: _binary,
    ast.BoolOp: evaluate_bool_op,
    ast.Call: _call,
    ast.Compare: _compare,
    ast.Constant: _constant,
    ast.Dict: _dict,
    ast.DictComp: _dict_comprehension,
    ast.GeneratorExp: generator_expression,
    ast.IfExp: _conditional,
    ast.JoinedStr: _joined,
    ast.Lambda: _lambda,
    ast.List: _list,
    ast.ListComp: _list_comprehension,
    ast.Name: _name,
    ast.NamedExpr: _named,
    ast.Set: _set,
    ast.SetComp: _set_comprehension,
    ast.Slice: _slice,
    ast.Subscript: _subscript,
    ast.Tuple: _tuple,
    ast.UnaryOp: _unary,
}  # pyright: ignore[reportAssignmentType]: each handler takes the nodes of its key
