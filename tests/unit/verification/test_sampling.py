"""Inputs drawn from a signature."""

import numpy as np
import pytest

from dycl.errors import UsageError
from dycl.frontends.signature import parse_signature
from dycl.runtime.signature import Input, Signature
from dycl.verification import sample_inputs


def test_the_same_seed_gives_the_same_inputs():
    signature = parse_signature("x: f32[n, 3], ids: i64[2, n], flag: bool[4] where 1 <= n <= 5")
    for one, other in zip(sample_inputs(signature, 4, seed=3), sample_inputs(signature, 4, seed=3), strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in ("x", "ids", "flag"))


def test_named_sizes_are_least_then_greatest_then_between():
    signature = parse_signature("x: f32[n, 3], ids: i64[t, n] where 2 <= n <= 5, 7 <= t <= 9")
    shapes = [(sample["x"].shape, sample["ids"].shape) for sample in sample_inputs(signature, 40)]
    assert shapes[:2] == [((2, 3), (7, 2)), ((5, 3), (9, 5))]
    assert all(x[0] == ids[1] for x, ids in shapes)
    assert {ids for _, ids in shapes} == {(t, n) for t in (7, 8, 9) for n in (2, 3, 4, 5)}


def test_inputs_without_named_sizes_are_as_before():
    signature = parse_signature("x: f32[2, 3]")
    generator = np.random.default_rng(0)
    scale, shift = generator.uniform(0.5, 2.0), generator.uniform(-1.0, 1.0)
    expected = (shift + scale * generator.standard_normal([2, 3])).astype(np.float32)
    (sample,) = sample_inputs(signature, 1)
    assert np.array_equal(sample["x"], expected)


def test_a_size_without_bounds_cannot_be_drawn():
    with pytest.raises(UsageError, match="cannot draw x: f32\\[n\\]: the size 'n' has no bounds"):
        list(sample_inputs(Signature((Input("x", "f32", ("n",)),)), 1))
