"""Generators: functions that yield, and generator expressions.

A generator is run as far as its consumer asks, in the order of Python. Where it stands is a place in its syntax tree:
the open statements, innermost last, and which of their statements is running. A place is logged like a variable, so
that a branch can take it back, and both sides can go on from it.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from xdsl.ir import SSAValue

from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.paths.branches import close
from dycl.frontends.torch.paths.control import Completion, Departed, Leave, Left, Raised, Scope
from dycl.frontends.torch.paths.guards import Guard
from dycl.frontends.torch.paths.journal import AttributeSlot, Env
from dycl.frontends.torch.syntax.assignment import assign, bind_target
from dycl.frontends.torch.syntax.conditions import condition
from dycl.frontends.torch.syntax.iteration import Cursor, elements
from dycl.frontends.torch.syntax.managers import Entered, enter
from dycl.frontends.torch.syntax.source import FunctionNode
from dycl.frontends.torch.syntax.tries import handler_of
from dycl.frontends.torch.values import ModelRaised, Symbolic, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
_SOURCE = "the values of a generator expression"
"""The name that a generator expression has for what it runs over."""


@dataclass(frozen=True, eq=False)
class Frame:
    """An open statement: `body[index]` is what runs of its `part`."""

    part: str
    owner: ast.stmt | None
    body: Sequence[ast.stmt]
    index: int = -1
    loop: Scope | None = None
    end: Scope | None = None
    """The end of an iteration, or of a `try` or `with`."""
    values: Iterator[Value] | None = None
    guard: Guard | None = None
    entered: Entered | None = None
    then: Completion = None
    """How a `finally` ends that ends normally."""


@dataclass(frozen=True, eq=False)
class Location:
    """Where a generator stands; without frames it has ended."""

    frames: tuple[Frame, ...]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Location)
            and len(self.frames) == len(other.frames)
            and all(
                one.body is two.body and one.index == two.index and one.values is two.values
                for one, two in zip(self.frames, other.frames, strict=True)
            )
        )


class Generated(Cursor):
    """A generator of the user's program."""

    def __init__(self, capture: "Capture", activation: Activation, body: Sequence[ast.stmt]) -> None:
        super().__init__(capture, iter(()))
        self._capture = capture
        self._activation = activation
        self.location = Location((Frame("function", None, body),))

    def __next__(self) -> Value:
        return self.resume(None)

    def resume(self, incoming: Completion) -> Value:
        """Go on to the next `yield` and return its value; `incoming` is raised at the present one.

        Raises:
            StopIteration: there is none
        """
        capture, location = self._capture, self.location
        if isinstance(location, Symbolic):
            raise capture.error(
                "a generator whose place depends on the path",
                "how far it has come is known only at run time",
                "make a list of it before the branch",
            )
        if not location.frames:
            raise StopIteration
        activation = self._activation
        if not activation.env.is_comprehension:
            caller = capture.stack[-1]
            activation.calls, activation.caller = (caller.place, *caller.calls), capture.where()
        capture.stack.append(activation)
        try:
            run = _Run(activation, list(location.frames), incoming)
            completion = run.until_yield()
            self._capture.journal.write(AttributeSlot(self, "location", self._birth), Location(tuple(run.frames)))
            if run.frames:
                return run.value
            completion = close(capture, activation.scope, completion)
        except ModelRaised:
            self._capture.journal.write(AttributeSlot(self, "location", self._birth), Location(()))
            raise
        finally:
            capture.stack.pop()
        match completion:
            case Raised(error):
                raise error
            case Leave(scope, value) if scope is not activation.scope:
                raise Departed(completion)
            case Leave(_, value):
                raise StopIteration(value)
            case Left():
                raise Departed(completion)
            case _:
                raise StopIteration


