"""Carriers: dtypes in which ONNX Runtime computes what it has no kernel for.

A dtype carries another for an op where the op on it gives, cast back, what the op on the other would have given: it
holds all of its values, or agrees with it modulo a power of two where the op only adds and multiplies. No float is
carried by a narrower one.
"""

from collections.abc import Mapping, Sequence
from functools import cache

import onnx
import onnx_ir as ir

from dycl.backends.onnxruntime.graph import OPSET

_BOOL = ir.DataType.BOOL
_UINT8 = ir.DataType.UINT8
_INT8 = ir.DataType.INT8
_INT16 = ir.DataType.INT16
_INT32 = ir.DataType.INT32

_TRUTH = {_BOOL: _UINT8}
_SHORT = {_INT16: _INT32}
_SMALL = {_UINT8: _INT32, _INT8: _INT32, _INT16: _INT32}

CARRIERS: Mapping[str, Mapping[ir.DataType, ir.DataType]] = {
    "Abs": _TRUTH,
    "ArgMax": _TRUTH | _SHORT,
    "ArgMin": _TRUTH | _SHORT,
    "Clip": _SHORT,
    "CumSum": _SMALL,
    "Einsum": _SMALL,
    "MatMul": _SMALL,
    "Max": _TRUTH | _SHORT,
    "Min": _TRUTH | _SHORT,
    "Neg": {_UINT8: _INT32},
    "NonZero": {_INT8: _BOOL, _INT16: _BOOL, ir.DataType.DOUBLE: _BOOL},
    "Pad": _SHORT,
    "Range": {_UINT8: _INT32, _INT8: _INT32},
    "ReduceMax": _SHORT,
    "ReduceMin": _SHORT,
    "Sign": _TRUTH,
    "TopK": _TRUTH,
    "Trilu": _SMALL,
    "Where": _TRUTH | _SHORT,
}
"""By ONNX op, the dtypes without a kernel on the CPU and what carries them. NonZero asks of a number only whether it is
zero, which a bool tells."""

_HALF = {ir.DataType.FLOAT16: ir.DataType.FLOAT}

SCATTERING: Mapping[tuple[str, str], Mapping[ir.DataType, ir.DataType]] = {
    ("ScatterElements", "add"): _HALF,
    ("ScatterElements", "mul"): _HALF,
    ("ScatterElements", "max"): _TRUTH,
    ("ScatterElements", "min"): _TRUTH,
    ("ScatterND", "add"): _HALF,
    ("ScatterND", "mul"): _HALF,
    ("ScatterND", "max"): _TRUTH | _HALF,
    ("ScatterND", "min"): _TRUTH | _HALF,
}
"""By op and reduction, the same for kernels that fail only when they run. In f32 only the last sum is rounded to f16,
where torch rounds each."""

_CARRIED = "T"
"""What the schemas of all these ops call the dtype of the operands that are computed with."""


def carry(graph: ir.Graph) -> None:
    """Put casts around each node whose dtype needs a carrier, and give dtypes to the values that have none yet."""
    casts: dict[tuple[ir.Value, ir.DataType], ir.Value] = {}
    for node in list(graph):
        _infer_dtypes(node)
        carrier = _carrier(node)
        if carrier is not None:
            _carry_node(graph, node, carrier, casts)


def _carrier(node: ir.Node) -> ir.DataType | None:
    reduction = node.attributes.get("reduction")
    found = CARRIERS.get(node.op_type)
    if found is None and reduction is not None:
        found = SCATTERING.get((node.op_type, reduction.as_string()))
    if found is None or node.domain:
        return None
    for value, variable in zip(node.inputs, _variables(node, len(node.inputs), False), strict=True):
        if variable == _CARRIED and value is not None and value.dtype is not None and value.dtype in found:
            return found[value.dtype]
    return None


def _carry_node(
    graph: ir.Graph, node: ir.Node, carrier: ir.DataType, casts: dict[tuple[ir.Value, ir.DataType], ir.Value]
) -> None:
    added: list[ir.Node] = []

    def cast(value: ir.Value, dtype: ir.DataType) -> ir.Value:
        attributes = ir.convenience.convert_attributes({"to": int(dtype)})
        added.append(ir.Node("", "Cast", [value], attributes, version=OPSET, metadata_props=node.metadata_props))
        result = added[-1].outputs[0]
        result.dtype, result.shape = dtype, value.shape
        return result

    inputs: list[ir.Value | None] = []
    for value, variable in zip(node.inputs, _variables(node, len(node.inputs), False), strict=True):
        if variable == _CARRIED and value is not None:
            if (value, carrier) not in casts:
                casts[value, carrier] = cast(value, carrier)
            value = casts[value, carrier]
        inputs.append(value)
    carried = ir.Node(
        "",
        node.op_type,
        inputs,
        node.attributes.values(),
        num_outputs=len(node.outputs),
        version=node.version,
        metadata_props=node.metadata_props,
    )
    added.append(carried)
    results: list[ir.Value] = []
    for old, new, variable in zip(
        node.outputs, carried.outputs, _variables(node, len(node.outputs), True), strict=True
    ):
        new.shape = old.shape
        if variable == _CARRIED and old.dtype is not None:
            new.dtype = carrier
            new = cast(new, old.dtype)
        elif old.dtype is not None:
            new.dtype = old.dtype
        results.append(new)
    ir.convenience.replace_nodes_and_values(graph, node, [node], added, node.outputs, results)


def _infer_dtypes(node: ir.Node) -> None:
    """Give the outputs of a node the dtypes that its inputs and attributes imply; what torchlib adds has none."""
    if node.domain or all(value.dtype is not None for value in node.outputs):
        return
    variables = _variables(node, len(node.inputs), False)
    bound = {
        variable: value.dtype
        for variable, value in zip(variables, node.inputs, strict=True)
        if value is not None and value.dtype is not None
    }
    for value, variable in zip(node.outputs, _variables(node, len(node.outputs), True), strict=True):
        if value.dtype is None:
            found = _stated(node) or bound.get(variable) or _FIXED.get(variable)
            if found is not None:
                value.dtype = found


_FIXED = {"tensor(bool)": _BOOL, "tensor(int64)": ir.DataType.INT64, "tensor(float)": ir.DataType.FLOAT}


def _stated(node: ir.Node) -> ir.DataType | None:
    """Return the dtype that an attribute or a type operand says."""
    match node.op_type:
        case "Cast":
            return ir.DataType(node.attributes["to"].as_int())
        case "CastLike":
            like = node.inputs[1]
            return None if like is None else like.dtype
        case "Constant" | "ConstantOfShape":
            if "value" in node.attributes:
                return node.attributes["value"].as_tensor().dtype
            names = " ".join(node.attributes)
            return ir.DataType.INT64 if "int" in names else None if "string" in names else ir.DataType.FLOAT
        case _:
            return None


def _variables(node: ir.Node, count: int, of_outputs: bool) -> Sequence[str]:
    """Return the names of the type variables, or the types, that the schema gives the node's operands or results."""
    return _schema_variables(node.op_type, count, of_outputs)


@cache
def _schema_variables(op_type: str, count: int, of_outputs: bool) -> Sequence[str]:
    try:
        schema = onnx.defs.get_schema(op_type, OPSET)
    except onnx.defs.SchemaError:
        return [""] * count
    formal = [parameter.type_str for parameter in (schema.outputs if of_outputs else schema.inputs)]
    return [formal[min(index, len(formal) - 1)] for index in range(count)]
