"""MSDNet: a dense network over several scales at once, with a classifier after each block where an image may leave.

Huang, Chen, Li, Wu, van der Maaten and Weinberger, "Multi-Scale Dense Networks for Resource Efficient Image
Classification", ICLR 2018; the program follows models/msdnet.py and `dynamic_eval_with_threshold` in
adaptive_inference.py of github.com/kalviny/MSDNet-PyTorch. The features that blocks hand on are a list with a tensor
for each scale, which gets shorter as the coarse scales alone remain.

`MSDNetCifar` has the published size. The published evaluation computes all classifiers and then looks for the exit;
here a classifier is computed when the image reaches it.
"""

# nn.ModuleList does not say what it holds; the published code builds its lists by `append`.
# pyright: basic, reportIndexIssue=false
# ruff: noqa: PERF401

import math
from argparse import Namespace
from collections.abc import Sequence
from functools import partial

import torch
from calibration import (
    between_quantile,
    fit_batch_norms,
    initialize_weights,
    input_of,
    reproducible,
    sample_inputs,
    standardize,
)
from torch import Tensor, nn


class ConvBasic(nn.Module):
    def __init__(self, nIn: int, nOut: int, kernel: int = 3, stride: int = 1, padding: int = 1) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(nIn, nOut, kernel_size=kernel, stride=stride, padding=padding, bias=False),
            nn.BatchNorm2d(nOut),
            nn.ReLU(True),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class ConvBN(nn.Module):
    """A convolution of type `normal` or `down`, behind a bottleneck of at most `bnWidth` times its outputs."""

    def __init__(self, nIn: int, nOut: int, type: str, bottleneck: bool, bnWidth: int) -> None:
        super().__init__()
        layer: list[nn.Module] = []
        nInner = nIn
        if bottleneck is True:
            nInner = min(nInner, bnWidth * nOut)
            layer.append(nn.Conv2d(nIn, nInner, kernel_size=1, stride=1, padding=0, bias=False))
            layer.append(nn.BatchNorm2d(nInner))
            layer.append(nn.ReLU(True))

        if type == "normal":
            layer.append(nn.Conv2d(nInner, nOut, kernel_size=3, stride=1, padding=1, bias=False))
        elif type == "down":
            layer.append(nn.Conv2d(nInner, nOut, kernel_size=3, stride=2, padding=1, bias=False))
        else:
            raise ValueError

        layer.append(nn.BatchNorm2d(nOut))
        layer.append(nn.ReLU(True))

        self.net = nn.Sequential(*layer)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class ConvDownNormal(nn.Module):
    def __init__(self, nIn1: int, nIn2: int, nOut: int, bottleneck: bool, bnWidth1: int, bnWidth2: int) -> None:
        super().__init__()
        self.conv_down = ConvBN(nIn1, nOut // 2, "down", bottleneck, bnWidth1)
        self.conv_normal = ConvBN(nIn2, nOut // 2, "normal", bottleneck, bnWidth2)

    def forward(self, x: list[Tensor]) -> Tensor:
        res = [x[1], self.conv_down(x[0]), self.conv_normal(x[1])]
        return torch.cat(res, dim=1)


class ConvNormal(nn.Module):
    def __init__(self, nIn: int, nOut: int, bottleneck: bool, bnWidth: int) -> None:
        super().__init__()
        self.conv_normal = ConvBN(nIn, nOut, "normal", bottleneck, bnWidth)

    def forward(self, x: list[Tensor] | Tensor) -> Tensor:
        if not isinstance(x, list):
            x = [x]
        res = [x[0], self.conv_normal(x[0])]

        return torch.cat(res, dim=1)


class MSDNFirstLayer(nn.Module):
    """From the image to features at each scale."""

    def __init__(self, nIn: int, nOut: int, args: Namespace) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        self.layers.append(ConvBasic(nIn, nOut * args.grFactor[0], kernel=3, stride=1, padding=1))

        nIn = nOut * args.grFactor[0]

        for i in range(1, args.nScales):
            self.layers.append(ConvBasic(nIn, nOut * args.grFactor[i], kernel=3, stride=2, padding=1))
            nIn = nOut * args.grFactor[i]

    def forward(self, x: Tensor) -> list[Tensor]:
        res = []
        for i in range(len(self.layers)):
            x = self.layers[i](x)
            res.append(x)
        return res


class MSDNLayer(nn.Module):
    """A dense layer at each of the `outScales` coarsest scales, which drops the finest of `inScales` on the way."""

    def __init__(self, nIn: int, nOut: int, args: Namespace, inScales: int, outScales: int) -> None:
        super().__init__()
        self.inScales = inScales
        self.outScales = outScales
        self.nScales = args.nScales
        self.discard = self.inScales - self.outScales

        self.offset = self.nScales - self.outScales
        self.layers = nn.ModuleList()

        if self.discard > 0:
            nIn1 = nIn * args.grFactor[self.offset - 1]
            nIn2 = nIn * args.grFactor[self.offset]
            _nOut = nOut * args.grFactor[self.offset]
            self.layers.append(
                ConvDownNormal(
                    nIn1, nIn2, _nOut, args.bottleneck, args.bnFactor[self.offset - 1], args.bnFactor[self.offset]
                )
            )
        else:
            self.layers.append(
                ConvNormal(
                    nIn * args.grFactor[self.offset],
                    nOut * args.grFactor[self.offset],
                    args.bottleneck,
                    args.bnFactor[self.offset],
                )
            )

        for i in range(self.offset + 1, self.nScales):
            nIn1 = nIn * args.grFactor[i - 1]
            nIn2 = nIn * args.grFactor[i]
            _nOut = nOut * args.grFactor[i]
            self.layers.append(
                ConvDownNormal(nIn1, nIn2, _nOut, args.bottleneck, args.bnFactor[i - 1], args.bnFactor[i])
            )

    def forward(self, x: list[Tensor]) -> list[Tensor]:
        if self.discard > 0:
            inp = []
            for i in range(1, self.outScales + 1):
                inp.append([x[i - 1], x[i]])
        else:
            inp = [[x[0]]]
            for i in range(1, self.outScales):
                inp.append([x[i - 1], x[i]])

        res = []
        for i in range(self.outScales):
            res.append(self.layers[i](inp[i]))

        return res


class ParallelModule(nn.Module):
    """A module for each tensor of a list."""

    def __init__(self, parallel_modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.m = nn.ModuleList(parallel_modules)

    def forward(self, x: list[Tensor]) -> list[Tensor]:
        res = []
        for i in range(len(x)):
            res.append(self.m[i](x[i]))

        return res


class ClassifierModule(nn.Module):
    def __init__(self, m: nn.Module, channel: int, num_class: int) -> None:
        super().__init__()
        self.m = m
        self.linear = nn.Linear(channel, num_class)

    def forward(self, x: list[Tensor]) -> Tensor:
        res = self.m(x[-1])
        res = res.view(res.size(0), -1)
        return self.linear(res)


class MSDNet(nn.Module):
    """The network for one image at a time; the arguments are the options of the published program."""

    def __init__(
        self,
        nBlocks: int = 3,
        nChannels: int = 8,
        base: int = 1,
        stepmode: str = "lin_grow",
        step: int = 1,
        growthRate: int = 4,
        grFactor: str = "1-2-4",
        bnFactor: str = "1-2-4",
        reduction: float = 0.5,
        bottleneck: bool = True,
        num_classes: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__()
        args = Namespace(growthRate=growthRate, reduction=reduction, bottleneck=bottleneck)
        args.grFactor = list(map(int, grFactor.split("-")))
        args.bnFactor = list(map(int, bnFactor.split("-")))
        args.nScales = len(args.grFactor)
        self.nBlocks = nBlocks
        self.steps = [base]
        for i in range(1, self.nBlocks):
            self.steps.append(step if stepmode == "even" else step * i + 1)
        with reproducible(seed):
            self._build(nChannels, num_classes, args)
            self._fit()
        self.requires_grad_(False)
        self.eval()

    def _build(self, nChannels: int, num_classes: int, args: Namespace) -> None:
        self.blocks = nn.ModuleList()
        self.classifier = nn.ModuleList()
        n_layers_all, n_layer_curr = sum(self.steps), 0

        nIn = nChannels
        for i in range(self.nBlocks):
            m, nIn = self._build_block(nIn, args, self.steps[i], n_layers_all, n_layer_curr)
            self.blocks.append(m)
            n_layer_curr += self.steps[i]
            self.classifier.append(self._build_classifier_cifar(nIn * args.grFactor[-1], num_classes))

        self.softmax = nn.Softmax(dim=1)
        self.register_buffer("T", torch.empty(self.nBlocks))  # threshold for each exit

    def _build_block(
        self, nIn: int, args: Namespace, step: int, n_layer_all: int, n_layer_curr: int
    ) -> tuple[nn.Module, int]:
        layers: list[nn.Module] = [MSDNFirstLayer(3, nIn, args)] if n_layer_curr == 0 else []
        for _ in range(step):
            n_layer_curr += 1
            interval = math.ceil(n_layer_all / args.nScales)
            inScales = args.nScales - math.floor((max(0, n_layer_curr - 2)) / interval)
            outScales = args.nScales - math.floor((n_layer_curr - 1) / interval)

            layers.append(MSDNLayer(nIn, args.growthRate, args, inScales, outScales))

            nIn += args.growthRate
            if inScales > outScales and args.reduction > 0:
                offset = args.nScales - outScales
                layers.append(self._build_transition(nIn, math.floor(args.reduction * nIn), outScales, offset, args))
                nIn = math.floor(args.reduction * nIn)

        return nn.Sequential(*layers), nIn

    def _build_transition(self, nIn: int, nOut: int, outScales: int, offset: int, args: Namespace) -> nn.Module:
        net = []
        for i in range(outScales):
            net.append(
                ConvBasic(
                    nIn * args.grFactor[offset + i], nOut * args.grFactor[offset + i], kernel=1, stride=1, padding=0
                )
            )

        return ParallelModule(net)

    def _build_classifier_cifar(self, nIn: int, num_classes: int) -> nn.Module:
        interChannels1, interChannels2 = 128, 128
        conv = nn.Sequential(
            ConvBasic(nIn, interChannels1, kernel=3, stride=2, padding=1),
            ConvBasic(interChannels1, interChannels2, kernel=3, stride=2, padding=1),
            nn.AvgPool2d(2),
        )
        return ClassifierModule(conv, interChannels2, num_classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, int]:
        """The logits f32[1, 10] of the exit taken, its class i64[1] and its number, for one sample."""
        for k in range(self.nBlocks):
            x = self.blocks[k](x)
            logits = self.classifier[k](x)
            max_preds, argmax_preds = self.softmax(logits).max(dim=1, keepdim=False)
            if max_preds >= self.T[k]:  # this sample should exit at k
                break
        return logits, argmax_preds, k

    def _fit(self) -> None:
        """Fit batch norms, and find thresholds as `dynamic_eval_find_threshold` does: an equal share for each exit."""
        initialize_weights(self)
        features = x = sample_inputs(max(64, 16 * self.nBlocks))
        running = torch.ones(len(x), dtype=torch.bool)
        for k in range(self.nBlocks):
            fit_batch_norms(self.blocks[k], features)
            features = self.blocks[k](features)
            classifier = self.classifier[k]
            assert isinstance(classifier, ClassifierModule)
            fit_batch_norms(classifier, features)
            standardize(classifier.linear, input_of(classifier.linear, partial(classifier, features)))
            max_preds = self.softmax(classifier(features)).amax(dim=1)
            self.T[k] = between_quantile(max_preds[running], 1 - 1 / (self.nBlocks - k))
            running = running & (max_preds < self.T[k])
        self.T[-1] = -1e8  # accept all the samples at last exit


class MSDNetCifar(MSDNet):
    """The network that the repository trains on CIFAR for efficient batch computation."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(nBlocks=5, nChannels=16, growthRate=6, seed=seed)
