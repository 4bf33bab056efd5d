"""Calls that mean the same, written in one way: fewer overloads for passes and backends to know."""

import torch

from dycl.frontends.torch.heap import sizes_of
from dycl.frontends.torch.values import Value

_COPIES = frozenset(
    ["clone", "contiguous", "to", "_to_copy", "alias", "detach", "detach_copy", "lift_fresh_copy", "positive"]
)
_RESHAPES = frozenset(["view", "view_as", "reshape_as", "_unsafe_view", "_reshape_alias"])


def unchanged(name: str, arguments: list[Value], output: torch.Tensor) -> torch.Tensor | None:
    """Return the tensor of which a call gives the same values, in new memory or the same, where it does so."""
    source = arguments[0] if arguments else None
    if name.partition(".")[0] not in _COPIES or not isinstance(source, torch.Tensor):
        return None
    return source if source.dtype == output.dtype and source.size() == output.size() else None


def normalize(name: str, arguments: list[Value], output: torch.Tensor) -> tuple[str, list[Value]]:
    """Return the call as the IR has it.

    - views by another name are `reshape`: a value has no strides that could forbid it
    - `expand_as` is `expand`
    - conversions are `to.dtype`
    - a new tensor's dtype is written out
    """
    packet, source = name.partition(".")[0], arguments[0] if arguments else None
    sizes = list(output.size())
    is_static = None not in sizes_of(output)
    if name == "view.dtype":
        return name, arguments
    if packet in _RESHAPES and is_static:
        return "reshape.default", [source, sizes]
    if name == "view.default":
        return "reshape.default", arguments
    if packet == "expand_as" and is_static:
        return "expand.default", [source, sizes, False]
    if packet in ("to", "_to_copy", "type_as"):
        return "to.dtype", [source, output.dtype, False, False, None]
    if packet in _FACTORIES and _FACTORIES[packet] < len(arguments) and arguments[_FACTORIES[packet]] is None:
        dtype = _FACTORIES[packet]
        return name, [*arguments[:dtype], output.dtype, *arguments[dtype + 1 :]]
    return name, arguments


_FACTORIES = {"zeros": 1, "ones": 1, "empty": 1, "full": 2, "scalar_tensor": 1, "eye": 1}
"""Calls that make a tensor of the default dtype unless told, and the place of their dtype."""
