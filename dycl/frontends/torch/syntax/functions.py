"""Interpreted functions: what they are, how arguments meet parameters, how a call runs."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING

from dycl.frontends.torch.activation import Activation, Code
from dycl.frontends.torch.paths.branches import close
from dycl.frontends.torch.paths.control import LEFT, Completion, Departed, Leave, Left, Raised
from dycl.frontends.torch.paths.journal import Env
from dycl.frontends.torch.results.results import emit_return
from dycl.frontends.torch.syntax.generators import Generated, is_generator
from dycl.frontends.torch.syntax.source import FunctionNode, locate
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
    activation.env.escape()
    known = activation.capture.closures.get((node, id(activation.env)))
    if known is not None and not (arguments.defaults or arguments.kw_defaults):
        # Made again, as in a loop, it is the same function: it reads the same names.
        return known
    name = node.name if isinstance(node, ast.FunctionDef) else "<lambda>"
    code = Code(name, outer.source, node, outer.globals, outer.cells, outer.locations, activation.env, outer.class_name)
    closure = Closure(activation.capture, code, defaults, keyword_defaults)
    activation.capture.closures[node, id(activation.env)] = closure
    return closure


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
    if isinstance(code.node, ast.AsyncFunctionDef):
        raise capture.error(
            f"a call of the async function `{code.name}`",
            "a compiled program waits for nothing",
            "use a plain function",
        )
    if len(capture.stack) >= MAX_CALLS:
        raise capture.error(
            f"calls nested more than {MAX_CALLS} deep, here of `{code.name}`",
            "Python decides how deep they go, and capture follows it no further",
            "write it as a loop",
        )
    names = bind_arguments(capture, code, defaults, keyword_defaults, args, kwargs)
    if code.node in capture.recursion.found:
        return capture.recursion.call(capture, code, names, lambda activation: _evaluated(activation, code))
    capture.recursion.notice(capture, code.node)
    env = Env(capture.journal.tick(), code.env, names)
    # The first stands for who called the model, unless the model itself is torch's code.
    caller = capture.stack[-1] if len(capture.stack) > 1 or capture.listing is not None else None
    calls = (caller.place, *caller.calls) if caller else ()
    first = code.node.body if isinstance(code.node, ast.Lambda) else code.node.body[0]
    activation = Activation(capture, code, env, first, calls, capture.where() if caller else None, is_main=tail)
    if is_generator(code.node):
        activation.is_main = False
        assert isinstance(code.node, ast.FunctionDef)
        return Generated(capture, activation, code.node.body)
    capture.stack.append(activation)
    try:
        completion = _evaluated(activation, code)
    finally:
        capture.stack.pop()
    match completion:
        case Left() if tail:
            return LEFT
        case Raised(error):
            raise error
        case Leave(scope, value) if scope is activation.scope:
            return value
        case Leave() | Left():
            raise Departed(completion)
        case _:
            raise AssertionError(f"a function ends in {completion}")


def _evaluated(activation: Activation, code: Code) -> Completion:
    completion = _run_body(activation, code.node)
    activation.env.has_ended = True
    return close(activation.capture, activation.scope, completion)


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
