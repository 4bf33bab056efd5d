"""Legalisation: an overload that has no ONNX form of its own is traced into the ATen ops that torch makes it of.

The trace runs on tensors without content. It is used only where it holds for every input of the kernel's types: a
trace that torch had to guard, by a size known only at run time, is refused.
"""

# pyright: basic, reportPrivateImportUsage=false

import operator
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import onnx_ir as ir

from dycl.backends.onnxruntime.graph import Graph, Type
from dycl.backends.onnxruntime.lowerings import Argument, Lowered
from dycl.backends.onnxruntime.torchlib import onnx_dtype, torch_dtype

if TYPE_CHECKING:
    from torch._ops import OpOverload

LowerCall: TypeAlias = "Callable[[OpOverload, list[Argument], tuple[Type, ...]], Sequence[ir.Value | None]]"
"""Lowers one call of the trace; raises where it cannot."""

_ARITHMETIC = {operator.add: "Add", operator.sub: "Sub", operator.mul: "Mul", operator.floordiv: "Div"}
"""On sizes, which are not negative."""

_HINTS = (5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43)
"""Distinct sizes for those known only at run time: of equal ones torch would assume that they are always equal."""


def lower(graph: Graph, overload: "OpOverload", arguments: Sequence[Argument], lower_call: LowerCall) -> Lowered:
    """Lower a call by way of its decomposition; None where torch has none that can be used."""
    tensors: list[ir.Value] = []
    key = _freeze(arguments, tensors)
    kinds = [str(argument.real_type) for argument in overload._schema.arguments]
    for argument, kind in zip(arguments, kinds, strict=True):
        if "Tensor" not in kind and any(True for _ in _values(argument)):
            return None
    types = tuple(Type(_dtype(value), _sizes(value)) for value in tensors)
    module = _trace(overload, key, types)
    if module is None:
        return None
    values: dict[Any, Any] = {}
    inputs = iter(tensors)
    for node in module.graph.nodes:
        if node.op == "placeholder":
            values[node] = next(inputs)
        elif node.op == "get_attr":
            content = getattr(module, node.target)
            values[node] = graph.constant(content.numpy(), onnx_dtype(content.dtype))
        elif node.op == "output":
            found = _lookup(node.args[0], values)
            return found if isinstance(found, list) else [found]
        elif node.target is operator.getitem:
            values[node] = values[node.args[0]][node.args[1]]
        elif node.target in _ARITHMETIC:
            operands = [graph.scalar(_lookup(argument, values), ir.DataType.INT64) for argument in node.args]
            values[node] = graph.op(_ARITHMETIC[node.target], *operands)
        elif str(node.target) == "aten.sym_size.int":
            values[node] = graph.size(values[node.args[0]], node.args[1])
        elif str(node.target) == "aten.sym_numel.default":
            values[node] = graph.op("Size", values[node.args[0]], dtype=ir.DataType.INT64, shape=[])
        else:
            target = _functional(node)
            types = _result_types(node)
            if target is None or types is None:
                return None
            results, is_single = types
            lowered = lower_call(target, _schema_arguments(node, values), results)
            values[node] = lowered[0] if is_single else list(lowered)
    return None


def _functional(node: Any) -> "OpOverload | None":
    """Return the overload that a node of a trace calls, without the write to its first argument.

    Later reads of what was written go through the node already, so that the write can be dropped where the written
    tensor is no view of another.
    """
    import torch

    target = node.target
    if not isinstance(target, torch._ops.OpOverload):
        return None
    if not target._schema.is_mutable:
        return target
    written = node.args[0]
    while isinstance(written, torch.fx.Node) and written.target is operator.getitem:
        written = written.args[0]
    source = getattr(written, "target", None)
    if not isinstance(source, torch._ops.OpOverload):
        return None
    makes_view = any(result.alias_info is not None for result in source._schema.returns)
    packet = getattr(torch.ops.aten, target._schema.name.removeprefix("aten::").removesuffix("_"), None)
    if (makes_view and not source._schema.is_mutable) or not target._schema.name.endswith("_"):
        return None
    return getattr(packet, target._overloadname, None)


