"""Calls: which functions are interpreted, which run as they are, and which capture stands in for.

Functions and modules of the user's are interpreted. torch's run natively under the recorder. Anything else runs
natively too, but must not meet a value that is known only at run time.
"""

import ast
import contextlib
import functools
import inspect
import linecache
import logging
import operator
import os
import sysconfig
from collections import Counter, deque
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from types import BuiltinFunctionType, BuiltinMethodType, FunctionType, MethodType, MethodWrapperType
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.utils._python_dispatch import _disable_current_modes  # pyright: ignore[reportPrivateUsage]: no public way

from dycl.errors import an
from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.native import check_known
from dycl.frontends.torch.objects.arrays import Array
from dycl.frontends.torch.objects.clocks import ClockReading, clock_arithmetic, is_logging, left_out, read_environment
from dycl.frontends.torch.objects.construction import construct
from dycl.frontends.torch.objects.containers import call_container_method, call_counter_method
from dycl.frontends.torch.objects.dispatching import dispatched, is_dispatched
from dycl.frontends.torch.objects.exit_stacks import ExitStack
from dycl.frontends.torch.objects.grown_lists import transposed
from dycl.frontends.torch.objects.mathematics import NUMERIC
from dycl.frontends.torch.objects.standins import OF_GROWN_LISTS, STAND_INS
from dycl.frontends.torch.paths.branches import switch_value
from dycl.frontends.torch.paths.forks import choice_in, fork, forked_call
from dycl.frontends.torch.paths.grown import grown_of
from dycl.frontends.torch.syntax.attributes import read_attribute, set_attribute
from dycl.frontends.torch.syntax.functions import Closure, code_of, run_function
from dycl.frontends.torch.syntax.iteration import elements
from dycl.frontends.torch.syntax.subscripts import read_item
from dycl.frontends.torch.tensors.recorder import refuse_training
from dycl.frontends.torch.tensors.tensor_methods import call_tensor_method
from dycl.frontends.torch.values import Choice, Symbolic, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

_TORCH = Path(torch.__file__).parent
_LIBRARIES = tuple(str(path) for path in (_TORCH, Path(np.__file__).parent, Path(sysconfig.get_path("stdlib"))))
_INTERPRETED = str(_TORCH / "distributions")
"""Part of torch that checks its arguments by branches on tensors, in Python."""
_OWN = str(Path(__file__).parents[3])
_CACHE = type(functools.cache(len))
_SITE = sysconfig.get_path("purelib")


def is_user_function(function: Value) -> bool:
    """Whether a function is written in Python, outside torch, numpy and the standard library."""
    if not isinstance(function, FunctionType):
        return False
    file = function.__code__.co_filename
    if file.startswith("<"):
        return bool(linecache.getlines(file, function.__globals__))
    inside = file.startswith(_LIBRARIES)
    if file.startswith(_OWN):
        return False
    if file.startswith(_INTERPRETED):
        return True
    return not inside or (file.startswith(_SITE) and not file.startswith(_LIBRARIES[:2]))


def call_node(activation: Activation, node: ast.Call, tail: bool = False) -> Value:
    capture = activation.capture
    function = activation.evaluate(node.func)
    if function is super and not node.args:
        return _super(activation)
    args: list[Value] = []
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            value = activation.evaluate(argument.value)
            grown = grown_of(capture, value)
            if function is zip and grown is not None and len(node.args) == 1:
                return transposed(capture, grown)
            activation.node = argument.value
            args.extend(elements(capture, value))
        else:
            args.append(activation.evaluate(argument))
    kwargs: dict[str, Value] = {}
    for keyword in node.keywords:
        value = activation.evaluate(keyword.value)
        if keyword.arg is None:
            kwargs.update(capture.native(dict, capture.usable(value)))
        else:
            kwargs[keyword.arg] = value
    activation.node = node
    result = call(capture, function, args, kwargs, tail)
    activation.node = node
    return result


