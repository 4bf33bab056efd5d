"""BlockDrop: a small policy network looks at the image first and says which blocks of a deep ResNet to run.

Wu, Nagarajan, Kumar, Rennie, Davis, Grauman and Feris, "BlockDrop: Dynamic Inference Paths in Residual Networks",
CVPR 2018; the program follows `Policy32` and `FlatResNet32` in models/resnet.py, models/base.py and the loop of test.py
of github.com/Tushar-N/blockdrop. `[18, 18, 18]` is the ResNet-110 of the paper.
"""

# nn.ModuleList does not say what it holds, so `self.blocks[segment][b]` has no type.
# pyright: basic, reportIndexIssue=false

from collections.abc import Sequence

import torch
from calibration import (
    calibrate_decisions,
    damp_residual,
    fit_batch_norms,
    initialize_weights,
    reproducible,
    sample_inputs,
    standardize,
)
from torch import Tensor, nn
from torch.nn import functional as F


def conv3x3(in_planes: int, out_planes: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_planes, out_planes, kernel_size=3, stride=stride, padding=1, bias=False)


class BasicBlock(nn.Module):
    """The residual branch of a block alone: whoever calls it adds the residual."""

    def __init__(self, inplanes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = nn.BatchNorm2d(planes)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(x)
        out = self.bn1(out)
        out = F.relu(out)

        out = self.conv2(out)
        return self.bn2(out)


class DownsampleB(nn.Module):
    """Average pooling, and channels of zeros for those that the next segment adds."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.avg = nn.AvgPool2d(stride)
        self.expand_ratio = n_out // n_in

    def forward(self, x: Tensor) -> Tensor:
        x = self.avg(x)
        return torch.cat([x] + [x.mul(0)] * (self.expand_ratio - 1), 1)


class FlatResNet32(nn.Module):
    """A CIFAR ResNet of three segments whose blocks are called one by one."""

    def __init__(self, layer_config: Sequence[int], num_classes: int = 10) -> None:
        super().__init__()
        self.inplanes = 16
        self.conv1 = conv3x3(3, 16)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.avgpool = nn.AvgPool2d(8)

        strides = [1, 2, 2]
        filt_sizes = [16, 32, 64]
        self.blocks = nn.ModuleList()
        self.ds = nn.ModuleList()
        for filt_size, num_blocks, stride in zip(filt_sizes, layer_config, strides, strict=True):
            blocks, ds = self._make_layer(filt_size, num_blocks, stride=stride)
            self.blocks.append(nn.ModuleList(blocks))
            self.ds.append(ds)

        self.fc: nn.Module = nn.Linear(64, num_classes)
        self.layer_config = layer_config

    def _make_layer(self, planes: int, num_blocks: int, stride: int) -> tuple[list[BasicBlock], nn.Module]:
        downsample: nn.Module = nn.Sequential()
        if stride != 1 or self.inplanes != planes:
            downsample = DownsampleB(self.inplanes, planes, stride)

        layers = [BasicBlock(self.inplanes, planes, stride)]
        self.inplanes = planes
        layers.extend(BasicBlock(planes, planes) for _ in range(1, num_blocks))
        return layers, downsample

    def seed(self, x: Tensor) -> Tensor:
        return self.relu(self.bn1(self.conv1(x)))

    def forward_single(self, x: Tensor, policy: Tensor) -> Tensor:
        """Run the blocks of one sample that `policy`, f32[blocks] of zeros and ones, keeps."""
        x = self.seed(x)

        t = 0
        for segment, num_blocks in enumerate(self.layer_config):
            for b in range(num_blocks):
                residual = self.ds[segment](x) if b == 0 else x
                if policy[t] == 1:
                    x = residual + self.blocks[segment][b](x)
                    x = F.relu(x)
                else:
                    x = residual
                t += 1

        x = self.avgpool(x)
        x = x.view(x.size(0), -1)
        return self.fc(x)

    def forward_full(self, x: Tensor) -> Tensor:
        """Run every block."""
        x = self.seed(x)

        for segment, num_blocks in enumerate(self.layer_config):
            for b in range(num_blocks):
                residual = self.ds[segment](x) if b == 0 else x
                x = F.relu(residual + self.blocks[segment][b](x))

        x = self.avgpool(x)
        x = x.view(x.size(0), -1)
        return self.fc(x)


class Policy32(nn.Module):
    """The probability of keeping each of `num_blocks` blocks, and the value estimate that training uses."""

    def __init__(self, layer_config: Sequence[int], num_blocks: int) -> None:
        super().__init__()
        self.features = FlatResNet32(layer_config)
        self.features.fc = nn.Sequential()
        self.logit = nn.Linear(64, num_blocks)
        self.vnet = nn.Linear(64, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.features.forward_full(x)
        value = self.vnet(x)
        probs = torch.sigmoid(self.logit(x))
        return probs, value


class BlockDrop(nn.Module):
    """The policy network and the ResNet whose blocks it drops, for one sample at a time."""

    def __init__(
        self, layer_config: Sequence[int] = (18, 18, 18), policy_config: Sequence[int] = (1, 1, 1), seed: int = 0
    ) -> None:
        super().__init__()
        with reproducible(seed):
            self.agent = Policy32(policy_config, num_blocks=sum(layer_config))
            self.rnet = FlatResNet32(layer_config)
            self._fit()
        self.requires_grad_(False)
        self.eval()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits f32[1, 10] and the policy f32[blocks], for one sample f32[1, 3, 32, 32]."""
        probs, _ = self.agent(x)

        policy = probs.clone()
        policy[policy < 0.5] = 0.0
        policy[policy >= 0.5] = 1.0
        policy = policy.squeeze(0)

        logits = self.rnet.forward_single(x, policy)
        return logits, policy

    def _fit(self) -> None:
        """Fit the policy to its features, and the ResNet on a batch of which each block runs a random half.

        Not the half that its policy picks: activations then stay moderate on every path, not on the usual ones alone.
        """
        initialize_weights(self)
        x = sample_inputs(64)
        features = self.agent.features
        fit_flat_resnet(features, x, torch.ones(len(x), sum(features.layer_config), dtype=torch.bool))
        calibrate_decisions(self.agent.logit, features.forward_full(x))
        fit_flat_resnet(self.rnet, x, torch.rand(len(x), sum(self.rnet.layer_config)) < 0.5)


def fit_flat_resnet(rnet: FlatResNet32, x: Tensor, policy: Tensor) -> None:
    """Fit batch norms and logits on samples f32[n, 3, 32, 32] that run the blocks of `policy`, bool[n, blocks]."""
    stem = nn.Sequential(rnet.conv1, rnet.bn1)
    fit_batch_norms(stem, x)
    x = rnet.seed(x)
    blocks = [(segment, b) for segment, num_blocks in enumerate(rnet.layer_config) for b in range(num_blocks)]
    for (segment, b), kept in zip(blocks, policy.unbind(1), strict=True):
        block = rnet.blocks[segment][b]
        damp_residual(block.bn2)
        fit_batch_norms(block, x[kept])
        residual = rnet.ds[segment](x) if b == 0 else x.clone()
        residual[kept] = F.relu(residual[kept] + block(x[kept]))
        x = residual
    if isinstance(rnet.fc, nn.Linear):
        standardize(rnet.fc, rnet.avgpool(x).flatten(1), std=0.5)
