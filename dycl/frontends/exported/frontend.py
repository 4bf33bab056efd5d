"""From an exported program to a program: its graph, node by node, as ops."""

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Region, SSAValue

from dycl.frontends.builder import Builder
from dycl.frontends.exported.calls import rule_of
from dycl.frontends.exported.diagnostics import UnsupportedNode
from dycl.frontends.exported.functional import functional
from dycl.frontends.exported.graphs import Held, Reader
from dycl.frontends.exported.guards import emit_guards
from dycl.frontends.exported.inputs import Inputs, read_inputs
from dycl.frontends.exported.outputs import arrange_outputs
from dycl.frontends.exported.weights import Weights
from dycl.frontends.refusal import Refusal
from dycl.ir.locations import location
from dycl.ir.ops import ReturnOp
from dycl.ir.verify import verify
from dycl.program import Program, argument_type, entry_function
from dycl.runtime.signature import Signature


def import_exported(exported: ExportedProgram, signature: Signature | None = None) -> Program:
    """Read an exported program; it is left as it was.

    Args:
        exported: what `torch.export.export` or `torch.export.load` returns, in any of its dialects
        signature: numbers or other names for its dynamic sizes; by default they stay as they are

    Raises:
        UsageError: the signature is not one of the program
        DyclError: it holds what a program cannot; the message names the node and its place
    """
    guards = exported._guards_code  # pyright: ignore[reportPrivateUsage]: has no public name
    exported = functional(exported)
    inputs = read_inputs(exported, signature)
    builder = Builder(lambda: location(tuple(place.frame for place in reader.places)))
    reader = Reader(rule_of, builder, Weights(builder), inputs.sizes)
    tensors = _arguments(builder, inputs)
    emit_guards(builder, guards, {leaf.accessor: tensors[leaf.name] for leaf in inputs.leaves if leaf.name in tensors})
    results = reader.read(exported.graph, _placeholders(exported, reader, inputs, tensors))
    outputs = arrange_outputs(exported, results)
    builder.emit(ReturnOp(outputs.values))
    types = [value.type for value in outputs.values]
    main = entry_function(inputs.signature, types, Region(builder.finish()), outputs.structure)
    program = Program(ModuleOp([main]), reader.weights.store, outputs.classes)
    verify(program.module)
    return program


def _arguments(builder: Builder, inputs: Inputs) -> dict[str, SSAValue]:
    """Add the signature's inputs to the entry block, and return them by name."""
    arguments: dict[str, SSAValue] = {}
    for input in inputs.signature.inputs:
        value = builder.entry.insert_arg(argument_type(input), len(builder.entry.args))
        value.name_hint = input.name
        arguments[input.name] = value
    return arguments


def _placeholders(
    exported: ExportedProgram, reader: Reader, inputs: Inputs, tensors: dict[str, SSAValue]
) -> list[Held]:
    """Return what the graph's placeholders are: inputs, and of the weights those that are used.

    Raises:
        UnsupportedNode: one is neither
    """
    users = {leaf.node: leaf for leaf in inputs.leaves}
    nodes = [node for node in exported.graph.nodes if node.op == "placeholder"]
    found: list[Held] = []
    for node, spec in zip(nodes, exported.graph_signature.input_specs, strict=True):
        leaf = users.get(node)
        if leaf is not None:
            constant = leaf.constant
            assert constant is None or isinstance(constant, bool | int | float | str)
            found.append(tensors[leaf.name] if leaf.tensor is not None else constant)
        elif not node.users:
            found.append(None)
        elif spec.target is None or spec.kind not in _HELD:
            raise UnsupportedNode(f"an input of kind {spec.kind.name.lower()}", node.name)
        else:
            found.append(_held(exported, reader, node.name, spec.kind, spec.target))
    return found


_HELD = (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR)


def _held(exported: ExportedProgram, reader: Reader, node: str, kind: InputKind, name: str) -> SSAValue:
    tensor: object = exported.state_dict.get(name, exported.constants.get(name))
    if not isinstance(tensor, torch.Tensor):
        raise UnsupportedNode(f"the weight `{name}`, which the exported program lacks", node)
    try:
        if kind is InputKind.CONSTANT_TENSOR:
            return reader.weights.constant(name, tensor)
        return reader.weights.weight(name, tensor)
    except Refusal as error:
        raise UnsupportedNode(error.message, node, (), error.reason, error.advice) from error
