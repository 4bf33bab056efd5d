"""Shallow-Deep WideResNet-32-4: a CIFAR WideResNet whose internal classifiers let confident inputs exit early.

Kaya, Hong and Dumitras, "Shallow-Deep Networks: Understanding and Mitigating Network Overthinking", ICML 2019; the
program follows architectures/SDNs/WideResNet_SDN.py of github.com/yigitcankaya/Shallow-Deep-Networks.

Six of the 15 blocks carry an internal classifier, as `create_wideresnet32_4` of that repository chooses them.
`ShallowDeepWideResNet32x4` has the published size.
"""

# nn.ModuleList does not say what it holds.
# pyright: basic, reportIndexIssue=false

from collections.abc import Sequence

from shallow_deep import BlockWOutput, Flatten, InternalClassifier, ShallowDeepNetwork
from torch import Tensor, nn

# 15, 30, 45, 60, 75, 90 percent of GFLOPs
ADD_IC = ((0, 0, 1, 0, 1), (0, 1, 0, 1, 0), (1, 0, 1, 0, 0))


class wide_basic(BlockWOutput):
    def __init__(
        self,
        in_channels: int,
        channels: int,
        dropout_rate: float,
        add_output: int,
        num_classes: int,
        input_size: int,
        stride: int = 1,
    ) -> None:
        conv_layer: list[nn.Module] = []
        conv_layer.append(nn.BatchNorm2d(in_channels))
        conv_layer.append(nn.ReLU(inplace=True))
        conv_layer.append(nn.Conv2d(in_channels, channels, kernel_size=3, padding=1, bias=True))
        conv_layer.append(nn.Dropout(p=dropout_rate))
        conv_layer.append(nn.BatchNorm2d(channels))
        conv_layer.append(nn.ReLU(inplace=True))
        conv_layer.append(nn.Conv2d(channels, channels, kernel_size=3, stride=stride, padding=1, bias=True))

        shortcut = nn.Sequential()
        if stride != 1 or in_channels != channels:
            shortcut = nn.Sequential(
                nn.Conv2d(in_channels, channels, kernel_size=1, stride=stride, bias=True),
            )

        super().__init__(
            nn.ModuleList([nn.Sequential(*conv_layer), shortcut]),
            InternalClassifier(input_size, channels, num_classes) if add_output else None,
        )

    def features(self, x: Tensor) -> Tensor:
        fwd = self.layers[0](x)
        return fwd + self.layers[1](x)


class ShallowDeepWideResNet(ShallowDeepNetwork):
    """A CIFAR WideResNet; `add_ic` says for each block of each stage whether an internal classifier follows it."""

    def __init__(
        self,
        widen_factor: int = 1,
        add_ic: Sequence[Sequence[int]] = ADD_IC,
        dropout_rate: float = 0.3,
        num_classes: int = 10,
        confidence_threshold: float = 0.2,
        seed: int = 0,
    ) -> None:
        self.widen_factor = widen_factor
        self.add_out_nonflat = add_ic
        self.dropout_rate = dropout_rate
        super().__init__(num_classes, confidence_threshold, seed)

    def _build(self) -> None:
        self.in_channels = 16
        self.cur_input_size = 32
        self.init_conv = nn.Conv2d(3, self.in_channels, kernel_size=3, stride=1, padding=1, bias=True)

        self.layers = nn.ModuleList()
        self.layers.extend(self._wide_layer(self.in_channels * self.widen_factor, block_id=0, stride=1))
        self.cur_input_size = self.cur_input_size // 2
        self.layers.extend(self._wide_layer(32 * self.widen_factor, block_id=1, stride=2))
        self.cur_input_size = self.cur_input_size // 2
        self.layers.extend(self._wide_layer(64 * self.widen_factor, block_id=2, stride=2))

        end_layers: list[nn.Module] = []
        end_layers.append(nn.BatchNorm2d(64 * self.widen_factor))
        end_layers.append(nn.ReLU(inplace=True))
        end_layers.append(nn.AvgPool2d(kernel_size=8))
        end_layers.append(Flatten())
        end_layers.append(nn.Linear(64 * self.widen_factor, self.num_classes))
        self.end_layers = nn.Sequential(*end_layers)

    def _wide_layer(self, channels: int, block_id: int, stride: int) -> list[nn.Module]:
        num_blocks = len(self.add_out_nonflat[block_id])
        strides = [stride] + [1] * (num_blocks - 1)
        layers: list[nn.Module] = []
        for cur_block_id, stride in enumerate(strides):
            add_output = self.add_out_nonflat[block_id][cur_block_id]
            layers.append(
                wide_basic(
                    self.in_channels,
                    channels,
                    self.dropout_rate,
                    add_output,
                    self.num_classes,
                    self.cur_input_size,
                    stride,
                )
            )
            self.in_channels = channels

        return layers


class ShallowDeepWideResNet32x4(ShallowDeepWideResNet):
    """WideResNet-32-4."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(widen_factor=4, seed=seed)
