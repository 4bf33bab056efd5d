"""Writes of an exported graph that are values with no more ado: `relu_` of what nothing else names.

A write is plain where

1. the tensor is the graph's own: an operation made it, no input or weight is in it,
2. no view of it is older than the write: whoever names the tensor means all of it,
3. the operation gives, written as one that returns its result, the same dtype.

The new value then takes the place of the old one for all names. Of what is not plain torch's own functionalisation
takes care, which costs more: it cannot take branches that hold tensors, and forgets some places in the source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx
from torch._C import DispatchKey
from torch._ops import HigherOrderOperator, OpOverload

from dycl.errors import DyclError
from dycl.frontends.arguments import bind
from dycl.frontends.exported.places import target_of
from dycl.ir.schema import schema_of

HARMLESS = frozenset(["detach_", "requires_grad_"])
"""Overload packets that write nothing that a value has."""

DROPOUTS = {"dropout": 2, "alpha_dropout": 2, "feature_dropout": 2, "feature_alpha_dropout": 2}
"""Overload packets that give their input unless they train, and where the flag for that is."""

_SAME = frozenset(["alias", "detach", "lift_fresh", *HARMLESS])
"""Overload packets that give their input, all of it."""

_PLAIN = frozenset(
    f"{packet}_"
    for packet in (
        *("abs", "add", "addcdiv", "addcmul", "celu", "clamp", "clamp_max", "clamp_min", "cos", "div", "elu", "exp"),
        *("gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "lerp", "log", "masked_fill", "mish", "mul"),
        *("neg", "pow", "relu", "relu6", "rsqrt", "selu", "sigmoid", "silu", "sin", "sqrt", "square", "sub", "tanh"),
    )
)
"""Elementwise overload packets, whose result has their first argument's dtype where the others have it too."""

_NEW = frozenset(
    [
        *("batch_norm", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        *("group_norm", "instance_norm", "layer_norm", "linear", "log_softmax", "matmul", "max_pool1d", "max_pool2d"),
        *("max_pool3d", "scaled_dot_product_attention", "softmax"),
    ]
)
"""Overload packets made of others that always give new memory: their schemas do not promise it."""

_APART = frozenset(["cond", "map_impl", "scan", "while_loop"])
"""Higher-order operators whose results torch keeps apart from their operands."""


def plain_writes(graph: fx.Graph) -> Mapping[fx.Node, Sequence[fx.Node]]:
    """Return the plain writes of a graph, and for each the nodes before it that name what is written."""
    memory = _Memory()
    for node in graph.nodes:
        memory.visit(node)
    return memory.writes


@dataclass
class _Memory:
    """What is known, at a node, of the memory that the nodes before it name."""

    writes: dict[fx.Node, Sequence[fx.Node]] = field(default_factory=dict[fx.Node, Sequence[fx.Node]])
    _names: dict[fx.Node, list[fx.Node]] = field(default_factory=dict[fx.Node, list[fx.Node]])
    """For each node that means all of a memory of the graph's own, the nodes that do: one list for all of them."""

    def visit(self, node: fx.Node) -> None:
        target = target_of(node)
        if isinstance(target, OpOverload):
            self._overload(node, target)
        elif isinstance(target, HigherOrderOperator) and target.name() not in _APART:
            self._share(node)
        elif node.op == "call_function" and _is_result_of_its_own(node):
            self._names[node] = [node]

    def _overload(self, node: fx.Node, func: OpOverload) -> None:
        packet = packet_of(func)
        arguments = bind(func, node.args, node.kwargs)
        is_same = packet in _SAME or (packet in DROPOUTS and not arguments[DROPOUTS[packet]])
        names = self._names.get(arguments[0]) if arguments and isinstance(arguments[0], fx.Node) else None
        if is_same or packet in _PLAIN:
            if names is None:
                return
            if not is_same:
                if functional_name(func) is None or not _keeps_dtype(arguments):
                    self._share(node)
                    return
                self.writes[node] = tuple(names)
            names.append(node)
            self._names[node] = names
        elif _gives_new_memory(func, packet):
            self._names[node] = [node]
        else:
            self._share(node)

    def _share(self, node: fx.Node) -> None:
        """Note that other nodes may name a part of what this one's operands name."""
        for operand in node.all_input_nodes:
            for name in self._names.get(operand, ()):
                self._names.pop(name, None)


def packet_of(func: OpOverload) -> str:
    return func._schema.name.removeprefix("aten::")  # pyright: ignore[reportPrivateUsage]: torch has no public name for it


def functional_name(func: OpOverload) -> str | None:
    """Return the overload that returns what this one writes, None where there is none with the same arguments."""
    schema = func._schema  # pyright: ignore[reportPrivateUsage]: as above
    packet, variant = packet_of(func).removesuffix("_"), schema.overload_name or "default"
    ours = [(argument.name, str(argument.type)) for argument in schema.arguments]
    for name in (f"{packet}.{variant}", f"{packet}.Tensor_{variant}"):
        try:
            other = schema_of(name)
        except DyclError:
            continue
        theirs = other.overload._schema.arguments  # pyright: ignore[reportPrivateUsage]: as above
        if not other.is_mutable and [(argument.name, str(argument.type)) for argument in theirs] == ours:
            return name
    return None


def _gives_new_memory(func: OpOverload, packet: str) -> bool:
    schema = func._schema  # pyright: ignore[reportPrivateUsage]: as above
    if schema.is_mutable or any(result.alias_info is not None for result in schema.returns):
        return False
    is_made_of_others = func.has_kernel_for_dispatch_key(DispatchKey.CompositeImplicitAutograd)
    return packet in _NEW or not is_made_of_others


def _is_result_of_its_own(node: fx.Node) -> bool:
    """Whether a node takes one result of a branch or loop."""
    source = node.args[0] if node.args else None
    operator = target_of(source) if isinstance(source, fx.Node) else None
    return isinstance(operator, HigherOrderOperator) and operator.name() in _APART


def _keeps_dtype(arguments: Sequence[Any]) -> bool:
    """Whether an elementwise operation of these arguments gives a tensor of the first one's dtype."""
    values = [argument.meta.get("val") if isinstance(argument, fx.Node) else argument for argument in arguments]
    dtypes = [value.dtype for value in values if isinstance(value, torch.Tensor) and value.dtype != torch.bool]
    written = values[0]
    return (
        isinstance(written, torch.Tensor)
        and written.dtype.is_floating_point
        and all(dtype == written.dtype for dtype in dtypes)
    )
