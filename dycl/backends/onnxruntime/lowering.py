"""From the ops of a kernel to an ONNX graph.

An ATen op is lowered by the first of: dycl's own lowering, torchlib's function, its decomposition into other ATen ops.
"""

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir
from xdsl.ir import Attribute, Operation, SSAValue, TypeAttribute

from dycl.backends.onnxruntime import decompose, torchlib
from dycl.backends.onnxruntime.graph import Graph, Type, known_shape, set_type
from dycl.backends.onnxruntime.indices import checked
from dycl.backends.onnxruntime.lowerings import LOWERINGS, Argument, Call, Lowered
from dycl.backends.onnxruntime.lowerings.scalars import SCALAR_LOWERINGS
from dycl.backends.protocol import CannotCompile
from dycl.ir.indices import RAISES, raised
from dycl.ir.locations import describe, frames
from dycl.ir.ops import AtenOp, ConstantOp, DimOp, ItemOp, KernelOp, ParamOp, ScalarTensorOp
from dycl.ir.ops.aten import Bound
from dycl.ir.schema import overload_of
from dycl.ir.types import DTYPE_NAMES, element_of, is_tensor, shape_of
from dycl.ir.weights import WeightStore

if TYPE_CHECKING:
    from torch._ops import OpOverload

ORIGIN = "dycl.origin"
"""The property of a node that says which op it belongs to; what a function's call has, its nodes get."""

ONNX_DTYPES = {
    "bool": ir.DataType.BOOL,
    "u8": ir.DataType.UINT8,
    "i8": ir.DataType.INT8,
    "i16": ir.DataType.INT16,
    "i32": ir.DataType.INT32,
    "i64": ir.DataType.INT64,
    "f16": ir.DataType.FLOAT16,
    "bf16": ir.DataType.BFLOAT16,
    "f32": ir.DataType.FLOAT,
    "f64": ir.DataType.DOUBLE,
}


def onnx_type(type: Attribute) -> Type:
    """Return the ONNX type of a tensor or a host scalar."""
    if is_tensor(type):
        return Type(ONNX_DTYPES[DTYPE_NAMES[element_of(type)]], shape_of(type))
    return Type(ONNX_DTYPES[DTYPE_NAMES[type]], ())


def lower_ops(graph: Graph, kernel: KernelOp, weights: WeightStore, values: dict[SSAValue, ir.Value]) -> None:
    """Lower the ops of a kernel's body, all but its yield; `values` holds the inputs, and gets the results.

    Raises:
        CannotCompile: an op has no ONNX form
    """
    for op in list(kernel.body.block.ops)[:-1]:
        first = len(graph.nodes)
        results = _lower_op(graph, op, weights, values)
        for result, value in zip(op.results, results, strict=True):
            if value is not None and value.shape is None and not is_tensor(result.type):
                value.shape = ir.Shape(())
        origin = _origin(op)
        for node in graph.nodes[first:]:
            node.metadata_props[ORIGIN] = origin
        values |= {result: value for result, value in zip(op.results, results, strict=True) if value is not None}


def _lower_op(
    graph: Graph, op: Operation, weights: WeightStore, values: dict[SSAValue, ir.Value]
) -> Sequence[ir.Value | None]:
    match op:
        case ParamOp():
            return [graph.weight(op.key.data, weights[op.key.data].numpy())]
        case ConstantOp():
            return [_lower_constant(graph, op)]
        case ItemOp():
            return [_lower_item(graph, values[op.tensor], onnx_type(op.scalar.type))]
        case ScalarTensorOp():
            return [graph.cast(values[op.scalar], onnx_type(op.tensor.type).dtype)]
        case DimOp():
            return [graph.size(values[op.tensor], op.axis.value.data)]
        case AtenOp():
            arguments = [_argument(bound) for bound in op.bind(lambda value: values[value])]
            results = tuple(map(onnx_type, op.result_types))
            used = tuple(result.first_use is not None for result in op.results)
            try:
                return lower_call(graph, op.overload.data, overload_of(op.overload.data), arguments, results, used)
            except CannotCompile as error:
                raise CannotCompile([f"{op.overload.data} at {describe(op)}: {error}"]) from error
        case _:
            lowering = SCALAR_LOWERINGS.get(type(op))
            value = lowering(graph, op, [values[operand] for operand in op.operands]) if lowering else None
            if value is None:
                raise CannotCompile([f"{op.name} at {describe(op)}: it has no ONNX form"])
            return [value]


