"""Which dtypes an operation takes: asked of eager execution, as many kernels check it, and fake tensors reach none.

Each operation is executed once for each combination of dtypes. What it raises on zeros and on ones alike has the dtypes
for its reason.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch.utils._python_dispatch import _disable_current_modes  # pyright: ignore[reportPrivateUsage]: no public way

from dycl.frontends.torch.tensors.symbolic_calls import filled, symbols_of, tensors_in
from dycl.frontends.torch.values import Value

_LARGEST = 2**20
"""How many values the operands may have of an operation that is executed."""


@dataclass
class EagerDtypes:
    _found: dict[Hashable, Exception | None] = field(default_factory=dict[Hashable, Exception | None])

    def check(self, func: Callable[..., Value], args: Sequence[Value], kwargs: Mapping[str, Value]) -> None:
        """Raise what eager execution raises for tensors of these dtypes."""
        key = (func, _dtypes(args), _dtypes(kwargs))
        if key not in self._found:
            self._found[key] = _raised(func, args, kwargs)
        error = self._found[key]
        if error is not None:
            raise type(error)(*error.args)


def _dtypes(value: Value) -> Hashable:
    if isinstance(value, torch.Tensor):
        return value.dtype
    if isinstance(value, list | tuple):
        return tuple(map(_dtypes, value))
    if isinstance(value, dict):
        return tuple((name, _dtypes(item)) for name, item in value.items())
    return value if isinstance(value, torch.dtype) else type(value)


def _raised(func: Callable[..., Value], args: Sequence[Value], kwargs: Mapping[str, Value]) -> Exception | None:
    assignment = dict.fromkeys(symbols_of((args, kwargs)), 2)
    with torch.no_grad(), _disable_current_modes():
        try:
            zeros = filled((args, kwargs), assignment)
        except RuntimeError:
            return None  # A size that is computed from others is none at these.
        if sum(tensor.numel() for tensor in tensors_in(zeros)) > _LARGEST:
            return None
        on_zeros = _error(func, *zeros)
        if on_zeros is None or (assignment and not _is_of_dtypes(on_zeros)):
            return None
        ones = filled((args, kwargs), assignment)
        for tensor in tensors_in(ones):
            tensor.fill_(1)
        on_ones = _error(func, *ones)
    return on_zeros if type(on_ones) is type(on_zeros) and str(on_ones) == str(on_zeros) else None


def _is_of_dtypes(error: Exception) -> bool:
    """Whether an exception has nothing to do with sizes."""
    return isinstance(error, NotImplementedError) or str(error).startswith("tensors used as indices")


def _error(func: Callable[..., Value], args: Sequence[Value], kwargs: Mapping[str, Value]) -> Exception | None:
    try:
        func(*args, **kwargs)
    except Exception as error:
        return error
    return None
