"""Python's functions of numbers in a compiled program: computed on the host, the same to the last bit."""

import math

import pytest
import torch
from torch import nn

import dycl


class Numbers(nn.Module):
    def forward(self, x):
        v = (x * 2).max().item()
        n = abs(int(v * 10))
        y = x * math.exp(-v) + (1 << n % 5)
        if math.log(abs(v) + 1) > 0.4:
            y = y * math.floor(v * 3) + round(v * 7)
        return y, math.sqrt(abs(v)), n**2, n >> 1, abs(v) ** 0.3, math.tanh(v), math.atan2(v, 2)


@pytest.fixture(scope="module")
def compiled():
    return dycl.compile(Numbers().eval(), (torch.ones(1, 3),))


@pytest.mark.parametrize("scale", [-3.0, -0.1, 0.0, 0.05, 0.4, 1.7])
def test_numbers_are_those_of_python(compiled, scale):
    x = torch.tensor([[1.0, 0.5, -0.25]]) * scale
    expected, found = Numbers()(x), compiled(x)
    torch.testing.assert_close(found[0], expected[0])
    assert found[1:] == expected[1:]


def test_what_python_raises_is_an_assertion(compiled):
    for value, error in (
        (math.nan, "ValueError: cannot convert float NaN"),
        (math.inf, "OverflowError: cannot convert float inf"),
    ):
        with pytest.raises(AssertionError, match=error):
            compiled(torch.full((1, 3), value))


def test_kernels_hold_no_function_that_the_host_computes(compiled):
    assert "elementary.exp(" in compiled.host_source
    assert not any("math." in line for line in compiled.artifact.program_text.split("dycl.kernel")[1:])
