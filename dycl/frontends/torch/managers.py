"""Context managers that leave what is computed as it is."""

import torch

from dycl.frontends.torch.values import Value

_TRANSPARENT = (
    torch.no_grad,
    torch.enable_grad,
    torch.inference_mode,
    torch.set_grad_enabled,
    torch.profiler.record_function,
    torch.autograd.profiler.record_function,
)


def is_transparent(manager: Value) -> bool:
    return isinstance(manager, _TRANSPARENT)
