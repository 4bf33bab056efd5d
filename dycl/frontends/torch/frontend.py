"""From a PyTorch module to a program: its `forward`, interpreted over fake tensors."""

import ast
import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region

from dycl.errors import DyclError, UsageError, an
from dycl.frontends.torch.activation import Activation, Code
from dycl.frontends.torch.capture import Capture
from dycl.frontends.torch.diagnostics import CaptureError, warn
from dycl.frontends.torch.loops.recursion import Recursion, RecursionFound
from dycl.frontends.torch.native import DATA_DEPENDENT
from dycl.frontends.torch.objects.listing import Listing
from dycl.frontends.torch.paths.control import LEFT, Completion
from dycl.frontends.torch.paths.grown import plan_grown
from dycl.frontends.torch.paths.journal import Env
from dycl.frontends.torch.paths.merge import Merge
from dycl.frontends.torch.paths.pruning import prune
from dycl.frontends.torch.results.persistent import StateWidened, persistent
from dycl.frontends.torch.results.results import emit_failure, emit_return, finish
from dycl.frontends.torch.syntax.calls import call, call_node, is_user_function
from dycl.frontends.torch.syntax.expressions import evaluate
from dycl.frontends.torch.syntax.functions import code_of
from dycl.frontends.torch.syntax.statements import execute_block
from dycl.frontends.torch.tensors.heap import NamesWanted, storage_of
from dycl.frontends.torch.values import ModelRaised, Value
from dycl.ir.schema import element_type, torch_dtype
from dycl.ir.types import DTYPE_NAMES, ELEMENT_TYPES
from dycl.ir.verify import verify
from dycl.program import Program, argument_type, entry_function
from dycl.runtime.signature import Input, Signature
from dycl.runtime.structure import Group

LOOPS = ("unroll", "keep", "auto")
"""What may be asked for loops that Python alone decides."""


class _Evaluator:
    def is_user(self, function: Value) -> bool:
        return is_user_function(function)

    def expression(self, activation: Activation, node: ast.expr) -> Value:
        return evaluate(activation, node)

    def block(self, activation: Activation, body: Sequence[ast.stmt]) -> Completion:
        return execute_block(activation, body)

    def merged_lists(self, merge: Merge, values: Sequence[Value]) -> Callable[[], Value] | None:
        return plan_grown(merge, values)

    def call_node(self, activation: Activation, node: ast.Call, tail: bool = False) -> Value:
        return call_node(activation, node, tail)

    def call(
        self,
        capture: Capture,
        function: Value,
        args: Sequence[Value],
        kwargs: Mapping[str, Value],
        tail: bool = False,
    ) -> Value:
        return call(capture, function, args, kwargs, tail)


def import_module(
    module: nn.Module, signature: Signature, *, loops: str = "auto", state: Sequence[str] = ()
) -> Program:
    """Capture a module's `forward` for inputs of this signature; the module is left as it was.

    Args:
        module: in the mode in which it is meant to run
        signature: of the forward's tensor inputs
        loops: which loops that Python alone decides stay loops: none (`unroll`), those that can (`keep`), or those
            that are long and whose iterations are alike (`auto`)
        state: attributes, as `name` or `part.of.model.name`, that the program carries from call to call; their first
            values are those that they have now

    Raises:
        UsageError: there is no attribute of that name, or it cannot be carried; the signature does not fit the
            forward's parameters, or lacks the bounds of a size
        CaptureError: the forward does something that cannot be taken
    """
    names = _parameters(module, signature)
    carried = persistent(module, state)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 20_000))
    recursion, tracks_names = Recursion(), False
    evaluated: set[ast.stmt] = set()
    refused: CaptureError | None = None
    try:
        while True:
            capture = Capture(module, _Evaluator(), loops, recursion, carried, tracks_names)
            capture.evaluated_loops |= evaluated
            capture.keeps_items = refused is not None
            try:
                return _captured(capture, signature, names)
            except CaptureError as error:
                # What a kept loop leaves may be known too little for the code behind it, and so may a list's items.
                if capture.kept_loops:
                    evaluated.add(capture.kept_loops[-1])
                elif refused is None and capture.has_stacked_items:
                    refused = error
                else:
                    raise refused or error from None
            except NamesWanted:
                recursion, tracks_names = Recursion(recursion.found), True
            except (RecursionFound, StateWidened):
                recursion = Recursion(recursion.found)
    finally:
        sys.setrecursionlimit(limit)


