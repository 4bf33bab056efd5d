"""What the host program can do itself, without a kernel.

The host takes branches, runs loops, launches kernels, computes with Python numbers and looks at tensors that are there
already. It looks at a tensor through a *view*: an op that only says how the same contiguous elements are to be read.
Every view but `select.int` keeps all the elements, so the shape of its result says all about it; `select.int` keeps
those of one index along an axis that has no axis of more than one element before it.

It also *appends*: the concatenation of a list that grows with what follows it takes a copy of the latter only, and an
array in a kernel costs more to call where its size changes each time.
"""

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr
from xdsl.dialects.func import CallOp
from xdsl.ir import Operation, SSAValue

from dycl.ir.interpret.scalars import ELEMENTARY_OPS
from dycl.ir.ops import (
    AssertOp,
    AtenOp,
    BreakOp,
    ConditionOp,
    ConstantOp,
    ContinueOp,
    DimOp,
    ForOp,
    IfOp,
    ItemOp,
    LaunchOp,
    OperandAttr,
    ParamOp,
    ReturnOp,
    ScalarTensorOp,
    SwitchOp,
    WhileOp,
    YieldOp,
)
from dycl.ir.types import element_of, is_scalar, is_static, shape_of

RESHAPES = frozenset(
    [
        "_reshape_alias.default",
        "_unsafe_view.default",
        "alias.default",
        "clone.default",
        "contiguous.default",
        "detach.default",
        "flatten.using_ints",
        "reshape.default",
        "squeeze.default",
        "squeeze.dim",
        "squeeze.dims",
        "unflatten.int",
        "unsqueeze.default",
        "view.default",
    ]
)
"""Overloads whose result has all the elements of their first argument in the same order."""

SELECT = "select.int"

HOST_VIEWS = RESHAPES | {SELECT}
"""Overloads that the host can do, where `is_host_view` allows it."""

_CONTROL = (
    AssertOp,
    BreakOp,
    CallOp,
    ConditionOp,
    ContinueOp,
    ForOp,
    IfOp,
    LaunchOp,
    ReturnOp,
    SwitchOp,
    WhileOp,
    YieldOp,
)
_DATA = (ConstantOp, DimOp, ItemOp, ParamOp, ScalarTensorOp)
_HOST_ONLY = ELEMENTARY_OPS | {arith.ShLIOp, arith.ShRSIOp}
_ARITHMETIC = ELEMENTARY_OPS.union(arith.Arith.operations)


def is_host_op(op: Operation) -> bool:
    """Whether the host program can do the op: after `hoist-to-host` and `outline-regions` a function has no others."""
    return isinstance(op, (*_CONTROL, *_DATA)) or is_host_arithmetic(op) or is_host_view(op) or is_host_append(op)


def is_host_value(op: Operation) -> bool:
    """Whether the op gives a value that the host can compute: a host op that is neither control flow nor a launch."""
    return isinstance(op, _DATA) or is_host_arithmetic(op) or is_host_view(op)


def is_host_arithmetic(op: Operation) -> bool:
    """Whether the op computes with host scalars alone."""
    return type(op) in _ARITHMETIC and all(is_scalar(result.type) for result in op.results)


def is_kernel_arithmetic(op: Operation) -> bool:
    """Whether the op is arithmetic that kernels do too; the host alone gives what Python's `math` gives, to the bit."""
    return is_host_arithmetic(op) and type(op) not in _HOST_ONLY


def is_host_view(op: Operation) -> bool:
    """Whether the op only re-views contiguous elements, with sizes that are all known."""
    if not isinstance(op, AtenOp) or op.overload.data not in HOST_VIEWS:
        return False
    source, result = op.inputs[0], op.results[0]
    if not (is_static(source.type) and is_static(result.type)) or element_of(source.type) != element_of(result.type):
        return False
    if op.overload.data != SELECT:
        return len(op.inputs) == 1
    axis = op.arguments.data[1]
    if not isinstance(axis, IntegerAttr):
        return False
    sizes = shape_of(source.type)
    return all(size == 1 for size in sizes[: axis.value.data % len(sizes)])


def is_host_append(op: Operation) -> bool:
    """Whether the op puts tensors of one element type behind each other, to a number that only run time tells, along an
    axis that has no axis of more than one element before it; all other sizes must be known, and fit."""
    if not isinstance(op, AtenOp) or op.overload.data != "cat.default" or len(op.operands) < 2:
        return False
    axis = append_axis(op)
    if axis is None:
        return False
    *before, size = shape_of(op.results[0].type)[: axis + 1]
    if size is not None or any(size != 1 for size in before):
        return False
    others = {_without(shape_of(type), axis) for type in (*op.operand_types, *op.result_types)}
    elements = {element_of(type) for type in (*op.operand_types, *op.result_types)}
    return len(others) == len(elements) == 1 and None not in next(iter(others))


def append_axis(op: AtenOp) -> int | None:
    """Return the axis, counted from the front, of a `cat.default` of tensors of one rank."""
    axis = op.arguments.data[1]
    ranks = {len(shape_of(type)) for type in (*op.operand_types, *op.result_types)}
    if not isinstance(axis, IntegerAttr) or len(ranks) != 1:
        return None
    (rank,) = ranks
    return axis.value.data % rank if rank else None


def _without(sizes: tuple[int | None, ...], axis: int) -> tuple[int | None, ...]:
    return (*sizes[:axis], *sizes[axis + 1 :])


def selection(op: AtenOp) -> tuple[int, int | SSAValue]:
    """Return the axis, counted from the front, and the index of a `select.int` that is a host view."""
    assert op.overload.data == SELECT
    axis, index = op.arguments.data[1:]
    assert isinstance(axis, IntegerAttr)
    front = axis.value.data % len(shape_of(op.inputs[0].type))
    if isinstance(index, OperandAttr):
        return front, op.inputs[1]
    assert isinstance(index, IntegerAttr)
    return front, index.value.data
