"""BranchyNet on handwritten digits: a trained CNN that answers at the first branch whose output has little entropy.

Teerapittayanon, McDanel and Kung, "BranchyNet: Fast Inference via Early Exiting from Deep Neural Networks", ICPR 2016;
the program follows `BranchyNet.test` in branchynet/net.py of github.com/kunglab/branchynet, for one image at a time.
Weights and thresholds come from `train_digits.py`.
"""

# nn.ModuleList does not say what it holds.
# pyright: basic

import torch
from digits import load_checkpoint
from torch import Tensor, nn
from torch.nn import functional as F


class Branch(nn.Module):
    """A classifier on pooled features."""

    def __init__(self, channels: int, pooled_size: int, num_classes: int = 10) -> None:
        super().__init__()
        self.pool = nn.AdaptiveMaxPool2d(pooled_size)
        self.linear = nn.Linear(channels * pooled_size * pooled_size, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(x)
        return self.linear(x.view(x.size(0), -1))


def conv_block(in_channels: int, out_channels: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


def entropy(logits: Tensor) -> Tensor:
    """Of the softmax of logits f32[n, classes]: f32[n]."""
    log_probs = F.log_softmax(logits, dim=1)
    return -torch.sum(log_probs.exp() * log_probs, dim=1)


class DigitsBranchyNet(nn.Module):
    """Two branches and a trunk; without `trained`, the weights are random and no branch exits."""

    def __init__(self, trained: bool = True) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            [
                conv_block(1, 8),
                nn.Sequential(conv_block(8, 16), conv_block(16, 16)),
                nn.Sequential(conv_block(16, 32, stride=2), conv_block(32, 32), conv_block(32, 32)),
            ]
        )
        self.branches = nn.ModuleList([Branch(8, 2), Branch(16, 2), Branch(32, 2)])
        self.thresholds = [0.0, 0.0]
        if trained:
            self.thresholds = load_checkpoint(self, "digits_branchynet")["thresholds"].tolist()
        self.requires_grad_(False)
        self.eval()

    def forward(self, x: Tensor) -> tuple[Tensor, int]:
        """The logits f32[1, 10] of the exit taken, and its number, for one image f32[1, 1, 8, 8]."""
        for i, threshold in enumerate(self.thresholds):
            x = self.stages[i](x)
            logits = self.branches[i](x)
            if entropy(logits).item() < threshold:
                return logits, i

        x = self.stages[-1](x)
        return self.branches[-1](x), len(self.thresholds)
