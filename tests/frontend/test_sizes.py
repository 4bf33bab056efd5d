"""Sizes that the signature names: captured once, compared with eager at several, their bounds among them."""

# The programs are as people write them.

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dycl.compiler import compile_program
from dycl.errors import UsageError
from dycl.frontends.signature import parse_signature
from dycl.frontends.torch import CaptureError, import_module
from dycl.ir.ops import AssertOp, AtenOp, IfOp
from dycl.ir.types import is_static
from tests.frontend.capturing import count, program
from tests.frontend.sizing import (
    BATCH,
    PAIR,
    TOKENS,
    Inputs,
    batches,
    check,
    pairs,
    refuse,
    tokens,
)

# Sizes as numbers


def test_sizes_are_numbers():
    def forward(self, x):
        n, c = x.shape
        return n, c, x.size(0) * 2, len(x) // 2, n % 3, max(n - 1, 1), min(n, 4), x.numel(), -n, x.dim()

    check(forward, BATCH, batches())


def test_new_tensors_of_those_sizes():
    def forward(self, x):
        n = x.size(0)
        made = torch.zeros(n, 2), torch.full((n // 2 + 1, 3), 0.5), torch.arange(n), torch.zeros(n, n)
        return *made, x.new_ones(n * 2), torch.zeros_like(x), torch.ones(n - 1), torch.arange(1, n + 1).float() / n

    check(forward, BATCH, batches())


def test_numbers_of_sizes_in_arithmetic_of_tensors():
    def forward(self, x):
        n = x.shape[0]
        return x * n, x.sum(0) / n, x / (n + 1), n - x, x > n, torch.tensor([n, 2])

    check(forward, BATCH, batches())


def test_tolist_of_as_many_elements_as_the_run_tells():
    def counts(self, x, k):
        total, above, items = 0, [], k.tolist()
        k.zero_()
        for i, n in enumerate(items):
            total += n
            if n > i:
                above.append(n * 2)
        return x * total, len(items), above, items

    signature = "x: f32[3], k: i64[n] where 0 <= n <= 8"
    inputs: list[Inputs] = [
        (torch.randn(3), torch.tensor(numbers, dtype=torch.int64)) for numbers in ([], [1], [0, 3], [4, 0, 2, 9, 1])
    ]
    check(counts, signature, inputs)

    def rows(self, x):
        total = 0.0
        for a, _, c, *_ in x.tolist():
            total += a - c
        first, *_, last = x.T.tolist()
        return total, x.tolist(), first, last, (x > 0).tolist(), (x > 0).any(1).tolist()

    check(rows, BATCH, batches())


def test_tolist_of_lists_of_open_length():
    def forward(self, x):
        return x.tolist()

    message = r"`.tolist\(\)` on a tensor whose number of rows is known only at run time"
    text = refuse(forward, "x: f32[n, m] where 1 <= n <= 3, 1 <= m <= 3", message, "x.tolist()")
    assert "because it would be a list of lists, and an inner one must have a known length" in text
    assert "instead: take the rows one by one in a `for` loop" in text


def test_a_size_decides_a_branch():
    def forward(self, x):
        if x.size(0) == 1:
            return x * 2
        return x.sum(0, keepdim=True)

    assert count(check(forward, BATCH, batches()), IfOp) == 1


def test_bounds_decide_what_they_can():
    def forward(self, x):
        assert x.size(0) <= 9, "too many"
        n = x.shape[0]
        if n < 1 or 2 * n > 18:
            return x * 0
        return x + 1 if n - 1 >= 0 else x

    captured = check(forward, BATCH, batches())
    assert count(captured, IfOp) == count(captured, AssertOp) == 0


def test_assertion_about_a_size():
    def forward(self, x):
        assert x.size(0) % 2 == 0, "an even batch"
        return x[::2] + x[1::2]

    check(forward, BATCH, batches(of=(1, 2, 4, 9)))


def test_one_name_is_one_size():
    def forward(self, x, y):
        return torch.cat([x, y], 1), x.t() @ y, (x[:, :1] * y).sum()

    inputs: list[Inputs] = [(torch.randn(n, 5), torch.randn(n, 3)) for n in (1, 4)]
    check(forward, "x: f32[n, 5], y: f32[n, 3] where 1 <= n <= 4", inputs)


def test_a_size_with_one_value():
    def forward(self, x):
        return x.view(6, 5), x.shape[0]

    check(forward, "x: f32[n, 3, 5] where 2 <= n <= 2", batches(3, 5, of=(2,)))


# A condition over several samples


def test_condition_over_samples_means_what_eager_means():
    def forward(self, x):
        if x.mean(1) > 0:
            return x
        return -x

    captured = check(forward, BATCH, [torch.ones(1, 5), -torch.ones(1, 5), *batches(of=(2, 9))])
    (assertion,) = (op for op in captured.module.walk() if isinstance(op, AssertOp))
    assert "Boolean value of Tensor with more than one value is ambiguous" in str(assertion)


def test_item_of_several_elements_fails():
    def forward(self, x):
        return x[:, 0].item(), float(x[:, 1])

    check(forward, BATCH, batches())


def test_condition_over_samples_that_are_always_several():
    def forward(self, x):
        if x.mean(1) > 0:
            return x
        return -x

    refuse(forward, "x: f32[n, 5] where 2 <= n <= 9", "the truth of a tensor with more than one", "x.mean(1) > 0")


# Shapes


def test_views_of_a_batch():
    def forward(self, x):
        b = x.size(0)
        y = x.view(b, -1)
        return y, x.flatten(1), x.view(-1), x.reshape(b * 3, 4), x.view(b, 2, 6), x.view_as(x), x.unsqueeze(1)

    check(forward, "x: f32[n, 3, 4] where 1 <= n <= 9", batches(3, 4))


def test_view_that_does_not_always_fit():
    def forward(self, x):
        return x.view(-1, 2), x.reshape(2, -1)

    check(forward, BATCH, batches())


def test_slices_and_items():
    def forward(self, x):
        n = x.size(0)
        parts = x[-1], x[0], x[:2], x[1:], x[::2], x[:-1], x[-2:], x[2:4], x[:, 1], x[n // 2 :], x[: n - 1]
        return *parts, x[1:].shape[0], x[n - 1], x[-n], x[len(x) // 2], x[None, n - 1, 1:3]

    captured = check(forward, BATCH, batches())
    assert count(captured, AssertOp) == 0


def test_item_that_is_not_always_there():
    def forward(self, x):
        return x[1] + x[x.shape[0] - 2]

    with pytest.raises(CaptureError, match="IndexError"):
        import_module(program(forward), parse_signature("x: f32[n, 5] where 1 <= n <= 1"))
    check(forward, "x: f32[n, 5] where 2 <= n <= 9", batches(of=(2, 9)))


def test_broadcasting_is_that_of_eager():
    def forward(self, x, y):
        z = x + y
        return z, torch.zeros(z.shape[0]), z.relu() @ z.t(), torch.where(x > 0, x, y), torch.maximum(x, y)

    check(forward, PAIR, pairs())


def test_broadcasting_to_a_number():
    def forward(self, x):
        return x + self.table, (x * self.table).shape[0]

    check(forward, BATCH, batches(), table=torch.randn(9, 5))


def test_sizes_that_must_be_equal():
    def product(self, x, y):
        return x.t() @ y

    def stacked(self, x, y):
        return torch.stack([x, y])

    def beside(self, x, y):
        return torch.cat([x, y], 1)

    for forward in (product, stacked, beside):
        check(forward, PAIR, pairs())


def test_in_place_operations_broadcast_to_their_target_only():
    def forward(self, x, y):
        z = x * 1
        z += y
        z[:] = y
        return z

    check(forward, PAIR, pairs())


def test_joined_sizes_add_up():
    def forward(self, x, y):
        z = torch.cat([x, y])
        return z, z.shape[0] - x.shape[0], z[: x.shape[0]] + x, z[x.shape[0] :] * y, z.split([x.size(0), y.size(0)])

    captured = check(forward, PAIR, pairs(), compiled=False)
    assert count(captured, AssertOp) == 0


def test_equality_of_tensors_and_of_sizes():
    def forward(self, x, y):
        return torch.equal(x, y), x.shape[0] == y.shape[0], x.shape == y.shape, x.shape != y.shape[:1]

    captured = check(forward, PAIR, [*pairs(), (torch.ones(2, 5), torch.ones(2, 5))])
    assert count(captured, AssertOp) == 0


def test_squeeze_of_named_axes():
    def forward(self, x):
        y = x.sum(1, keepdim=True)
        return y.squeeze(1), y.squeeze(-1), x[None].squeeze(0)

    check(forward, BATCH, batches())


def test_squeeze_of_all_axes_where_none_is_one():
    def forward(self, x):
        return x.sum(1, keepdim=True).squeeze()

    check(forward, "x: f32[n, 5] where 2 <= n <= 9", batches(of=(2, 9)))
    message = "`squeeze`, whose result depends on whether a size known only at run time is 1"
    refuse(forward, BATCH, message, "x.sum(1, keepdim=True).squeeze()")


def test_numbers_of_pieces_that_depend_on_a_size():
    def chunks(self, x):
        return x.chunk(2)

    def pieces(self, x):
        return x.split(2)

    message = "gives a number of tensors that depends on a size known only at run time"
    refuse(chunks, BATCH, message, "x.chunk(2)")
    refuse(pieces, BATCH, message, "x.split(2)")


# Layers


def test_convolutional_network():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution = nn.Conv2d(3, 8, 3, padding=1)
            self.norm = nn.BatchNorm2d(8)
            self.head = nn.Linear(8 * 4 * 4, 10)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.norm(self.convolution(x))), 2)
            y = self.head(x.flatten(1))
            pooled = F.adaptive_avg_pool2d(x, 1).squeeze(-1).squeeze(-1)
            return y, pooled, y.softmax(1).max(1)[0], y.argmax(1), F.avg_pool2d(x, 2), F.group_norm(x, 2)

    check(Network(), "x: f32[n, 3, 8, 8] where 1 <= n <= 9", batches(3, 8, 8))


def test_images_of_any_size():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution = nn.Conv2d(3, 4, 3, stride=2, padding=1)

        def forward(self, x):
            y = self.convolution(x)
            _, _, h, w = y.shape
            z = F.interpolate(y, scale_factor=2)
            pooled = F.max_pool2d(y, 3, 2, 1), F.adaptive_avg_pool2d(y, 1), F.pad(y, (1, 1)).mean((2, 3))
            return h * w, z, z.size(2) // 2, y.flatten(2).transpose(1, 2), *pooled, F.interpolate(y, size=(h * 2, w))

    inputs: list[Inputs] = [torch.randn(1, 3, h, w) for h, w in ((4, 4), (5, 8), (32, 31))]
    check(Network(), "x: f32[1, 3, h, w] where 4 <= h <= 32, 4 <= w <= 32", inputs)


def test_attention_with_a_mask():
    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(20, 8)
            self.positions = nn.Embedding(16, 8)
            self.register_buffer("mask", torch.tril(torch.ones(16, 16)))

        def forward(self, ids):
            b, t = ids.size()
            x = self.embedding(ids) + self.positions(torch.arange(0, t, dtype=torch.long))
            scores = (x @ x.transpose(-2, -1)).masked_fill(self.mask[:t, :t] == 0, float("-inf"))
            x = scores.softmax(-1) @ x
            return x[:, -1], x.view(b * t, 8), x[:, [-1], :]

    inputs: list[Inputs] = [torch.randint(0, 20, (b, t)) for b, t in ((1, 1), (2, 3), (3, 16))]
    captured = check(Decoder(), "ids: i64[b, t] where 1 <= t <= 16, 1 <= b <= 3", inputs)
    assert count(captured, AssertOp) == 0


def test_heads_of_attention():
    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.projection(x).view(b, t, 3, 2, 8).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).contiguous().view(b, t, c)
        mask = torch.triu(torch.full((t, t), float("-inf")), diagonal=1)
        return y, ((q @ k.transpose(-1, -2)) / 8 + mask).softmax(-1), x + self.positions[:, :t]

    check(forward, TOKENS, tokens(), projection=nn.Linear(16, 48), positions=torch.randn(1, 12, 16))


@pytest.mark.parametrize(
    "layer",
    [
        nn.LSTM(16, 7, batch_first=True),
        nn.GRU(16, 7, batch_first=True),
        nn.TransformerEncoderLayer(16, 4, 32, batch_first=True),
    ],
    ids=["lstm", "gru", "transformer"],
)
def test_layers_over_sequences(layer):
    def forward(self, x):
        y = self.layer(x)
        return y[0] if isinstance(y, tuple) else y

    check(forward, TOKENS, tokens(), layer=layer.eval())


def test_multi_head_attention():
    def forward(self, x):
        return self.attention(x, x, x)

    check(forward, TOKENS, tokens(), attention=nn.MultiheadAttention(16, 4, batch_first=True).eval())


def test_operations_on_sequences():
    def forward(self, x):
        b, t, c = x.shape
        reduced = x.mean(1), x.max(1).values, x.amax(-1), x.norm(dim=1), x.argmax(1), x.cumsum(1), x.sort(1)[0]
        moved = x.flip(1), x.roll(1, 1), x.repeat(1, 2, 1), F.pad(x, (0, 0, 1, 0)), torch.stack([x, x], 1)
        expanded = x.expand(b, t, c), x[:, :1].expand(b, t, c), x[:, -1:].expand_as(x)
        shaped = x.reshape(-1, 16), x.reshape(b, -1), x.unflatten(-1, (4, 4)), *expanded
        gathered = x.gather(1, torch.zeros(b, 1, 16, dtype=torch.long)), x.topk(2, -1)[0], F.normalize(x, dim=-1)
        return *reduced, *moved, *shaped, *gathered, torch.einsum("btc,bsc->bts", x, x), torch.cat([x, x], 2)

    check(forward, TOKENS, tokens())


def test_layers_that_need_a_least_size():
    def forward(self, x):
        y = x.transpose(1, 2)
        return self.convolution(y), F.max_pool1d(y, 2)

    check(forward, TOKENS, tokens((1, 3), (2, 4), (2, 1)), convolution=nn.Conv1d(16, 4, 3))


def test_early_exit_over_the_whole_batch():
    def forward(self, x):
        y = self.first(x)
        if y.softmax(-1).max() > 0.5:
            return y, 0
        return self.second(x), 1

    torch.manual_seed(0)
    inputs = [tensor * scale for tensor in batches() for scale in (0.01, 10.0) if isinstance(tensor, torch.Tensor)]
    check(forward, BATCH, [*inputs], first=nn.Linear(5, 3), second=nn.Linear(5, 3))


# The program's types and the signature


def test_passes_keep_what_is_known_of_sizes():
    def forward(self, x):
        y = x[x[:, 0] > 0]
        return x.view(x.size(0), -1) @ self.weight, y.view(-1, 5), y.t() @ y

    captured = import_module(program(forward, weight=torch.randn(5, 4)), parse_signature(BATCH))
    model = compile_program(captured)
    types = model.program.main.function_type.outputs.data
    assert [str(type) for type in types] == ["tensor<?x4xf32>", "tensor<?x5xf32>", "tensor<5x5xf32>"]


def test_a_program_without_named_sizes_has_no_open_types():
    def forward(self, x):
        return x.view(x.size(0), -1)[: x.size(0) // 2]

    captured = import_module(program(forward), parse_signature("x: f32[4, 5]"))
    assert all(is_static(result.type) for op in captured.module.walk() if isinstance(op, AtenOp) for result in op.res)


def test_inputs_of_other_sizes_are_refused():
    def forward(self, x, y):
        return x.t() @ y

    signature = "x: f32[n, 5], y: f32[n, 3] where 2 <= n <= 4"
    model = compile_program(import_module(program(forward), parse_signature(signature)))
    for sizes, message in (
        ((5, 5), "input x: axis 0 has 5 elements, but 2 <= n <= 4"),
        ((1, 1), "input x: axis 0 has 1 elements, but 2 <= n <= 4"),
        ((2, 3), "input y: axis 0 has 3 elements, but n is 2 by axis 0 of x"),
    ):
        with pytest.raises(ValueError, match=message):
            model(torch.ones(sizes[0], 5), torch.ones(sizes[1], 3))


def test_a_size_without_bounds():
    from dycl.runtime.signature import Input, Signature

    def forward(self, x):
        return x

    with pytest.raises(UsageError, match="the size 'n' needs bounds, such as 1 <= n <= 64"):
        import_module(program(forward), Signature((Input("x", "f32", ("n", 5)),)))
