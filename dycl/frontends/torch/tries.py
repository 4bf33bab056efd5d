"""`try`: exceptions that the user's program raises for certain, whatever its tensors hold."""

import ast

from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.assignment import assign
from dycl.frontends.torch.control import Completion, Raised
from dycl.frontends.torch.journal import VariableSlot
from dycl.frontends.torch.values import UNBOUND, ModelRaised


def execute_try(activation: Activation, node: ast.Try) -> Completion:
    capture = activation.capture
    if node.finalbody:
        return _with_finally(activation, node)
    capture.handlers += bool(node.handlers)
    completion = activation.execute(node.body)
    capture.handlers -= bool(node.handlers)
    if isinstance(completion, Raised) and isinstance(completion.error, ModelRaised):
        return _handle(activation, node, completion, completion.error.error)
    return activation.execute(node.orelse) if completion is None else completion


def _handle(activation: Activation, node: ast.Try, completion: Raised, error: Exception) -> Completion:
    for handler in node.handlers:
        kinds = activation.evaluate(handler.type) if handler.type is not None else Exception
        if not isinstance(error, kinds):
            continue
        if handler.name is None:
            return activation.execute(handler.body)
        assign(activation, ast.copy_location(ast.Name(handler.name, ast.Store()), handler.body[0]), error)
        ended = activation.execute(handler.body)
        activation.capture.journal.write(VariableSlot(activation.env, handler.name), UNBOUND)
        return ended
    return completion


def _with_finally(activation: Activation, node: ast.Try) -> Completion:
    capture = activation.capture
    inner = ast.copy_location(ast.Try(node.body, node.handlers, node.orelse, []), node)
    open_before, exits_before = len(capture.pendings), len(capture.exits)
    activation.guards += 1
    completion = execute_try(activation, inner)
    activation.guards -= 1
    if len(capture.pendings) > open_before or len(capture.exits) > exits_before:
        activation.node = node
        raise capture.error(
            "an exit that depends on a tensor, inside a `try` with `finally`",
            "the `finally` would have to run on that path too",
            "move the exit out of the `try`",
        )
    ended = activation.execute(node.finalbody)
    return completion if ended is None else ended
