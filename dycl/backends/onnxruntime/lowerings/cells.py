"""One step of a recurrent network, for a number of rows known only at run time; others are made of their parts."""

from collections.abc import Sequence

import onnx_ir as ir

from dycl.backends.onnxruntime.graph import Graph, known_shape
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, Lowering, lowers


def _gates(
    graph: Graph, x: ir.Value, weight: ir.Value, bias: ir.Value | None, count: int, rows: int | None
) -> Sequence[ir.Value] | None:
    """Return the parts of the product of some rows and a weight."""
    sizes = known_shape(weight)
    if sizes is None:
        return None
    width = sizes[0] // count
    product = graph.op("Gemm", x, weight, bias, transB=1, shape=[rows, sizes[0]])
    if count == 1:
        return [product]
    parts = graph.ops("Split", [x.dtype] * count, product, axis=1, num_outputs=count)
    for part in parts:
        part.shape = ir.Shape([rows, width])
    return parts


def _step(
    call: Call, x: ir.Value, state: ir.Value, weights: Sequence[ir.Value], biases: Sequence[ir.Value | None], count: int
) -> tuple[Sequence[ir.Value], Sequence[ir.Value]] | None:
    """Return the gates of the input and those of the state."""
    if call.results[0].sizes is not None:
        return None
    rows = call.results[0].shape[0]
    ours = _gates(call.graph, x, weights[0], biases[0], count, rows)
    theirs = _gates(call.graph, state, weights[1], biases[1], count, rows)
    return None if ours is None or theirs is None else (ours, theirs)


@lowers("gru_cell.default")
def gru_cell(
    call: Call,
    x: ir.Value,
    state: ir.Value,
    of_input: ir.Value,
    of_state: ir.Value,
    input_bias: ir.Value | None,
    state_bias: ir.Value | None,
) -> Lowered:
    found = _step(call, x, state, [of_input, of_state], [input_bias, state_bias], 3)
    if found is None:
        return None
    op = call.graph.op
    ours, theirs = found
    reset = op("Sigmoid", op("Add", theirs[0], ours[0]))
    update = op("Sigmoid", op("Add", theirs[1], ours[1]))
    new = op("Tanh", op("Add", ours[2], op("Mul", theirs[2], reset)))
    return op("Add", op("Mul", op("Sub", state, new), update), new)


@lowers("lstm_cell.default")
def lstm_cell(
    call: Call,
    x: ir.Value,
    states: Sequence[ir.Value],
    of_input: ir.Value,
    of_state: ir.Value,
    input_bias: ir.Value | None,
    state_bias: ir.Value | None,
) -> Lowered:
    found = _step(call, x, states[0], [of_input, of_state], [input_bias, state_bias], 4)
    if found is None:
        return None
    op = call.graph.op
    sums = [op("Add", *parts) for parts in zip(*found, strict=True)]
    enter, forget, output = (op("Sigmoid", sums[gate]) for gate in (0, 1, 3))
    content = op("Add", op("Mul", forget, states[1]), op("Mul", enter, op("Tanh", sums[2])))
    return [op("Mul", output, op("Tanh", content)), content]


def _plain(activation: str) -> Lowering:
    def lower(
        call: Call,
        x: ir.Value,
        state: ir.Value,
        of_input: ir.Value,
        of_state: ir.Value,
        input_bias: ir.Value | None,
        state_bias: ir.Value | None,
    ) -> Lowered:
        found = _step(call, x, state, [of_input, of_state], [input_bias, state_bias], 1)
        if found is None:
            return None
        return call.graph.op(activation, call.graph.op("Add", found[0][0], found[1][0]))

    return lower


lowers("rnn_tanh_cell.default")(_plain("Tanh"))
lowers("rnn_relu_cell.default")(_plain("Relu"))
