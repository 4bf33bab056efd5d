"""DeeBERT and PABEE: sentences spread over the layers, and an early exit gives what its layer gives."""

from collections import Counter
from typing import Any

import torch
from bert import BertConfig
from deebert import DeeBertForSequenceClassification, entropy
from pabee import BertForSequenceClassificationWithPabee
from torch import Tensor

from tests.examples.programs import built, calls_of, same, sampled


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
