"""Shallow-Deep MobileNet: a CIFAR MobileNet whose internal classifiers let confident inputs exit early.

Kaya, Hong and Dumitras, "Shallow-Deep Networks: Understanding and Mitigating Network Overthinking", ICML 2019; the
program follows architectures/SDNs/MobileNet_SDN.py of github.com/yigitcankaya/Shallow-Deep-Networks.

Five of the 13 blocks carry an internal classifier, as `create_mobilenet` of that repository chooses them. `width` is
the width multiplier of MobileNet; `ShallowDeepMobileNet100` has the published size.
"""

# nn.ModuleList does not say what it holds.
# pyright: basic, reportIndexIssue=false

from collections.abc import Sequence

from shallow_deep import BlockWOutput, Flatten, InternalClassifier, ShallowDeepNetwork
from torch import nn

# (128, 2) means 128 channels and stride 2; the stride is 1 otherwise.
CFG: tuple[int | tuple[int, int], ...] = (
    *(64, (128, 2), 128, (256, 2), 256, (512, 2)),
    *(512, 512, 512, 512, 512, (1024, 2), 1024),
)
ADD_IC = (0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0)  # 15, 30, 45, 60, 75, 90 percent of GFLOPs


class MobileBlockWOutput(BlockWOutput):
    """Depthwise conv + Pointwise conv"""

    def __init__(
        self, in_channels: int, out_channels: int, add_output: int, num_classes: int, input_size: int, stride: int = 1
    ) -> None:
        conv_layers: list[nn.Module] = []
        conv_layers.append(
            nn.Conv2d(in_channels, in_channels, kernel_size=3, stride=stride, padding=1, groups=in_channels, bias=False)
        )
        conv_layers.append(nn.BatchNorm2d(in_channels))
        conv_layers.append(nn.ReLU())
        conv_layers.append(nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=1, padding=0, bias=False))
        conv_layers.append(nn.BatchNorm2d(out_channels))
        conv_layers.append(nn.ReLU())

        super().__init__(
            nn.Sequential(*conv_layers),
            InternalClassifier(input_size, out_channels, num_classes) if add_output else None,
        )


class ShallowDeepMobileNet(ShallowDeepNetwork):
    def __init__(
        self,
        width: float = 0.25,
        add_ic: Sequence[int] = ADD_IC,
        num_classes: int = 10,
        confidence_threshold: float = 0.2,
        seed: int = 0,
    ) -> None:
        self.width = width
        self.add_ic = add_ic
        super().__init__(num_classes, confidence_threshold, seed)

    def _build(self) -> None:
        self.in_channels = int(32 * self.width)
        self.cur_input_size = 32

        init_conv: list[nn.Module] = []
        init_conv.append(nn.Conv2d(3, self.in_channels, kernel_size=3, stride=1, padding=1, bias=False))
        init_conv.append(nn.BatchNorm2d(self.in_channels))
        init_conv.append(nn.ReLU(inplace=True))
        self.init_conv = nn.Sequential(*init_conv)

        self.layers = nn.ModuleList()
        self.layers.extend(self._make_layers(in_channels=self.in_channels))

        end_layers: list[nn.Module] = []
        end_layers.append(nn.AvgPool2d(2))
        end_layers.append(Flatten())
        end_layers.append(nn.Linear(int(1024 * self.width), self.num_classes))
        self.end_layers = nn.Sequential(*end_layers)

    def _make_layers(self, in_channels: int) -> list[nn.Module]:
        layers: list[nn.Module] = []

        for block_id, x in enumerate(CFG):
            out_channels = int(self.width * (x if isinstance(x, int) else x[0]))
            stride = 1 if isinstance(x, int) else x[1]
            if stride == 2:
                self.cur_input_size = self.cur_input_size // 2

            add_output = self.add_ic[block_id]
            layers.append(
                MobileBlockWOutput(in_channels, out_channels, add_output, self.num_classes, self.cur_input_size, stride)
            )
            in_channels = out_channels

        return layers


class ShallowDeepMobileNet100(ShallowDeepMobileNet):
    """MobileNet at its full width."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(width=1, seed=seed)
