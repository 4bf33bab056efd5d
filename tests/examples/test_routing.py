"""Experts and routed tokens: each is taken by some inputs and not by others, and skips nothing that counts."""

from collections import Counter

import pytest
import torch
from mixtral import HitExpertsMixtral, Mixtral
from mixture_of_depths import MoDTransformer
from switch_transformer import SwitchTransformer
from torch.nn import functional as F

from tests.examples.programs import built, calls_of, sampled


@pytest.mark.parametrize("program", [Mixtral, HitExpertsMixtral])
def test_each_expert_of_a_mixtral_gets_no_token_one_or_several(program: type[Mixtral]) -> None:
    model = built(program)
    for layer in model.layers:
        experts = layer.block_sparse_moe.experts
        rows: list[Counter[int]] = [Counter() for _ in experts]
        handles = [
            expert.register_forward_pre_hook(lambda _, args, seen=seen: seen.update([len(args[0])]))
            for expert, seen in zip(experts, rows, strict=True)
        ]
        for inputs in sampled(program, 60):
            model(*inputs)
        for handle in handles:
            handle.remove()
        for seen in rows:
            assert 0 < seen.total() < 60
            assert seen[0] == 0
        assert any(seen[1] for seen in rows)
        assert all(seen.keys() - {1} for seen in rows)


@pytest.mark.parametrize("program", [Mixtral, HitExpertsMixtral])
def test_a_mixture_is_the_weighted_sum_of_the_two_best_experts(program: type[Mixtral]) -> None:
    moe = built(program).layers[0].block_sparse_moe
    x = torch.randn(1, 6, 32, generator=torch.Generator().manual_seed(0))
    logits = moe.gate(x)
    best = logits.topk(2, dim=-1)
    weights = torch.zeros_like(logits).scatter(-1, best.indices, best.values.softmax(-1))
    dense = sum(weights[..., i, None] * expert(x) for i, expert in enumerate(moe.experts))
    assert torch.allclose(moe(x), dense, atol=1e-6)


def test_a_switch_calls_one_expert_per_token_and_every_expert_for_some() -> None:
    model = built(SwitchTransformer)
    for layer in model.layers[1::2]:
        experts = list(layer.feed_forward.experts)
        runs = [calls_of(experts, lambda inputs=inputs: model(*inputs)) for inputs in sampled(SwitchTransformer, 40)]
        assert all(sum(counts) == 6 for counts in runs)
        assert all({0, 1} <= set(counts) for counts in zip(*runs, strict=True))


def test_a_switch_weighs_the_best_expert_by_its_probability() -> None:
    switch = built(SwitchTransformer).layers[1].feed_forward
    x = torch.randn(6, 2, 32, generator=torch.Generator().manual_seed(0))
    probabilities = switch.switch(x).softmax(-1)
    best = F.one_hot(probabilities.argmax(-1), 4) * probabilities
    dense = sum(best[..., i, None] * expert(x) for i, expert in enumerate(switch.experts))
    assert torch.allclose(switch(x), dense, atol=1e-6)


class TestMixtureOfDepths:
    @property
    def model(self) -> MoDTransformer:
        return built(MoDTransformer)

    def test_every_position_is_routed_for_some_texts_and_passed_over_for_others(self) -> None:
        routed = [Counter(), Counter()]
        for inputs in sampled(MoDTransformer, 50):
            _, positions = self.model(*inputs)
            for counter, chosen in zip(routed, positions, strict=True):
                assert chosen.shape == (1, 4)
                assert (chosen.diff() > 0).all()
                counter.update(chosen[0].tolist())
        assert all(0 < counter[position] < 50 for counter in routed for position in range(12))

    def test_a_block_adds_to_the_tokens_that_it_computes_and_leaves_the_others(self) -> None:
        block = self.model.layers[1]
        x = torch.randn(2, 12, 32, generator=torch.Generator().manual_seed(0))
        out, positions = block(x)
        best = block.router(x).squeeze(2).topk(4).indices.sort().values
        assert torch.equal(positions, best)
        computed = torch.zeros(2, 12, dtype=torch.bool).scatter(1, positions, True)
        assert torch.equal(out[~computed], x[~computed])
        assert not torch.isclose(out[computed], x[computed]).all(dim=-1).any()

    def test_a_text_shorter_than_the_capacity_is_computed_whole(self) -> None:
        _, positions = self.model(torch.tensor([[1, 2, 3]]))
        assert all(chosen.tolist() == [[0, 1, 2]] for chosen in positions)
