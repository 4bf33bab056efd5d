"""An estimate of how long ops take, in microseconds on one core, for deciding what a rewrite may cost.

It is right to within a factor of a few for small ops, where it matters: what an op takes besides its arithmetic, and
what the call of a kernel takes besides its ops. A size known only at run time counts as `UNKNOWN_SIZE`.
"""

from collections.abc import Iterable
from math import prod

from xdsl.ir import Attribute, Operation

from dycl.ir.host_ops import is_host_append, is_host_view
from dycl.ir.ops import AtenOp
from dycl.ir.types import is_tensor, shape_of

LAUNCH = 6.0
"""The call of one more kernel."""

NODE = 0.5
"""One more op in a kernel."""

OPERATIONS_PER_MICROSECOND = 10_000
"""Additions and multiplications of small matrix products; of an elementwise op's elements fewer, at a higher price."""

UNKNOWN_SIZE = 16

_FIRST_MATRIX = {"linear": 0, "matmul": 0, "mm": 0, "bmm": 0, "addmm": 1, "baddbmm": 1}
"""By overload packet of matrix products: which operand has the axis that is summed over as its last one."""

_CELLS = frozenset(["lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell", "lstm", "gru", "rnn_tanh", "rnn_relu"])


def cost(ops: Iterable[Operation]) -> float:
    """Return how long ops take inside a kernel; host ops and re-views take nothing."""
    return sum(NODE + operations(op) / OPERATIONS_PER_MICROSECOND for op in ops if computes(op))


def computes(op: Operation) -> bool:
    """Whether the op computes with tensors, so that it belongs in a kernel."""
    return isinstance(op, AtenOp) and not is_host_view(op) and not is_host_append(op)


def operations(op: Operation) -> int:
    """Return how many elements an op touches; how many it multiplies, where it is a matrix product or convolution."""
    assert isinstance(op, AtenOp)
    results = sum(elements(type) for type in op.result_types)
    operands = [elements(type) for type in op.operand_types]
    if op.packet in _FIRST_MATRIX:
        sizes = shape_of(op.inputs[_FIRST_MATRIX[op.packet]].type)
        return 2 * results * ((sizes[-1] or UNKNOWN_SIZE) if sizes else 1)
    if "conv" in op.packet and len(op.inputs) > 1:
        return 2 * results * prod(size or UNKNOWN_SIZE for size in shape_of(op.inputs[1].type)[1:])
    if op.packet in _CELLS:
        sizes = shape_of(op.inputs[0].type)
        return 2 * sum(operands) * prod(size or UNKNOWN_SIZE for size in sizes[:-1])
    return max(results, sum(operands))


def elements(type: Attribute) -> int:
    """Return how many elements a tensor of the type has; a host scalar has one."""
    return prod(UNKNOWN_SIZE if size is None else size for size in shape_of(type)) if is_tensor(type) else 1