def call(
    capture: "Capture", function: Value, args: Sequence[Value], kwargs: Mapping[str, Value], tail: bool = False
) -> Value:
    function = capture.usable(function)
    if isinstance(function, Choice):
        return _call_choice(capture, function, args, kwargs)
    if isinstance(function, Symbolic):
        raise capture.raised(TypeError(f"{function.describe()} is not callable"))
    if isinstance(function, Closure):
        return run_function(capture, function.code, function.defaults, function.keyword_defaults, args, kwargs, tail)
    if isinstance(function, functools.partial):
        return call(capture, function.func, [*function.args, *args], {**function.keywords, **kwargs}, tail)
    stand_in = _stand_in(function)
    if stand_in is not None:
        if any(isinstance(value, ClockReading) for value in args) and function in NUMERIC:
            return clock_arithmetic(capture, *args)
        if function not in OF_GROWN_LISTS:
            check_known(capture, [*args, *kwargs.values()])
        if function is not isinstance and any(isinstance(value, Choice) for value in (*args, *kwargs.values())):
            return forked_call(capture, lambda args, kwargs: stand_in(capture, *args, **kwargs), args, kwargs)
        return stand_in(capture, *args, **kwargs)
    if isinstance(function, nn.Module):
        return _call_module(capture, function, args, kwargs, tail)
    if getattr(function, "__name__", "") == "__setattr__" and not is_user_function(getattr(function, "__func__", None)):
        owner = getattr(function, "__self__", None)
        return set_attribute(capture, *args) if owner is None else set_attribute(capture, owner, *args)
    if isinstance(function, MethodType):
        return _call_method(capture, function, args, kwargs, tail)
    if is_dispatched(function):
        chosen = dispatched(function, args, lambda value: STAND_INS[type](capture, value))
        if chosen is not function:
            return call(capture, chosen, args, kwargs, tail)
    if isinstance(function, FunctionType):
        return _call_function(capture, function, args, kwargs, tail)
    if isinstance(function, type):
        made = construct(capture, function, args, kwargs)
        return call_native(capture, function, args, kwargs) if made is NotImplemented else made
    if isinstance(function, _CACHE):
        return call(capture, function.__wrapped__, args, kwargs, tail)
    if isinstance(function, operator.itemgetter):
        return _picked(function, lambda key: read_item(capture, args[0], key))
    if isinstance(function, operator.attrgetter):
        return _picked(function, lambda key: _dotted(capture, args[0], key))
    if isinstance(function, operator.methodcaller):
        return _call_named(capture, function, args[0], tail)
    owner = getattr(function, "__self__", None)
    if isinstance(owner, BaseException) and function.__name__ == "__init__":
        return capture.native(function, *args, **kwargs)
    if isinstance(function, BuiltinFunctionType | BuiltinMethodType | MethodWrapperType):
        if isinstance(owner, torch.Tensor):
            return call_tensor_method(capture, function, args, kwargs)
        if isinstance(owner, list | dict | set | deque | tuple | str):
            return call_container_method(capture, function, args, kwargs)
    else:
        method = capture.method(function, "__call__")
        if method is not None:
            return call(capture, method, args, kwargs, tail)
    return call_native(capture, function, args, kwargs)


def _picked(getter: Value, pick: Callable[[Value], Value]) -> Value:
    """Return what an `itemgetter` or `attrgetter` gives."""
    keys = getter.__reduce__()[1]
    return pick(keys[0]) if len(keys) == 1 else tuple(map(pick, keys))


def _call_named(capture: "Capture", caller: Value, owner: Value, tail: bool) -> Value:
    """Return what a `methodcaller` gives."""
    maker, given = caller.__reduce__()
    is_partial = isinstance(maker, functools.partial)
    name, *rest = (*maker.args, *given) if is_partial else given
    return call(capture, read_attribute(capture, owner, name), rest, maker.keywords if is_partial else {}, tail)


def _dotted(capture: "Capture", owner: Value, names: str) -> Value:
    for name in names.split("."):
        owner = read_attribute(capture, owner, name)
    return owner


def _stand_in(function: Value) -> Callable[..., Value] | None:
    try:
        return STAND_INS.get(function)
    except (TypeError, RuntimeError):
        return None


def _super(activation: Activation) -> Value:
    cell = activation.code.cells.get("__class__")
    spec = activation.code.node.args
    parameters = [*spec.posonlyargs, *spec.args]
    if cell is None or not parameters:
        raise activation.capture.raised(RuntimeError("super(): no arguments"))
    return super(cell.cell_contents, activation.env.names[parameters[0].arg])


