"""Sizes known only at run time: captured once, compared with eager execution at several, their bounds among them."""

# ruff: noqa: PERF401
# The programs are as people write them.

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dycl.compiler import compile_program
from dycl.errors import UsageError
from dycl.frontends.signature import parse_signature
from dycl.frontends.torch import CaptureError, import_module
from dycl.ir.interpret import interpret
from dycl.ir.ops import AssertOp, AtenOp, IfOp
from dycl.ir.types import is_static
from dycl.program import Program
from dycl.runtime.arrangement import build
from tests.frontend.capturing import assert_same, count, program

BATCH = "x: f32[n, 5] where 1 <= n <= 9"
TOKENS = "x: f32[n, t, 16] where 1 <= n <= 4, 1 <= t <= 12"
PAIR = "x: f32[n, 5], y: f32[m, 5] where 1 <= n <= 8, 1 <= m <= 8"
MASKED = "x: f32[n, 5], keep: bool[n] where 1 <= n <= 9"
INDEXED = "x: f32[n, 6], k: i64[1] where 1 <= n <= 9"

Inputs = torch.Tensor | tuple[torch.Tensor, ...]


def batches(*shape: int, of: tuple[int, ...] = (1, 2, 9)) -> list[Inputs]:
    return [torch.randn(n, *(shape or (5,))) for n in of]


def tokens(*sizes: tuple[int, int]) -> list[Inputs]:
    return [torch.randn(n, t, 16) for n, t in sizes or ((1, 1), (1, 12), (3, 2), (4, 12))]


def pairs() -> list[Inputs]:
    return [(torch.randn(n, 5), torch.randn(m, 5)) for n, m in ((1, 1), (1, 4), (4, 1), (3, 3), (2, 3))]


def masked() -> list[Inputs]:
    masks = [torch.arange(n) % 2 == n % 2 for n in (1, 2, 5, 9)]
    return [(torch.randn(len(mask), 5), mask) for mask in (*masks, torch.zeros(3) > 0, torch.ones(3) > 0)]


def indexed(*numbers: int) -> list[Inputs]:
    return [(torch.randn(n, 6), torch.tensor([k])) for n in (1, 3, 9) for k in numbers]


def check(
    forward: Callable[..., Any] | nn.Module,
    signature: str,
    inputs: list[Inputs],
    compiled: bool = True,
    **attributes: Any,
) -> Program:
    """Capture a program once, and compare it with eager execution on all inputs, interpreted and compiled.

    Where eager execution fails, an assertion of the program must; one that no input makes fail goes unchecked.
    """
    module = forward.eval() if isinstance(forward, nn.Module) else program(forward, **attributes)
    captured = import_module(module, parse_signature(signature))

    def interpreted(*arguments: torch.Tensor) -> Any:
        return build(captured.structure, interpret(captured.module, captured.weights, list(arguments)))

    runs: list[Callable[..., Any]] = [interpreted]
    if compiled:
        runs.append(compile_program(import_module(module, parse_signature(signature))))
    failures = 0
    for values in inputs:
        arguments = values if isinstance(values, tuple) else (values,)
        try:
            with torch.no_grad():
                expected = module(*(argument.clone() for argument in arguments))
        except Exception as error:
            failures += 1
            for run in runs:
                with pytest.raises(AssertionError, match=type(error).__name__):
                    run(*arguments)
            continue
        for run in runs:
            assert_same(run(*(argument.clone() for argument in arguments)), expected)
    assert (failures > 0) == (count(captured, AssertOp) > 0), f"{failures} failures, in\n{captured.module}"
    return captured


def refuse(forward: Callable[..., Any], signature: str, message: str, at: str, **attributes: Any) -> None:
    with pytest.raises(CaptureError, match=message) as raised:
        import_module(program(forward, **attributes), parse_signature(signature))
    _, source, carets = str(raised.value).splitlines()[:3]
    assert source[carets.index("^") : carets.rindex("^") + 1] == at, str(raised.value)


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


# Sizes that depend on data


