"""What statements do. Each handler returns how the statement ends: None where the next one follows."""

import ast
from collections.abc import Callable, Sequence
from typing import TypeVar

from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.assignment import assign, augment, delete
from dycl.frontends.torch.branches import branch
from dycl.frontends.torch.conditions import condition
from dycl.frontends.torch.control import LEFT, Completion, Leave, Left, Raised
from dycl.frontends.torch.functions import define
from dycl.frontends.torch.loops import execute_for, execute_while
from dycl.frontends.torch.managers import is_transparent
from dycl.frontends.torch.results import emit_return
from dycl.frontends.torch.tries import execute_try
from dycl.frontends.torch.values import ModelRaised, Poison, Symbolic, Value

NodeT = TypeVar("NodeT", bound=ast.stmt)
Handler = Callable[[Activation, NodeT], Completion]


def execute_block(activation: Activation, body: Sequence[ast.stmt]) -> Completion:
    capture = activation.capture
    for node in body:
        activation.node = node
        handler = _STATEMENTS.get(type(node))
        if handler is None:
            raise capture.error(
                f"the statement `{type(node).__name__.lower()}` in a forward",
                "capture does not give it a meaning",
                "move it out of the forward",
            )
        try:
            completion = handler(activation, node)
        except ModelRaised as error:
            return Raised(error)
        if completion is not None:
            return completion
    return None


def _expression(activation: Activation, node: ast.Expr) -> Completion:
    if not isinstance(node.value, ast.Constant):
        activation.evaluate(node.value)
    return None


def _return(activation: Activation, node: ast.Return) -> Completion:
    capture = activation.capture
    if node.value is None:
        value = None
    elif activation.is_main and not activation.guards and isinstance(node.value, ast.Call):
        activation.node = node.value
        value = capture.evaluator.call_node(activation, node.value, tail=True)
        if isinstance(value, Left):
            return value
    else:
        value = activation.evaluate(node.value)
    if not activation.is_main:
        return Leave(activation.scope, value)
    activation.node = node
    emit_return(capture, value)
    return LEFT


def _if(activation: Activation, node: ast.If) -> Completion:
    test = condition(activation, node.test)
    activation.node = node.test
    if isinstance(test, bool):
        return activation.execute(node.body if test else node.orelse)
    completion, _ = branch(
        activation.capture,
        test,
        lambda: (activation.execute(node.body), None),
        lambda: (activation.execute(node.orelse), None),
    )
    return completion


def _assign(activation: Activation, node: ast.Assign) -> Completion:
    value = activation.evaluate(node.value)
    for target in node.targets:
        assign(activation, target, value)
    return None


def _annotated(activation: Activation, node: ast.AnnAssign) -> Completion:
    if node.value is not None:
        assign(activation, node.target, activation.evaluate(node.value))
    return None


def _augmented(activation: Activation, node: ast.AugAssign) -> Completion:
    augment(activation, node)
    return None


def _delete(activation: Activation, node: ast.Delete) -> Completion:
    for target in node.targets:
        delete(activation, target)
    return None


def _break(activation: Activation, node: ast.Break) -> Completion:
    return Leave(activation.loops[-1][0])


def _continue(activation: Activation, node: ast.Continue) -> Completion:
    return Leave(activation.loops[-1][1])


def _pass(activation: Activation, node: ast.Pass) -> Completion:
    return None


def _raise(activation: Activation, node: ast.Raise) -> Completion:
    capture = activation.capture
    if node.exc is None:
        raise capture.error("`raise` without an exception", advice="name the exception")
    found: Value = activation.evaluate(node.exc)
    activation.node = node
    error = capture.native(found) if isinstance(found, type) else found
    if not isinstance(error, Exception):
        raise capture.raised(TypeError("exceptions must derive from BaseException"))
    return Raised(capture.raised(error))


def _assert(activation: Activation, node: ast.Assert) -> Completion:
    capture = activation.capture
    test = condition(activation, node.test)
    if test is True:
        return None

    def fail() -> tuple[Completion, Value]:
        message = activation.evaluate(node.msg) if node.msg is not None else ""
        text = "" if isinstance(message, Symbolic) else message
        activation.node = node
        return Raised(capture.raised(AssertionError(*([text] if node.msg is not None else [])))), None

    if test is False:
        return fail()[0]
    completion, _ = branch(capture, test, lambda: (None, None), fail)
    return completion


def _define(activation: Activation, node: ast.FunctionDef) -> Completion:
    function: Value = define(activation, node)
    for decorator in reversed(node.decorator_list):
        function = activation.capture.evaluator.call(activation.capture, activation.evaluate(decorator), [function], {})
    assign(activation, ast.copy_location(ast.Name(node.name, ast.Store()), node), function)
    return None


def _nonlocal(activation: Activation, node: ast.Nonlocal) -> Completion:
    activation.outer_names.update(node.names)
    return None


def _global(activation: Activation, node: ast.Global) -> Completion:
    raise activation.capture.error(
        "`global` in a forward", "a compiled program keeps no global state", "pass the value in, and return it"
    )


def _with(activation: Activation, node: ast.With) -> Completion:
    for item in node.items:
        manager = activation.evaluate(item.context_expr)
        activation.node = item.context_expr
        if not is_transparent(manager):
            raise activation.capture.error(
                f"`with` on a {type(manager).__module__}.{type(manager).__qualname__}",
                "only managers that leave the computation as it is are taken, such as torch.no_grad()",
                "move it out of the forward",
            )
        if item.optional_vars is not None:
            assign(activation, item.optional_vars, Poison("what a context manager gives"))
    return activation.execute(node.body)


def _import(activation: Activation, node: ast.Import | ast.ImportFrom) -> Completion:
    capture = activation.capture
    names: dict[str, Value] = {}
    code = compile(ast.Module([node], []), activation.code.source.name, "exec")
    capture.native(exec, code, activation.code.globals, names)
    for name, value in names.items():
        assign(activation, ast.copy_location(ast.Name(name, ast.Store()), node), value)
    return None


_STATEMENTS: dict[type[ast.stmt], Handler[ast.stmt]] = {
    ast.AnnAssign: _annotated,
    ast.Assert: _assert,
    ast.Assign: _assign,
    ast.AugAssign: _augmented,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.Delete: _delete,
    ast.Expr: _expression,
    ast.For: execute_for,
    ast.FunctionDef: _define,
    ast.Global: _global,
    ast.If: _if,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.Nonlocal: _nonlocal,
    ast.Pass: _pass,
    ast.Raise: _raise,
    ast.Return: _return,
    ast.Try: execute_try,
    ast.While: execute_while,
    ast.With: _with,
}  # pyright: ignore[reportAssignmentType]: each handler takes the nodes of its key
