"""Recurrent networks. ONNX orders the gates otherwise than torch, and keeps the directions on an axis of their own."""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from dycl.backends.onnxruntime.graph import Graph, known_shape
from dycl.backends.onnxruntime.lowerings.table import Call, Lowered, lowers
from dycl.backends.protocol import CannotCompile

_LSTM_GATES = (0, 3, 1, 2)
"""torch's input, forget, cell, output as ONNX's input, output, forget, cell."""
_GRU_GATES = (1, 0, 2)
"""torch's reset, update, new as ONNX's update, reset, hidden."""


def _reordered(graph: Graph, weights: ir.Value, gates: Sequence[int]) -> ir.Value | None:
    sizes = known_shape(weights)
    if sizes is None:
        return None
    content = graph.array(weights)
    if content is not None and weights.dtype is not None:
        parts = np.split(content, len(gates))
        return graph.constant(np.concatenate([parts[gate] for gate in gates]), weights.dtype)
    pieces = graph.ops("Split", [weights.dtype] * len(gates), weights, axis=0, num_outputs=len(gates))
    return graph.op("Concat", *[pieces[gate] for gate in gates], axis=0, shape=sizes)


def _stacked(graph: Graph, parts: Sequence[ir.Value]) -> ir.Value:
    """Join weights of the directions on a new first axis."""
    contents = [graph.array(part) for part in parts]
    known = [content for content in contents if content is not None]
    dtype = parts[0].dtype
    if len(known) == len(parts) and dtype is not None:
        return graph.constant(np.stack(known), dtype)
    axis = graph.constant([0])
    unsqueezed = [graph.op("Unsqueeze", part, axis) for part in parts]
    return unsqueezed[0] if len(parts) == 1 else graph.op("Concat", *unsqueezed, axis=0)


def _layer_weights(
    graph: Graph, params: Sequence[ir.Value], has_biases: bool, gates: Sequence[int]
) -> list[ir.Value | None] | None:
    """Return ONNX's W, R and B of one layer; `params` holds those of its directions."""
    per_direction = 4 if has_biases else 2
    directions = [params[start : start + per_direction] for start in range(0, len(params), per_direction)]
    stacked: list[ir.Value | None] = []
    for kind in range(2):
        parts = [_reordered(graph, weights[kind], gates) for weights in directions]
        if any(part is None for part in parts):
            return None
        stacked.append(_stacked(graph, [part for part in parts if part is not None]))
    if not has_biases:
        return [*stacked, None]
    biases: list[ir.Value] = []
    for weights in directions:
        halves = [_reordered(graph, bias, gates) for bias in weights[2:]]
        known = [half for half in halves if half is not None]
        contents = [content for half in known if (content := graph.array(half)) is not None]
        if len(known) < 2 or known[0].dtype is None:
            return None
        joined = (
            graph.constant(np.concatenate(contents), known[0].dtype)
            if len(contents) == 2
            else graph.op("Concat", *known, axis=0)
        )
        biases.append(joined)
    return [*stacked, _stacked(graph, biases)]


def _run(
    op_type: str,
    gates: Sequence[int],
    call: Call,
    x: ir.Value,
    states: Sequence[ir.Value],
    params: Sequence[ir.Value],
    has_biases: bool,
    num_layers: int,
    bidirectional: bool,
    batch_first: bool,
) -> Lowered:
    graph = call.graph
    sizes = known_shape(x)
    if sizes is None or len(sizes) != 3 or x.dtype is None:
        return None
    length, batch = (sizes[1], sizes[0]) if batch_first else (sizes[0], sizes[1])
    directions = 2 if bidirectional else 1
    hidden = known_shape(states[0])
    if hidden is None or len(call.results) != 1 + len(states):
        return None
    width = hidden[2]
    direction = "bidirectional" if bidirectional else "forward"
    if batch_first:
        x = graph.op("Transpose", x, perm=[1, 0, 2], shape=[length, batch, sizes[2]])
    per_layer = len(params) // num_layers
    finals: list[list[ir.Value]] = [[] for _ in states]
    for layer in range(num_layers):
        weights = _layer_weights(graph, params[layer * per_layer : (layer + 1) * per_layer], has_biases, gates)
        if weights is None:
            return None
        initial = [_layer_state(graph, state, layer, num_layers, directions) for state in states]
        dtypes, operands = [x.dtype] * (1 + len(states)), [x, *weights, None, *initial]
        if op_type == "GRU":
            found = graph.ops("GRU", dtypes, *operands, hidden_size=width, direction=direction, linear_before_reset=1)
        else:
            found = graph.ops("LSTM", dtypes, *operands, hidden_size=width, direction=direction)
        output, *last = found
        for state, final in zip(finals, last, strict=True):
            final.shape = ir.Shape([directions, batch, width])
            state.append(final)
        if directions == 2:
            output.shape = ir.Shape([length, 2, batch, width])
            output = graph.op("Transpose", output, perm=[0, 2, 1, 3], shape=[length, batch, 2, width])
        else:
            # One step's output is its state: the copy that ONNX also offers is not asked for.
            output = last[0] if length == 1 else output
            output.shape = ir.Shape([1, batch, width] if length == 1 else [length, 1, batch, width])
        joined = graph.reshape(output, [length, batch, directions * width])
        assert joined is not None
        x = joined
    if batch_first:
        x = graph.op("Transpose", x, perm=[1, 0, 2], shape=[batch, length, directions * width])
    return [x, *(state[0] if num_layers == 1 else graph.op("Concat", *state, axis=0) for state in finals)]


def _layer_state(graph: Graph, state: ir.Value, layer: int, num_layers: int, directions: int) -> ir.Value:
    if num_layers == 1:
        return state
    bounds = (layer * directions, (layer + 1) * directions)
    return graph.op("Slice", state, *[graph.constant([bound]) for bound in bounds], graph.constant([0]))


def _refuse_dropout(train: bool, dropout: float) -> None:
    if train and dropout:
        raise CannotCompile(["it draws random numbers"])


@lowers("lstm.input")
def lstm(
    call: Call,
    x: ir.Value,
    states: Sequence[ir.Value],
    params: Sequence[ir.Value],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> Lowered:
    _refuse_dropout(train, dropout)
    if len(params) != num_layers * (1 + bidirectional) * (4 if has_biases else 2):
        raise CannotCompile(["it has projections"])
    return _run("LSTM", _LSTM_GATES, call, x, states, params, has_biases, num_layers, bidirectional, batch_first)


@lowers("gru.input")
def gru(
    call: Call,
    x: ir.Value,
    state: ir.Value,
    params: Sequence[ir.Value],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> Lowered:
    _refuse_dropout(train, dropout)
    return _run("GRU", _GRU_GATES, call, x, [state], params, has_biases, num_layers, bidirectional, batch_first)