def _result_types(node: Any) -> tuple[tuple[Type, ...], bool] | None:
    """Return the types of a node's tensors, and whether it gives one alone; None where it gives something else."""
    import torch

    found = node.meta.get("val")  # A trace's own checks have none.
    is_single = not isinstance(found, tuple | list)
    listed = [found] if is_single else found
    if not all(isinstance(value, torch.Tensor) for value in listed):
        return None
    return tuple(Type(onnx_dtype(value.dtype), _fake_sizes(value)) for value in listed), is_single


def _fake_sizes(value: Any) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) else None for size in value.shape)


def _schema_arguments(node: Any, values: dict[Any, Any]) -> list[Argument]:
    """Return all arguments in schema order, with the defaults that a trace leaves out."""
    arguments: list[Argument] = []
    for index, parameter in enumerate(node.target._schema.arguments):
        if index < len(node.args) and not parameter.kwarg_only:
            found = node.args[index]
        elif parameter.name in node.kwargs:
            found = node.kwargs[parameter.name]
        else:
            found = parameter.default_value
        arguments.append(_lookup(found, values))
    return arguments


def _lookup(argument: Any, values: dict[Any, Any]) -> Any:
    import torch

    if isinstance(argument, torch.fx.Node):
        return values[argument]
    if isinstance(argument, tuple | list):
        return [_lookup(item, values) for item in argument]
    if isinstance(argument, torch.dtype):
        return onnx_dtype(argument)
    if isinstance(argument, torch.device | torch.layout | torch.memory_format):
        return None
    return argument


def _values(argument: Argument) -> Iterator[ir.Value]:
    if isinstance(argument, ir.Value):
        yield argument
    elif isinstance(argument, list):
        for item in argument:
            yield from _values(item)


def _freeze(argument: Any, tensors: list[ir.Value]) -> Any:
    """Return arguments as a key: tensors by position, and each constant with its type, since 1 == 1.0 == True."""
    if isinstance(argument, ir.Value):
        tensors.append(argument)
        return ("tensor", len(tensors) - 1)
    if isinstance(argument, list | tuple):
        return ("list", tuple(_freeze(item, tensors) for item in argument))
    return ("constant", type(argument), argument)


def _thaw(key: Any, tensors: Sequence[Any]) -> Any:
    match key:
        case ("tensor", index):
            return tensors[index]
        case ("list", items):
            return [_thaw(item, tensors) for item in items]
        case (_, _, ir.DataType() as dtype):
            return torch_dtype(dtype)
        case (_, _, value):
            return value


def _dtype(value: ir.Value) -> ir.DataType:
    assert value.dtype is not None
    return value.dtype


def _sizes(value: ir.Value) -> tuple[int | None, ...]:
    assert value.shape is not None
    return tuple(size if isinstance(size, int) else None for size in value.shape)


@cache
def _trace(overload: "OpOverload", key: Any, types: tuple[Type, ...]) -> Any:
    """Return the overload's decomposition on tensors of `types`, None where it has none."""
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    hints = iter(_HINTS)
    examples: list[torch.Tensor] = []
    for type in types:
        sizes = [next(hints, None) if size is None else size for size in type.shape]
        if None in sizes:
            return None
        examples.append(torch.zeros([size or 0 for size in sizes], dtype=torch_dtype(type.dtype)))
    is_dynamic = any(type.sizes is None for type in types)

    def call(*tensors: Any) -> Any:
        positional: list[Any] = []
        keywords: dict[str, Any] = {}
        for parameter, argument in zip(overload._schema.arguments, _thaw(key, tensors), strict=True):
            if not parameter.kwarg_only:
                positional.append(argument)
            elif argument is not None:
                keywords[parameter.name] = argument
        return overload(*positional, **keywords)

    try:
        with torch.no_grad():
            module = make_fx(call, _table(overload), "symbolic" if is_dynamic else "fake")(*examples)
    except Exception:
        return None  # An op that needs content, or that FakeTensors do not know.
    if is_dynamic and module.shape_env is not None and module.shape_env.guards:
        return None
    called = [node.target for node in module.graph.nodes if node.op == "call_function"]
    return None if overload in called else module


def _table(overload: "OpOverload") -> dict[Any, Any]:
    """Only the overload itself is decomposed: what it is made of may have lowerings of its own."""
    from torch._decomp import decomposition_table

    return {overload: decomposition_table[overload]} if overload in decomposition_table else {}
