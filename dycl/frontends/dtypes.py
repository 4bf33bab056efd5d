"""The dtypes of tensors: which a program can hold, and which operations need tensors of one.

torch checks the latter when it computes, not on fake tensors.
"""

from collections.abc import Sequence

import torch

from dycl.errors import DyclError
from dycl.frontends.refusal import Refusal
from dycl.ir.schema import element_type

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


def check_held(what: str, tensors: Sequence[torch.Tensor]) -> None:
    """Check that a program can hold tensors, those of `what`.

    Raises:
        Refusal: one is of another dtype
    """
    for tensor in tensors:
        if tensor.is_complex():
            raise Refusal(f"{what} of complex numbers ({tensor.dtype})", *COMPLEX)
        try:
            element_type(tensor.dtype)
        except DyclError as error:
            raise Refusal(f"{what} of {tensor.dtype}", str(error), "compute with one of these") from None


COMPLEX = (
    "a program has no complex numbers",
    "compute with the real and the imaginary part as two real tensors, or with their last axis of size 2 as "
    "`torch.view_as_real` gives it",
)
"""Why complex numbers are refused, and what to write instead."""
