"""Real tensors: the model's weights by their names, everything else that is known as a constant."""

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.utils._python_dispatch import _disable_current_modes  # pyright: ignore[reportPrivateUsage]: no public way
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr
from xdsl.ir import SSAValue

from dycl.frontends.dtypes import check_held
from dycl.frontends.torch.diagnostics import Refusal
from dycl.frontends.torch.tensors.heap import type_of
from dycl.ir.ops import ConstantOp, ParamOp
from dycl.ir.ops.tensors import MAX_CONSTANT_BYTES
from dycl.ir.weights import WeightStore

if TYPE_CHECKING:
    from dycl.frontends.torch.tensors.recorder import Recorder


class Weights:
    """The weight store that a capture fills with what it uses, under the names of the module's `state_dict`."""

    def __init__(self, module: nn.Module) -> None:
        self.store = WeightStore()
        named = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
        self._names: dict[int, str] = {}
        for name, tensor in named:
            self._names.setdefault(id(tensor), name)
        self._taken = set(self._names.values())
        self._fakes: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def fake(self, tensor: torch.Tensor, recorder: "Recorder") -> torch.Tensor:
        """Return the fake tensor that stands for a real one that the program holds."""
        known = self._fakes.get(id(tensor))
        if known is not None:
            return known[1]
        _check(tensor)
        fake = recorder.empty_like(tensor)
        name = self._names.get(id(tensor))
        ssa = self._weight(name, tensor, fake, recorder) if name else self._constant(tensor, fake, recorder)
        recorder.heap.add(fake, ssa, frozen=f"the weight `{name}`" if name else "a tensor that the model holds")
        # The real tensor is kept, so that its id stands for it alone.
        self._fakes[id(tensor)] = (tensor, fake)
        return fake

    def fresh(self, tensor: torch.Tensor, recorder: "Recorder") -> torch.Tensor:
        """Return a fake tensor for one that the program has just made from Python numbers."""
        if id(tensor) in self._fakes or id(tensor) in self._names:
            return self.fake(tensor, recorder)
        _check(tensor)
        fake = recorder.empty_like(tensor)
        recorder.heap.add(fake, self._constant(tensor, fake, recorder))
        return fake

    def _weight(self, name: str, tensor: torch.Tensor, fake: torch.Tensor, recorder: "Recorder") -> SSAValue:
        with _disable_current_modes():
            self.store.add(name, tensor)
        return _emit_param(name, fake, recorder)

    def _constant(self, tensor: torch.Tensor, fake: torch.Tensor, recorder: "Recorder") -> SSAValue:
        with _disable_current_modes():
            if tensor.numel() > 0 and tensor.numel() * tensor.element_size() <= MAX_CONSTANT_BYTES:
                values = tensor.detach().cpu().contiguous().reshape(-1).tolist()
                type = type_of(fake)
                constant = ConstantOp(DenseIntOrFPElementsAttr.from_list(type, values))  # pyright: ignore
                return recorder.heap.builder.emit_first(constant).result
            prefix = "constant"
            while prefix in self._taken:
                prefix += "_"
            key = self.store.add_unique(prefix, tensor)
        return _emit_param(key, fake, recorder)


def _emit_param(key: str, fake: torch.Tensor, recorder: "Recorder") -> SSAValue:
    op = recorder.heap.builder.emit_first(ParamOp(key, type_of(fake)))
    hint = "".join(c if c.isascii() and c.isalnum() else "_" for c in key)
    op.value.name_hint = f"_{hint}" if hint[:1].isdigit() else hint
    return op.value


def _check(tensor: torch.Tensor) -> None:
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise Refusal(
            f"a tensor of {tensor.dtype} with layout {tensor.layout}",
            "a program has only dense tensors",
            "make it dense before compiling the model: `.to_dense()`, or `.dequantize()`",
        )
    check_held("a tensor that the model holds,", [tensor])
