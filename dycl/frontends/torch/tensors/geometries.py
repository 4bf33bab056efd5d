"""What calls give, by what they are called with: layers that are alike ask torch once.

Of new tensors, a call's results have a geometry that its operands' geometries decide: dtype, sizes and strides. Results
that may be an operand, or share memory with one, or have a size known only at run time, are asked for every time.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import torch

from dycl.frontends.torch.tensors.symbolic_calls import key_of, storages, tensors_in
from dycl.frontends.torch.tensors.symbols import SYMBOLIC
from dycl.frontends.torch.values import Value

Geometry: TypeAlias = tuple[torch.Size, tuple[int, ...], torch.dtype]
New: TypeAlias = Callable[[Sequence[int], Sequence[int], torch.dtype], torch.Tensor]
"""Makes a tensor of these sizes, strides and dtype."""


@dataclass
class Geometries:
    new: New
    _known: dict[Hashable, tuple[list[Geometry], bool]] = field(default_factory=dict)
    """The results, and whether they are one tensor rather than a tuple."""

    def run(self, func: Callable[..., Value], args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
        """Call an overload on fake tensors whose sizes are all known."""
        key = (func, key_of(args), key_of(tuple(kwargs.items())))
        if key in self._known:
            results, is_single = self._known[key]
            tensors = tuple(self.new(*geometry) for geometry in results)
            return tensors[0] if is_single else tensors
        out = func(*args, **kwargs)
        results = tensors_in(out)
        is_single = isinstance(out, torch.Tensor)
        is_flat = is_single or (isinstance(out, tuple) and len(out) == len(results))
        is_new = len(storages(results)) == len(results) and storages(results).isdisjoint(storages((args, kwargs)))
        if is_flat and is_new and results and all(map(_is_known, results)):
            self._known[key] = [(result.size(), result.stride(), result.dtype) for result in results], is_single
        return out


def _is_known(tensor: torch.Tensor) -> bool:
    numbers = (*tensor.size(), *tensor.stride(), tensor.storage_offset())
    return not any(isinstance(number, SYMBOLIC) for number in numbers)
