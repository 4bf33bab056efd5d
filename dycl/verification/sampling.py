"""Inputs drawn at random from a signature."""

from collections.abc import Iterator

import numpy as np

from dycl.errors import UsageError
from dycl.runtime.signature import ARRAY_DTYPES, Input, Signature


def sample_inputs(signature: Signature, count: int, seed: int = 0) -> Iterator[dict[str, np.ndarray]]:
    """Yield `count` sets of inputs, the same ones for the same seed.

    A float input is normal noise `m + s * N(0, 1)` with `s` from U(0.5, 2) and `m` from U(-1, 1) drawn once per sample,
    so that samples differ in their statistics and take different paths. An integer input is uniform over 0 to 9, a bool
    input a fair coin.

    Raises:
        UsageError: a size has a name instead of a number, or numpy has no such dtype
    """
    generator = np.random.default_rng(seed)
    for _ in range(count):
        yield {input.name: _sample(input, generator) for input in signature.inputs}


def _sample(input: Input, generator: np.random.Generator) -> np.ndarray:
    shape = [size for size in input.shape if isinstance(size, int)]
    if len(shape) != len(input.shape):
        raise UsageError(f"cannot draw {input}: give its sizes as numbers")
    if input.dtype == "bf16":
        raise UsageError(f"cannot draw {input}: numpy has no bf16")
    dtype = np.dtype(ARRAY_DTYPES[input.dtype])
    if dtype.kind == "f":
        scale, shift = generator.uniform(0.5, 2.0), generator.uniform(-1.0, 1.0)
        return (shift + scale * generator.standard_normal(shape)).astype(dtype)
    if dtype.kind == "b":
        return generator.random(shape) < 0.5
    return generator.integers(0, 10, shape).astype(dtype)
