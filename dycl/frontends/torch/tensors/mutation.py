"""In-place operations as functional ones: the new value first, then a write to the heap."""

from collections.abc import Callable
from typing import Any

import torch

from dycl.errors import DyclError
from dycl.frontends.normalization import same_size
from dycl.frontends.torch.diagnostics import Refusal
from dycl.frontends.torch.tensors.eager_dtypes import EagerDtypes
from dycl.frontends.torch.tensors.heap import Heap, key_of
from dycl.frontends.torch.tensors.symbolic_calls import is_symbolic
from dycl.frontends.torch.tensors.trials import Trials
from dycl.frontends.torch.values import Value
from dycl.ir.ops.tensors import ConstantOp
from dycl.ir.schema import overload_of, schema_of

Call = Callable[[str, Any, list[Value]], Value]

_RESHAPING = frozenset(
    [
        "resize_",
        "resize_as_",
        "set_",
        "t_",
        "transpose_",
        "squeeze_",
        "unsqueeze_",
        "swapaxes_",
        "swapdims_",
        "as_strided_",
        "numpy_T_",
        "rename_",
    ]
)


class Mutations:
    def __init__(self, heap: Heap, trials: Trials, dtypes: EagerDtypes, call: Call) -> None:
        self._heap = heap
        self._trials = trials
        self._dtypes = dtypes
        self._call = call

    def write(self, name: str, func: Any, arguments: list[Value]) -> None:
        """Emit an in-place call.

        Raises:
            Refusal: it has no functional counterpart, or writes what must not be written
        """
        packet, _, variant = name.partition(".")
        if packet in _RESHAPING:
            raise Refusal(
                f"`{packet}`, which changes a tensor's shape in place", advice=f"assign the result of `{packet[:-1]}`"
            )
        if not packet.endswith("_") and not packet.startswith("__i"):
            raise Refusal(
                f"`{name}`, which writes to one of its arguments", advice="assign the result instead of `out=`"
            )
        target: torch.Tensor = arguments[0]
        if packet == "copy_" and key_of(arguments[1]) == key_of(target):
            return
        # torch's own checks first: an in-place call must not change dtype or shape.
        positional = [
            value for value, p in zip(arguments, schema_of(name).parameters, strict=True) if not p.keyword_only
        ]
        keywords = {
            p.name: value for value, p in zip(arguments, schema_of(name).parameters, strict=True) if p.keyword_only
        }
        self._dtypes.check(func, positional, keywords)
        if is_symbolic(arguments):
            self._trials.check(name, func, positional, keywords)
        else:
            func(*positional, **keywords)
        self._heap.write(target, self._heap.value(self._new_value(packet, variant, arguments)))

    def _new_value(self, packet: str, variant: str, arguments: list[Value]) -> torch.Tensor:
        target: torch.Tensor = arguments[0]
        if packet == "copy_":
            return self._fitted(arguments[1], target)
        if packet in ("fill_", "zero_"):
            return self._filled(target, arguments[1] if packet == "fill_" else 0)
        if packet == "index_put_":
            masked = self._masked(target, arguments)
            if masked is not None:
                return masked
        if packet == "masked_fill_" and variant == "Tensor":
            variant, arguments = self._with_number(variant, arguments)
        name = f"__{packet[3:]}.{variant}" if packet.startswith("__i") else f"{packet[:-1]}.{variant}"
        try:
            schema = schema_of(name)
        except DyclError:
            raise Refusal(
                f"the in-place operation `{packet}`", "it has no counterpart that returns a new tensor"
            ) from None
        if schema.is_mutable or len(schema.parameters) != len(arguments):
            raise Refusal(f"the in-place operation `{packet}`", "it has no counterpart that returns a new tensor")
        return self._fitted(self._call(name, schema.overload, arguments), target)

    def _fitted(self, value: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """`value` with the dtype and shape of `target`, as a write to it converts and broadcasts."""
        if value.dtype != target.dtype:
            value = self._call("to.dtype", overload_of("to.dtype"), [value, target.dtype, False, False, None])
        if not same_size(value, target):
            value = self._call("expand.default", overload_of("expand.default"), [value, list(target.size()), False])
        return value

    def _filled(self, target: torch.Tensor, value: Value) -> torch.Tensor:
        number = self._number(value)
        if number is None:
            return self._fitted(value, target)
        sizes = list(target.size())
        arguments = [sizes, number, target.dtype, None, None, None]
        return self._call("full.default", overload_of("full.default"), arguments)

    def _masked(self, target: torch.Tensor, arguments: list[Value]) -> torch.Tensor | None:
        """`target[mask] = number` with a mask of the target's shape, as `masked_fill`."""
        _, indices, value, accumulate = arguments
        if len(indices) != 1 or accumulate or not isinstance(value, torch.Tensor) or value.dim():
            return None
        mask = indices[0]
        if mask.dtype != torch.bool or not same_size(mask, target):
            return None
        if value.dtype != target.dtype:
            value = self._fitted_number(value, target)
        variant, filled = self._with_number("Tensor", [target, mask, value])
        name = f"masked_fill.{variant}"
        return self._call(name, overload_of(name), filled)

    def _fitted_number(self, value: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if self._number(value) is not None and (target.is_floating_point() or not value.is_floating_point()):
            return value
        return self._call("to.dtype", overload_of("to.dtype"), [value, target.dtype, False, False, None])

    def _with_number(self, variant: str, arguments: list[Value]) -> tuple[str, list[Value]]:
        number = self._number(arguments[2])
        return ("Scalar", [*arguments[:2], number]) if isinstance(number, bool | int | float) else (variant, arguments)

    def _number(self, value: Value) -> Value | None:
        """The number that `value` is: itself, or that of a constant without dimensions."""
        if not isinstance(value, torch.Tensor):
            return value
        owner = self._heap.value(value).owner
        if value.dim() or not isinstance(owner, ConstantOp):
            return None
        number = owner.value.get_values()[0]
        return bool(number) if value.dtype == torch.bool else number
