"""ATen overloads of an exported graph as `dycl.aten` ops."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx
from xdsl.dialects.builtin import f32, f64, i1, i64
from xdsl.ir import SSAValue

from dycl.frontends.arguments import lower_argument, with_numbers
from dycl.frontends.dtypes import check_dtypes, check_held
from dycl.frontends.exported.arithmetic import as_ssa
from dycl.frontends.exported.graphs import Held, Reader
from dycl.frontends.exported.guards import size_of
from dycl.frontends.normalization import normalize, unchanged
from dycl.frontends.refusal import Refusal
from dycl.ir.ops import AtenOp, ScalarTensorOp
from dycl.ir.schema import Kind, schema_of
from dycl.ir.types import is_tensor, tensor_type


def emit_aten(reader: Reader, node: fx.Node, name: str, arguments: list[Any]) -> Held:
    """Emit a call of an overload, whose arguments are in schema order; what changes nothing is not emitted.

    Raises:
        Refusal: the IR cannot hold it
    """
    output: Any = node.meta.get("val")
    tensors = [value for value in flat(output) if isinstance(value, torch.Tensor)]
    if not tensors or len(tensors) != len(flat(output)):
        raise Refusal(f"`{name}`, which gives {output!r}", "an ATen op of the IR gives tensors")
    check_held(f"`{name.partition('.')[0]}`, which gives a tensor", tensors)
    check_dtypes(name.partition(".")[0], [fake for fake in map(_fake, flat(arguments)) if _is_fake(fake)])
    if unchanged(name, list(map(_fake, arguments)), tensors[0]) is not None:
        return reader.held(arguments[0])
    held = [reader.held(argument) for argument in arguments]
    if arguments and _is_fake(source := _fake(arguments[0])):
        name, normal = normalize(name, [source, *arguments[1:]], tensors[0])
        held = [held[0], *(_held(reader, value, arguments) for value in normal[1:])]
    else:
        name, held = normalize(name, held, tensors[0])
    name, held = with_numbers(name, held, _is_number)
    kinds = [parameter.kind for parameter in schema_of(name).parameters]

    def operand(value: Any, kind: Kind) -> SSAValue | None:
        return _operand(reader, value, kind)

    lowered = [lower_argument(value, kind, operand) for value, kind in zip(held, kinds, strict=True)]
    op = AtenOp(name, lowered, [reader.sizes.type_of(tensor) for tensor in tensors])
    if op.is_random:
        raise Refusal(
            f"the random operation `{op.packet}`",
            "a compiled program has no random numbers",
            "pass the random tensor in as an input; of dropout, call `.eval()` before exporting",
        )
    reader.builder.emit(op, hint=node.name)
    results = iter(op.res)
    return _like(output, results.__next__)


def _fake(argument: Any) -> Any:
    return argument.meta.get("val") if isinstance(argument, fx.Node) else argument


def _is_fake(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _held(reader: Reader, value: Any, arguments: Sequence[Any]) -> Any:
    """Return what an argument of a normalised call holds: sizes of its output are those that the call was given."""
    if not isinstance(value, list):
        return reader.held(value)
    return [_size_at(reader, axis, item, arguments) for axis, item in enumerate(value)]


def _size_at(reader: Reader, axis: int, size: Any, arguments: Sequence[Any]) -> Any:
    if not isinstance(size, torch.SymInt):
        return reader.held(size)
    known = reader.sizes.known(size)
    if known is not None:
        return known
    given = arguments[1]
    return (
        reader.held(given[axis])
        if isinstance(given, list | tuple)
        else size_of(reader.builder, reader.tensor(given), axis)
    )


def _operand(reader: Reader, value: Any, kind: Kind) -> SSAValue | None:
    if isinstance(value, SSAValue):
        if is_tensor(value.type):
            return value
        if kind.name == "Tensor":
            element = {f64: f32, i64: i64, i1: i1}[value.type]  # pyright: ignore[reportArgumentType]: a host scalar's type
            return reader.builder.emit(ScalarTensorOp(value, tensor_type((), element))).tensor
        return as_ssa(reader.builder, value, i64) if kind.name in ("int", "float") and value.type == i1 else value
    if kind.name == "Tensor" and isinstance(value, bool | int | float):
        return reader.weights.number(value)
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, SSAValue) and not is_tensor(value.type))


def _like(output: Any, take: Callable[[], SSAValue]) -> Held:
    """Return values nested as tensors are in `output`."""
    return tuple(_like(item, take) for item in output) if isinstance(output, tuple | list) else take()


def flat(value: Any) -> list[Any]:
    """Return what nested lists and tuples hold."""
    return [item for part in value for item in flat(part)] if isinstance(value, tuple | list) else [value]
