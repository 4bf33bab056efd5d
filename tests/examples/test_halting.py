"""The Universal Transformer and PonderNet: every number of steps occurs, and they stop where all has halted."""

import math
from collections import Counter

import torch
from pondernet import ParityPonderGRU
from torch import Tensor
from universal_transformer import BabiUTransformer

from tests.examples.programs import built, calls_of, sampled


class TestUniversalTransformer:
    @property
    def model(self) -> BabiUTransformer:
        return built(BabiUTransformer)

    def test_stories_take_every_number_of_steps(self) -> None:
        steps: Counter[int] = Counter()
        for inputs in sampled(BabiUTransformer, 100):
            encoder = self.model.transformer_enc.enc
            (calls,) = calls_of([encoder], lambda inputs=inputs: self.model(*inputs))
            _, _, (_, n_updates) = self.model(*inputs)
            assert calls == n_updates.max()
            steps[calls] += 1
        assert sorted(steps) == [1, 2, 3, 4, 5, 6]
        assert steps[1] >= 5

    def test_sentences_halt_where_their_probabilities_reach_the_threshold(self) -> None:
        seen: list[Tensor] = []
        handle = self.model.transformer_enc.act_fn.sigma.register_forward_hook(lambda *args: seen.append(args[-1]))
        for inputs in sampled(BabiUTransformer, 20):
            seen.clear()
            _, _, (remainders, n_updates) = self.model(*inputs)
            probabilities = torch.cat(seen, dim=-1)[0]
            for p, updates, remainder in zip(probabilities, n_updates[0], remainders[0], strict=True):
                reached = (p.cumsum(0) > 0.9).nonzero()
                halts = len(reached) > 0
                assert updates == (int(reached[0]) + 1 if halts else len(p))
                expected = 1 - float(p[: int(updates) - 1].sum()) if halts else 0.0
                assert math.isclose(float(remainder), expected, abs_tol=1e-5)
        handle.remove()

    def test_without_act_every_story_takes_all_steps(self) -> None:
        model = BabiUTransformer(act=False)
        (inputs,) = sampled(BabiUTransformer, 1)
        assert calls_of([model.transformer_enc.enc], lambda: model(*inputs)) == [6]
        assert model(*inputs)[2] is None


class TestPonderNet:
    @property
    def model(self) -> ParityPonderGRU:
        return built(ParityPonderGRU)

    def test_batches_ponder_for_one_step_a_few_and_the_most(self) -> None:
        steps = Counter(len(self.model(x)[0]) for (x,) in sampled(ParityPonderGRU, 60))
        assert steps[1] >= 3
        assert steps[12] >= 3
        assert len(steps) >= 5

    def test_it_stops_when_the_last_sample_has_halted_and_reports_where_each_did(self) -> None:
        for (x,) in sampled(ParityPonderGRU, 20):
            p, y, p_m, y_m = self.model(x)
            halted = (p.cumsum(0) >= 0.5 - 1e-6).int().argmax(0)
            assert len(p) == halted.max() + 1
            samples = torch.arange(x.shape[0])
            assert torch.allclose(p_m, p[halted, samples])
            assert torch.allclose(y_m, y[halted, samples])

    def test_without_halting_every_batch_ponders_for_the_most_steps(self) -> None:
        self.model.is_halt = False
        try:
            for (x,) in sampled(ParityPonderGRU, 4):
                p = self.model(x)[0]
                assert len(p) == 12
                assert torch.allclose(p.sum(0), torch.ones(3))
        finally:
            self.model.is_halt = True