def test_masks_and_indices():
    def forward(self, x, keep):
        y, (i,) = x[keep], torch.where(keep)
        sizes = y.shape[0], len(i), y.shape[0] + 1, i.numel()
        return y, torch.nonzero(keep), i, *sizes, x[i], x[~keep], torch.cat([y, x]), y.sum(0), torch.zeros(len(y), 2)

    captured = check(forward, MASKED, masked())
    assert count(captured, AssertOp) == 0


def test_what_a_mask_selects_can_be_computed_with():
    def forward(self, x, keep):
        y = x[keep]
        z = self.layer(y).relu().softmax(-1)
        return y + z, y @ z.t(), y.view(-1), y.view(y.size(0), 5, 1), torch.stack([y, z]), y[:2], z.argmax(1), y.t()

    check(forward, MASKED, masked(), layer=nn.Linear(5, 5))


def test_writes_where_a_mask_is_true():
    def forward(self, x, keep):
        a, b, c, d, e = (x * i for i in range(1, 6))
        a[keep] = 0
        b[keep] = x[keep] * 2
        c[keep] += 1
        d[keep] += x[keep]
        e[torch.where(keep)[0]] = x[keep] - 1
        return a, b, c, d, e, x.masked_fill(keep[:, None], 7.0)

    check(forward, MASKED, masked())


def test_experts_take_the_tokens_routed_to_them():
    def forward(self, x, keep):
        out = torch.zeros_like(x)
        for expert, chosen in ((self.first, keep), (self.second, ~keep)):
            (rows,) = torch.where(chosen)
            if rows.numel() == 0:
                continue
            out[rows] += expert(x[rows]) * 0.5
        return out

    check(forward, MASKED, masked(), first=nn.Linear(5, 5), second=nn.Linear(5, 5))


def test_no_element_is_an_empty_tensor():
    def forward(self, x, keep):
        y = x[keep]
        if y.shape[0] == 0:
            return x.sum(0)
        return y.max(0).values

    check(forward, MASKED, masked())


def test_selections_that_only_the_interpreter_takes():
    def forward(self, x, keep):
        i = torch.arange(x.size(0))
        repeated = torch.repeat_interleave(x, i, dim=0), torch.repeat_interleave(x, 2, dim=0)
        added = torch.zeros_like(x).index_add_(0, i, x), x.masked_scatter(keep[:, None].expand_as(x), x * 3)
        return x.masked_select(x > 0), *repeated, *added, torch.unique(keep), torch.eye(x.size(0)), torch.bincount(i)

    check(forward, MASKED, masked(), compiled=False)


# Numbers known only at run time as indices and sizes


def test_a_number_as_a_size():
    def forward(self, x, k):
        j = int(k)
        values, where = x.topk(j, 1)
        return values, where, x[:, :j], x[:, j:], x[:, j - 1 : j + 1], torch.ones(j, 3), x[:j], x[j:], x[-j:]

    check(forward, INDEXED, indexed(1, 2, 5, 7))


def test_the_same_number_is_the_same_size():
    def forward(self, x, k):
        i = min(max(int(k), 0), 5)
        j = i + 1
        scores = torch.ones(j, j).masked_fill(self.mask[:j, : i + 1] == 0, -1.0)
        return scores + torch.arange(1 + min(max(k.item(), 0), 5)), self.mask[:j].view(j, 6), self.mask[i]

    captured = check(forward, INDEXED, indexed(-1, 0, 3, 7), mask=torch.tril(torch.ones(6, 6)))
    assert count(captured, AssertOp) == 0


def test_a_number_as_an_index():
    def forward(self, x, k):
        j = k.item()
        return x[j], x[j, 2], x[None, j], x[[0]]

    check(forward, INDEXED, indexed(0, 2, -1, -3, 9, -10))


def test_writes_at_a_number():
    def forward(self, x, k):
        j = k.item()
        y = x * 1
        y[j] = 5.0
        y[j, 2] = x.sum()
        y[j] += 1
        y[:, 1][j] = -1.0
        return y

    check(forward, INDEXED, indexed(0, 2, -1, -9, 9))


