"""A kernel as an ONNX model."""

import re

import onnx_ir as ir
from onnx_ir.passes.common import InlinePass
from xdsl.ir import SSAValue

from dycl.backends.onnxruntime.carriers import carry
from dycl.backends.onnxruntime.graph import OPSET, Graph, Type, known_shape
from dycl.backends.onnxruntime.layout import enter_blocked_layout
from dycl.backends.onnxruntime.lowering import ORIGIN, lower_ops, onnx_type
from dycl.ir.ops import KernelOp
from dycl.ir.signs import never_negative
from dycl.ir.weights import WeightStore

IR_VERSION = 10


def build_model(kernel: KernelOp, weights: WeightStore) -> ir.Model:
    """Return the ONNX model of a kernel, weights included.

    A size known only at run time is a symbolic one. A re-view to known sizes that only an output needs is left out: the
    output then has the shape that the kernel computes it in.

    Raises:
        CannotCompile: an op has no ONNX form
    """
    graph = Graph()
    values: dict[SSAValue, ir.Value] = {}
    inputs: list[ir.Value] = []
    for index, argument in enumerate(kernel.body.block.args):
        name = re.sub(r"\W", "_", argument.name_hint or f"in{index}")
        value = _input(f"{name}_{index}", onnx_type(argument.type))
        inputs.append(value)
        values[argument] = value
    arguments = dict(zip(inputs, kernel.body.block.args, strict=True))
    graph.never_negative = lambda value: value in arguments and never_negative(arguments[value])
    lower_ops(graph, kernel, weights, values)
    yielded = kernel.body.block.last_op
    assert yielded is not None
    outputs = _outputs(graph, inputs, [values[operand] for operand in yielded.operands])
    model = _assemble(graph, inputs, outputs, kernel.symbol)
    if graph.functions:
        InlinePass()(model)
    carry(model.graph)
    for index, node in enumerate(model.graph):
        node.name = f"{node.metadata_props.pop(ORIGIN, node.op_type)} #{index}"
    return model


def _input(name: str, type: Type) -> ir.Value:
    sizes = [f"{name}_size{axis}" if size is None else size for axis, size in enumerate(type.shape)]
    value = ir.Value(name=name)
    value.dtype = type.dtype
    value.shape = ir.Shape(sizes)
    return value


def _outputs(graph: Graph, inputs: list[ir.Value], yielded: list[ir.Value]) -> list[ir.Value]:
    """Return a distinct value that a node computes for each yielded one."""
    taken = {*inputs, *graph.initializers}
    outputs: list[ir.Value] = []
    for value in yielded:
        source = graph.sources.get(value, value)
        if source not in taken and known_shape(source) is not None and known_shape(value) is not None:
            value = source
        if value in taken:
            copy = graph.op("Identity", value)
            assert value.dtype is not None and value.shape is not None
            copy.shape = value.shape
            value = copy
        taken.add(value)
        outputs.append(value)
    return outputs


def _assemble(graph: Graph, inputs: list[ir.Value], outputs: list[ir.Value], name: str) -> ir.Model:
    needed = set(outputs)
    nodes: list[ir.Node] = []
    for node in reversed(graph.nodes):
        if needed.isdisjoint(node.outputs):
            continue
        needed.update(value for value in node.inputs if value is not None)
        nodes.append(node)
    nodes.reverse()
    nodes = enter_blocked_layout(inputs, _absorb_views_of_inputs(inputs, nodes, outputs))
    initializers = [value for value in graph.initializers if value in needed]
    _rename(inputs, initializers, nodes, outputs)
    body = ir.Graph(inputs, outputs, nodes=nodes, initializers=initializers, opset_imports={"": OPSET}, name=name)
    return ir.Model(body, ir_version=IR_VERSION, producer_name="dycl", functions=list(graph.functions.values()))


def _absorb_views_of_inputs(inputs: list[ir.Value], nodes: list[ir.Node], outputs: list[ir.Value]) -> list[ir.Node]:
    """Give an input the shape in which all of its users want it."""
    kept = set(nodes)
    for value in inputs:
        users = [node for node in value.consumers() if node in kept]
        views = {known_shape(node.outputs[0]) for node in users if node.op_type == "Reshape"}
        is_output = any(node.outputs[0] in outputs for node in users)
        if len(views) != 1 or None in views or is_output or any(node.op_type != "Reshape" for node in users):
            continue
        if known_shape(value) is None:
            continue
        value.shape = users[0].outputs[0].shape
        for node in users:
            node.outputs[0].replace_all_uses_with(value)
        kept.difference_update(users)
    return [node for node in nodes if node in kept]


def _rename(
    inputs: list[ir.Value], initializers: list[ir.Value], nodes: list[ir.Node], outputs: list[ir.Value]
) -> None:
    """Give every value a name of its own: inputs and weights keep theirs."""
    names = {value.name for value in inputs}
    for value in initializers:
        while value.name in names:
            value.name = f"{value.name}_"
        names.add(value.name)
    for index, value in enumerate(outputs):
        value.name = _fresh(f"out{index}", names)
    final = set(outputs)
    for index, node in enumerate(nodes):
        for position, value in enumerate(node.outputs):
            if value not in final:
                value.name = _fresh(f"t{index}" if position == 0 else f"t{index}_{position}", names)


def _fresh(name: str, names: set[str | None]) -> str:
    while name in names:
        name += "_"
    names.add(name)
    return name