def _origin(op: Operation) -> str:
    """Return what the nodes of an op are called, so that ONNX Runtime's messages and profiles lead to the source.

    The name says too what eager execution raises where an index is out of range.
    """
    name = op.overload.data if isinstance(op, AtenOp) else op.name
    place = next(iter(frames(op.location)), None)
    error = raised(op) if isinstance(op, AtenOp) else None
    parts = [name, f"{PurePath(place.file).name}:{place.line}" if place else "", error.__name__ if error else ""]
    return " ".join(part for part in parts if part)


def _argument(bound: Bound[ir.Value]) -> Argument:
    if isinstance(bound, list):
        return [_argument(item) for item in bound]
    return ONNX_DTYPES[DTYPE_NAMES[bound]] if isinstance(bound, TypeAttribute) else bound


def lower_call(
    graph: Graph,
    name: str,
    overload: "OpOverload",
    arguments: list[Argument],
    results: tuple[Type, ...],
    used: tuple[bool, ...],
    within: tuple[str, ...] = (),
) -> Sequence[ir.Value | None]:
    """Lower a call of an ATen overload; `within` names those whose decompositions led to it.

    Raises:
        CannotCompile: it has no ONNX form
    """
    if not any(outer.partition(".")[0] in RAISES for outer in within):
        arguments = checked(graph, name, arguments)
    lowered: Lowered = None
    if name in LOWERINGS:
        lowered = LOWERINGS[name](Call(graph, name, results, used), *arguments)
    if lowered is None:
        lowered = torchlib.lower(graph, overload, arguments, results)
    if lowered is None and name not in within:
        lowered = decompose.lower(
            graph,
            overload,
            arguments,
            lambda target, operands, types: lower_call(
                graph, _name_of(target), target, operands, types, (True,) * len(types), (*within, name)
            ),
        )
    if lowered is None:
        raise CannotCompile([f"{name if within else 'it'} has no ONNX form"])
    listed = [lowered] if isinstance(lowered, ir.Value) else lowered
    return [
        None if value is None else _of_type(graph, value, result) for value, result in zip(listed, results, strict=True)
    ]


def _name_of(overload: "OpOverload") -> str:
    """Return the overload's name as a program writes it; another namespace than ATen's stays in it."""
    return str(overload).removeprefix("aten.")


def _of_type(graph: Graph, value: ir.Value, type: Type) -> ir.Value:
    """Return `value` as one of `type`; a shape that is known already stays."""
    if value.dtype is None:
        value.dtype = type.dtype
    value = graph.cast(value, type.dtype)
    if known_shape(value) is None:
        set_type(value, type)
    return value


def _lower_constant(graph: Graph, op: ConstantOp) -> ir.Value:
    type = onnx_type(op.result.type)
    content = np.frombuffer(op.value.data.data, type.dtype.numpy())
    return graph.constant(content.reshape(type.sizes or ()) if type.sizes != () else content[0], type.dtype)


def _lower_item(graph: Graph, tensor: ir.Value, type: Type) -> ir.Value:
    element = graph.reshape(tensor, ())
    assert element is not None
    scalar = graph.cast(element, type.dtype)
    if tensor.dtype == ir.DataType.FLOAT:
        graph.wide[scalar] = graph.sources.get(element, element)
    return scalar
