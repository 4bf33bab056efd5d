"""Interpreted functions: what they are, how arguments meet parameters, how a call runs."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING

from dycl.frontends.torch.activation import Activation, Code
from dycl.frontends.torch.branches import close
from dycl.frontends.torch.control import LEFT, Completion, Leave, Left, Raised
from dycl.frontends.torch.journal import Env
from dycl.frontends.torch.results import emit_return
from dycl.frontends.torch.source import FunctionNode, locate
from dycl.frontends.torch.values import Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

MAX_CALLS = 100
"""How deep interpreted calls may nest."""


@dataclass(eq=False)
class Closure:
    """A function or lambda that interpreted code has defined; code that is not interpreted can call it too."""

    capture: "Capture"
    code: Code
    defaults: tuple[Value, ...]
    keyword_defaults: dict[str, Value]

    @property
    def __name__(self) -> str:
        return self.code.name

    def __call__(self, *args: Value, **kwargs: Value) -> Value:
        return self.capture.evaluator.call(self.capture, self, args, kwargs)


def define(activation: Activation, node: ast.FunctionDef | ast.Lambda) -> Closure:
    arguments = node.args
    defaults = tuple(activation.evaluate(default) for default in arguments.defaults)
    keyword_defaults = {
        argument.arg: activation.evaluate(default)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is not None
    }
    outer = activation.code
    name = node.name if isinstance(node, ast.FunctionDef) else "<lambda>"
    code = Code(name, outer.source, node, outer.globals, outer.cells, outer.locations, activation.env, outer.class_name)
    return Closure(activation.capture, code, defaults, keyword_defaults)


def code_of(capture: "Capture", function: FunctionType) -> Code:
    """Return what a function of the user's is made of.

    Raises:
        CaptureError: its source cannot be had
    """
    found = locate(function)
    if found is None:
        raise capture.error(
            f"the function `{function.__qualname__}` has no source that can be read",
            f"its file is {function.__code__.co_filename}",
            "define it in a file",
        )
    source, node = found
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    scope = function.__qualname__.split(".")
    class_name = scope[-2] if len(scope) > 1 and scope[-2] != "<locals>" else ""
    return Code(
        function.__name__, source, node, function.__globals__, cells, capture.locations(source), None, class_name
    )


def run_function(
    capture: "Capture",
    code: Code,
    defaults: Sequence[Value],
    keyword_defaults: Mapping[str, Value],
    args: Sequence[Value],
    kwargs: Mapping[str, Value],
    tail: bool = False,
) -> Value:
    """Interpret a call. With `tail`, its `return` is that of the program, and the result is then `LEFT`."""
    if isinstance(code.node, ast.AsyncFunctionDef) or _is_generator(code.node):
        kind = "generator" if not isinstance(code.node, ast.AsyncFunctionDef) else "async function"
        raise capture.error(f"a call of the {kind} `{code.name}`", "only plain functions are taken", "return a list")
    if len(capture.stack) >= MAX_CALLS:
        raise capture.error(
            f"calls nested more than {MAX_CALLS} deep, here of `{code.name}`",
            "recursion whose depth depends on tensors is not taken",
            "write it as a loop with a fixed bound",
        )
    names = bind_arguments(capture, code, defaults, keyword_defaults, args, kwargs)
    env = Env(capture.journal.tick(), code.env, names)
    caller = capture.stack[-1] if len(capture.stack) > 1 else None  # the first stands for who called the model
    calls = (caller.place, *caller.calls) if caller else ()
    first = code.node.body if isinstance(code.node, ast.Lambda) else code.node.body[0]
    activation = Activation(capture, code, env, first, calls, capture.where() if caller else None, is_main=tail)
    capture.stack.append(activation)
    try:
        completion = _run_body(activation, code.node)
        completion = close(capture, activation.scope, completion)
    finally:
        capture.stack.pop()
    match completion:
        case Left():
            return LEFT
        case Raised(error):
            raise error
        case Leave(_, value):
            return value
        case _:
            raise AssertionError(f"a function ends in {completion}")


def _run_body(activation: Activation, node: FunctionNode) -> Completion:
    if isinstance(node, ast.Lambda):
        statement = ast.copy_location(ast.Return(node.body), node.body)
        completion = activation.execute([statement])
    else:
        completion = activation.execute(node.body)
    if completion is not None:
        return completion
    if activation.is_main:
        emit_return(activation.capture, None)
        return LEFT
    return Leave(activation.scope, None)


def bind_arguments(
    capture: "Capture",
    code: Code,
    defaults: Sequence[Value],
    keyword_defaults: Mapping[str, Value],
    args: Sequence[Value],
    kwargs: Mapping[str, Value],
) -> dict[str, Value]:
    """Return the parameters' values, as Python binds them."""
    spec = code.node.args
    positional = [*spec.posonlyargs, *spec.args]
    names: dict[str, Value] = {parameter.arg: value for parameter, value in zip(positional, args, strict=False)}
    if len(args) > len(positional):
        if spec.vararg is None:
            raise _type_error(capture, code, f"takes {len(positional)} positional arguments but {len(args)} were given")
        names[spec.vararg.arg] = tuple(args[len(positional) :])
    elif spec.vararg is not None:
        names[spec.vararg.arg] = ()
    by_name = {parameter.arg for parameter in (*spec.args, *spec.kwonlyargs)}
    extra: dict[str, Value] = {}
    for name, value in kwargs.items():
        if name not in by_name:
            extra[name] = value
        elif name in names:
            raise _type_error(capture, code, f"got multiple values for argument {name!r}")
        else:
            names[name] = value
    if spec.kwarg is not None:
        names[spec.kwarg.arg] = capture.born(extra)
    elif extra:
        raise _type_error(capture, code, f"got an unexpected keyword argument {next(iter(extra))!r}")
    for parameter, value in zip(reversed(positional), reversed(list(defaults)), strict=False):
        if parameter.arg not in names:
            capture.state.keep(value)
            names[parameter.arg] = value
    for name, value in keyword_defaults.items():
        names.setdefault(name, value)
    missing = [p.arg for p in (*positional, *spec.kwonlyargs) if p.arg not in names]
    if missing:
        raise _type_error(capture, code, f"missing arguments: {', '.join(map(repr, missing))}")
    return names


def _type_error(capture: "Capture", code: Code, message: str) -> Exception:
    return capture.raised(TypeError(f"{code.name}() {message}"))


def _is_generator(node: FunctionNode) -> bool:
    """Whether a function yields, not counting functions defined inside it."""
    known = getattr(node, "is_generator", None)
    if known is None:
        pending: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
        known = False
        while pending and not known:
            part = pending.pop()
            known = isinstance(part, ast.Yield | ast.YieldFrom)
            if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                pending.extend(ast.iter_child_nodes(part))
        node.is_generator = known  # pyright: ignore[reportAttributeAccessIssue]: kept on the node, computed once
    return known
