"""Loops: evaluated iteration by iteration, or kept as loops of the program.

A loop whose end depends on a tensor stays a loop. One that Python alone decides is evaluated, which leaves what its
iterations compute one after the other; `--loops keep` keeps it where what it carries can be typed, and `auto` where it
is long and its iterations are alike.
"""

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from xdsl.ir import SSAValue

from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.diagnostics import CaptureError
from dycl.frontends.torch.loops.attempts import Attempt
from dycl.frontends.torch.loops.sequences import RunTimeSequence
from dycl.frontends.torch.loops.symbolic_loops import Counter, for_loop, while_loop
from dycl.frontends.torch.objects.scalars import as_ssa
from dycl.frontends.torch.paths.branches import branch, close
from dycl.frontends.torch.paths.control import Completion, Leave, Raised, Scope
from dycl.frontends.torch.paths.forks import fork_completion
from dycl.frontends.torch.syntax.assignment import assign
from dycl.frontends.torch.syntax.conditions import Truth, condition
from dycl.frontends.torch.syntax.iteration import elements, sequence_of
from dycl.frontends.torch.syntax.operators import comparison
from dycl.frontends.torch.syntax.subscripts import choose
from dycl.frontends.torch.syntax.truth import truth_of
from dycl.frontends.torch.values import Choice, ModelRaised, Scalar, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

MAX_TRIPS = 100_000
LONG = 32
"""From how many trips on `auto` tries to keep a loop that Python alone decides,"""
LONG_WITH_EXITS = 8
"""and one that a tensor may end before."""
MAX_PEELED = 2
"""How many iterations are evaluated before a loop that cannot be kept from its first one on."""


def execute_for(activation: Activation, node: ast.For) -> Completion:
    value = activation.evaluate(node.iter)
    activation.node = node.iter
    return _execute_for(activation, node, value)


def _execute_for(activation: Activation, node: ast.For, value: Value) -> Completion:
    capture = activation.capture
    if isinstance(value, Choice) and len({_length(capture, option) for option in value.options}) > 1:
        return fork_completion(capture, value, lambda option: _execute_for(activation, node, option))
    sequence = sequence_of(capture, value)
    if isinstance(sequence, RunTimeSequence):
        return _first_kept(capture, lambda peeled: _peeled_for(activation, node, sequence, peeled))
    if not _may_keep(capture, node):
        return _evaluate_for(activation, node, elements(capture, value))
    if capture.loops == "keep":
        kept = _try(capture, node, lambda: _keep_items(activation, node, value))
        if kept is not None:
            return kept[0]
    elif isinstance(sequence, range) and (
        len(sequence) > LONG or (len(sequence) > LONG_WITH_EXITS and _has_exits(activation, node, sequence))
    ):
        kept = _try(capture, node, lambda: _keep_for(activation, node, _counted(sequence)))
        if kept is not None:
            return kept[0]
    activation.node = node.iter
    return _evaluate_for(activation, node, elements(capture, value))


def _length(capture: "Capture", value: Value) -> object:
    """Return what is equal for sequences that can be looped over as one."""
    if id(value) in capture.abstract:
        return id(value)
    return len(value) if isinstance(value, tuple | list) else None


def _has_exits(activation: Activation, node: ast.For, values: range) -> bool:
    """Whether a tensor may end the loop before its last iteration."""
    start = Attempt(activation.capture)
    completion = _evaluate_for(activation, node, iter(values[:1]), ends=False)
    dynamic = start.has_exits and completion is None
    start.discard()
    return dynamic


def _keep_items(activation: Activation, node: ast.For, value: Value) -> Completion:
    """Keep a loop over Python objects: each iteration chooses its item by number."""
    capture = activation.capture
    items = list(elements(capture, value))
    if len(items) < 2:
        raise capture.error("a loop of less than two iterations is evaluated")
    numbers = value if isinstance(value, range) else range(len(items))
    kept = RunTimeSequence(
        numbers.start,
        numbers.stop,
        numbers.step,
        lambda index: index if isinstance(value, range) else choose(capture, items, index),
    )
    completion = _keep_for(activation, node, kept)
    if isinstance(value, list) and (
        len(value) != len(items) or any(a is not b for a, b in zip(value, items, strict=False))
    ):
        raise capture.error("a loop over a list that it changes is evaluated")
    return completion


def _counted(values: range) -> RunTimeSequence:
    return RunTimeSequence(values.start, values.stop, values.step, lambda index: index)


def _may_keep(capture: "Capture", node: ast.stmt) -> bool:
    return capture.loops != "unroll" and node not in capture.evaluated_loops


def _try(capture: "Capture", node: ast.stmt, keep: Callable[[], Completion]) -> tuple[Completion] | None:
    """Keep a loop if that is possible; one that is not is not tried again."""
    start = Attempt(capture)
    try:
        completion = keep()
    except CaptureError:
        start.discard()
        capture.evaluated_loops.add(node)
        return None
    capture.kept_loops.append(node)
    start.keep()
    return (completion,)


def keep_loop(activation: Activation, place: ast.expr, sequence: RunTimeSequence, run: Callable[[Value], None]) -> None:
    """Keep a loop that is not a statement: `run` is its body."""
    capture = activation.capture
    nothing = ast.copy_location(ast.For(ast.Name("_", ast.Store()), place, [], []), place)
    start, stop, step = (as_ssa(capture, value, int) for value in (sequence.start, sequence.stop, sequence.step))

    def begin(index: Scalar) -> None:
        run(sequence.item(index))

    for_loop(activation, nothing, Counter(start, stop, step, sequence.bounds, sequence.is_known, begin))


