"""Running sums, products and extrema along an axis.

All but the sum take steps of 1, 2, 4, ...: after each, an element stands for twice as many before it.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import onnx_ir as ir

from dycl.backends.onnxruntime.graph import BOOL, Graph, known_shape, rank
from dycl.backends.onnxruntime.lowerings.elementwise import is_float
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers

_END = 2**63 - 1


@lowers("cumsum.default")
def cumsum(call: Call, x: ir.Value, dim: int, dtype: object) -> Lowered:
    x = call.graph.cast(x, call.dtype)
    return x if rank(x) == 0 else call.graph.op("CumSum", x, call.graph.constant(dim))


def _part(graph: Graph, x: ir.Value, axis: int, start: int, end: int) -> ir.Value:
    return graph.op("Slice", x, graph.constant([start]), graph.constant([end]), graph.constant([axis]))


def _scan(
    graph: Graph,
    values: list[ir.Value],
    axis: int,
    size: int,
    combine: Callable[[list[ir.Value], list[ir.Value]], list[ir.Value]],
) -> list[ir.Value]:
    """Combine each element with all before it: `combine` takes the earlier ones and the later ones."""
    step = 1
    while step < size:
        earlier = [_part(graph, value, axis, 0, -step) for value in values]
        later = [_part(graph, value, axis, step, _END) for value in values]
        first = [_part(graph, value, axis, 0, step) for value in values]
        combined = combine(earlier, later)
        values = [graph.op("Concat", *parts, axis=axis) for parts in zip(first, combined, strict=True)]
        step *= 2
    return values


@lowers("cumprod.default")
def cumprod(call: Call, x: ir.Value, dim: int, dtype: object) -> Lowered:
    graph, x = call.graph, call.graph.cast(x, call.dtype)
    sizes = known_shape(x)
    if sizes is None or not sizes:
        return x if sizes is not None else None

    def combine(earlier: list[ir.Value], later: list[ir.Value]) -> list[ir.Value]:
        return [graph.op("Mul", earlier[0], later[0])]

    return _scan(graph, [x], dim % len(sizes), sizes[dim], combine)


def _running_extremum(comparison: str, call: Call, x: ir.Value, dim: int) -> Lowered:
    """Among equals the last one counts, and of a NaN on the result is the last NaN so far."""
    graph, sizes = call.graph, known_shape(x)
    if sizes is None:
        return None
    if not sizes:
        return x, graph.constant(0)
    axis = dim % len(sizes)
    places = np.arange(sizes[axis]).reshape([-1 if place == axis else 1 for place in range(len(sizes))])
    numbers = x if x.dtype != BOOL else graph.cast(x, ir.DataType.UINT8)

    def combine(earlier: list[ir.Value], later: list[ir.Value]) -> list[ir.Value]:
        if is_float(x.dtype):
            is_as_good = graph.op(f"{comparison}OrEqual", later[0], earlier[0], dtype=BOOL)
            is_kept = graph.op("Or", is_as_good, graph.op("IsNaN", later[0], dtype=BOOL))
        else:
            is_kept = graph.op(f"{comparison}OrEqual", later[0], earlier[0], dtype=BOOL)
        return [
            graph.op("Where", is_kept, after, before, dtype=after.dtype)
            for before, after in zip(earlier, later, strict=True)
        ]

    indices = graph.op("Expand", graph.constant(places), graph.constant(list(sizes)))
    values, found = _scan(graph, [numbers, indices], axis, sizes[axis], combine)
    return graph.cast(values, call.dtype), found


lowers("cummax.default")(partial(_running_extremum, "Greater"))
lowers("cummin.default")(partial(_running_extremum, "Less"))
