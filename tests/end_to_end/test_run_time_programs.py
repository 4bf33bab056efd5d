"""Compiled programs whose sizes, calls and errors only the run decides, against eager execution."""

import functools
import math

import pytest
import torch
from torch import nn

import dycl
from dycl.verification import sample_inputs, verify


class Growing(nn.Module):
    """A recursive function whose tensors grow, and one that reads a loop's variable."""

    def grow(self, x):
        return x if x.abs().sum() > 10 else self.grow(torch.cat([x, x + 0.5]))

    def forward(self, x):
        total = x.sum()
        for row in x:

            def settle(n):
                return row.sum() * 0.5 if row.sum() + n > 1 else settle(n + 1)  # noqa: B023 -- the point of the test

            total = total + settle(0)
        return self.grow(x), self.grow(x[:1]), total


class Guarded(nn.Module):
    """Errors of torch's that sizes known only at run time decide, handled."""

    def forward(self, x):
        kept = x[x > 0.5]
        try:
            first = kept[2]
        except IndexError:
            first = x.sum() * 100
        try:
            y = kept + x[0]
        except RuntimeError:
            y = torch.relu(x[0]) * 3
        return first, y


class Selecting(nn.Module):
    """Operations on sizes known only at run time."""

    def forward(self, x):
        mask = x > 0
        n = int(mask.sum())
        kept = torch.masked_select(x, mask)
        repeated = torch.repeat_interleave(x[0], mask[0].long())
        parts = torch.split(torch.cat([kept, x[0]]), [n, 3])
        spread = torch.cat([kept, x[0]]).var(0), torch.cat([kept, x[0]]).std(0, unbiased=False)
        return repeated, parts[1], torch.eye(n + 1), spread


class Library(nn.Module):
    def forward(self, x):
        numbers = [value.item() for value in x[0]]
        order = sorted(numbers, key=abs)
        scale = functools.partial(torch.mul, x)
        return (
            math.hypot(*numbers),
            math.fsum(numbers),
            order,
            scale(2) if math.isclose(order[0], 0.0, abs_tol=0.5) else x,
        )


@pytest.mark.parametrize("module", [Growing(), Guarded(), Selecting(), Library()], ids=lambda m: type(m).__name__)
def test_the_compiled_program_does_as_eager_execution(module):
    model = dycl.compile(module.eval(), "x: f32[2, 3]")
    assert {kernel.engine for kernel in model.artifact.manifest.kernels.values()} == {"onnxruntime"}
    report = verify(model, model.program, module, sample_inputs(model.signature, 40))
    assert not report.inconsistent and not report.beyond_tolerance and not report.forced_faults, report.faults


class Grids(nn.Module):
    """Coordinates of an image's elements, and of a cube with a side of one number."""

    def forward(self, image):
        height, width = image.shape[2], image.shape[3]
        ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        u, v = torch.meshgrid(image[0, 0, 0], torch.arange(height) / 4, indexing="xy")
        return (
            ys,
            xs,
            u,
            v,
            *torch.meshgrid(torch.arange(2), image[0, 0, :, 0].long(), torch.arange(width), indexing="ij"),
        )


def test_grids_over_run_time_sizes():
    module = Grids().eval()
    model = dycl.compile(module, "image: f32[1, 3, h, w] where 1 <= h <= 9, 1 <= w <= 9")
    report = verify(model, model.program, module, sample_inputs(model.signature, 20))
    assert not report.inconsistent and not report.beyond_tolerance and not report.faults, report
