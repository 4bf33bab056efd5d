"""SkipNet: a CIFAR ResNet in which a gate before each residual block decides whether the block runs.

Wang, Yu, Dou, Darrell and Gonzalez, "SkipNet: Learning Dynamic Routing in Convolutional Networks", ECCV 2018; the
programs follow `ResNetFeedForwardSP` and `ResNetRecurrentGateSP` in cifar/models.py of github.com/ucbdrive/skipnet,
written for inference: a block whose gate is closed is not computed. Every block has a gate, which sees the block's
input; the published code always runs the first block and has each gate see the output of the block before.
"""

from collections.abc import Sequence
from functools import partial

import torch
from calibration import (
    calibrate_choice,
    damp_residual,
    fit_batch_norms,
    initialize_weights,
    input_of,
    reproducible,
    sample_inputs,
    standardize,
    steering_shift,
)
from torch import Tensor, nn


def conv3x3(in_planes: int, out_planes: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_planes, out_planes, kernel_size=3, stride=stride, padding=1, bias=False)


class BasicBlock(nn.Module):
    def __init__(self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        residual = x

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)

        if self.downsample is not None:
            residual = self.downsample(x)

        out += residual
        return self.relu(out)


class FeedforwardGateI(nn.Module):
    """Max pooling, two convolutions of which the second has stride 2, average pooling, and a choice of two."""

    def __init__(self, pool_size: int, channel: int) -> None:
        super().__init__()
        self.maxpool = nn.MaxPool2d(2)
        self.conv1 = conv3x3(channel, channel)
        self.bn1 = nn.BatchNorm2d(channel)
        self.relu1 = nn.ReLU(inplace=True)

        self.conv2 = conv3x3(channel, channel, stride=2)
        self.bn2 = nn.BatchNorm2d(channel)
        self.relu2 = nn.ReLU(inplace=True)

        self.avg_layer = nn.AvgPool2d(pool_size // 4)
        self.linear_layer = nn.Conv2d(in_channels=channel, out_channels=2, kernel_size=1, stride=1)
        self.prob_layer = nn.Softmax(dim=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(x)
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu1(x)

        x = self.conv2(x)
        x = self.bn2(x)
        x = self.relu2(x)

        x = self.avg_layer(x)
        x = self.linear_layer(x).flatten(1)
        softmax = self.prob_layer(x)

        # discretize output in forward pass, use softmax gradients in backward pass
        x = (softmax[:, 1] > 0.5).float().detach() - softmax[:, 1].detach() + softmax[:, 1]
        return x.view(x.size(0), 1, 1, 1)


class RNNGate(nn.Module):
    """The recurrent gate that all blocks share; its input is already pooled and embedded."""

    def __init__(self, input_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.hidden_dim = hidden_dim
        self.rnn = nn.LSTM(input_dim, hidden_dim)
        self.hidden: tuple[Tensor, Tensor] | None = None
        self.proj = nn.Linear(hidden_dim, 1)
        self.prob = nn.Sigmoid()

    def init_hidden(self, batch_size: int) -> tuple[Tensor, Tensor]:
        # The axes semantics are (num_layers, minibatch_size, hidden_dim)
        return torch.zeros(1, batch_size, self.hidden_dim), torch.zeros(1, batch_size, self.hidden_dim)

    def forward(self, x: Tensor) -> Tensor:
        batch_size = x.size(0)
        out, self.hidden = self.rnn(x.view(1, batch_size, -1), self.hidden)

        proj = self.proj(out.squeeze())
        prob = self.prob(proj)

        disc_prob = (prob > 0.5).float().detach() - prob.detach() + prob
        return disc_prob.view(batch_size, 1, 1, 1)


class SkipNet(nn.Module):
    """A CIFAR ResNet of three groups with `layers[g]` gated blocks each; the gates are feed-forward."""

    def __init__(self, layers: Sequence[int] = (6, 6, 6), num_classes: int = 10, seed: int = 0) -> None:
        super().__init__()
        self.num_layers = tuple(layers)
        with reproducible(seed):
            self._build(num_classes)
            self._fit()
        self.requires_grad_(False)
        self.eval()

    def _build(self, num_classes: int) -> None:
        self.inplanes = 16
        self.conv1 = conv3x3(3, 16)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)

        self._make_group(16, self.num_layers[0], group_id=1, pool_size=32)
        self._make_group(32, self.num_layers[1], group_id=2, pool_size=16)
        self._make_group(64, self.num_layers[2], group_id=3, pool_size=8)

        self.avgpool = nn.AvgPool2d(8)
        self.fc = nn.Linear(64, num_classes)

    def _make_group(self, planes: int, layers: int, group_id: int, pool_size: int) -> None:
        for i in range(layers):
            stride = 2 if group_id > 1 and i == 0 else 1
            downsample = None
            if stride != 1:
                downsample = nn.Sequential(
                    nn.Conv2d(self.inplanes, planes, kernel_size=1, stride=stride, bias=False),
                    nn.BatchNorm2d(planes),
                )
            setattr(self, f"group{group_id}_gate{i}", self._make_gate(self.inplanes, pool_size * stride))
            setattr(self, f"group{group_id}_ds{i}", downsample)
            setattr(self, f"group{group_id}_layer{i}", BasicBlock(self.inplanes, planes, stride, downsample))
            self.inplanes = planes

    def _make_gate(self, channel: int, pool_size: int) -> nn.Module:
        return FeedforwardGateI(pool_size=pool_size, channel=channel)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits f32[1, 10] and the mask f32[] of each block, for one sample f32[1, 3, 32, 32]."""
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu(x)

        masks: list[Tensor] = []
        for g in range(3):
            for i in range(self.num_layers[g]):
                gate = self._decide(getattr(self, f"group{g + 1}_gate{i}"), x)
                masks.append(gate.squeeze())
                if gate > 0.5:
                    x = getattr(self, f"group{g + 1}_layer{i}")(x)
                elif getattr(self, f"group{g + 1}_ds{i}") is not None:
                    x = getattr(self, f"group{g + 1}_ds{i}")(x)

        x = self.avgpool(x)
        x = x.view(x.size(0), -1)
        x = self.fc(x)
        return x, masks

    def _decide(self, gate: nn.Module, x: Tensor) -> Tensor:
        return gate(x)

    def _fit(self) -> None:
        """Fit batch norms, gates and logits on a batch whose samples go through the blocks that their gates open."""
        initialize_weights(self)
        stem = nn.Sequential(self.conv1, self.bn1, self.relu)
        fit_batch_norms(stem, inputs := sample_inputs(64))
        x = stem(inputs)
        for g in range(3):
            for i in range(self.num_layers[g]):
                layer = getattr(self, f"group{g + 1}_layer{i}")
                downsample = getattr(self, f"group{g + 1}_ds{i}") or nn.Identity()
                opened = self._fit_gate(getattr(self, f"group{g + 1}_gate{i}"), x).flatten() > 0.5
                damp_residual(layer.bn2)
                fit_batch_norms(layer, x[opened])
                # The block shares its downsampling with the closed gate, so its statistics are those of all samples.
                fit_batch_norms(downsample, x)
                skipped = downsample(x).clone()
                skipped[opened] = layer(x[opened])
                x = skipped
        standardize(self.fc, self.avgpool(x).flatten(1), std=0.5)

    def _fit_gate(self, gate: nn.Module, x: Tensor) -> Tensor:
        assert isinstance(gate, FeedforwardGateI)
        fit_batch_norms(gate, x)
        calibrate_choice(gate.linear_layer, input_of(gate.linear_layer, partial(gate, x)))
        return gate(x)


class SkipNet38(SkipNet):
    """ResNet-38 with 18 gated blocks."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(layers=(6, 6, 6), seed=seed)


class SkipNet74(SkipNet):
    """ResNet-74 with 36 gated blocks."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(layers=(12, 12, 12), seed=seed)


class RecurrentSkipNet(SkipNet):
    """SkipNet whose gates are one LSTM: its hidden state runs along with the blocks, from zero in every forward."""

    def __init__(self, layers: Sequence[int] = (6, 6, 6), num_classes: int = 10, seed: int = 0) -> None:
        self.embed_dim = self.hidden_dim = 10
        super().__init__(layers, num_classes, seed)

    def _build(self, num_classes: int) -> None:
        super()._build(num_classes)
        self.control = RNNGate(self.embed_dim, self.hidden_dim)

    def _make_gate(self, channel: int, pool_size: int) -> nn.Module:
        return nn.Sequential(
            nn.AvgPool2d(pool_size),
            nn.Conv2d(in_channels=channel, out_channels=self.embed_dim, kernel_size=1, stride=1),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits f32[1, 10] and the mask f32[] of each block, for one sample f32[1, 3, 32, 32]."""
        # reinitialize hidden units
        self.control.hidden = self.control.init_hidden(x.size(0))
        return super().forward(x)

    def _decide(self, gate: nn.Module, x: Tensor) -> Tensor:
        gate_feature = gate(x)
        return self.control(gate_feature)

    def _fit(self) -> None:
        # Weights of an LSTM's default size would leave its state, and so the gates, almost the same for all inputs.
        nn.init.normal_(self.control.rnn.get_parameter("weight_ih_l0"), 0, 0.5)
        nn.init.normal_(self.control.proj.weight, 0, 2)
        self.control.hidden = None
        super()._fit()
        self.control.hidden = None

    def _fit_gate(self, gate: nn.Module, x: Tensor) -> Tensor:
        assert isinstance(gate, nn.Sequential)
        embedding = gate[1]
        assert isinstance(embedding, nn.Conv2d)
        standardize(embedding, gate[0](x))
        features = gate(x)
        before = self.control.hidden

        def respond(shift: Tensor) -> Tensor:
            self.control.hidden = before
            shifted = features + shift.view(1, -1, 1, 1)
            return input_of(self.control.prob, partial(self.control, shifted)).flatten()

        embedding.get_parameter("bias").add_(steering_shift(respond, self.embed_dim))
        self.control.hidden = before
        return self._decide(gate, x)


class RecurrentSkipNet38(RecurrentSkipNet):
    """ResNet-38 with 18 blocks gated by one LSTM."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(layers=(6, 6, 6), seed=seed)
