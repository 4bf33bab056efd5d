"""Methods of tensors that are not simply torch operations."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from dycl.frontends.torch.objects.arrays import Array
from dycl.frontends.torch.paths.grown import new_list, of_elements
from dycl.frontends.torch.tensors.heap import sizes_of
from dycl.frontends.torch.values import Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

MAX_LISTED = 64
"""How many numbers `.tolist()` gives one by one; more of them are one tensor."""


def call_tensor_method(capture: "Capture", method: Value, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    owner: torch.Tensor = method.__self__
    handler = _METHODS.get(method.__name__)
    if handler is not None and not (args or kwargs):
        return handler(capture, owner)
    if method.__name__ in _REFUSED:
        reason, advice = _REFUSED[method.__name__]
        raise capture.error(f"`.{method.__name__}()` on a traced tensor", reason, advice)
    if method.__name__ == "cuda":
        return owner
    if method.__name__ in ("allclose", "equal"):
        return capture.evaluator.call(capture, getattr(torch, method.__name__), [owner, *args], kwargs)
    return capture.torch_call(method, *args, **kwargs)


def _tolist(capture: "Capture", tensor: torch.Tensor) -> Value:
    if tensor.dim() == 0:
        return capture.item(tensor)
    first, *rest = sizes_of(tensor)
    count = math.prod(size for size in (first, *rest) if size is not None)
    if first is not None and count <= MAX_LISTED:
        return capture.born([_tolist(capture, part) for part in capture.torch_call(torch.unbind, tensor, 0)])
    if None not in rest and 0 < math.prod(size or 0 for size in rest) <= MAX_LISTED:
        return new_list(capture, of_elements(capture, tensor))
    what = "whose number of rows is known only at run time" if first is None else f"of {count} elements or more"
    raise capture.error(
        f"`.tolist()` on a tensor {what}",
        f"it would be a list of lists, and an inner one must have a known length, of at most {MAX_LISTED} numbers",
        "take the rows one by one in a `for` loop, or compute on the tensor instead",
    )


def _numpy(capture: "Capture", tensor: torch.Tensor) -> Value:
    if not capture.is_traced(tensor):
        return capture.without_modes(lambda: tensor.detach().numpy())
    if None in sizes_of(tensor):
        raise capture.error(
            "`.numpy()` on a tensor whose size is known only at run time",
            "numpy's code is not captured",
            "use the torch operation that does the same",
        )
    return Array(capture, tensor)


def _length(capture: "Capture", tensor: torch.Tensor) -> Value:
    return capture.torch_call(torch.Tensor.size, tensor, 0)


def _same(capture: "Capture", tensor: torch.Tensor) -> Value:
    return tensor


_METHODS: dict[str, Callable[["Capture", torch.Tensor], Value]] = {
    "__len__": _length,
    "cuda": _same,
    "item": lambda capture, tensor: capture.item(tensor),
    "numpy": _numpy,
    "tolist": _tolist,
}

_REFUSED = {
    "__array__": ("numpy's code is not captured", "use torch operations"),
    "backward": ("a compiled program has no gradients", "compile the model for inference only"),
    "data_ptr": ("memory has no fixed address in a compiled program", "compare tensors by content"),
    "numpy": (
        "its content exists only when the compiled program runs, and numpy's code is not captured",
        "use the torch operation that does the same",
    ),
    "register_hook": ("a compiled program has no gradients", "compile the model for inference only"),
}
