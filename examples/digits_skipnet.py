"""SkipNet on handwritten digits: a trained residual network whose gates skip the blocks that an image does not need.

Wang, Yu, Dou, Darrell and Gonzalez, "SkipNet: Learning Dynamic Routing in Convolutional Networks", ECCV 2018; the
network is `SkipNet` of `skipnet`, with the gates `FeedforwardGateII` in cifar/models.py of github.com/ucbdrive/skipnet.
Weights come from `train_digits.py`.
"""

from digits import load_checkpoint
from skipnet import SkipNet, conv3x3
from torch import Tensor, nn


class FeedforwardGateII(nn.Module):
    """A convolution of stride 2, average pooling, and a choice of two."""

    def __init__(self, pool_size: int, channel: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channel, channel, stride=2)
        self.bn1 = nn.BatchNorm2d(channel)
        self.relu1 = nn.ReLU(inplace=True)

        self.avg_layer = nn.AvgPool2d(pool_size // 2)
        self.linear_layer = nn.Conv2d(in_channels=channel, out_channels=2, kernel_size=1, stride=1)
        self.prob_layer = nn.Softmax(dim=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu1(x)

        x = self.avg_layer(x)
        x = self.linear_layer(x).flatten(1)
        softmax = self.prob_layer(x)

        # discretize output in forward pass, use softmax gradients in backward pass
        x = (softmax[:, 1] > 0.5).float().detach() - softmax[:, 1].detach() + softmax[:, 1]
        return x.view(x.size(0), 1, 1, 1)


class DigitsSkipNet(SkipNet):
    """Three groups of two gated blocks, for images f32[1, 1, 8, 8]; without `trained`, the weights are random."""

    def __init__(self, trained: bool = True) -> None:
        self.trained = trained
        super().__init__(layers=(2, 2, 2))

    def _build(self, num_classes: int) -> None:
        self.inplanes = 8
        self.conv1 = conv3x3(1, 8)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)

        self._make_group(8, self.num_layers[0], group_id=1, pool_size=8)
        self._make_group(16, self.num_layers[1], group_id=2, pool_size=4)
        self._make_group(32, self.num_layers[2], group_id=3, pool_size=2)

        self.avgpool = nn.AvgPool2d(2)
        self.fc = nn.Linear(32, num_classes)

    def _make_gate(self, channel: int, pool_size: int) -> nn.Module:
        return FeedforwardGateII(pool_size=pool_size, channel=channel)

    def _fit(self) -> None:
        if self.trained:
            load_checkpoint(self, "digits_skipnet")
