"""Arrays that stay where they are, so that a kernel can be bound to them once."""

from collections.abc import Sequence

import numpy as np

from dycl.runtime.engines.protocol import Array, ValueSpec

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector register."""


def allocate(dtype: str, shape: Sequence[int]) -> Array:
    """Return an aligned array of zeros; `dtype` is a name of signatures.

    Raises:
        EngineError: numpy has no such dtype
    """
    element = ValueSpec(dtype, ()).numpy_dtype()
    size = element.itemsize * int(np.prod(shape, dtype=np.int64))
    raw = np.zeros(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size].view(element).reshape(shape)
