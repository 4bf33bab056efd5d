"""Exported programs with dynamic sizes, numbers taken from tensors, and what torch takes for granted of them."""

import math

import pytest
import torch
from torch import nn
from torch.export import Dim

from dycl.errors import UsageError
from dycl.frontends.exported import import_exported
from dycl.frontends.signature import parse_signature
from dycl.ir.interpret import interpret
from dycl.ir.ops import AssertOp
from dycl.runtime.arrangement import build
from tests.frontend.exporting import check, export, reloaded


class Batched(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(4, 6)

    def forward(self, x):
        y = self.linear(x).reshape(x.shape[0] * 2, 3)
        y = torch.cond(y.sum() > 0, lambda a: a * a.shape[0], lambda a: a - 1, (y,))
        return y, y.shape[0] + 1, torch.zeros(x.shape[0] // 2), x.view(-1)


def test_a_dynamic_size_is_a_named_size_with_bounds():
    shapes = {"x": {0: Dim("batch", min=4, max=64)}}
    program = check(
        Batched(), *((torch.randn(n, 4) + s,) for n, s in ((5, 4), (4, -4), (64, 4))), dynamic_shapes=shapes
    )
    assert str(program.signature) == "x: f32[batch, 4] where 4 <= batch <= 64"


def test_after_a_file_sizes_have_torchs_names():
    exported = export(Batched(), (torch.randn(5, 4),), dynamic_shapes={"x": {0: Dim("batch", min=4)}})
    signature = import_exported(reloaded(exported)).signature
    (input,) = signature.inputs
    assert isinstance(input.shape[0], str) and input.shape[0] != "batch"
    assert [low for low, _ in signature.bounds.values()] == [4]


def test_a_signature_gives_numbers_or_names_to_dynamic_sizes():
    exported = export(Batched(), (torch.randn(5, 4),), dynamic_shapes={"x": {0: Dim("batch", min=4, max=64)}})
    program = import_exported(exported, parse_signature("x: f32[8, 4]"))
    assert str(program.signature) == "x: f32[8, 4]"
    assert "?" not in str(program.module)
    results = interpret(program.module, program.weights, [torch.ones(8, 4)])
    assert build(program.structure, results)[1] == 17
    renamed = import_exported(exported, parse_signature("x: f32[n, 4] where 8 <= n <= 100"))
    assert str(renamed.signature) == "x: f32[n, 4] where 8 <= n <= 64"
    for wrong in (
        "x: f32[8, 5]",
        "y: f32[8, 4]",
        "x: i64[8, 4]",
        "x: f32[3, 4]",
        "x: f32[8, 4, 1]",
        "x: f32[8, n] where 1 <= n <= 9",
    ):
        with pytest.raises(UsageError, match="the exported program takes x: f32"):
            import_exported(exported, parse_signature(wrong))


class Shifted(nn.Module):
    def forward(self, x, y):
        return x + y[1:], y.sum()


def test_a_derived_size_is_checked():
    n = Dim("n", min=3, max=60)
    inputs = [(torch.randn(a), torch.randn(b)) for a, b in ((4, 5), (3, 4), (60, 61), (4, 7))]
    program = check(Shifted(), *inputs, dynamic_shapes={"x": {0: n}, "y": {0: n + 1}})
    assert [op.message.data for op in program.module.walk() if isinstance(op, AssertOp)]


class TakenForGranted(nn.Module):
    def forward(self, x, y):
        x = x + 1 if x.shape[0] % 2 == 0 else x - 1
        if x.shape[0] > y.shape[0]:
            x = x * 2
        return x.reshape(-1, 2).sum(0), y


def test_what_torch_takes_for_granted_of_sizes_is_asserted():
    shapes = {"x": {0: Dim.AUTO}, "y": {0: Dim.AUTO}}
    exported = export(TakenForGranted(), (torch.randn(8, 3), torch.randn(3)), dynamic_shapes=shapes)
    program = import_exported(exported)
    module = exported.module()
    for a, b in ((8, 3), (6, 2), (10, 9)):
        values = [torch.randn(a, 3), torch.randn(b)]
        found = interpret(program.module, program.weights, list(values))
        torch.testing.assert_close(list(found), list(module(*values)))
    for a, b in ((7, 3), (4, 6)):
        values = [torch.randn(a, 3), torch.randn(b)]
        with pytest.raises(AssertionError, match="Guard failed"):
            module(*values)
        with pytest.raises(AssertionError, match=r"Guard failed: .*x\.size"):
            interpret(program.module, program.weights, values)
    with pytest.raises(UsageError, match=r"not made for these sizes: it needs .*x\.size\(\)\[0\]"):
        import_exported(exported, parse_signature("x: f32[7, 3], y: f32[3]"))


class Items(nn.Module):
    def forward(self, x):
        count = x.sum().item()
        torch._check(count >= 0)
        torch._check(count <= 10)
        found = x.nonzero()
        return torch.zeros(count), found, count + 1, x[x > 1], torch.full((2,), count * 0.5), x.numel()


def test_numbers_and_sizes_that_depend_on_data():
    check(Items(), *((torch.tensor(values),) for values in ([1, 2, 0], [0, 0, 0], [5, 5, 0], [5, 5, 5])))


class Arithmetic(nn.Module):
    def forward(self, x):
        n, m = x.shape
        half = math.ceil(n / 2) + math.floor(m / 2)
        return n - m, n % m, -n // m, n**2, n / m, half, torch.sym_max(n, m), torch.sym_min(n, m), torch.sym_float(n)


def test_arithmetic_on_sizes():
    shapes = {"x": {0: Dim("n", max=20), 1: Dim("m", min=3, max=20)}}
    forms = "training core"  # torch cannot save `math.ceil`
    check(
        Arithmetic(), *((torch.zeros(n, m),) for n, m in ((7, 4), (3, 5), (12, 3))), dynamic_shapes=shapes, forms=forms
    )


class Asserts(nn.Module):
    def forward(self, x):
        torch._assert_async((x > -5).all(), "too small")
        return x * 2


def test_an_assertion_on_a_tensor_is_made():
    check(Asserts(), (torch.ones(3),), (torch.full((3,), -10.0),))


class Views(nn.Module):
    def forward(self, x, y):
        a, b = x.split([2, 4], 1)
        y = y.expand_as(x) + x.new_zeros(x.shape)
        return a.transpose(0, 1).contiguous(), b.reshape(x.shape[0], 2, 2).flatten(1), y.view_as(x), x.expand(3, -1, -1)


def test_views_with_dynamic_sizes():
    shapes = {"x": {0: Dim("n", max=20)}, "y": None}
    check(Views(), *((torch.randn(n, 6), torch.randn(1, 6)) for n in (4, 2, 7)), dynamic_shapes=shapes)
