"""Image captioning with a GoogLeNet as the encoder.

The encoder is that of Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke and Rabinovich, "Going Deeper with
Convolutions", CVPR 2015, with batch norms as in torchvision's models/googlenet.py; the decoder and what is dynamic in
it are those of `captioning`. `GoogLeNetFullCaptioner` has the published sizes.
"""

# torch leaves much of `nn.Module` untyped.
# pyright: basic

from typing import Any

import torch
from calibration import reproducible
from captioning import ImageCaptioner
from torch import Tensor, nn
from torch.nn import functional as F


class BasicConv2d(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, **kwargs: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.bn(x)
        return F.relu(x, inplace=True)


class Inception(nn.Module):
    """Four branches on the same input, concatenated: 1x1, 3x3, 3x3 (5x5 in the paper) and a pool."""

    def __init__(
        self, in_channels: int, ch1x1: int, ch3x3red: int, ch3x3: int, ch5x5red: int, ch5x5: int, pool_proj: int
    ) -> None:
        super().__init__()
        self.branch1 = BasicConv2d(in_channels, ch1x1, kernel_size=1)

        self.branch2 = nn.Sequential(
            BasicConv2d(in_channels, ch3x3red, kernel_size=1), BasicConv2d(ch3x3red, ch3x3, kernel_size=3, padding=1)
        )

        self.branch3 = nn.Sequential(
            BasicConv2d(in_channels, ch5x5red, kernel_size=1), BasicConv2d(ch5x5red, ch5x5, kernel_size=3, padding=1)
        )

        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=True),
            BasicConv2d(in_channels, pool_proj, kernel_size=1),
        )
        self.out_channels = ch1x1 + ch3x3 + ch5x5 + pool_proj

    def _forward(self, x: Tensor) -> list[Tensor]:
        branch1 = self.branch1(x)
        branch2 = self.branch2(x)
        branch3 = self.branch3(x)
        branch4 = self.branch4(x)

        return [branch1, branch2, branch3, branch4]

    def forward(self, x: Tensor) -> Tensor:
        outputs = self._forward(x)
        return torch.cat(outputs, 1)


class GoogLeNet(nn.Module):
    """The classifier without its auxiliary ones; a `divisor` of 1 gives the published widths."""

    def __init__(self, divisor: int = 1, num_classes: int = 1000) -> None:
        super().__init__()

        def inception(in_channels: int, *channels: int) -> Inception:
            return Inception(in_channels // divisor, *(count // divisor for count in channels))

        self.conv1 = BasicConv2d(3, 64 // divisor, kernel_size=7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = BasicConv2d(64 // divisor, 64 // divisor, kernel_size=1)
        self.conv3 = BasicConv2d(64 // divisor, 192 // divisor, kernel_size=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)

        self.inception3a = inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = inception(256, 128, 128, 192, 32, 96, 64)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)

        self.inception4a = inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = inception(528, 256, 160, 320, 32, 128, 128)
        self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)

        self.inception5a = inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = inception(832, 384, 192, 384, 48, 128, 128)

        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(p=0.2)
        self.fc = nn.Linear(1024 // divisor, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        x = self.maxpool1(x)
        x = self.conv2(x)
        x = self.conv3(x)
        x = self.maxpool2(x)

        x = self.inception3a(x)
        x = self.inception3b(x)
        x = self.maxpool3(x)
        x = self.inception4a(x)
        x = self.inception4b(x)
        x = self.inception4c(x)
        x = self.inception4d(x)
        x = self.inception4e(x)
        x = self.maxpool4(x)
        x = self.inception5a(x)
        x = self.inception5b(x)

        x = self.avgpool(x)
        x = torch.flatten(x, 1)
        x = self.dropout(x)
        return self.fc(x)


class GoogLeNetCaptioner(ImageCaptioner):
    """Captions for images f32[1, 3, image_size, image_size]."""

    def __init__(
        self,
        divisor: int = 8,
        image_size: int = 64,
        encoded_image_size: int = 3,
        dim: int = 32,
        vocab_size: int = 60,
        max_len: int = 20,
        seed: int = 0,
    ) -> None:
        with reproducible(seed):
            googlenet = GoogLeNet(divisor)
            # Remove linear, dropout and pool layers (since we're not doing classification)
            modules = list(googlenet.children())[:-3]
            super().__init__(
                nn.Sequential(*modules), 1024 // divisor, image_size, encoded_image_size, dim, vocab_size, max_len
            )


class GoogLeNetFullCaptioner(GoogLeNetCaptioner):
    """GoogLeNet, and the decoder that the tutorial trains on COCO: images f32[1, 3, 256, 256]."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(1, 256, 14, 512, 9490, 50, seed)