@dataclass
class _Run:
    """One resumption of a generator."""

    activation: Activation
    frames: list[Frame]
    incoming: Completion
    value: Value = None
    suspended: bool = field(default=False)

    def until_yield(self) -> Completion:
        """Run to the next `yield`, whose value is then `value`, or to the end, with no frames left."""
        completion = self.incoming
        if completion is None and self.frames[-1].index >= 0:
            completion = self._received(self.frames[-1].body[self.frames[-1].index])
        while self.frames and not self.suspended:
            frame = self.frames[-1]
            self._enter_frames()
            if completion is None and frame.index + 1 < len(frame.body):
                self.frames[-1] = replace(frame, index=frame.index + 1)
                completion = self._guarded_step(frame.body[frame.index + 1])
            else:
                completion = self._ended(frame, completion)
        return completion

    def _enter_frames(self) -> None:
        self.activation.loops = [(f.loop, f.end) for f in self.frames if f.loop and f.end]
        self.activation.guards = [frame.guard for frame in self.frames if frame.guard]

    def _guarded_step(self, node: ast.stmt) -> Completion:
        self.activation.node = node
        try:
            return self._statement(node) if yields(node) else self.activation.execute([node])
        except Departed as departed:
            return departed.completion
        except ModelRaised as error:
            return Raised(error)

    def _received(self, node: ast.stmt) -> Completion:
        """Go on after a `yield`, which gives None; after one of `yield from`, with the next value."""
        if isinstance(node, ast.Assign):
            for target in node.targets:
                assign(self.activation, target, None)
        return None

    def _yield(self, value: Value) -> Completion:
        self.value, self.suspended = value, True
        return None

    def _statement(self, node: ast.stmt) -> Completion:
        activation, capture = self.activation, self.activation.capture
        match node:
            case ast.Expr(ast.Yield(value)) | ast.Assign(_, ast.Yield(value)):
                return self._yield(None if value is None else activation.evaluate(value))
            case ast.Expr(ast.YieldFrom(value)) | ast.Assign(_, ast.YieldFrom(value)):
                values = _iterator(capture, activation.evaluate(value))
                self.frames.append(Frame("from", node, (), values=values))
            case ast.If():
                test = condition(activation, node.test)
                if isinstance(test, SSAValue):
                    raise _refused(activation, node)
                self.frames.append(Frame("if", node, node.body if test else node.orelse))
            case ast.For():
                values = _iterator(capture, activation.evaluate(node.iter))
                self.frames.append(Frame("loop", node, (), end=Scope("loop"), values=values))
            case ast.While():
                self.frames.append(Frame("loop", node, (), end=Scope("loop")))
            case ast.Try():
                self._try(node)
            case ast.With():
                self._with(node, 0)
            case _:
                raise capture.error("a `yield` inside an expression", advice="give it a statement of its own")
        return None

    def _try(self, node: ast.Try) -> None:
        activation = self.activation
        loops = len(activation.loops)
        if node.finalbody:

            def on_exit() -> Completion:
                return activation.execute(node.finalbody)

            def on_error(raised: Raised) -> Completion:
                return on_exit() or raised

            self.frames.append(
                Frame("finally", node, (), guard=Guard(activation.env, loops, on_error, on_exit), end=Scope("try"))
            )
        end = Scope("try")

        def handle(raised: Raised) -> Completion:
            handler = handler_of(activation, node, raised)
            if handler is None:
                return raised
            return handler.run(activation) or Leave(end)

        guard = Guard(activation.env, loops, handle)
        self.frames.append(Frame("try", node, node.body, guard=guard, end=end))

    def _with(self, node: ast.With, index: int) -> None:
        activation = self.activation
        item = node.items[index]
        entered = enter(activation, item.context_expr)
        if item.optional_vars is not None:
            assign(activation, item.optional_vars, entered.value)
        end = Scope("try")
        guard = entered.guard(activation, end)
        body = node.body if index + 1 == len(node.items) else ()
        self.frames.append(Frame("with", node, body, guard=guard, end=end, entered=entered))
        if index + 1 < len(node.items):
            self._enter_frames()
            self._with(node, index + 1)

    def _ended(self, frame: Frame, completion: Completion) -> Completion:
        """Leave the innermost frame, whose statements have ended in `completion`, or go on to its next part."""
        activation, capture, node = self.activation, self.activation.capture, frame.owner
        match frame.part:
            case "from" if completion is None:
                return self._next_from(frame)
            case "loop" if completion is None:
                return self._next_iteration(frame)
            case "loop" | "else" | "handler" | "with end":
                self.frames.pop()
                return close(capture, frame.end, completion) if frame.end else completion
            case "iteration":
                self.frames.pop()
                assert frame.end is not None
                return close(capture, frame.end, completion)
            case "try":
                return self._next_part(frame, completion)
            case "with":
                self.frames.pop()
                self._enter_frames()
                assert frame.entered is not None and frame.end is not None
                return close(capture, frame.end, frame.entered.leave(activation, completion))
            case "finally" if completion is None or isinstance(completion, Raised):
                assert isinstance(node, ast.Try)
                self.frames[-1] = Frame("finalbody", node, node.finalbody, then=completion)
                return None
            case "finalbody" if completion is None:
                self.frames.pop()
                return frame.then
            case _:
                self.frames.pop()
                return completion

    def _next_from(self, frame: Frame) -> Completion:
        assert frame.values is not None
        try:
            value = next(frame.values)
        except StopIteration as end:
            self.frames.pop()
            if isinstance(frame.owner, ast.Assign):
                for target in frame.owner.targets:
                    assign(self.activation, target, end.value)
            return None
        except ModelRaised as error:
            self.frames.pop()
            return error.completion if isinstance(error, Departed) else Raised(error)
        return self._yield(value)

    def _next_iteration(self, frame: Frame) -> Completion:
        activation, node = self.activation, frame.owner
        assert isinstance(node, ast.For | ast.While)
        activation.node = node.iter if isinstance(node, ast.For) else node.test
        try:
            goes_on = self._advanced(frame, node)
        except ModelRaised as error:
            self.frames.pop()
            ended = error.completion if isinstance(error, Departed) else Raised(error)
            return close(activation.capture, frame.end, ended) if frame.end else ended
        if goes_on:
            self.frames.append(Frame("iteration", node, node.body, loop=frame.end, end=Scope("iteration")))
        else:
            self.frames[-1] = Frame("else", node, node.orelse, end=frame.end)
        return None

    def _advanced(self, frame: Frame, node: ast.For | ast.While) -> bool:
        activation = self.activation
        if isinstance(node, ast.While):
            test = condition(activation, node.test)
            if isinstance(test, SSAValue):
                raise _refused(activation, node)
            return test
        assert frame.values is not None
        try:
            value = next(frame.values)
        except StopIteration:
            return False
        if activation.env.is_comprehension:
            bind_target(activation, activation.env, node.target, value)
        else:
            assign(activation, node.target, value)
        return True

    def _next_part(self, frame: Frame, completion: Completion) -> Completion:
        activation, node = self.activation, frame.owner
        assert isinstance(node, ast.Try) and frame.end is not None
        self.frames.pop()
        self._enter_frames()
        if completion is None:
            self.frames.append(Frame("else", node, node.orelse, end=frame.end))
            return None
        if isinstance(completion, Raised) and not isinstance(completion.error, Departed):
            handler = handler_of(activation, node, completion)
            if handler is not None:
                if not any(map(yields, handler.node.body)):
                    return close(activation.capture, frame.end, handler.run(activation))
                activation.node = handler.node.body[0]
                raise activation.capture.error("a `yield` in an exception handler", advice="yield after the `try`")
        return close(activation.capture, frame.end, completion)


