"""Inputs drawn at random from a signature."""

from collections.abc import Iterator, Mapping

import numpy as np

from dycl.errors import UsageError
from dycl.runtime.signature import ARRAY_DTYPES, Input, Signature


def sample_inputs(signature: Signature, count: int, seed: int = 0) -> Iterator[dict[str, np.ndarray]]:
    """Yield `count` sets of inputs, the same ones for the same seed.

    A float input is normal noise `m + s * N(0, 1)` with `s` from U(0.5, 2) and `m` from U(-1, 1) drawn once per sample,
    so that samples differ in their statistics and take different paths. An integer input is uniform over 0 to 9, a bool
    input a fair coin. Sizes with names have their least values in the first sample, their greatest in the second, and
    are uniform between them in the others.

    Raises:
        UsageError: a size has no bounds, or numpy has no such dtype
    """
    generator = np.random.default_rng(seed)
    for index in range(count):
        sizes = {name: _size(index, *bounds, generator) for name, bounds in signature.bounds.items()}
        yield {input.name: _sample(input, sizes, generator) for input in signature.inputs}


def _size(index: int, low: int, high: int, generator: np.random.Generator) -> int:
    if index < 2:
        return (low, high)[index]
    return int(generator.integers(low, high, endpoint=True))


def _sample(input: Input, sizes: Mapping[str, int], generator: np.random.Generator) -> np.ndarray:
    open_sizes = [size for size in input.shape if isinstance(size, str) and size not in sizes]
    if open_sizes:
        raise UsageError(f"cannot draw {input}: the size {open_sizes[0]!r} has no bounds")
    shape = [size if isinstance(size, int) else sizes[size] for size in input.shape]
    if input.dtype == "bf16":
        raise UsageError(f"cannot draw {input}: numpy has no bf16")
    dtype = np.dtype(ARRAY_DTYPES[input.dtype])
    if dtype.kind == "f":
        scale, shift = generator.uniform(0.5, 2.0), generator.uniform(-1.0, 1.0)
        return (shift + scale * generator.standard_normal(shape)).astype(dtype)
    if dtype.kind == "b":
        return generator.random(shape) < 0.5
    return generator.integers(0, 10, shape).astype(dtype)