def test_writes_to_a_part_of_a_run_time_length():
    def forward(self, x, k):
        j = int(k)
        y = x * 1
        y[:j] = 2.0
        y[j:, 3] = 3.0
        y[:, abs(j) % 6] = 4.0
        z = torch.zeros(9, 6)
        z[: x.size(0)] = x
        return y, z

    check(forward, INDEXED, indexed(0, 2, -1, 9))


def test_an_item_at_a_number_is_a_view():
    def forward(self, x, k):
        y = x * 1
        row = y[k.item()]
        row.mul_(2)
        y[0] += row
        return y, row

    check(forward, INDEXED, indexed(0, -1, 3))


# Writes


def test_writes_to_a_batch():
    def forward(self, x):
        y = x * 1
        y[0] = 1.0
        y[-1] = y[0] + 1
        y[:, 1] = 3
        y[1:] += 1
        y[:, 2:4] *= 2
        return y

    check(forward, BATCH, batches())


def test_writes_through_views_of_a_batch():
    def forward(self, x):
        y = x * 1
        flat, turned = y.view(-1), y.t()
        flat[0] = 9
        turned[1] = 4
        y.unsqueeze(0).add_(1)
        y.view(x.shape[0], 5, 1)[:, 2] = 0.5
        first, rest = y.split([2, 3], 1)
        first.mul_(2)
        y.narrow(1, -1, 1).zero_()
        return y, flat, turned, rest

    check(forward, BATCH, batches())


# Loops


def test_a_loop_over_the_rows_of_a_batch():
    def forward(self, x):
        total, parts = x[0] * 0, []
        for i in range(x.size(0)):
            total = total + x[i] * i
        for row in x:
            parts.append(row.max())
        return total, torch.stack(parts)

    captured = check(forward, BATCH, batches())
    assert count(captured, AssertOp) == 0


def test_tokens_are_added_until_one_ends_the_sequence():
    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(3)
            self.embedding = nn.Embedding(11, 8)
            self.head = nn.Linear(8, 11)
            self.register_buffer("mask", torch.tril(torch.ones(16, 16)))

        def forward(self, ids):
            while ids.size(1) < 12:
                t = ids.size(1)
                x = self.embedding(ids)
                scores = (x @ x.transpose(1, 2)).masked_fill(self.mask[:t, :t] == 0, float("-inf"))
                token = self.head((scores.softmax(-1) @ x)[:, -1]).argmax(-1, keepdim=True)
                ids = torch.cat([ids, token], 1)
                if token.item() == 3:
                    break
            return ids

    # What may fail is checked by an assertion, which never does here.
    module, signature = Decoder().eval(), parse_signature("ids: i64[1, t] where 1 <= t <= 12")
    captured = import_module(module, signature)
    model = compile_program(import_module(module, signature))
    for length in (1, 2, 5, 11, 12):
        ids = torch.randint(0, 11, (1, length))
        (found,) = interpret(captured.module, captured.weights, [ids])
        assert_same(found, module(ids))
        assert_same(model(ids), module(ids))


def test_samples_leave_the_batch():
    def forward(self, x):
        out, rows, h = torch.zeros(x.size(0), 3), torch.arange(x.size(0)), x
        for layer, head in zip(self.layers, self.heads, strict=True):
            h = layer(h).relu()
            logits = head(h)
            out[rows] = logits
            keep = logits.softmax(-1).max(-1).values < 0.45
            if not keep.any():
                break
            h, rows = h[keep], rows[keep]
        return out

    torch.manual_seed(1)
    layers = nn.ModuleList(nn.Linear(5, 5) for _ in range(4))
    heads = nn.ModuleList(nn.Linear(5, 3) for _ in range(4))
    captured = check(forward, BATCH, batches(of=(1, 2, 5, 9)), layers=layers, heads=heads)
    assert count(captured, AssertOp) == 0


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
