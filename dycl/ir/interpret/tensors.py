"""What the ops on tensors mean."""

import difflib

from dycl.errors import DyclError, source_error
from dycl.ir import schema
from dycl.ir.indices import raised
from dycl.ir.interpret.execution import Activation, Outcome, Semantics, describe_value, title
from dycl.ir.locations import describe
from dycl.ir.ops import AtenOp, ConstantOp, DimOp, ItemOp, ParamOp, ScalarTensorOp
from dycl.ir.types import element_of, shape_of


def _param(op: ParamOp, now: Activation) -> Outcome:
    weight = now.machine.weights.get(op.key.data)
    if weight is None:
        near = difflib.get_close_matches(op.key.data, now.machine.weights, n=1)
        hint = f"; the nearest is {near[0]!r}" if near else ""
        raise DyclError(f"the weight store has no {op.key.data!r}, named at {describe(op)}{hint}")
    return (weight.torch(),)


def _constant(op: ConstantOp, now: Activation) -> Outcome:
    import torch

    dtype = schema.torch_dtype(element_of(op.value.type))
    sizes = [size or 0 for size in shape_of(op.value.type)]
    data = op.value.data.data
    if not data:
        return (torch.empty(sizes, dtype=dtype),)
    return (torch.frombuffer(bytearray(data), dtype=dtype).reshape(sizes),)


def _item(op: ItemOp, now: Activation) -> Outcome:
    value = now[op.tensor]
    assert not isinstance(value, bool | int | float)
    if value.numel() != 1:
        raise DyclError(f"{title(op)} needs one element, not {describe_value(value)}, at {describe(op)}")
    return (value.item(),)


def _dim(op: DimOp, now: Activation) -> Outcome:
    value = now[op.tensor]
    assert not isinstance(value, bool | int | float)
    return (value.shape[op.axis.value.data],)


def _scalar_tensor(op: ScalarTensorOp, now: Activation) -> Outcome:
    import torch

    return (torch.tensor(now[op.scalar], dtype=schema.torch_dtype(element_of(op.tensor.type))),)


def _aten(op: AtenOp, now: Activation) -> Outcome:
    try:
        return schema.call(op, now.__getitem__)
    except DyclError:
        raise
    except Exception as error:
        if raised(op) is not None and isinstance(error, IndexError | RuntimeError):
            text = f"{type(error).__name__}: `{op.packet}`: {_first_line(error)} ({describe(op)})"
            raise source_error(text) from error
        shown = ", ".join(describe_value(now[operand]) for operand in op.operands)
        raise DyclError(f"{title(op)} failed on {shown}, at {describe(op)}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


TENSOR_SEMANTICS: Semantics = {
    ParamOp: _param,
    ConstantOp: _constant,
    ItemOp: _item,
    DimOp: _dim,
    ScalarTensorOp: _scalar_tensor,
    AtenOp: _aten,
}
