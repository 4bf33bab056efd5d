"""Operands whose elements may be out of range, and what eager execution raises for them.

The semantics of such an op is its overload's: it raises. A backend whose own op takes what torch does not, such as ONNX
Runtime's Gather a negative index, has to check.
"""

from collections.abc import Mapping

from dycl.ir.ops.aten import AtenOp
from dycl.ir.types import shape_of

STRICT: Mapping[str, int] = {
    "embedding": 1,
    "gather": 2,
    "index_add": 2,
    "index_copy": 2,
    "index_reduce": 2,
    "index_select": 2,
    "one_hot": 0,
    "scatter": 2,
    "scatter_add": 2,
    "scatter_reduce": 2,
}
"""Overload packets that do not take negative indices, and which of their arguments the indices or classes are."""

RAISES: Mapping[str, type[Exception]] = {
    "bincount": RuntimeError,
    "cross_entropy_loss": IndexError,
    "embedding": IndexError,
    "embedding_bag": RuntimeError,
    "gather": RuntimeError,
    "index": IndexError,
    "index_add": RuntimeError,
    "index_copy": IndexError,
    "index_fill": IndexError,
    "index_put": IndexError,
    "index_reduce": IndexError,
    "index_select": IndexError,
    "nll_loss": IndexError,
    "nll_loss_nd": IndexError,
    "one_hot": RuntimeError,
    "put": IndexError,
    "repeat_interleave": RuntimeError,
    "scatter": RuntimeError,
    "scatter_add": RuntimeError,
    "scatter_reduce": RuntimeError,
    "select": IndexError,
    "select_scatter": IndexError,
    "take": IndexError,
    "take_along_dim": RuntimeError,
}
"""What each overload packet raises for an operand that holds an index, a class or a count out of range."""


def raised(op: AtenOp) -> type[Exception] | None:
    """Return what the op raises for an index out of range, None where it has no indices."""
    if op.packet == "index_select":
        return index_select_raises(len(shape_of(op.inputs[0].type)), op.bind(lambda operand: operand)[1])
    return RAISES.get(op.packet)


def index_select_raises(rank: int, axis: object) -> type[Exception]:
    """Return what `index_select` raises: torch has code of its own for the second dimension."""
    return RuntimeError if isinstance(axis, int) and rank > 1 and axis % rank == 1 else IndexError
