"""Batch compaction: after each layer the samples that are easy leave the batch, and the layers stop when none is left.

Liu, Zhou, Wang, Zhao, Deng and Ju, "FastBERT: a Self-distilling BERT with Adaptive Inference Time", ACL 2020; the
forward follows the fast mode of `FastBertClassifier` in run_fastbert.py of github.com/autoliuweijie/FastBERT, over a
convolutional encoder (the repository has one too, FastGCNN). How many samples a layer gets depends on the input.

`CompactingClassifier` picks the samples by indexing with tensors and has the entropy of DeeBERT (Xin, Tang, Lee, Yu and
Lin, ACL 2020; `entropy` in modeling_highway_bert.py of github.com/castorini/DeeBERT); `FastClassifier` picks them word
for word as FastBERT does, with a distribution object and a list comprehension over the indices.
"""

# torch leaves much of `nn.Module` and of `torch.distributions` untyped.
# pyright: basic

from functools import partial

import numpy as np
import torch
from calibration import (
    calibrate_exit,
    damp_residual,
    fit_batch_norms,
    initialize_weights,
    input_of,
    reproducible,
    sample_images,
    standardize,
)
from torch import Tensor, nn
from torch.nn import functional as F


def entropy(x: Tensor) -> Tensor:
    """The entropy of the softmax of logits f32[n, classes]: f32[n]."""
    exp_x = torch.exp(x)
    A = torch.sum(exp_x, dim=1)  # sum of exp(x_i)
    B = torch.sum(x * exp_x, dim=1)  # sum of x_i * exp(x_i)
    return torch.log(A) - B / A


def normal_shannon_entropy(p: Tensor, labels_num: int) -> Tensor:
    entropy = torch.distributions.Categorical(probs=p).entropy()
    normal = -np.log(1.0 / labels_num)
    return entropy / normal


class Layer(nn.Module):
    """A residual block of the encoder."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, hidden: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(hidden)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + hidden)


class Classifier(nn.Module):
    def __init__(self, input_size: int, cla_hidden_size: int, labels_num: int) -> None:
        super().__init__()
        self.output_layer_1 = nn.Linear(input_size, cla_hidden_size)
        self.output_layer_2 = nn.Linear(cla_hidden_size, labels_num)

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = torch.mean(hidden, dim=(2, 3))
        output_1 = torch.tanh(self.output_layer_1(hidden))
        return self.output_layer_2(output_1)


class CompactingClassifier(nn.Module):
    """Classifies a batch f32[n, 3, image_size, image_size]; `speed` is the entropy, over its largest, that is easy."""

    def __init__(
        self,
        layers_num: int = 4,
        channels: int = 8,
        image_size: int = 16,
        labels_num: int = 10,
        speed: float = 0.9,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.layers_num = layers_num
        self.labels_num = labels_num
        self.threshold = speed
        with reproducible(seed):
            self.embedding = nn.Sequential(
                nn.Conv2d(3, channels, kernel_size=3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
            )
            self.layers = nn.ModuleList([Layer(channels) for _ in range(layers_num)])
            self.classifiers = nn.ModuleList(
                [Classifier(channels, 4 * channels, labels_num) for _ in range(layers_num)]
            )
            self._fit(image_size)
        self.requires_grad_(False)
        self.eval()

    def forward(self, x: Tensor) -> tuple[None, Tensor]:
        """No loss, and the logits f32[n, labels_num]."""
        hidden = self.embedding(x)
        batch_size = hidden.size(0)
        logits = torch.zeros(batch_size, self.labels_num, dtype=hidden.dtype, device=hidden.device)
        abs_diff_idxs = torch.arange(0, batch_size, dtype=torch.long, device=hidden.device)
        for i in range(self.layers_num):
            hidden = self.layers[i](hidden)

            logits_this_layer = self.classifiers[i](hidden)  # (batch_size, labels_num)
            logits[abs_diff_idxs] = logits_this_layer

            # filter easy sample
            abs_diff_idxs, rel_diff_idxs = self._difficult_samples_idxs(abs_diff_idxs, logits_this_layer)
            hidden = hidden[rel_diff_idxs, :, :]

            if len(abs_diff_idxs) == 0:
                break

        return None, logits

    def _difficult_samples_idxs(self, idxs: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Those of the samples `idxs` that go on: their places in the batch as it came, and as it is now."""
        entropys = entropy(logits) / np.log(self.labels_num)
        difficult = entropys > self.threshold
        return idxs[difficult], difficult.nonzero().view(-1)

    def _fit(self, image_size: int) -> None:
        """Fit batch norms, and classifiers such that as many samples leave after each layer as stay to the end."""
        initialize_weights(self)
        x = sample_images(max(64, 16 * self.layers_num), image_size)
        fit_batch_norms(self.embedding, x)
        hidden = self.embedding(x)
        running = torch.ones(len(x), dtype=torch.bool)
        for i in range(self.layers_num):
            layer, classifier = self.layers[i], self.classifiers[i]
            assert isinstance(layer, Layer)
            assert isinstance(classifier, Classifier)
            damp_residual(layer.bn2)
            fit_batch_norms(layer, hidden)
            hidden = layer(hidden)
            classify = partial(classifier, hidden)
            standardize(classifier.output_layer_1, input_of(classifier.output_layer_1, classify), std=0.5)
            linear = classifier.output_layer_2
            features = input_of(linear, classify)
            running = calibrate_exit(
                linear, features, running, 1 - self.threshold, 1 / (self.layers_num - i + 1), self._confidence
            )

    def _confidence(self, logits: Tensor) -> Tensor:
        return 1 - entropy(logits) / np.log(self.labels_num)


class FastClassifier(CompactingClassifier):
    """The same, with the samples picked by FastBERT's own code."""

    def _difficult_samples_idxs(self, idxs: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        # logits: (batch_size, labels_num)
        probs = nn.Softmax(dim=1)(logits)
        entropys = normal_shannon_entropy(probs, self.labels_num)
        rel_diff_idxs = (entropys > self.threshold).nonzero().view(-1)
        abs_diff_idxs = torch.tensor([idxs[i] for i in rel_diff_idxs], device=logits.device)
        return abs_diff_idxs, rel_diff_idxs


class CompactingClassifier12(CompactingClassifier):
    """As many layers as BERT's base model, on images f32[n, 3, 32, 32]."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(layers_num=12, channels=64, image_size=32, seed=seed)
