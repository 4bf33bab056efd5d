"""What statements do. Each handler returns how the statement ends: None where the next one follows."""

import ast
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.loops.loops import execute_for, execute_while
from dycl.frontends.torch.paths.branches import branch
from dycl.frontends.torch.paths.control import LEFT, Completion, Departed, Leave, Left, Raised
from dycl.frontends.torch.paths.forked_statements import execute as execute_forked
from dycl.frontends.torch.paths.forked_statements import may_ask
from dycl.frontends.torch.paths.guards import depart, has_exits
from dycl.frontends.torch.results.results import emit_return
from dycl.frontends.torch.syntax.assignment import assign, augment, delete
from dycl.frontends.torch.syntax.conditions import condition
from dycl.frontends.torch.syntax.functions import define
from dycl.frontends.torch.syntax.matches import execute_match
from dycl.frontends.torch.syntax.metaprogramming import evaluate_instead
from dycl.frontends.torch.syntax.tries import execute_try
from dycl.frontends.torch.syntax.withs import execute_with
from dycl.frontends.torch.values import Escape, ModelRaised, Symbolic, Value

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
            if may_ask(capture):
                completion = execute_forked(capture, partial(handler, activation, node))
            else:
                completion = handler(activation, node)
        except Departed as departed:
            return departed.completion
        except Escape as escape:
            raise capture.error(
                str(escape), "it is known only when the program runs", "keep it in tensors or in Python arithmetic"
            ) from None
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
    elif activation.is_main and not has_exits(activation) and isinstance(node.value, ast.Call):
        activation.node = node.value
        value = capture.evaluator.call_node(activation, node.value, tail=True)
        if isinstance(value, Left):
            return value
    else:
        value = activation.evaluate(node.value)
    leave = Leave(activation.scope, value)
    ended = depart(activation, leave, whole=True)
    if ended is not leave or not activation.is_main or any(loop.is_endless for loop in capture.open_loops):
        return ended
    activation.node = node
    emit_return(capture, value)
    return LEFT


def _if(activation: Activation, node: ast.If) -> Completion:
    test = condition(activation, node.test)
    activation.node = node.test
    if isinstance(test, bool):
        return activation.execute(node.body if test else node.orelse)
    evaluate_instead(activation.capture, test, "a branch on the number of an iteration")
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
    return depart(activation, Leave(activation.loops[-1][0]), whole=False)


def _continue(activation: Activation, node: ast.Continue) -> Completion:
    return depart(activation, Leave(activation.loops[-1][1]), whole=False)


def _pass(activation: Activation, node: ast.Pass) -> Completion:
    return None


def _raise(activation: Activation, node: ast.Raise) -> Completion:
    capture = activation.capture
    if node.exc is None:
        handling = [error for caller in capture.stack for error in caller.handling]
        return Raised(capture.raised(handling[-1] if handling else RuntimeError("No active exception to reraise")))
    found = activation.evaluate(node.exc)
    cause = activation.evaluate(node.cause) if node.cause is not None else None
    activation.node = node
    error = _exception(activation, found)
    if node.cause is not None:
        error.__cause__ = None if cause is None else _exception(activation, cause)
    return Raised(capture.raised(error))


def _exception(activation: Activation, found: Value) -> Exception:
    capture = activation.capture
    error = capture.evaluator.call(capture, found, [], {}) if isinstance(found, type) else capture.usable(found)
    if not isinstance(error, Exception):
        raise capture.raised(TypeError("exceptions must derive from BaseException"))
    return error


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
    """Names that are only read mean what they would mean without it; `bind` refuses to write them."""
    activation.global_names.update(node.names)
    return None


def _class(activation: Activation, node: ast.ClassDef) -> Completion:
    raise activation.capture.error(
        f"the class `{node.name}`, defined in a forward",
        "its body would be run in every call",
        "define it at the top of the file",
    )


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
    ast.ClassDef: _class,
    ast.Continue: _continue,
    ast.Delete: _delete,
    ast.Expr: _expression,
    ast.For: execute_for,
    ast.FunctionDef: _define,
    ast.Global: _global,
    ast.If: _if,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.Match: execute_match,
    ast.Nonlocal: _nonlocal,
    ast.Pass: _pass,
    ast.Raise: _raise,
    ast.Return: _return,
    ast.Try: execute_try,
    ast.While: execute_while,
    ast.With: execute_with,
}  # pyright: ignore[reportAssignmentType]: each handler takes the nodes of its key
