"""The arguments of a call that torch recorded: all of them, in schema order, as values of the IR."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from xdsl.ir import SSAValue

from dycl.errors import DyclError, an
from dycl.frontends.refusal import Refusal
from dycl.ir.ops.aten import Argument
from dycl.ir.schema import Kind, Schema, element_type, schema_of

Value: TypeAlias = Any
"""An argument as a frontend has it: a constant, a list, or what stands there for a tensor or a run-time number."""

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


def lower_argument(value: Value, kind: Kind, operand: Callable[[Value, Kind], SSAValue | None]) -> Argument:
    """Return an argument as the IR holds it.

    `operand` gives the SSA value of what stands for a tensor or a run-time number, and of a number that stands for a
    tensor; None for other constants.

    Raises:
        Refusal: the IR cannot hold it
    """
    if value is None or isinstance(value, _WHERE):
        return None
    if isinstance(value, torch.dtype):
        return element_type(value)
    if isinstance(value, list | tuple):
        return [lower_argument(item, kind.element or kind, operand) for item in value]
    ssa = operand(value, kind)
    if ssa is not None:
        return ssa
    if kind.element is not None and not kind.takes_one:
        return [lower_argument(value, kind.element, operand)]
    if kind.name == "ScalarType" and isinstance(value, int):
        raise Refusal("a dtype given as a number")
    if isinstance(value, bool):
        return int(value) if kind.name == "int" else float(value) if kind.name == "float" else value
    if isinstance(value, int):
        return float(value) if kind.name == "float" else value
    if isinstance(value, float | str):
        return value
    raise Refusal(f"{an(type(value).__name__)} as an argument of a torch operation", "the IR has no such value")


def with_numbers(name: str, arguments: list[Value], is_number: Callable[[Value], bool]) -> tuple[str, list[Value]]:
    """Where a number stands for a tensor, as in `x + 1`, return the overload that takes a number there."""
    if not _number_for_tensor(schema_of(name), arguments, is_number):
        return name, arguments
    packet = name.partition(".")[0]
    for variant in ("Scalar", "Tensor_Scalar", "ScalarOther"):
        try:
            other = schema_of(f"{packet}.{variant}")
        except DyclError:
            continue
        if len(other.parameters) == len(arguments) and not _number_for_tensor(other, arguments, is_number):
            return f"{packet}.{variant}", arguments
    return name, arguments


def _number_for_tensor(schema: Schema, arguments: list[Value], is_number: Callable[[Value], bool]) -> bool:
    return any(
        parameter.kind.name == "Tensor" and is_number(value)
        for parameter, value in zip(schema.parameters, arguments, strict=True)
    )
