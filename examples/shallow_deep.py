"""What the Shallow-Deep Networks share: internal classifiers, blocks that may carry one, and the forward over them.

Kaya, Hong and Dumitras, "Shallow-Deep Networks: Understanding and Mitigating Network Overthinking", ICML 2019; the
programs follow aux_funcs.py and architectures/SDNs of github.com/yigitcankaya/Shallow-Deep-Networks, whose four
architectures have one and the same `early_exit`, here the `forward` that they inherit, and blocks of one shape.
"""

# nn.ModuleList does not say what it holds, and only blocks with an `output` keep the `forward` that calls it.
# pyright: basic, reportIndexIssue=false, reportOptionalCall=false

from abc import ABC, abstractmethod
from functools import partial

import numpy as np
import torch
from calibration import (
    calibrate_exit,
    fit_batch_norms,
    initialize_weights,
    input_of,
    keep_positive,
    reproducible,
    sample_inputs,
)
from torch import Tensor, nn
from torch.nn import functional as F


class Flatten(nn.Module):
    def forward(self, input: Tensor) -> Tensor:
        return input.view(input.size(0), -1)


def feature_reduction_formula(input_feature_map_size: int) -> int:
    """The size of an internal classifier's pools: to 4x4 features, or -1 for maps that are smaller already."""
    if input_feature_map_size >= 4:
        return input_feature_map_size // 4
    return -1


class InternalClassifier(nn.Module):
    """Feature reduction by mixed max and average pooling, then a linear layer."""

    def __init__(self, input_size: int, output_channels: int, num_classes: int) -> None:
        super().__init__()
        red_kernel_size = feature_reduction_formula(input_size)

        if red_kernel_size == -1:
            self.linear = nn.Linear(output_channels * input_size * input_size, num_classes)
            self.forward = self.forward_wo_pooling
        else:
            red_input_size = input_size // red_kernel_size
            self.max_pool = nn.MaxPool2d(kernel_size=red_kernel_size)
            self.avg_pool = nn.AvgPool2d(kernel_size=red_kernel_size)
            self.alpha = nn.Parameter(torch.rand(1))
            self.linear = nn.Linear(output_channels * red_input_size * red_input_size, num_classes)
            self.forward = self.forward_w_pooling

    def forward_w_pooling(self, x: Tensor) -> Tensor:
        maxp = self.alpha * self.max_pool(x)
        avgp = (1 - self.alpha) * self.avg_pool(x)
        mixed = avgp + maxp
        return self.linear(mixed.view(mixed.size(0), -1))

    def forward_wo_pooling(self, x: Tensor) -> Tensor:
        return self.linear(x.view(x.size(0), -1))


class BlockWOutput(nn.Module):
    """Layers, and behind them a classifier of their features where there is one."""

    def __init__(self, layers: nn.Module, output: nn.Module | None) -> None:
        super().__init__()
        self.layers = layers
        self.output = output
        self.no_output = output is None
        if output is None:
            self.forward = self.only_forward

    def features(self, x: Tensor) -> Tensor:
        return self.layers(x)

    def forward(self, x: Tensor) -> tuple[Tensor, int, Tensor | None]:
        fwd = self.features(x)
        return fwd, 1, self.output(fwd)

    def only_forward(self, x: Tensor) -> tuple[Tensor, int, Tensor | None]:
        return self.features(x), 0, None


class ShallowDeepNetwork(nn.Module, ABC):
    """A stack of layers that stops at the first internal classifier confident of its answer.

    A subclass builds `init_conv`, `layers` and `end_layers`. The low `confidence_threshold` suits classifiers that
    nobody trained.
    """

    init_conv: nn.Module
    layers: nn.ModuleList
    end_layers: nn.Sequential

    def __init__(self, num_classes: int = 10, confidence_threshold: float = 0.2, seed: int = 0) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.confidence_threshold = confidence_threshold
        with reproducible(seed):
            self._build()
            self._fit()
        self.requires_grad_(False)
        self.eval()

    def forward(self, x: Tensor) -> tuple[Tensor, int | np.intp, bool]:
        """The logits f32[1, 10] of the exit taken, its number, and whether it was an early one, for one sample."""
        confidences: list[Tensor] = []
        outputs: list[Tensor] = []

        fwd = self.init_conv(x)
        output_id = 0
        for layer in self.layers:
            fwd, is_output, output = layer(fwd)

            if is_output:
                outputs.append(output)
                softmax = F.softmax(output[0], dim=0)

                confidence = torch.max(softmax)
                confidences.append(confidence)

                if confidence >= self.confidence_threshold:
                    is_early = True
                    return output, output_id, is_early

                output_id += is_output

        output = self.end_layers(fwd)
        outputs.append(output)

        softmax = F.softmax(output[0], dim=0)
        confidence = torch.max(softmax)
        confidences.append(confidence)
        max_confidence_output = np.argmax(confidences)
        is_early = False
        return outputs[max_confidence_output], max_confidence_output, is_early

    @abstractmethod
    def _build(self) -> None: ...

    def _settle(self, layer: nn.Module) -> None:
        """Keep the activations behind `layer` moderate, before its batch norms are fitted."""
        keep_positive(layer)

    def _fit(self) -> None:
        """Fit batch norms, and classifiers such that as many inputs leave at each exit as reach the end."""
        initialize_weights(self)
        exits = 1 + sum(not layer.no_output for layer in self.layers)
        x = sample_inputs(max(64, 16 * exits))
        fit_batch_norms(self.init_conv, x)
        fwd = self.init_conv(x)
        running = torch.ones(len(x), dtype=torch.bool)
        for layer in self.layers:
            self._settle(layer)
            fit_batch_norms(layer, fwd)
            fwd, is_output, _ = layer(fwd)
            if is_output:
                output = layer.output
                classifier = output.linear if isinstance(output, InternalClassifier) else output
                assert isinstance(output, nn.Module)
                assert isinstance(classifier, nn.Linear)
                features = input_of(classifier, partial(output, fwd))
                running = calibrate_exit(classifier, features, running, self.confidence_threshold, 1 / exits)
                exits -= 1
        fit_batch_norms(self.end_layers, fwd)
        classifier = self.end_layers[-1]
        assert isinstance(classifier, nn.Linear)
        features = input_of(classifier, partial(self.end_layers, fwd))
        # The other half of those that reach the end may have been more confident at an earlier exit.
        calibrate_exit(classifier, features, running, self.confidence_threshold, 0.5)
