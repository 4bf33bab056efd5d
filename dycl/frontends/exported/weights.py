"""The tensors of an exported program: parameters, buffers and constants under their names, small constants inline."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch._subclasses.fake_tensor import FakeTensor
from xdsl.ir import SSAValue

from dycl.frontends.builder import Builder
from dycl.frontends.refusal import Refusal
from dycl.ir.constants import dense_attribute
from dycl.ir.ops import ConstantOp, ParamOp
from dycl.ir.ops.tensors import MAX_CONSTANT_BYTES
from dycl.ir.schema import element_type
from dycl.ir.types import tensor_type
from dycl.ir.weights import WeightStore


@dataclass
class Weights:
    """The weight store that an import fills with what the program uses, each tensor once."""

    builder: Builder
    store: WeightStore = field(default_factory=WeightStore)
    _known: dict[int, tuple[torch.Tensor, SSAValue]] = field(default_factory=dict[int, tuple[torch.Tensor, SSAValue]])

    def weight(self, name: str, tensor: torch.Tensor) -> SSAValue:
        """Return the value of a parameter or buffer; one that has two names keeps the first."""
        return self._once(tensor, lambda: self._param(self.store.add(name, tensor), tensor))

    def constant(self, name: str, tensor: torch.Tensor) -> SSAValue:
        """Return the value of another tensor that the program holds."""

        def emit() -> SSAValue:
            if 0 < tensor.numel() * tensor.element_size() <= MAX_CONSTANT_BYTES:
                attribute = dense_attribute(tensor.detach().cpu())
                return self.builder.emit_first(ConstantOp(attribute)).result
            return self._param(self.store.add_unique(name, tensor), tensor)

        return self._once(tensor, emit)

    def number(self, value: bool | int | float) -> SSAValue:
        """Return a number as a tensor without dimensions, of the dtype that it has among tensors."""
        tensor = torch.tensor(value, dtype=torch.float32 if isinstance(value, float) else None)
        return self.builder.emit_first(ConstantOp(dense_attribute(tensor))).result

    def _once(self, tensor: torch.Tensor, emit: Callable[[], SSAValue]) -> SSAValue:
        known = self._known.get(id(tensor))
        if known is None:
            _check(tensor)
            # The tensor is kept, so that its id stands for it alone.
            known = self._known[id(tensor)] = (tensor, emit())
        return known[1]

    def _param(self, key: str, tensor: torch.Tensor) -> SSAValue:
        op = self.builder.emit_first(ParamOp(key, tensor_type(tuple(tensor.shape), element_type(tensor.dtype))))
        hint = "".join(c if c.isascii() and c.isalnum() else "_" for c in key)
        op.value.name_hint = f"_{hint}" if hint[:1].isdigit() else hint
        return op.value


def _check(tensor: torch.Tensor) -> None:
    if isinstance(tensor, FakeTensor) or tensor.is_meta:
        raise Refusal("a weight without values", "the program was exported under a fake or meta device")
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex():
        raise Refusal(f"a tensor of {tensor.dtype} with layout {tensor.layout}", "the IR has only dense real tensors")