def _keep_for(activation: Activation, node: ast.For, sequence: RunTimeSequence) -> Completion:
    capture = activation.capture
    start, stop, step = (as_ssa(capture, value, int) for value in (sequence.start, sequence.stop, sequence.step))

    def begin(index: Scalar) -> None:
        activation.node = node.iter
        assign(activation, node.target, sequence.item(index))

    return for_loop(activation, node, Counter(start, stop, step, sequence.bounds, sequence.is_known, begin))


def _evaluate_for(activation: Activation, node: ast.For, values: Iterator[object], ends: bool = True) -> Completion:
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
    return _end(activation, node, loop, completion) if ends else completion


def execute_while(activation: Activation, node: ast.While) -> Completion:
    capture = activation.capture
    if capture.loops == "keep" and _may_keep(capture, node) and not isinstance(node.test, ast.Constant):
        kept = _try(capture, node, lambda: while_loop(activation, node))
        if kept is not None:
            return kept[0]
    start = Attempt(capture)
    ended = _evaluate_while(activation, node, start)
    if not isinstance(ended, _Dynamic):
        start.keep()
        return ended
    start.discard()
    try:
        return _first_kept(capture, lambda peeled: _peeled_while(activation, node, peeled))
    except CaptureError:
        if not ended.is_bounded:
            raise
    completion = _evaluate_while(activation, node, None)
    assert not isinstance(completion, _Dynamic)
    return completion


def _first_kept(capture: "Capture", keep: Callable[[int], Completion]) -> Completion:
    """Keep a loop, with as few iterations before it as make that possible.

    Raises:
        CaptureError: why it cannot be kept whole
    """
    refusal: CaptureError | None = None
    for peeled in range(MAX_PEELED + 1):
        start = Attempt(capture)
        try:
            completion = keep(peeled)
        except CaptureError as error:
            start.discard()
            refusal = refusal or error
        else:
            start.keep()
            return completion
    assert refusal is not None
    raise refusal


class _Dynamic:
    """The end of an evaluation that has met a tensor which decides how often a loop runs."""

    def __init__(self, is_bounded: bool) -> None:
        self.is_bounded = is_bounded
        """Whether Python alone ends the loop in any case."""


def _evaluate_while(activation: Activation, node: ast.While, start: Attempt | None) -> "Completion | _Dynamic":
    """Evaluate a loop that Python alone decides; with `start`, only as far as that is so."""
    capture = activation.capture
    loop = Scope("loop")
    completion: Completion = None
    trips = 0
    endless = isinstance(node.test, ast.Constant)
    while True:
        try:
            test = condition(activation, node.test)
        except ModelRaised as error:
            completion = Raised(error)
            break
        activation.node = node.test
        if isinstance(test, SSAValue):
            return _Dynamic(is_bounded=False)
        if not test:
            break
        trips += 1
        if trips > MAX_TRIPS:
            raise capture.error(f"a `while` loop that has not ended after {MAX_TRIPS} iterations")
        completion = _iteration(activation, node, loop)
        if start is not None and _may_keep(capture, node):
            if start.has_exits and (endless or trips > LONG_WITH_EXITS):
                return _Dynamic(is_bounded=not endless)
            if trips > LONG:
                capture.evaluated_loops.add(node)
                return _Dynamic(is_bounded=True)
        if completion is not None:
            break
    return _end(activation, node, loop, completion)


def _peeled_while(activation: Activation, node: ast.While, peeled: int) -> Completion:
    """Keep a loop, but for its first iterations."""

    def enters() -> Truth:
        test = condition(activation, node.test)
        activation.node = node.test
        return test

    return _peeled(activation, node, peeled, enters, lambda _: None, lambda: while_loop(activation, node))


def _peeled_for(activation: Activation, node: ast.For, sequence: RunTimeSequence, peeled: int) -> Completion:
    capture = activation.capture
    base = sequence.from_zero(capture) if peeled else sequence
    entered = [0]

    def enters() -> Truth:
        entered[0] += 1
        return truth_of(capture, comparison(capture, ast.Gt, base.stop, entered[0] - 1))

    def first(index: int) -> None:
        assign(activation, node.target, base.item(index))

    rest = RunTimeSequence(peeled, base.stop, 1, base.item) if peeled else sequence
    return _peeled(activation, node, peeled, enters, first, lambda: _keep_for(activation, node, rest))


def _peeled(
    activation: Activation,
    node: ast.For | ast.While,
    peeled: int,
    enters: Callable[[], Truth],
    first: Callable[[int], None],
    keep: Callable[[], Completion],
) -> Completion:
    """Evaluate iterations one by one, then keep the rest of the loop."""
    capture = activation.capture
    if not peeled:
        return keep()
    if node.orelse:
        raise capture.error("a loop with an `else`, whose first iteration is not like the others")
    loop = Scope("loop")
    completion: Completion = None
    for index in range(peeled):
        test = enters()
        if isinstance(test, SSAValue):
            completion, _ = branch(capture, test, lambda: (None, None), lambda: (Leave(loop), None))
        elif not test:
            return _closed(activation, loop, None)
        first(index)
        completion = _iteration(activation, node, loop)
        if completion is not None:
            return _closed(activation, loop, completion)
    return _closed(activation, loop, keep())


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
    return _closed(activation, loop, completion)


def _closed(activation: Activation, loop: Scope, completion: Completion) -> Completion:
    activation.loops.append((loop, loop))
    completion = close(activation.capture, loop, completion)
    activation.loops.pop()
    assert not (isinstance(completion, Leave) and completion.scope is loop)
    return completion