def _call_choice(capture: "Capture", choice: Choice, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    def case(option: Value) -> Callable[[], Value]:
        return lambda: call(capture, option, args, kwargs)

    cases = [case(option) for option in choice.options]
    if choice.index.kind is bool or not all(map(callable, choice.options)):
        return fork(capture, choice, lambda option: call(capture, option, args, kwargs))
    return switch_value(capture, choice.index.ssa, cases)


def _call_module(
    capture: "Capture", module: nn.Module, args: Sequence[Value], kwargs: Mapping[str, Value], tail: bool
) -> Value:
    _refuse_hooks(capture, module)
    custom = type(module).__call__
    if custom is not nn.Module.__call__ and is_user_function(custom):
        return call(capture, MethodType(custom, module), args, kwargs, tail)
    forward = capture.native(getattr, module, "forward")
    function = getattr(forward, "__func__", forward)
    if function is nn.Sequential.forward:
        return _call_sequential(capture, module, args, kwargs)
    if isinstance(function, FunctionType) and function.__code__.co_filename.startswith("<"):
        code_of(capture, function)  # raises where there is no source
    elif not is_user_function(function) and not isinstance(forward, Closure):
        if module.training and isinstance(module, nn.modules.batchnorm._NormBase):  # pyright: ignore[reportPrivateUsage]
            capture.refusable(refuse_training)
        return call_native(capture, module, args, kwargs)
    capture.state.read(module, "forward", forward)
    return call(capture, forward, args, kwargs, tail)


def _call_sequential(
    capture: "Capture", module: nn.Module, args: Sequence[Value], kwargs: Mapping[str, Value]
) -> Value:
    if len(args) + len(kwargs) != 1:
        raise capture.raised(TypeError("Sequential.forward() takes one argument"))
    value = args[0] if args else next(iter(kwargs.values()))
    caller, listing = capture.stack[-1], capture.listing
    before, listed = caller.node, listing is not None and caller.code.source is listing.source
    for child in module.children():
        caller.node = (listing.node(child) if listing is not None and listed else None) or before
        value = call(capture, child, [value], {})
    caller.node = before
    return value


def _refuse_hooks(capture: "Capture", module: nn.Module) -> None:
    hooks = [name for name in _HOOKS if getattr(module, name, None)]
    if hooks:
        raise capture.error(
            f"{an(type(module).__name__)} with hooks",
            f"its {hooks[0].strip('_').replace('_', ' ')} are code that capture does not follow",
            "remove the hooks, or do in the forward what they do",
        )


_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


def _call_method(
    capture: "Capture", method: MethodType, args: Sequence[Value], kwargs: Mapping[str, Value], tail: bool
) -> Value:
    owner, function = method.__self__, method.__func__
    if isinstance(function, _CACHE):
        return call(capture, function.__wrapped__, [owner, *args], kwargs, tail)
    if isinstance(owner, logging.Logger) and is_logging(method):
        return left_out(capture)
    if isinstance(owner, Array | ExitStack):
        return capture.native(method, *args, **kwargs)
    if isinstance(owner, Counter):
        return call_counter_method(capture, method, args, kwargs)
    if isinstance(owner, tuple) and method.__name__ == "_replace":
        return capture.native(method, *args, **kwargs)  # It looks at no item.
    if owner is os.environ:
        return read_environment(capture, method, args, kwargs)
    if isinstance(function, FunctionType) and _is_interpreted(function):
        return _call_function(capture, function, [owner, *args], kwargs, tail)
    if isinstance(owner, torch.Tensor):
        return call_tensor_method(capture, method, args, kwargs)
    if isinstance(owner, nn.Module):
        name = method.__name__
        if name == "forward":
            return _call_module(capture, owner, args, kwargs, tail)
        if name in _MODULE_CHANGES or name.startswith("register_"):
            raise capture.error(
                f"`.{name}()` on a module in a forward", "it changes the model", "call it before compiling the model"
            )
    return call_native(capture, method, args, kwargs)


_MODULE_CHANGES = frozenset(
    [
        "train",
        "eval",
        "to",
        "cuda",
        "cpu",
        "half",
        "float",
        "double",
        "bfloat16",
        "type",
        "apply",
        "requires_grad_",
        "zero_grad",
        "load_state_dict",
        "add_module",
        "share_memory",
        "append",
        "extend",
        "insert",
        "update",
        "pop",
        "clear",
    ]
)


def _is_interpreted(function: FunctionType) -> bool:
    return is_user_function(function) or _undecorated(function) is not None


def _call_function(
    capture: "Capture", function: FunctionType, args: Sequence[Value], kwargs: Mapping[str, Value], tail: bool
) -> Value:
    inner = _undecorated(function)
    if inner is not None:
        return call(capture, inner, args, kwargs, tail)
    if function.__code__ is _MANAGER_CODE:
        return capture.native(function, *args, **kwargs)  # makes a manager of a generator, and runs nothing of it yet
    if not is_user_function(function):
        return call_native(capture, function, args, kwargs)
    code = code_of(capture, function)
    return run_function(capture, code, function.__defaults__ or (), function.__kwdefaults__ or {}, args, kwargs, tail)


@contextlib.contextmanager
def _manager() -> Generator[None]:
    yield


_MANAGER_CODE = _manager.__code__
"""The code that all functions decorated with `contextlib.contextmanager` share."""


def _undecorated(function: FunctionType) -> Value | None:
    """Return the function that a decorator of torch's, such as `@torch.no_grad()`, has wrapped."""
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None and function.__code__.co_filename == str(_TORCH / "utils" / "_contextlib.py"):
        return wrapped
    return None


def call_native(capture: "Capture", function: Value, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    """Call code that is not interpreted; the user's functions that it is given are interpreted where it calls them."""
    args = [_callback(capture, value) for value in args]
    kwargs = {name: _callback(capture, value) for name, value in kwargs.items()}
    sources = (function, type(getattr(function, "__self__", None)))
    if any((getattr(source, "__module__", None) or "").startswith(_RANDOM) for source in sources):
        raise capture.error(
            "random numbers in a forward", "a compiled program has none", "pass the random tensor in as an input"
        )
    if _is_torch(function):
        return capture.torch_call(function, *args, **kwargs)
    values = (*args, *kwargs.values())
    check_known(capture, values)
    if choice_in(values) is not None:
        return forked_call(capture, lambda args, kwargs: call_native(capture, function, args, kwargs), args, kwargs)
    if any(map(capture.holds_unknown, values)):
        what = next(value for value in values if capture.holds_unknown(value))
        name = getattr(function, "__qualname__", type(function).__name__)
        module = getattr(function, "__module__", None) or ""
        full = f"{module}.{name}" if module not in ("", "builtins") else name
        shown = what.describe() if isinstance(what, Symbolic) else "a traced tensor"
        raise capture.error(
            f"{shown} reaches `{full}`",
            "that code is not interpreted, and what it would get is known only when the program runs",
            "compute it with torch operations",
        )
    if any(isinstance(value, Closure | FunctionType) for value in values):
        return capture.native(function, *args, **kwargs)
    with _disable_current_modes():
        return capture.native(function, *args, **kwargs)


_RANDOM = ("torch.random", "random", "numpy.random")


def _callback(capture: "Capture", value: Value) -> Value:
    function = getattr(value, "__func__", value)
    if not is_user_function(function) or isinstance(value, type):
        return value

    def interpreted(*args: Value, **kwargs: Value) -> Value:
        return call(capture, value, args, kwargs)

    return interpreted


def _is_torch(function: Value) -> bool:
    if isinstance(function, nn.Module):
        return True
    function = inspect.unwrap(function) if isinstance(function, FunctionType) else function
    if isinstance(function, MethodType):
        function = function.__func__
    if isinstance(function, FunctionType):
        return function.__code__.co_filename.startswith(_LIBRARIES[0])
    owner = getattr(function, "__self__", None)
    module = getattr(function, "__module__", None) or type(owner).__module__
    if owner is not None and not isinstance(owner, type) and (type(owner).__module__ or "").startswith("torch"):
        return True
    return (isinstance(module, str) and module.partition(".")[0] in ("torch", "_VF")) or isinstance(
        function,
        torch._ops.OpOverload | torch._ops.OpOverloadPacket,  # pyright: ignore[reportPrivateUsage]: no other name
    )
