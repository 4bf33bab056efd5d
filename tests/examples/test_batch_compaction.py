"""Classifiers whose batch shrinks: samples leave at every layer, each with what it gets alone."""

from collections import Counter

import pytest
import torch
from batch_compaction import CompactingClassifier, FastClassifier

from tests.examples.programs import COMPACTING, built, sampled


@pytest.mark.parametrize("network", COMPACTING)
def test_samples_leave_the_batch_and_the_layers_stop_when_none_is_left(network: type[CompactingClassifier]) -> None:
    model = network()
    batches: list[int] = []
    for layer in model.layers:
        layer.register_forward_pre_hook(lambda _, given: batches.append(len(given[0])))
    trips, compacted = Counter[int](), 0
    for (x,) in sampled(network, 50):
        batches.clear()
        model(x)
        assert batches == sorted(batches, reverse=True)
        assert batches[-1] > 0
        trips[len(batches)] += 1
        compacted += batches[-1] < batches[0]
    assert [trips[count] >= 2 for count in range(1, model.layers_num + 1)] == [True] * model.layers_num
    assert compacted >= 5


@pytest.mark.parametrize("network", COMPACTING)
def test_a_sample_gets_what_it_gets_alone(network: type[CompactingClassifier]) -> None:
    model = built(network)
    x = torch.cat([x[:1] for (x,) in sampled(network, 8)])
    _, together = model(x)
    alone = torch.cat([model(sample[None])[1] for sample in x])
    torch.testing.assert_close(together, alone)


def test_both_ways_to_pick_samples_agree() -> None:
    for (x,) in sampled(FastClassifier, 10):
        torch.testing.assert_close(built(FastClassifier)(x)[1], built(CompactingClassifier)(x)[1])
