"""Operations whose tensors must be of one dtype: torch checks that when it computes, not on fake tensors."""

from collections.abc import Sequence

import torch

OF_ONE_DTYPE = frozenset(
    [
        "addbmm",
        "addmm",
        "addmv",
        "baddbmm",
        "bilinear",
        "bmm",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
        "convolution",
        "dot",
        "linear",
        "matmul",
        "mm",
        "mv",
    ]
)
"""Overload packets."""


def check_dtypes(packet: str, tensors: Sequence[torch.Tensor]) -> None:
    """Check the tensors of an operation that `OF_ONE_DTYPE` names.

    Raises:
        RuntimeError: they are of several dtypes; torch raises the same in eager
    """
    if packet not in OF_ONE_DTYPE:
        return
    dtypes = list(dict.fromkeys(tensor.dtype for tensor in tensors))
    if len(dtypes) > 1:
        raise RuntimeError(f"{packet} needs tensors of one dtype, not of {' and '.join(map(str, dtypes))}")
