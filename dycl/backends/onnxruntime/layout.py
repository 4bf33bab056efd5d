"""Keeps residual blocks in the blocked layout that ONNX Runtime computes convolutions in.

On x86 ONNX Runtime reorders a convolution's input to blocks of channels, and goes on in that layout for as long as ops
and operands allow: there a residual addition and the ReLU after it are part of the convolution. A block's input that
comes in the plain layout spoils this: the convolution has a reordered copy of it, the addition has not and falls out of
the layout, and with it every block that follows. An average pool over one pixel changes nothing and exists in the
blocked layout, so that behind one both have the same copy.
"""

import platform

import onnx_ir as ir

from dycl.backends.onnxruntime.graph import OPSET, known_shape

_X86 = ("x86_64", "amd64")

_BLOCKED = ("Conv", "BatchNormalization", "Relu", "Add", "MaxPool", "AveragePool", "GlobalAveragePool")
"""Ops that stay in the blocked layout where their inputs are in it."""

_CHANNELS = 16
"""Channels of the largest block, those of AVX-512."""


def enter_blocked_layout(inputs: list[ir.Value], nodes: list[ir.Node]) -> list[ir.Node]:
    """Return the nodes with an entry for each value that a residual block takes in the plain layout.

    1. The value is f32 images, whose channels fill blocks.
    2. It comes from outside the blocked layout.
    3. A convolution reads it, and an addition adds it to what a convolution or its batch norm gives.
    """
    if platform.machine().lower() not in _X86:
        return nodes
    entered: list[ir.Node] = []
    for value in inputs:
        entered += _entry(value, nodes)
    for node in nodes:
        entered.append(node)
        if node.op_type not in _BLOCKED:
            for value in node.outputs:
                entered += _entry(value, nodes)
    return entered


def _entry(value: ir.Value, nodes: list[ir.Node]) -> list[ir.Node]:
    sizes = known_shape(value)
    if value.dtype != ir.DataType.FLOAT or sizes is None or len(sizes) != 4 or sizes[1] % _CHANNELS:
        return []
    present = set(nodes)
    uses = [use for use in value.uses() if use.node in present and use.node.op_type in _BLOCKED]
    convolved = any(use.node.op_type == "Conv" and use.idx == 0 for use in uses)
    if not convolved or not any(_adds_to_convolution(use.node, value) for use in uses):
        return []
    entry = ir.Node(
        "", "AveragePool", [value], ir.convenience.convert_attributes({"kernel_shape": [1, 1]}), version=OPSET
    )
    entry.outputs[0].dtype = value.dtype
    entry.outputs[0].shape = value.shape
    for use in uses:
        use.node.replace_input_with(use.idx, entry.outputs[0])
    return [entry]


def _adds_to_convolution(node: ir.Node, value: ir.Value) -> bool:
    if node.op_type != "Add":
        return False
    others = [operand for operand in node.inputs if operand is not None and operand is not value]
    producer = others[0].producer() if others else None
    return producer is not None and producer.op_type in ("Conv", "BatchNormalization")
