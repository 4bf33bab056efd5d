"""Translation and text generation: texts of all lengths occur, and what is skipped or kept changes nothing."""

from collections import Counter

import torch
from calm_gpt import GPT
from nmt import Seq2Seq

from tests.examples.programs import built, calls_of, sampled


class TestSeq2Seq:
    @property
    def model(self) -> Seq2Seq:
        return built(Seq2Seq)

    def test_translations_take_one_step_several_and_the_most(self) -> None:
        steps: Counter[int] = Counter()
        for (src,) in sampled(Seq2Seq, 50):
            tokens, attentions = self.model(src)
            assert attentions.shape == (len(tokens) - 1, 1, 10)
            assert torch.allclose(attentions.sum(-1), torch.ones(len(attentions), 1))
            assert self.model.eos_idx not in tokens[:-1]
            assert tokens[-1] == self.model.eos_idx or len(tokens) == 201
            steps[len(attentions)] += 1
        assert steps[1] >= 3
        assert steps[200] >= 3
        assert len(steps) >= 6

    def test_sources_of_any_length_are_translated(self) -> None:
        tokens, attentions = self.model(torch.tensor([[5]]))
        assert torch.equal(attentions, torch.ones(len(tokens) - 1, 1, 1))


class TestGPT:
    @property
    def model(self) -> GPT:
        return built(GPT)

    def test_texts_stop_at_the_first_new_token_at_later_ones_and_at_the_longest(self) -> None:
        lengths: Counter[int] = Counter()
        for (idx,) in sampled(GPT, 60):
            tokens, exit_layers, logits = self.model(idx)
            assert tokens[:4] == idx[0].tolist()
            assert tokens[4:] == logits.argmax(-1).flatten().tolist()
            assert len(exit_layers) == len(logits) == len(tokens) - 4
            assert self.model.eos_token not in tokens[4:-1]
            assert tokens[-1] == self.model.eos_token or len(tokens) == 20
            lengths[len(tokens)] += 1
        assert lengths[5] >= 3
        assert lengths[20] >= 3
        assert len(lengths) >= 5

    def test_tokens_leave_at_every_layer(self) -> None:
        left = Counter(layer for (idx,) in sampled(GPT, 30) for layer in self.model(idx)[1][1:])
        assert sorted(left) == [1, 2, 3, 4]

    def test_a_token_that_leaves_early_runs_no_feed_forward_above(self) -> None:
        blocks = [block.mlp for block in self.model.transformer.h]
        for (idx,) in sampled(GPT, 8):
            exit_layers = self.model(idx)[1]
            calls = calls_of(blocks, lambda idx=idx: self.model(idx))
            assert calls == [sum(layer > i for layer in exit_layers) for i in range(4)]

    def test_without_exits_the_cache_changes_nothing(self) -> None:
        threshold, self.model.exit_conf_threshold = self.model.exit_conf_threshold, 1.0
        try:
            for (idx,) in sampled(GPT, 8):
                tokens, exit_layers, logits = self.model(idx)
                assert set(exit_layers) == {4}
                for step, cached in enumerate(logits):
                    uncached, _ = self.model.prefill(torch.tensor([tokens[: 4 + step]]))
                    assert torch.allclose(cached, uncached, atol=1e-5)
        finally:
            self.model.exit_conf_threshold = threshold
