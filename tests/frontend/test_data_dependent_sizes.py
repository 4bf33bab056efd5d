"""Sizes that depend on data, and numbers known only at run time as sizes and indices."""

# ruff: noqa: PERF401, SIM102
# The programs are as people write them.

import torch
from torch import nn

from dycl.compiler import compile_program
from dycl.frontends.signature import parse_signature
from dycl.frontends.torch import import_module
from dycl.ir.interpret import interpret
from dycl.ir.ops import AssertOp
from tests.frontend.capturing import assert_same, count
from tests.frontend.capturing import check as check_fixed
from tests.frontend.sizing import (
    BATCH,
    INDEXED,
    MASKED,
    Inputs,
    batches,
    check,
    indexed,
    masked,
)

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


# Experts of a capacity


class Routed(nn.Module):
    """Tokens are routed to the expert that has the best score, which takes as many as its capacity says."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.gate = nn.Linear(4, 3)
        self.experts = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        self.capacity = 3


def routed(module: type[nn.Module]) -> None:
    torch.manual_seed(0)
    inputs: list[Inputs] = [torch.randn(n, 4) * scale for n in (1, 2, 5, 8, 16) for scale in (0.1, 3)]
    check(
        module(),
        "x: f32[n, 4] where 1 <= n <= 16",
        [*inputs, *(torch.rand(9, 4) + sign for sign in (1, -2))],
        always_fits=True,
    )


def test_an_expert_takes_as_many_tokens_as_its_capacity():
    class Model(Routed):
        def forward(self, x):
            assigned = self.gate(x).argmax(-1)
            out, dropped = torch.zeros_like(x), 0
            for number, expert in enumerate(self.experts):
                index = (assigned == number).nonzero().squeeze(-1)
                if index.numel() > self.capacity:
                    dropped += index.numel() - self.capacity
                    index = index[: self.capacity]
                out[index] += expert(x[index])
            return out, dropped

    routed(Model)


def test_the_best_tokens_of_each_expert_are_joined():
    class Model(Routed):
        def forward(self, x):
            weights, assigned = self.gate(x).softmax(-1).max(-1)
            indices, outputs = [], []
            for number, expert in enumerate(self.experts):
                index = torch.where(assigned == number)[0]
                if index.numel() > self.capacity:
                    index = index[torch.topk(weights[index], self.capacity).indices]
                indices.append(index)
                outputs.append(expert(x[index]) * weights[index, None])
            order = torch.cat(indices)
            return torch.zeros_like(x).index_add(0, order, torch.cat(outputs)), order.numel()

    routed(Model)


def test_lists_of_the_experts_that_have_tokens():
    class Before(Routed):
        def forward(self, x):
            assigned, found = self.gate(x).argmax(-1), []
            for number in range(3):
                index = (assigned == number).nonzero().flatten()
                if index.shape[0] > 0:
                    found.append(index)
            order = torch.cat(found)
            return x[order], order

    class Inside(Routed):
        def forward(self, x):
            assigned, parts, indices = self.gate(x).argmax(-1), [], []
            for number, expert in enumerate(self.experts):
                mask = assigned == number
                if mask.any():
                    index = mask.nonzero().squeeze(1)
                    parts.append(expert(x[index]))
                    indices.append(index)
            return torch.cat(parts)[torch.cat(indices).argsort()]

    routed(Before)
    routed(Inside)


def test_tokens_beyond_the_capacity_are_taken_together():
    class Model(Routed):
        def forward(self, x):
            assigned, out, beyond = self.gate(x).argmax(-1), torch.zeros_like(x), []
            for number, expert in enumerate(self.experts):
                index = (assigned == number).nonzero().squeeze(-1)
                if index.numel() > self.capacity:
                    index, rest = index[: self.capacity], index[self.capacity :]
                    beyond.append(rest)
                out[index] = expert(x[index])
            if beyond:
                rest = torch.cat(beyond)
                out[rest] = x[rest]
            return out

    routed(Model)


def test_groups_of_tokens_as_long_as_their_lists():
    class Model(Routed):
        def forward(self, x):
            assigned = self.gate(x).argmax(-1)
            lists = [(assigned == number).nonzero().squeeze(-1) for number in range(3)]
            lists = [index[: self.capacity] if len(index) > self.capacity else index for index in lists]
            sizes = [len(index) for index in lists]
            order = torch.cat(lists)
            groups = [expert(group) for expert, group in zip(self.experts, x[order].split(sizes), strict=True)]
            out = torch.zeros_like(x)
            out[order] = torch.cat(groups)
            return out, sizes

    torch.manual_seed(0)
    check_fixed(
        Model().eval(), *(torch.randn(8, 4) * scale for scale in (0.1, 1, 3)), torch.ones(8, 4), all_sides=False
    )


def test_selections_made_in_a_branch_are_used_after_it():
    def forward(self, x):
        score = x.sum(-1)
        if score.max() > 1:
            index = (score > 0).nonzero().squeeze(-1)
        else:
            index = (score <= 0).nonzero().squeeze(-1)
        y = x[index]
        return y * index.numel(), y.shape[0], index

    check(forward, BATCH, [torch.randn(n, 5) * scale for n in (1, 2, 9) for scale in (0.1, 3)])


def test_rows_of_a_length_that_only_a_branch_has():
    def forward(self, x):
        parts = [x]
        if x.shape[0] > 3:
            if x.sum() > 0:
                parts.append(x[3:])
        return torch.cat(parts) if len(parts) > 1 else x.sum(0)

    inputs = [torch.full((n, 5), value) for n in (1, 3, 4, 9) for value in (1.0, -1.0)]
    check(forward, BATCH, [value + torch.randn(5) * 0.1 for value in inputs], always_fits=True)
