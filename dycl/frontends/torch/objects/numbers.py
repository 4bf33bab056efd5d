"""Run-time numbers as tensors: alone, in nested lists, and stacked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from xdsl.dialects.builtin import f32, f64, i1, i64
from xdsl.ir import Attribute

from dycl.errors import an
from dycl.frontends.torch.values import Scalar, Value, is_number
from dycl.ir.ops import ItemOp, ScalarTensorOp
from dycl.ir.schema import torch_dtype
from dycl.ir.types import tensor_type

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


def scalar_tensor(capture: "Capture", scalar: Scalar, element: Attribute) -> torch.Tensor:
    """Return a run-time number as a tensor without dimensions."""
    owner = scalar.ssa.owner
    type = tensor_type((), element)
    if isinstance(owner, ItemOp) and owner.tensor.type == type and capture.builder.is_visible(owner.tensor):
        ssa = owner.tensor
    else:
        ssa = capture.builder.emit(ScalarTensorOp(scalar.ssa, type)).tensor
    dtype = torch_dtype(element)
    tensor = capture.recorder.quietly(lambda: torch.empty((), dtype=dtype))
    capture.heap.add(tensor, ssa)
    return tensor


def tensor_of(capture: "Capture", data: Value) -> torch.Tensor:
    """Return `torch.tensor(data)` of nested lists with run-time numbers, or tensors of one element, in them."""
    if isinstance(data, list | tuple):
        return capture.torch_call(torch.stack, [tensor_of(capture, item) for item in data])
    if isinstance(data, torch.Tensor):
        return capture.torch_call(torch.Tensor.reshape, data, [])
    if isinstance(data, Scalar):
        return scalar_tensor(capture, data, {bool: i1, int: i64, float: f32}[data.kind])
    return capture.torch_call(torch.tensor, data)


def stack_numbers(capture: "Capture", values: Sequence[Value]) -> torch.Tensor:
    """Return numbers, or tensors of one element, as a tensor of one dimension; Python's floats as doubles."""
    tensors: list[torch.Tensor] = []
    for value in values:
        capture.usable(value)
        if isinstance(value, torch.Tensor):
            if value.numel() != 1:
                raise capture.error("a list of tensors of more than one element, as numbers")
            tensors.append(capture.torch_call(torch.Tensor.reshape, value, []))
        elif isinstance(value, Scalar):
            tensors.append(scalar_tensor(capture, value, {bool: i1, int: i64, float: f64}[value.kind]))
        elif is_number(value):
            dtype = {bool: torch.bool, int: torch.int64, float: torch.float64}[type(value)]
            tensors.append(capture.torch_call(torch.tensor, value, dtype=dtype))
        else:
            raise capture.error(f"{an(type(value).__name__)} among numbers known only at run time")
    return capture.torch_call(torch.stack, tensors)