def _iterator(capture: "Capture", value: Value) -> Iterator[Value]:
    """Return an iterator over a value whose place can be taken back."""
    return value if isinstance(value, Cursor) else Cursor(capture, elements(capture, value))


def _refused(activation: Activation, node: ast.If | ast.While) -> Exception:
    activation.node = node.test
    if activation.env.is_comprehension:
        return activation.capture.error(
            "a filter of a comprehension that depends on a tensor",
            "how long the result is would be known only at run time",
            "use a boolean mask on a tensor",
        )
    return activation.capture.error(
        "a `yield` in a branch or loop that depends on a tensor",
        "how many values the generator gives would be known only at run time",
        "yield on both paths alike, or collect tensors in a list",
    )


def yields(node: ast.AST) -> bool:
    """Whether a statement or function yields, not counting functions defined inside it."""
    known = getattr(node, "yields", None)
    if known is None:
        pending = list(ast.iter_child_nodes(node))
        known = False
        while pending and not known:
            part = pending.pop()
            known = isinstance(part, ast.Yield | ast.YieldFrom)
            if not isinstance(part, _DEFINITIONS):
                pending.extend(ast.iter_child_nodes(part))
        node.yields = known  # pyright: ignore[reportAttributeAccessIssue]: kept on the node, computed once
    return known


