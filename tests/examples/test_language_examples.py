"""The examples on tokens: small ones build the same every time, and inputs spread over their exits, trips and experts.

Where a program skips work, it is compared with one that does all of it.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import torch
from bert import BertConfig
from calm_gpt import GPT
from deebert import DeeBertForSequenceClassification, entropy
from mixtral import HitExpertsMixtral, Mixtral
from mixture_of_depths import MoDTransformer
from nmt import Seq2Seq
from pabee import BertForSequenceClassificationWithPabee
from pondernet import ParityPonderGRU
from switch_transformer import SwitchTransformer
from torch import Tensor, nn
from torch.nn import functional as F
from tree_lstm import SimilarityTreeLSTM, TreeLSTMSentiment
from universal_transformer import BabiUTransformer

Inputs = tuple[Tensor, ...]


def ids(*size: int) -> Callable[[torch.Generator], Tensor]:
    return lambda generator: torch.randint(0, 10, size, generator=generator)


def noise(*size: int) -> Callable[[torch.Generator], Tensor]:
    def draw(generator: torch.Generator) -> Tensor:
        mean = 2 * torch.rand(1, generator=generator) - 1
        scale = 0.5 + 1.5 * torch.rand(1, generator=generator)
        return mean + scale * torch.randn(*size, generator=generator)

    return draw


PROGRAMS: dict[type[nn.Module], list[Callable[[torch.Generator], Tensor]]] = {
    BabiUTransformer: [ids(1, 5, 6), ids(1, 6)],
    BertForSequenceClassificationWithPabee: [ids(1, 16)],
    DeeBertForSequenceClassification: [ids(1, 16)],
    GPT: [ids(1, 4)],
    HitExpertsMixtral: [ids(1, 6)],
    Mixtral: [ids(1, 6)],
    MoDTransformer: [ids(1, 12)],
    ParityPonderGRU: [noise(3, 8)],
    Seq2Seq: [ids(10, 1)],
    SimilarityTreeLSTM: [ids(10, 2), ids(10), ids(10, 2), ids(10)],
    SwitchTransformer: [ids(6, 1)],
    TreeLSTMSentiment: [ids(10), ids(10), ids(10)],
}
# Built once: the tests that use these put back what they change.
built = cache(lambda program: program())


def sampled(program: type[nn.Module], count: int) -> Iterator[Inputs]:
    generator = torch.Generator().manual_seed(7)
    for _ in range(count):
        yield tuple(draw(generator) for draw in PROGRAMS[program])


def leaves(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, tuple | list) else [value]


def same(left: Any, right: Any) -> bool:
    return len(leaves(left)) == len(leaves(right)) and all(
        torch.equal(a, b) if isinstance(a, Tensor) else a == b for a, b in zip(leaves(left), leaves(right), strict=True)
    )


def calls_of(modules: list[nn.Module], run: Callable[[], object]) -> list[int]:
    """How often each of the modules is called while `run` runs."""
    counts = [0] * len(modules)

    def counter(index: int) -> Callable[..., None]:
        def count(*_: object) -> None:
            counts[index] += 1

        return count

    handles = [module.register_forward_hook(counter(i)) for i, module in enumerate(modules)]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return counts


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad():
        yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("program", PROGRAMS)
def test_construction_is_reproducible_and_leaves_the_global_generator_alone(program: type[nn.Module]) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first = program()
    assert torch.equal(torch.rand(4), expected)

    again, other = program().state_dict(), program(seed=1).state_dict()
    assert all(torch.equal(value, again[key]) for key, value in first.state_dict().items())
    assert any(not torch.equal(value, other[key]) for key, value in first.state_dict().items())


@pytest.mark.parametrize("program", PROGRAMS)
def test_networks_are_ready_for_inference(program: type[nn.Module]) -> None:
    model = built(program)
    assert not any(module.training for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    (inputs,) = sampled(program, 1)
    before = [x.clone() for x in inputs]
    first, second = model(*inputs), model(*inputs)
    assert same(list(inputs), before)
    assert same(first, second)


@pytest.mark.parametrize("program", PROGRAMS)
def test_outputs_are_finite_and_differ_between_inputs(program: type[nn.Module]) -> None:
    model = built(program)
    outputs = [model(*inputs) for inputs in sampled(program, 12)]
    floats = [x for x in leaves(outputs) if isinstance(x, Tensor) and x.is_floating_point()]
    assert all(x.isfinite().all() for x in floats)
    assert max(float(x.abs().max()) for x in floats) < 20
    assert sum(same(outputs[0], other) for other in outputs) == 1


class TestDeeBert:
    @property
    def model(self) -> DeeBertForSequenceClassification:
        return built(DeeBertForSequenceClassification)

    def all_exits(self, x: Tensor) -> tuple[Tensor, Any]:
        encoder = self.model.bert.encoder
        thresholds = encoder.early_exit_entropy
        encoder.set_early_exit_entropy(-1)
        try:
            logits, exits, _, exit_layer = self.model(x)
        finally:
            encoder.set_early_exit_entropy(thresholds)
        assert exit_layer == len(exits) == len(encoder.layer)
        return logits, exits

    def test_every_highway_is_taken_and_some_sentences_reach_the_end(self) -> None:
        taken: Counter[int] = Counter()
        for (x,) in sampled(DeeBertForSequenceClassification, 100):
            logits, exits, _, exit_layer = self.model(x)
            assert exit_layer == len(exits)
            taken[exit_layer if torch.equal(logits, exits[-1][0]) else 0] += 1
        assert all(taken[layer] >= 3 for layer in range(5)), taken

    def test_an_early_exit_gives_what_the_first_sure_highway_gives(self) -> None:
        thresholds = self.model.bert.encoder.early_exit_entropy
        for (x,) in sampled(DeeBertForSequenceClassification, 20):
            last, exits = self.all_exits(x)
            sure = [i for i, exit in enumerate(exits) if float(exit[2]) < thresholds[i]]
            stop = sure[0] if sure else len(exits)
            logits, some, (uncertainty, _), _ = self.model(x)
            assert same(list(some), list(exits[: stop + 1]))
            assert torch.equal(logits, exits[stop][0] if sure else last)
            assert torch.equal(uncertainty, entropy(logits))


class TestPabee:
    @property
    def model(self) -> BertForSequenceClassificationWithPabee:
        return built(BertForSequenceClassificationWithPabee)

    def layers_run(self, model: BertForSequenceClassificationWithPabee, x: Tensor) -> tuple[Tensor, int]:
        model.bert.reset_stats()
        (logits,) = model(x)
        return logits, model.bert.inference_layers_num

    def test_sentences_stop_at_each_layer_that_patience_allows(self) -> None:
        taken = Counter(
            self.layers_run(self.model, x)[1] for (x,) in sampled(BertForSequenceClassificationWithPabee, 60)
        )
        assert sorted(taken) == [3, 4, 5, 6]
        assert min(taken.values()) >= 3

    def test_it_stops_where_the_counter_of_agreeing_layers_reaches_the_patience(self) -> None:
        for (x,) in sampled(BertForSequenceClassificationWithPabee, 20):
            hidden, outputs = self.model.bert.embeddings(x), []
            for layer, classifier in zip(self.model.bert.encoder.layer, self.model.classifiers, strict=True):
                (hidden,) = layer(hidden, torch.zeros(1, 1, 1, 16))
                outputs.append(classifier(self.model.bert.pooler(hidden)))
            labels = [int(output.argmax()) for output in outputs]
            stop = next((i for i in range(2, 6) if len(set(labels[i - 2 : i + 1])) == 1), 5)
            logits, layers = self.layers_run(self.model, x)
            assert layers == stop + 1
            assert torch.equal(logits, outputs[stop])

    def test_a_regression_stops_where_its_outputs_settle(self) -> None:
        model = BertForSequenceClassificationWithPabee(BertConfig(num_hidden_layers=6, num_labels=1))
        taken = Counter(self.layers_run(model, x)[1] for (x,) in sampled(BertForSequenceClassificationWithPabee, 60))
        assert sorted(taken) == [3, 4, 5, 6]

    def test_patience_zero_runs_every_layer(self) -> None:
        self.model.bert.set_patience(0)
        try:
            for (x,) in sampled(BertForSequenceClassificationWithPabee, 4):
                calls = calls_of(list(self.model.bert.encoder.layer), lambda x=x: self.model(x))
                assert calls == [1] * 6
        finally:
            self.model.bert.set_patience(2)


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


class TestTreeLSTM:
    def test_a_child_sum_is_what_a_loop_from_the_leaves_computes(self) -> None:
        model: SimilarityTreeLSTM = built(SimilarityTreeLSTM)
        lstm = model.childsumtreelstm
        children: Counter[int] = Counter()
        for tree, words, _, _ in sampled(SimilarityTreeLSTM, 20):
            inputs = model.emb(words)
            states: dict[int, tuple[Tensor, Tensor]] = {}
            for node in reversed(range(len(tree))):
                below = [states[child] for child in tree[node].tolist() if child > node]
                c = torch.cat([c for c, _ in below]) if below else torch.zeros(1, 16)
                h = torch.cat([h for _, h in below]) if below else torch.zeros(1, 16)
                states[node] = lstm.node_forward(inputs[node].view(1, -1), c, h)
                children[len(below)] += 1
            assert same(lstm(tree, inputs), states[0])
        assert set(children) == {0, 1, 2}

    def test_trees_of_a_leaf_and_deep_ones_are_among_the_samples(self) -> None:
        model: TreeLSTMSentiment = built(TreeLSTMSentiment)
        composer = model.tree_module.composer
        composed = Counter(
            calls_of([composer], lambda inputs=inputs: model(*inputs))[0] for inputs in sampled(TreeLSTMSentiment, 100)
        )
        assert composed[0] >= 3
        assert composed[1] >= 3
        assert max(composed) >= 4

    def test_a_binary_tree_composes_its_leaves_in_order(self) -> None:
        model: TreeLSTMSentiment = built(TreeLSTMSentiment)
        module = model.tree_module
        # 0 is the parent of 1 and 2, and 2 that of 3 and 4
        left, right = torch.tensor([1, 0, 3, 0, 0]), torch.tensor([2, 0, 4, 0, 0])
        embs = model.emb(torch.arange(5))
        one, three, four = (module.leaf_module(embs[node].view(1, -1)) for node in (1, 3, 4))
        expected = module.composer(*one, *module.composer(*three, *four))
        assert same(module(left, right, embs), expected)


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
