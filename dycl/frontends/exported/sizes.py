"""Sizes in exported programs: numbers, and torch's expressions of symbols, some of which may be given as numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy
import torch

from dycl.ir.schema import element_type
from dycl.ir.types import Tensor, tensor_type


@dataclass(frozen=True)
class Sizes:
    """What is known of the sizes: numbers for some of torch's symbols."""

    given: Mapping[sympy.Symbol, int] = field(default_factory=dict[sympy.Symbol, int])

    def known(self, size: int | torch.SymInt) -> int | None:
        """Return a size that is known while compiling, None for others."""
        if isinstance(size, int):
            return size
        value = expression_of(size).subs(list(self.given.items()))
        return int(str(value)) if value.is_Integer else None

    def type_of(self, tensor: torch.Tensor) -> Tensor:
        """Return the type of a fake tensor's value."""
        return tensor_type([self.known(size) for size in tensor.size()], element_type(tensor.dtype))


def expression_of(size: int | torch.SymInt) -> sympy.Expr:
    return sympy.Integer(size) if isinstance(size, int) else size.node.expr