def is_generator(node: FunctionNode) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        yields(part) for part in node.body if not isinstance(part, _DEFINITIONS)
    )


def generator_expression(activation: Activation, node: ast.GeneratorExp) -> Value:
    """Evaluate a generator expression: what it runs over at once, the rest as it is asked for."""
    capture = activation.capture
    values = _iterator(capture, activation.evaluate(node.generators[0].iter))
    env = Env(capture.journal.tick(), activation.env, {_SOURCE: values}, is_comprehension=True)
    inner = Activation(capture, activation.code, env, node.elt, activation.calls, activation.caller)
    inner.outer_names = activation.outer_names
    return Generated(capture, inner, _body(node))


def _body(node: ast.GeneratorExp) -> list[ast.stmt]:
    """The loops that a generator expression is."""
    known: list[ast.stmt] | None = getattr(node, "body", None)
    if known is None:
        statement: ast.stmt = ast.copy_location(ast.Expr(ast.copy_location(ast.Yield(node.elt), node.elt)), node.elt)
        for index, generator in reversed(list(enumerate(node.generators))):
            for test in reversed(generator.ifs):
                statement = ast.copy_location(ast.If(test, [statement], []), test)
            source = generator.iter
            if index == 0:
                source = ast.copy_location(ast.Name(_SOURCE, ast.Load()), source)
            statement = ast.copy_location(ast.For(generator.target, source, [statement], []), generator.iter)
        known = [statement]
        node.body = known  # pyright: ignore[reportAttributeAccessIssue]: kept on the node, computed once
    return known


_MAPPED = "for value in values:\n    yield function(*value)"
_FILTERED = "for value in values:\n    if function(value):\n        yield value"


def mapped(capture: "Capture", function: Value, rows: Value) -> Value:
    """Return a generator of the function's values for rows of arguments."""
    return _from_text(capture, _MAPPED, {"function": function, "values": _iterator(capture, rows)})


def filtered(capture: "Capture", function: Value, values: Value) -> Value:
    """Return a generator of the values that a function takes; None asks for their truth."""
    return _from_text(capture, _FILTERED, {"function": function or bool, "values": _iterator(capture, values)})


def _from_text(capture: "Capture", text: str, names: dict[str, Value]) -> Value:
    """Return a generator with this body, at the present place."""
    caller = capture.stack[-1]
    body = ast.parse(text).body
    for statement in body:
        for node in ast.walk(statement):
            ast.copy_location(node, caller.node)
    env = Env(capture.journal.tick(), None, names, is_comprehension=True)
    return Generated(capture, Activation(capture, caller.code, env, caller.node, caller.calls, caller.caller), body)
