"""Values known while compiling, as attributes: a host scalar's `arith` attribute, or a small tensor's elements.

An attribute tells 1 from 1.0 and true, and 0.0 from -0.0, and nan equals itself: what Python's numbers do not.
"""

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, TypeAlias

from xdsl.dialects import arith
from xdsl.dialects.builtin import BytesAttr, DenseIntOrFPElementsAttr, FloatAttr, IntegerAttr, IntegerType, TensorType
from xdsl.ir import Attribute, Operation, SSAValue

from dycl.errors import DyclError
from dycl.ir import schema
from dycl.ir.interpret.execution import Activation, Exit, Machine
from dycl.ir.interpret.tensors import TENSOR_SEMANTICS
from dycl.ir.ops import AtenOp, ConstantOp, DimOp, ItemOp, ScalarTensorOp
from dycl.ir.ops.tensors import MAX_CONSTANT_BYTES
from dycl.ir.scalars import attribute_scalar, evaluate, scalar_attribute
from dycl.ir.types import ElementType, element_of, shape_of
from dycl.ir.weights import WeightStore

if TYPE_CHECKING:
    import torch

Known: TypeAlias = IntegerAttr[IntegerType] | FloatAttr | DenseIntOrFPElementsAttr
"""A value known while compiling."""


def constant_op(value: Known) -> arith.ConstantOp | ConstantOp:
    """Return an op that gives the value."""
    return ConstantOp(value) if isinstance(value, DenseIntOrFPElementsAttr) else arith.ConstantOp(value)


def constant_of(op: Operation) -> Known | None:
    """Return what a constant op gives, None for other ops."""
    match op:
        case ConstantOp():
            return op.value
        case arith.ConstantOp():
            scalar = attribute_scalar(op.value)
            return None if scalar is None else scalar_attribute(scalar)
        case _:
            return None


def fold(op: Operation, operands: Sequence[Known]) -> Sequence[Known] | None:
    """Return the results of an op on known operands; None where they cannot be known, or are too large to hold.

    torch computes those of a `dycl.aten`, and is imported only then.
    """
    scalars = [value for operand in operands if (value := attribute_scalar(operand)) is not None]
    match op:
        case AtenOp():
            if op.is_random or not all(is_small(type) for type in op.result_types):
                return None
            return _compute(op, operands)
        case ConstantOp() | arith.ConstantOp():
            found = constant_of(op)
            return None if found is None else (found,)
        case DimOp():
            size = shape_of(op.tensor.type)[op.axis.value.data]
            return None if size is None else (scalar_attribute(size),)
        case ItemOp() | ScalarTensorOp():
            return _compute(op, operands)
        case _ if len(scalars) == len(operands) and (result := evaluate(op, scalars)) is not None:
            return (scalar_attribute(result),)
        case _:
            return None


def is_small(type: Attribute) -> bool:
    """Whether a constant may hold a value of the type."""
    if not isinstance(type, TensorType):
        return True
    sizes = shape_of(type)
    element = element_of(type)
    width = element.bitwidth if isinstance(element, ElementType) else 64
    return None not in sizes and prod(size or 0 for size in sizes) * max(1, width // 8) <= MAX_CONSTANT_BYTES


def _compute(op: Operation, operands: Sequence[Known]) -> Sequence[Known] | None:
    import torch

    values = dict[SSAValue, "torch.Tensor | bool | int | float"]()
    activation = Activation(Machine({}, {}, WeightStore(), None, None), values)
    for operand, known in zip(op.operands, operands, strict=True):
        values[operand] = _value(known, activation)
    try:
        with torch.no_grad():
            outcome = TENSOR_SEMANTICS[type(op)](op, activation)
    except (AssertionError, DyclError):
        return None  # it fails at run time, as the source does
    assert not isinstance(outcome, Exit)
    return [dense_attribute(value) if isinstance(value, torch.Tensor) else scalar_attribute(value) for value in outcome]


def _value(known: Known, activation: Activation) -> "torch.Tensor | bool | int | float":
    if isinstance(known, DenseIntOrFPElementsAttr):
        outcome = TENSOR_SEMANTICS[ConstantOp](ConstantOp(known), activation)
        assert not isinstance(outcome, Exit)
        return outcome[0]
    scalar = attribute_scalar(known)
    assert scalar is not None
    return scalar


def dense_attribute(tensor: "torch.Tensor") -> DenseIntOrFPElementsAttr:
    """Return a tensor's elements as an attribute."""
    import torch

    type = TensorType(schema.element_type(tensor.dtype), tuple(tensor.shape))
    if tensor.dtype is torch.bool:
        # The attribute stores true as a byte of ones, so that it prints and compares as the parser's.
        tensor = tensor.to(torch.uint8) * 255
    # `contiguous` may leave a dimension of size one a stride that no view as bytes takes.
    tensor = tensor.detach().clone(memory_format=torch.contiguous_format)
    data = tensor.view(-1).view(torch.uint8).numpy().tobytes()
    return DenseIntOrFPElementsAttr(type, BytesAttr(data))
