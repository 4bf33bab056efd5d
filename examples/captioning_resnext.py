"""Image captioning with a ResNeXt as the encoder.

The encoder is that of Xie, Girshick, Dollár, Tu and He, "Aggregated Residual Transformations for Deep Neural Networks",
CVPR 2017, as in torchvision's models/resnet.py; the decoder and what is dynamic in it are those of `captioning`.
`ResNeXt50Captioner` has the published sizes.
"""

# torch leaves much of `nn.Module` untyped.
# pyright: basic

from collections.abc import Sequence

import torch
from calibration import reproducible
from captioning import ImageCaptioner
from torch import Tensor, nn


def conv3x3(in_planes: int, out_planes: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """3x3 convolution with padding"""
    return nn.Conv2d(in_planes, out_planes, kernel_size=3, stride=stride, padding=1, groups=groups, bias=False)


def conv1x1(in_planes: int, out_planes: int, stride: int = 1) -> nn.Conv2d:
    """1x1 convolution"""
    return nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(
        self, inplanes: int, planes: int, stride: int, downsample: nn.Module | None, groups: int, base_width: int
    ) -> None:
        super().__init__()
        width = int(planes * (base_width / 64.0)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, stride, groups)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = nn.BatchNorm2d(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        identity = x

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)
        out = self.relu(out)

        out = self.conv3(out)
        out = self.bn3(out)

        if self.downsample is not None:
            identity = self.downsample(x)

        out += identity
        return self.relu(out)


class ResNeXt(nn.Module):
    """The classifier; `planes` is 64 in all that are published."""

    def __init__(
        self, layers: Sequence[int], groups: int, width_per_group: int, planes: int = 64, num_classes: int = 1000
    ) -> None:
        super().__init__()
        self.inplanes = planes
        self.groups = groups
        self.base_width = width_per_group
        self.conv1 = nn.Conv2d(3, self.inplanes, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(self.inplanes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(planes, layers[0])
        self.layer2 = self._make_layer(2 * planes, layers[1], stride=2)
        self.layer3 = self._make_layer(4 * planes, layers[2], stride=2)
        self.layer4 = self._make_layer(8 * planes, layers[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(8 * planes * Bottleneck.expansion, num_classes)

    def _make_layer(self, planes: int, blocks: int, stride: int = 1) -> nn.Sequential:
        downsample = None
        if stride != 1 or self.inplanes != planes * Bottleneck.expansion:
            downsample = nn.Sequential(
                conv1x1(self.inplanes, planes * Bottleneck.expansion, stride),
                nn.BatchNorm2d(planes * Bottleneck.expansion),
            )

        layers = [Bottleneck(self.inplanes, planes, stride, downsample, self.groups, self.base_width)]
        self.inplanes = planes * Bottleneck.expansion
        layers.extend(
            Bottleneck(self.inplanes, planes, 1, None, self.groups, self.base_width) for _ in range(1, blocks)
        )
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu(x)
        x = self.maxpool(x)

        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = self.layer4(x)

        x = self.avgpool(x)
        x = torch.flatten(x, 1)
        return self.fc(x)


class ResNeXtCaptioner(ImageCaptioner):
    """Captions for images f32[1, 3, image_size, image_size]."""

    def __init__(
        self,
        layers: Sequence[int] = (1, 1, 1, 1),
        groups: int = 4,
        width_per_group: int = 16,
        planes: int = 16,
        image_size: int = 64,
        encoded_image_size: int = 3,
        dim: int = 32,
        vocab_size: int = 60,
        max_len: int = 20,
        seed: int = 0,
    ) -> None:
        with reproducible(seed):
            resnext = ResNeXt(layers, groups, width_per_group, planes)
            # Remove linear and pool layers (since we're not doing classification)
            modules = list(resnext.children())[:-2]
            super().__init__(
                nn.Sequential(*modules), resnext.inplanes, image_size, encoded_image_size, dim, vocab_size, max_len
            )


class ResNeXt50Captioner(ResNeXtCaptioner):
    """ResNeXt-50 32x4d, and the decoder that the tutorial trains on COCO: images f32[1, 3, 256, 256]."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__((3, 4, 6, 3), 32, 4, 64, 256, 14, 512, 9490, 50, seed)
