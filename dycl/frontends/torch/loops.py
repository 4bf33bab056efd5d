"""Loops: those over Python objects are evaluated iteration by iteration."""

import ast

from xdsl.ir import SSAValue

from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.assignment import assign
from dycl.frontends.torch.branches import close
from dycl.frontends.torch.conditions import condition
from dycl.frontends.torch.control import Completion, Leave, Raised, Scope
from dycl.frontends.torch.iteration import iterate
from dycl.frontends.torch.values import ModelRaised

MAX_TRIPS = 100_000
MAX_OPEN_EXITS = 64
"""How many exits that depend on tensors a `while` loop may have before it counts as one that never ends."""


def execute_for(activation: Activation, node: ast.For) -> Completion:
    values = iterate(activation, node.iter)
    loop = Scope("loop")
    completion: Completion = None
    try:
        for value in values:
            assign(activation, node.target, value)
            completion = _iteration(activation, node, loop)
            if completion is not None:
                break
    except ModelRaised as error:
        completion = Raised(error)
    return _end(activation, node, loop, completion)


def execute_while(activation: Activation, node: ast.While) -> Completion:
    capture = activation.capture
    loop = Scope("loop")
    completion: Completion = None
    trips = 0
    while True:
        try:
            test = condition(activation, node.test)
        except ModelRaised as error:
            completion = Raised(error)
            break
        activation.node = node.test
        if isinstance(test, SSAValue):
            symbolic_while(activation, node)
        if not test:
            break
        trips += 1
        if trips > MAX_TRIPS:
            raise capture.error(f"a `while` loop that has not ended after {MAX_TRIPS} iterations")
        completion = _iteration(activation, node, loop)
        if sum(pending.scope is loop for pending in capture.pendings) > MAX_OPEN_EXITS:
            symbolic_while(activation, node)
        if completion is not None:
            break
    return _end(activation, node, loop, completion)


def symbolic_while(activation: Activation, node: ast.While) -> None:
    """A loop whose end depends on a tensor.

    Raises:
        CaptureError: always: such loops are not taken
    """
    activation.node = node.test
    raise activation.capture.error(
        "a `while` loop whose end depends on a tensor",
        "how often it runs is known only at run time, and only loops over Python values are taken",
        "loop over a range with a fixed bound and leave it with `break` or `return`",
    )


def _iteration(activation: Activation, node: ast.For | ast.While, loop: Scope) -> Completion:
    iteration = Scope("iteration")
    activation.loops.append((loop, iteration))
    completion = activation.execute(node.body)
    completion = close(activation.capture, iteration, completion)
    activation.loops.pop()
    return completion


def _end(activation: Activation, node: ast.For | ast.While, loop: Scope, completion: Completion) -> Completion:
    if completion is None and node.orelse:
        completion = activation.execute(node.orelse)
    activation.loops.append((loop, loop))
    completion = close(activation.capture, loop, completion)
    activation.loops.pop()
    assert not (isinstance(completion, Leave) and completion.scope is loop)
    return completion
