"""`try`: handlers and `finally`, on whatever path an exception or another exit comes."""

import ast
from collections.abc import Callable
from dataclasses import dataclass

from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.paths.branches import close
from dycl.frontends.torch.paths.control import Completion, Departed, Leave, Raised, Scope
from dycl.frontends.torch.paths.guards import Guard
from dycl.frontends.torch.paths.journal import VariableSlot
from dycl.frontends.torch.syntax.assignment import assign
from dycl.frontends.torch.values import UNBOUND, ModelRaised


def execute_try(activation: Activation, node: ast.Try) -> Completion:
    if node.finalbody:
        return _with_finally(activation, node)
    end = Scope("try")

    def on_error(raised: Raised) -> Completion:
        ended = _handle(activation, node, raised)
        return Leave(end) if ended is None else ended

    completion = guarded(
        activation, lambda: activation.execute(node.body), Guard(activation.env, len(activation.loops), on_error)
    )
    if isinstance(completion, Raised):
        completion = _handle(activation, node, completion)
    elif completion is None:
        completion = activation.execute(node.orelse)
    return close(activation.capture, end, completion)


def guarded(activation: Activation, run: Callable[[], Completion], guard: Guard) -> Completion:
    """Run the body of a statement with a guard around it."""
    activation.guards = [*activation.guards, guard]
    try:
        completion = run()
    except ModelRaised as error:
        completion = Raised(error)
    activation.guards = activation.guards[:-1]
    if isinstance(completion, Raised) and isinstance(completion.error, Departed):
        return completion.error.completion
    return completion


def _handle(activation: Activation, node: ast.Try, raised: Raised) -> Completion:
    handler = handler_of(activation, node, raised)
    return raised if handler is None else handler.run(activation)


@dataclass(frozen=True)
class Handler:
    """The `except` clause that an exception meets."""

    node: ast.ExceptHandler
    error: Exception

    def run(self, activation: Activation) -> Completion:
        activation.handling.append(self.error)
        name, body = self.node.name, self.node.body
        if name is not None:
            assign(activation, ast.copy_location(ast.Name(name, ast.Store()), body[0]), self.error)
        ended = activation.execute(body)
        if name is not None and ended is None:
            activation.capture.journal.write(VariableSlot(activation.env, name), UNBOUND)
        activation.handling.pop()
        return ended


def handler_of(activation: Activation, node: ast.Try, raised: Raised) -> Handler | None:
    """Return the first handler of a `try` that takes an exception."""
    assert isinstance(raised.error, ModelRaised)
    error = raised.error.error
    for handler in node.handlers:
        activation.node = handler.type or node
        kinds = activation.evaluate(handler.type) if handler.type is not None else Exception
        if activation.capture.native(isinstance, error, kinds):
            return Handler(handler, error)
    return None


def _with_finally(activation: Activation, node: ast.Try) -> Completion:
    inner = ast.copy_location(ast.Try(node.body, node.handlers, node.orelse, []), node)

    def on_exit() -> Completion:
        return activation.execute(node.finalbody)

    def on_error(raised: Raised) -> Completion:
        ended = on_exit()
        return raised if ended is None else ended

    guard = Guard(activation.env, len(activation.loops), on_error, on_exit)
    completion = guarded(activation, lambda: activation.execute([inner] if node.handlers else node.body), guard)
    if isinstance(completion, Raised):
        return on_error(completion)
    return on_exit() if completion is None else completion
