"""`with`: the managers are entered in order, and left in reverse order on every way out of the body."""

import ast

from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.paths.branches import close
from dycl.frontends.torch.paths.control import Completion, Scope
from dycl.frontends.torch.syntax.assignment import assign
from dycl.frontends.torch.syntax.managers import enter
from dycl.frontends.torch.syntax.tries import guarded


def execute_with(activation: Activation, node: ast.With) -> Completion:
    return _execute(activation, node, 0)


def _execute(activation: Activation, node: ast.With, index: int) -> Completion:
    if index == len(node.items):
        return activation.execute(node.body)
    item = node.items[index]
    manager = enter(activation, item.context_expr)
    if item.optional_vars is not None:
        assign(activation, item.optional_vars, manager.value)
    end = Scope("try")
    guard = manager.guard(activation, end)
    if guard is None:
        return _execute(activation, node, index + 1)
    completion = guarded(activation, lambda: _execute(activation, node, index + 1), guard)
    return close(activation.capture, end, manager.leave(activation, completion))
