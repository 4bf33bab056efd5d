"""Exported programs in functional form: nothing is written to, and nothing outlives a call.

What `torch.export.export` returns still has the writes of the source in it (`relu_`). Plain ones become values as they
are read; the others torch's own functionalisation takes out, in branches and loops too, and it resolves autocast.
"""

import warnings
from collections.abc import Iterator

from torch import fx
from torch._ops import HigherOrderOperator, OpOverload
from torch.export import ExportedProgram
from torch.export.graph_signature import OutputKind

from dycl.errors import DyclError
from dycl.frontends.arguments import bind
from dycl.frontends.exported.diagnostics import UnsupportedNode
from dycl.frontends.exported.places import places_of, target_of
from dycl.frontends.exported.writes import HARMLESS, packet_of, plain_writes

_WRITERS = frozenset(["wrap_with_autocast", "auto_functionalized", "auto_functionalized_v2"])

_STATISTICS = {"batch_norm": (5, 3), "instance_norm": (5, 3), "native_batch_norm": (5, 3)}
"""Overload packets that write to their running statistics: where the flag and the running mean are."""


def functional(exported: ExportedProgram) -> ExportedProgram:
    """Return the program with its writes as values.

    Raises:
        UnsupportedNode: it writes to what outlives the call, or torch cannot take a write out
        DyclError: it has outputs that are none of the user's
    """
    written: fx.Node | None = None
    for graph in _graphs(exported.graph_module):
        plain = plain_writes(graph)
        for node in graph.nodes:
            _refuse_training(node)
            if written is None and node not in plain and _writes(node):
                written = node
    if written is not None:
        exported = _functionalised(exported, written)
    _refuse_state(exported, written)
    return exported


def _graphs(module: fx.GraphModule) -> Iterator[fx.Graph]:
    """Yield a graph and those of its branches and loops."""
    for child in module.modules():
        if isinstance(child, fx.GraphModule):
            yield child.graph


def _writes(node: fx.Node) -> bool:
    match target_of(node):
        case OpOverload() as overload:
            schema = overload._schema  # pyright: ignore[reportPrivateUsage]: torch has no public name for it
            return schema.is_mutable and packet_of(overload) not in HARMLESS
        case HigherOrderOperator() as operator:
            return operator.name() in _WRITERS
        case _:
            return False


def _refuse_training(node: fx.Node) -> None:
    if not isinstance(node.target, OpOverload):
        return
    places = _STATISTICS.get(packet_of(node.target))
    if places is None:
        return
    arguments = bind(node.target, node.args, node.kwargs)
    if arguments[places[0]] is not False and arguments[places[1]] is not None:
        raise UnsupportedNode(
            "a normalisation in training mode",
            node.name,
            places_of(node),
            "it would update its running statistics in every call",
            "call `.eval()` on the model before exporting it",
        )


def _functionalised(exported: ExportedProgram, written: fx.Node) -> ExportedProgram:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return exported.run_decompositions({})
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        raise UnsupportedNode(
            f"`{written.target}`, a write that torch cannot make a value",
            written.name,
            places_of(written),
            f"its functionalisation failed: {type(error).__name__}: {first}",
            "write the result to a new tensor, as in `y = x + 1` for `x += 1`",
        ) from error


def _refuse_state(exported: ExportedProgram, written: fx.Node | None) -> None:
    specs = exported.graph_signature.output_specs
    states = [spec.target or spec.arg.name for spec in specs if spec.kind in _STATES]
    if states:
        raise UnsupportedNode(
            f"a program that writes to {', '.join(f'`{name}`' for name in states)}",
            written.name if written is not None else "",
            places_of(written) if written is not None else (),
            "a compiled program keeps nothing from one call to the next",
            "return the new value as an output and pass it in again as an input; if these are the statistics of a "
            "normalisation, call `.eval()` before exporting",
        )
    others = [spec for spec in specs if spec.kind is not OutputKind.USER_OUTPUT]
    if others:
        raise DyclError(
            f"the exported program has an output of kind {others[0].kind.name.lower()}, `{others[0].arg.name}`: "
            "only programs for inference are taken"
        )


_STATES = (OutputKind.BUFFER_MUTATION, OutputKind.USER_INPUT_MUTATION, OutputKind.PARAMETER_MUTATION)
