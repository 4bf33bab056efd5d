"""ONNX Runtime lacks each kernel that the table of carriers says it lacks, and computes the same in the carrier."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest

from dycl.backends.onnxruntime.carriers import CARRIERS, SCATTERING, carry
from dycl.backends.onnxruntime.graph import OPSET
from dycl.runtime.engines.onnxruntime import session_options

A = [[3, 0, 1], [-100, 7, 100]]
B = [[2, 5, -3], [1, 0, 4], [6, 7, 100]]
COUNT = np.array([2])
AXIS = np.array(1)

Example: TypeAlias = tuple[list[Any], dict[str, Any], int]
"""Operands, attributes, and how many results."""

OPERANDS: dict[str, Example] = {
    "Abs": ([A], {}, 1),
    "ArgMax": ([A], {"axis": 1}, 1),
    "ArgMin": ([A], {"axis": 1}, 1),
    "Clip": ([A, 0, 5], {}, 1),
    "CumSum": ([A, AXIS], {}, 1),
    "Einsum": ([A, B], {"equation": "ij,jk->ik"}, 1),
    "MatMul": ([A, B], {}, 1),
    "Max": ([A, [4, 4, 4]], {}, 1),
    "Min": ([A, [4, 4, 4]], {}, 1),
    "Neg": ([A], {}, 1),
    "NonZero": ([A], {}, 1),
    "Pad": ([A, np.array([0, 1, 0, 1]), 7], {}, 1),
    "Range": ([2, 11, 3], {}, 1),
    "ReduceMax": ([A], {}, 1),
    "ReduceMin": ([A], {}, 1),
    "Sign": ([A], {}, 1),
    "TopK": ([A, COUNT], {}, 2),
    "Trilu": ([A], {}, 1),
    "Where": ([np.array([[True, False, True], [False, False, True]]), A, 9], {}, 1),
}
"""An example of each op: what is an array already has its dtype, the rest is of the one that is tried."""


CASES = [(op, dtype) for op, found in CARRIERS.items() for dtype in found]


def model_of(op: str, dtype: ir.DataType, example: Example | None = None) -> tuple[ir.Model, list[np.ndarray]]:
    operands, attributes, outputs = example or OPERANDS[op]
    arrays = [item if isinstance(item, np.ndarray) else np.array(item).astype(dtype.numpy()) for item in operands]
    inputs: list[ir.Value] = []
    for index, array in enumerate(arrays):
        value = ir.Value(name=f"in{index}", shape=ir.Shape(array.shape))
        value.dtype = ir.DataType.from_numpy(array.dtype)
        inputs.append(value)
    node = ir.Node("", op, inputs, ir.convenience.convert_attributes(attributes), num_outputs=outputs, version=OPSET)
    for index, value in enumerate(node.outputs):
        value.name = f"out{index}"
    graph = ir.Graph(inputs, node.outputs, nodes=[node], opset_imports={"": OPSET}, name="k")
    model = ir.Model(graph, ir_version=10)
    for value, (_, kind) in zip(node.outputs, results_of(op, dtype), strict=True):
        value.dtype = kind
    return model, arrays


def results_of(op: str, dtype: ir.DataType) -> Sequence[tuple[int, ir.DataType]]:
    if op in ("ArgMax", "ArgMin", "NonZero"):
        return [(0, ir.DataType.INT64)]
    return [(0, dtype), (1, ir.DataType.INT64)] if op == "TopK" else [(0, dtype)]


def results(model: ir.Model, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(
        ir.to_proto(model).SerializeToString(), session_options(1), providers=["CPUExecutionProvider"]
    )
    names = [node.name for node in session.get_inputs()]
    return [np.asarray(array) for array in session.run(None, dict(zip(names, arrays, strict=True)))]


@pytest.mark.parametrize(("op", "dtype"), CASES, ids=[f"{op}-{dtype.name}" for op, dtype in CASES])
def test_the_kernel_is_missing_and_the_carrier_gives_what_wide_integers_give(op: str, dtype: ir.DataType) -> None:
    model, arrays = model_of(op, dtype)
    with pytest.raises(Exception, match=r"NOT_IMPLEMENTED|INVALID_GRAPH"):
        results(model, arrays)
    carry(model.graph)
    found = results(model, arrays)
    wide, _ = model_of(op, ir.DataType.INT64)
    widened = [
        array.astype(np.int64) if array.dtype == dtype.numpy() and not is_own else array
        for array, is_own in zip(arrays, [isinstance(item, np.ndarray) for item in OPERANDS[op][0]], strict=True)
    ]
    for value, expected, (_, kind) in zip(found, results(wide, widened), results_of(op, dtype), strict=True):
        assert value.dtype == kind.numpy()
        np.testing.assert_array_equal(value, expected.astype(kind.numpy()))


@pytest.mark.parametrize(
    ("op", "reduction", "dtype"),
    [(op, reduction, dtype) for (op, reduction), found in SCATTERING.items() for dtype in found],
)
def test_the_kernel_that_scatters_fails_and_its_carrier_does_not(op: str, reduction: str, dtype: ir.DataType) -> None:
    index = np.array([0, 0, 2]) if op == "ScatterElements" else np.array([[0], [0], [2]])
    model, arrays = model_of(op, dtype, ([[1, 0, 1], index, [1, 0, 5]], {"reduction": reduction}, 1))
    with pytest.raises(Exception, match="data type is not supported"):
        results(model, arrays)
    carry(model.graph)
    expected = arrays[0].copy()
    combine = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}[reduction]
    combine.at(expected, arrays[1].ravel(), arrays[2])
    np.testing.assert_array_equal(results(model, arrays)[0], expected)


def test_a_carried_value_that_is_read_twice_is_cast_once() -> None:
    model, arrays = model_of("Max", ir.DataType.INT16)
    graph = model.graph
    again = ir.Node("", "Min", list(graph[0].inputs), version=OPSET)
    again.outputs[0].name, again.outputs[0].dtype = "again", ir.DataType.INT16
    graph.append(again)
    graph.outputs.append(again.outputs[0])
    carry(graph)
    assert sorted(node.op_type for node in graph) == ["Cast"] * 4 + ["Max", "Min"]
    found = results(model, arrays)
    np.testing.assert_array_equal(found[1], np.minimum(*arrays))


def test_what_needs_no_carrier_stays_as_it_is() -> None:
    model, _ = model_of("Max", ir.DataType.INT32)
    carry(model.graph)
    assert [node.op_type for node in model.graph] == ["Max"]
