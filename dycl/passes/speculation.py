"""Whether an op may run where the program would not have run it: before a loop that never begins, or once too often.

Nothing must tell that it ran, so it must be pure, and it must not fail. With sizes that are all known torch's schema
and shape rules have checked an ATen op already; what is left are ops that look at elements, or at sizes that the host
gives.
"""

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerType
from xdsl.ir import Attribute, Operation, SSAValue

from dycl.ir.ops import AtenOp, ItemOp
from dycl.ir.schema import schema_of
from dycl.ir.types import element_of, is_static, is_tensor
from dycl.passes.segments import is_movable

_MAY_FAIL = frozenset(
    [
        "binary_cross_entropy",
        "bincount",
        "cholesky",
        "cholesky_inverse",
        "cholesky_solve",
        "cross_entropy_loss",
        "ctc_loss",
        "embedding",
        "embedding_bag",
        "gather",
        "grid_sampler",
        "histc",
        "index",
        "index_add",
        "index_copy",
        "index_fill",
        "index_put",
        "index_put_impl",
        "index_reduce",
        "index_select",
        "inverse",
        "logdet",
        "masked_scatter",
        "max_unpool2d",
        "max_unpool3d",
        "multi_margin_loss",
        "multilabel_margin_loss",
        "multilabel_margin_loss_forward",
        "nanquantile",
        "nll_loss",
        "nll_loss2d",
        "nll_loss_nd",
        "one_hot",
        "ormqr",
        "put",
        "qr",
        "quantile",
        "repeat_interleave",
        "scatter",
        "scatter_add",
        "scatter_reduce",
        "segment_reduce",
        "slogdet",
        "svd",
        "take",
        "take_along_dim",
        "triangular_solve",
        "unique_consecutive",
        "unsafe_index",
        "unsafe_index_put",
        "unsafe_masked_index",
    ]
)
"""Overload packets that can fail for the elements of their operands; so can all of linear algebra."""

_DIVISIONS = frozenset(["div", "divide", "floor_divide", "fmod", "remainder", "true_divide", "__floordiv__", "__mod__"])
"""Overload packets that fail where they divide an integer by zero."""

_HOST_DIVISIONS = (
    arith.CeilDivSIOp,
    arith.CeilDivUIOp,
    arith.DivSIOp,
    arith.DivUIOp,
    arith.FloorDivSIOp,
    arith.FPToSIOp,
    arith.FPToUIOp,
    arith.RemSIOp,
    arith.RemUIOp,
    arith.ShLIOp,
    arith.ShRSIOp,
    arith.ShRUIOp,
)
"""Host arithmetic that has no result for some operands."""


_FOR_ALL_SIZES = frozenset(
    [
        "abs",
        "bitwise_not",
        "ceil",
        "clamp",
        "clone",
        "cos",
        "elu",
        "erf",
        "exp",
        "floor",
        "gelu",
        "hardswish",
        "layer_norm",
        "leaky_relu",
        "linear",
        "log",
        "log_softmax",
        "logical_not",
        "mean",
        "neg",
        "permute",
        "pow",
        "relu",
        "rsqrt",
        "sigmoid",
        "silu",
        "sin",
        "softmax",
        "softplus",
        "sqrt",
        "sum",
        "t",
        "tanh",
        "to_copy",
        "transpose",
        "unsqueeze",
    ]
)
"""Overload packets that do not fail for any sizes of the `?` in the type of one tensor, where the others are known."""


def is_speculable(op: Operation) -> bool:
    """Whether the op may run where the program would not have run it."""
    if not is_movable(op):
        return False
    if isinstance(op, ItemOp):
        return is_static(op.tensor.type)
    return not _may_fail(op) if isinstance(op, AtenOp) else not isinstance(op, _HOST_DIVISIONS)


def _may_fail(op: AtenOp) -> bool:
    name = op.packet.lstrip("_")
    if name in _MAY_FAIL or name.startswith("linalg") or "::" in op.overload.data:
        return True
    unknown = sum(not is_static(type) for type in op.operand_types)
    if unknown > 1 or (unknown and name not in _FOR_ALL_SIZES) or not (unknown or all(map(is_static, op.result_types))):
        return True
    if op.packet == "pow" and not any(map(_is_float_tensor, op.operand_types)):
        # An integer has no negative integer power.
        return True
    if op.packet in _DIVISIONS and not any(map(_is_float_tensor, op.operand_types)):
        return True
    return _takes_sizes(op)


def _is_float_tensor(type: Attribute) -> bool:
    return is_tensor(type) and not isinstance(element_of(type), IntegerType)


def _takes_sizes(op: AtenOp) -> bool:
    """Whether the host gives the op a size, an axis or an index."""
    if all(map(is_tensor, op.operand_types)):
        return False
    bound = op.bind(lambda operand: operand)
    for parameter, value in zip(schema_of(op.overload.data).parameters, bound, strict=True):
        kind = parameter.kind.element or parameter.kind
        items = value if isinstance(value, list) else [value]
        if kind.name not in ("Tensor", "Scalar") and any(isinstance(item, SSAValue) for item in items):
            return True
    return False
