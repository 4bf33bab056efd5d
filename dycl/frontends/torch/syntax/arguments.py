"""A recorded call's arguments: fake tensors and torch's symbols as the SSA values that they stand for."""

from typing import TYPE_CHECKING

import torch
from xdsl.dialects.builtin import f32, f64, i1, i64
from xdsl.ir import SSAValue

from dycl.frontends import arguments
from dycl.frontends.arguments import bind
from dycl.frontends.dtypes import COMPLEX
from dycl.frontends.refusal import Refusal
from dycl.frontends.torch.tensors.symbols import SYMBOLIC
from dycl.frontends.torch.values import Value
from dycl.ir.ops import ScalarTensorOp
from dycl.ir.ops.aten import Argument
from dycl.ir.schema import Kind
from dycl.ir.types import tensor_type

if TYPE_CHECKING:
    from dycl.frontends.torch.tensors.recorder import Recorder

__all__ = ["bind", "lower_argument", "with_numbers"]


def lower_argument(value: Value, kind: Kind, recorder: "Recorder") -> Argument:
    """Return an argument as the IR holds it.

    Raises:
        Refusal: the IR cannot hold it
    """

    def operand(value: Value, kind: Kind) -> SSAValue | None:
        if isinstance(value, torch.Tensor):
            return recorder.value(value)
        if isinstance(value, SYMBOLIC):
            return _symbol(value, kind, recorder)
        if kind.name == "Tensor":
            return recorder.value(recorder.weights.fresh(_number_tensor(value), recorder))
        return None

    return arguments.lower_argument(value, kind, operand)


def _symbol(symbol: Value, kind: Kind, recorder: "Recorder") -> SSAValue:
    ssa = recorder.symbols.value(symbol)
    if kind.name != "Tensor":
        return ssa
    element = {f64: f32, i64: i64, i1: i1}[ssa.type]  # pyright: ignore[reportArgumentType]: a host scalar's type
    return recorder.heap.builder.emit(ScalarTensorOp(ssa, tensor_type((), element))).tensor


def _number_tensor(value: Value) -> torch.Tensor:
    if isinstance(value, complex):
        raise Refusal("a complex number", *COMPLEX)
    import numpy as np

    # A Python float takes part in arithmetic as torch's default dtype.
    return torch.from_numpy(np.asarray(value, np.float32 if isinstance(value, float) else None))


def with_numbers(name: str, arguments_: list[Value]) -> tuple[str, list[Value]]:
    """Where a number stands for a tensor, as in `x + 1`, return the overload that takes a number there."""
    return arguments.with_numbers(name, arguments_, _is_number)


def _is_number(value: Value) -> bool:
    return isinstance(value, (bool, int, float, *SYMBOLIC))
