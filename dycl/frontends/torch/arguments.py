"""A recorded call's arguments: all of them, in schema order, as values of the IR."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from xdsl.dialects.builtin import f32, f64, i1, i64
from xdsl.ir import SSAValue

from dycl.errors import DyclError
from dycl.frontends.torch.diagnostics import Refusal
from dycl.frontends.torch.symbols import SYMBOLIC
from dycl.frontends.torch.values import Value
from dycl.ir.ops import ScalarTensorOp
from dycl.ir.ops.aten import Argument
from dycl.ir.schema import Kind, Schema, element_type, schema_of
from dycl.ir.types import tensor_type

if TYPE_CHECKING:
    from dycl.frontends.torch.recorder import Recorder

_WHERE = torch.device | torch.layout | torch.memory_format | torch.Generator
"""What says where or how, not what."""


def bind(func: Any, args: Sequence[Value], kwargs: Mapping[str, Value]) -> list[Value]:
    """Return a call's arguments in schema order, defaults included."""
    bound: list[Value] = []
    for index, parameter in enumerate(func._schema.arguments):
        if index < len(args) and not parameter.kwarg_only:
            bound.append(args[index])
        else:
            bound.append(kwargs.get(parameter.name, parameter.default_value))
    return bound


def lower_argument(value: Value, kind: Kind, recorder: "Recorder") -> Argument:
    """Return an argument as the IR holds it.

    Raises:
        Refusal: the IR cannot hold it
    """
    if value is None or isinstance(value, _WHERE):
        return None
    if isinstance(value, torch.Tensor):
        return recorder.value(value)
    if isinstance(value, SYMBOLIC):
        return _symbol(value, kind, recorder)
    if isinstance(value, torch.dtype):
        return element_type(value)
    if isinstance(value, list | tuple):
        return [lower_argument(item, kind.element or kind, recorder) for item in value]
    if kind.element is not None and not kind.takes_one:
        return [lower_argument(value, kind.element, recorder)]
    if kind.name == "Tensor":
        return recorder.value(recorder.weights.fresh(_number_tensor(value), recorder))
    if kind.name == "ScalarType" and isinstance(value, int):
        raise Refusal("a dtype given as a number")
    if isinstance(value, bool):
        return int(value) if kind.name == "int" else float(value) if kind.name == "float" else value
    if isinstance(value, int):
        return float(value) if kind.name == "float" else value
    if isinstance(value, float | str):
        return value
    raise Refusal(f"a {type(value).__name__} as an argument of a torch operation", "the IR has no such value")


def _symbol(symbol: Value, kind: Kind, recorder: "Recorder") -> SSAValue:
    ssa = recorder.symbols.value(symbol)
    if kind.name != "Tensor":
        return ssa
    element = {f64: f32, i64: i64, i1: i1}[ssa.type]  # pyright: ignore[reportArgumentType]: a host scalar's type
    return recorder.heap.builder.emit(ScalarTensorOp(ssa, tensor_type((), element))).tensor


def _number_tensor(value: Value) -> torch.Tensor:
    if isinstance(value, complex):
        raise Refusal("a complex number", "the IR has none")
    import numpy as np

    # A Python float takes part in arithmetic as torch's default dtype.
    return torch.from_numpy(np.asarray(value, np.float32 if isinstance(value, float) else None))


def with_numbers(name: str, arguments: list[Value]) -> tuple[str, list[Value]]:
    """Where a number stands for a tensor, as in `x + 1`, return the overload that takes a number there."""
    if not _number_for_tensor(schema_of(name), arguments):
        return name, arguments
    packet = name.partition(".")[0]
    for variant in ("Scalar", "Tensor_Scalar", "ScalarOther"):
        try:
            other = schema_of(f"{packet}.{variant}")
        except DyclError:
            continue
        if len(other.parameters) == len(arguments) and not _number_for_tensor(other, arguments):
            return f"{packet}.{variant}", arguments
    return name, arguments


def _number_for_tensor(schema: Schema, arguments: list[Value]) -> bool:
    return any(
        parameter.kind.name == "Tensor" and isinstance(value, (bool, int, float, *SYMBOLIC))
        for parameter, value in zip(schema.parameters, arguments, strict=True)
    )
