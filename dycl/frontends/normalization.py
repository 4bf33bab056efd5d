"""Calls that mean the same, written in one way: fewer overloads for passes and backends to know."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch

Value: TypeAlias = Any
"""An argument; what stands for a tensor is passed on as it is."""

_COPIES = frozenset(
    ["clone", "contiguous", "to", "_to_copy", "alias", "detach", "detach_copy", "lift_fresh_copy", "positive"]
)
_RESHAPES = frozenset(["view", "view_as", "reshape_as", "_unsafe_view", "_reshape_alias"])


def unchanged(name: str, arguments: list[Value], output: torch.Tensor) -> torch.Tensor | None:
    """Return the tensor of which a call gives the same values, in new memory or the same, where it does so."""
    source = arguments[0] if arguments else None
    if name.partition(".")[0] not in _COPIES or not isinstance(source, torch.Tensor):
        return None
    return source if source.dtype == output.dtype and same_size(source, output) else None


def normalize(name: str, arguments: list[Value], output: torch.Tensor) -> tuple[str, list[Value]]:
    """Return the call as the IR has it.

    - views by another name are `reshape`: a value has no strides that could forbid it
    - `expand_as` is `expand`
    - a size known only at run time is -1 where that says the same
    - conversions are `to.dtype`
    - a new tensor's dtype is written out
    - other names of one operation are one
    """
    packet = name.partition(".")[0]
    source: Value = arguments[0] if arguments else None
    sizes = list(output.size())
    if name == "view.dtype":
        return name, arguments
    if packet in _RESHAPES or (name == "reshape.default" and _is_open(sizes)):
        return "reshape.default", [source, _target(sizes, arguments)]
    if name in _OTHER_NAMES:
        return _OTHER_NAMES[name], arguments
    if packet == "expand_as" or (name == "expand.default" and _is_open(sizes)):
        return "expand.default", [source, _kept(sizes, source.size()), False]
    if packet in ("to", "_to_copy", "type_as"):
        return "to.dtype", [source, output.dtype, False, False, None]
    if packet in _FACTORIES and _FACTORIES[packet] < len(arguments) and arguments[_FACTORIES[packet]] is None:
        dtype = _FACTORIES[packet]
        return name, [*arguments[:dtype], output.dtype, *arguments[dtype + 1 :]]
    return name, arguments


def _is_open(sizes: list[Value]) -> bool:
    return not all(isinstance(size, int) for size in sizes)


def _target(sizes: list[Value], arguments: list[Value]) -> list[Value]:
    """The sizes to reshape to; at most one of them may be -1."""
    unknown = [axis for axis, size in enumerate(sizes) if not isinstance(size, int)]
    if len(unknown) == 1 and all(size != 0 for axis, size in enumerate(sizes) if axis not in unknown):
        return [-1 if axis in unknown else size for axis, size in enumerate(sizes)]
    given = arguments[1]
    # What the program wrote as -1 stays, rather than a product of sizes.
    stays = isinstance(given, list | tuple) and any(isinstance(size, int) and size == -1 for size in given)
    return list(given) if unknown and stays else sizes


def _kept(sizes: list[Value], source: Sequence[Value]) -> list[Value]:
    """The sizes to expand to; -1 keeps the source's."""
    kept: list[Value] = []
    for axis, size in enumerate(sizes, len(source) - len(sizes)):
        keeps = axis >= 0 and not isinstance(size, int) and _same(size, source[axis])
        kept.append(-1 if keeps else size)
    return kept


def same_size(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors are known to have the same sizes."""
    a, b = one.size(), other.size()
    return len(a) == len(b) and all(map(_same, a, b))


def _same(a: Value, b: Value) -> bool:
    if isinstance(a, int) or isinstance(b, int):
        return isinstance(a, int) and isinstance(b, int) and a == b
    return a.node.expr == b.node.expr


_FACTORIES = {"zeros": 1, "ones": 1, "empty": 1, "full": 2, "scalar_tensor": 1, "eye": 1}
"""Calls that make a tensor of the default dtype unless told, and the place of their dtype."""

_OTHER_NAMES = {
    "_is_all_true.default": "all.default",
    "_is_any_true.default": "any.default",
    **{
        f"__{short}__.{variant}": f"bitwise_{short}.{variant}"
        for short in ("and", "or", "xor")
        for variant in ("Tensor", "Scalar")
    },
}
