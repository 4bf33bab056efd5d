"""Comparisons and logic, and the dtypes in which torch compares."""

import math
from functools import partial

import numpy as np
import onnx_ir as ir

from dycl.backends.onnxruntime.graph import BOOL, INT64, Graph, Scalar, rank
from dycl.backends.onnxruntime.lowerings.elementwise import is_float
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers

FLOAT = ir.DataType.FLOAT

_COMPARISONS = {
    "eq": "Equal",
    "ne": "Equal",
    "lt": "Less",
    "le": "LessOrEqual",
    "gt": "Greater",
    "ge": "GreaterOrEqual",
}


def compared_dtype(tensor: ir.DataType, scalar: bool | int | float | ir.DataType) -> ir.DataType:
    """The dtype in which a tensor is compared with a Python number."""
    if isinstance(scalar, float) or is_float(scalar if isinstance(scalar, ir.DataType) else None):
        return tensor if is_float(tensor) else FLOAT
    if tensor == BOOL and not (isinstance(scalar, bool) or scalar == BOOL):
        return INT64
    return tensor


_ORDER = (
    ir.DataType.BOOL,
    ir.DataType.UINT8,
    ir.DataType.INT8,
    ir.DataType.INT16,
    ir.DataType.INT32,
    ir.DataType.INT64,
    ir.DataType.FLOAT16,
    ir.DataType.BFLOAT16,
    ir.DataType.FLOAT,
    ir.DataType.DOUBLE,
)


def promote_tensors(left: ir.Value, right: ir.Value) -> ir.DataType:
    """Return the dtype in which torch computes on two tensors: a tensor without dimensions counts only where it is of
    a higher kind (bool, integer, float) than one with dimensions."""
    first, second = left.dtype, right.dtype
    assert first is not None and second is not None
    for tensor, other in ((left, right), (right, left)):
        a, b = tensor.dtype, other.dtype
        assert a is not None and b is not None
        if rank(tensor) > 0 and rank(other) == 0 and _kind(a) >= _kind(b):
            return a
    if {first, second} == {ir.DataType.UINT8, ir.DataType.INT8}:
        return ir.DataType.INT16
    if {first, second} == {ir.DataType.FLOAT16, ir.DataType.BFLOAT16}:
        return FLOAT
    return max(first, second, key=_ORDER.index)


def _kind(dtype: ir.DataType) -> int:
    return 2 if is_float(dtype) else int(dtype != BOOL)


def compare(graph: Graph, name: str, left: ir.Value, right: ir.Value) -> ir.Value:
    """Compare two values of one dtype: `name` is one of eq, ne, lt, le, gt, ge."""
    if left.dtype == BOOL and name not in ("eq", "ne"):
        left, right = graph.cast(left, ir.DataType.INT32), graph.cast(right, ir.DataType.INT32)
    result = graph.op(_COMPARISONS[name], left, right, dtype=BOOL)
    return graph.op("Not", result) if name == "ne" else result


def _compare_tensors(name: str, call: Call, left: ir.Value, right: ir.Value) -> Lowered:
    dtype = promote_tensors(left, right)
    return compare(call.graph, name, call.graph.cast(left, dtype), call.graph.cast(right, dtype))


def _compare_scalar(name: str, call: Call, left: ir.Value, right: Scalar) -> Lowered:
    assert left.dtype is not None
    number = right.dtype if isinstance(right, ir.Value) else right
    assert number is not None
    dtype = compared_dtype(left.dtype, number)
    return compare(call.graph, name, call.graph.cast(left, dtype), call.graph.scalar(right, dtype))


for _name in _COMPARISONS:
    lowers(f"{_name}.Tensor")(partial(_compare_tensors, _name))
    lowers(f"{_name}.Scalar")(partial(_compare_scalar, _name))


def compare_widened(graph: Graph, name: str, narrow: ir.Value, bound: float) -> ir.Value | None:
    """Compare an f32 value with an f64 number exactly, in f32; None for an equality that cannot hold.

    A number between two neighbouring f32 is replaced by the one of them that decides alike: `x >= 0.9` and `x > 0.9`
    are `x > a`, where `a` is the largest f32 below 0.9.
    """
    if math.isnan(bound):
        return None
    nearest = np.float32(bound)
    if float(nearest) != bound:
        if name in ("eq", "ne"):
            return None
        up = name in ("lt", "le")
        if up and float(nearest) < bound:
            nearest = np.nextafter(nearest, np.float32(np.inf))
        elif not up and float(nearest) > bound:
            nearest = np.nextafter(nearest, np.float32(-np.inf))
        name = "lt" if up else "gt"
    result = compare(graph, name, narrow, graph.constant(float(nearest), FLOAT))
    result.shape = narrow.shape
    return result


def _logical(op_type: str, call: Call, left: ir.Value, right: ir.Value) -> Lowered:
    return call.graph.op(op_type, call.graph.cast(left, BOOL), call.graph.cast(right, BOOL))


def _bitwise(op_type: str, call: Call, left: ir.Value, right: Scalar) -> Lowered:
    graph = call.graph
    name = op_type if call.dtype == BOOL else f"Bitwise{op_type}"
    return graph.op(name, graph.cast(left, call.dtype), graph.scalar(right, call.dtype))


for _op_type in ("And", "Or", "Xor"):
    _lower = _op_type.lower()
    lowers(f"logical_{_lower}.default")(partial(_logical, _op_type))
    lowers(f"bitwise_{_lower}.Tensor", f"bitwise_{_lower}.Scalar")(partial(_bitwise, _op_type))