def _captured(capture: Capture, signature: Signature, names: Sequence[str]) -> Program:
    try:
        with capture.recording():
            block = _run(capture, capture.module, signature, names)
    except ModelRaised as error:
        found = error.error
        text = f"the model raised {type(found).__name__}: {found}"
        if error.place is None:
            raise capture.error(text) from found
        raise CaptureError(text, error.place, calls=error.calls) from found
    except DATA_DEPENDENT as error:
        raise capture.error(
            "a size known only at run time decides what is computed here", f"torch says: {str(error).splitlines()[0]}"
        ) from error
    results = finish(capture.exits)
    carried = capture.persistent
    if carried is not None and carried.parts:
        assert isinstance(results.structure, Group)
        if carried.widen(results.structure.items[1], results.types):
            raise StateWidened
        carried.add_weights(capture.weights.store)
        inputs = (*signature.inputs, *(part.input for part in carried.parts))
        bounds = {name: pair for part in carried.parts for name, pair in part.bounds.items()}
        signature = Signature(inputs, {**signature.bounds, **bounds})
    state = carried.inputs if carried is not None else ()
    main = entry_function(signature, results.types, Region(block), results.structure, state)
    functions = [main, *capture.recursion.used(main)]
    for function in functions:
        prune(function)
    program = Program(ModuleOp(functions), capture.weights.store, results.classes)
    verify(program.module)
    for text in capture.warnings:
        warn(text)
    return program


def _run(capture: Capture, module: nn.Module, signature: Signature, names: Sequence[str]) -> Block:
    entry = capture.builder.entry
    arguments: dict[str, Value] = {}
    for input, name in zip(signature.inputs, names, strict=True):
        value = entry.insert_arg(argument_type(input), len(entry.args))
        value.name_hint = input.name
        arguments[name] = _fake_input(capture, input, signature)
        capture.heap.add(arguments[name], value)
        capture.inputs[storage_of(arguments[name])] = name
        capture.symbols.learn_sizes(arguments[name], value)
    capture.stack.append(_outside(capture, module))
    if capture.persistent is not None:
        for part in capture.persistent.parts:
            value = entry.insert_arg(argument_type(part.input), len(entry.args))
            value.name_hint = re.sub(r"\W", "_", part.name)
        capture.persistent.begin(capture, entry.args[len(names) :])
    try:
        value = call(capture, module, [], arguments, tail=True)
    except ModelRaised as error:
        if not capture.exits or capture.builder.depth > 1:
            raise
        emit_failure(capture, error)
    else:
        if value is not LEFT:
            emit_return(capture, value)
    if not capture.exits:
        raise capture.error("a forward that never returns", "a loop of it has no way out")
    capture.stack.pop()
    return capture.builder.finish()


def _fake_input(capture: Capture, input: Input, signature: Signature) -> torch.Tensor:
    named = capture.symbols.named
    sizes = [size if isinstance(size, int) else named(size, signature.bounds[size]) for size in input.shape]
    dtype = torch_dtype(ELEMENT_TYPES[input.dtype])
    return capture.recorder.quietly(lambda: torch.empty(sizes, dtype=dtype))


def _outside(capture: Capture, module: nn.Module) -> Activation:
    """Return what stands for the caller of the module: it is at the forward's definition."""
    env = Env(capture.journal.tick())
    function = getattr(module.forward, "__func__", module.forward)
    if is_user_function(function):
        code = code_of(capture, function)
        first = code.node
        assert isinstance(first, ast.stmt | ast.expr)
        return Activation(capture, code, env, first)
    capture.listing = Listing(module)
    nothing = ast.parse("lambda: None", mode="eval").body
    assert isinstance(nothing, ast.Lambda)
    code = Code("", capture.listing.source, nothing, {}, {}, {})
    return Activation(capture, code, env, capture.listing.node(module) or nothing)


def _parameters(module: nn.Module, signature: Signature) -> list[str]:
    """Return the names of the forward's parameters that the inputs are for, in order."""
    for input in signature.inputs:
        for size in input.shape:
            if not isinstance(size, int) and size not in signature.bounds:
                raise UsageError(f"input {input}: the size {size!r} needs bounds, such as 1 <= {size} <= 64")
    parameters = inspect.signature(module.forward).parameters
    shown = f"{type(module).__name__}.forward({', '.join(parameters)})"
    names: list[str] = []
    for input in signature.inputs:
        if input.name not in parameters:
            raise UsageError(f"the signature names an input {input.name!r}, but the model is {shown}")
        names.append(input.name)
    missing = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY, parameter.POSITIONAL_ONLY)
        and name not in names
    ]
    if missing:
        raise UsageError(f"the signature lacks an input {missing[0]!r}: the model is {shown}")
    return names


def signature_of(module: nn.Module, example_inputs: Sequence[object]) -> Signature:
    """Return the signature of a call `module(*example_inputs)`: the parameters' names, the tensors' dtypes and sizes.

    Raises:
        UsageError: an input is not a tensor, or there are more than the forward takes
    """
    parameters = list(inspect.signature(module.forward).parameters)
    if len(example_inputs) > len(parameters):
        raise UsageError(
            f"{len(example_inputs)} example inputs, but {type(module).__name__}.forward takes {', '.join(parameters)}"
        )
    inputs: list[Input] = []
    for name, tensor in zip(parameters, example_inputs, strict=False):
        if not isinstance(tensor, torch.Tensor):
            raise UsageError(f"example input {name!r} must be a tensor, not {an(type(tensor).__name__)}")
        try:
            dtype = DTYPE_NAMES[element_type(tensor.dtype)]
        except DyclError as error:
            raise UsageError(f"example input {name!r}: {error}") from None
        inputs.append(Input(name, dtype, tuple(tensor.shape)))
    return Signature(tuple(inputs))
