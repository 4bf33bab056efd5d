"""Shallow-Deep ResNet-56: a CIFAR ResNet whose internal classifiers let confident inputs exit early.

Kaya, Hong and Dumitras, "Shallow-Deep Networks: Understanding and Mitigating Network Overthinking", ICML 2019; the
program follows architectures/SDNs/ResNet_SDN.py of github.com/yigitcankaya/Shallow-Deep-Networks.

Six of the 27 blocks carry an internal classifier: those at about 15, 30, 45, 60, 75 and 90 % of the network's work, as
`create_resnet56` of that repository chooses them. (The DyCL paper counts 54 branches for this network: per block, one
test of the static `is_output` and one of the confidence. It counts two per block for each of its four Shallow-Deep
subjects, which does not say how many of the blocks carry a classifier.)
"""

# nn.ModuleList does not say what it holds.
# pyright: basic, reportIndexIssue=false

from collections.abc import Sequence

from calibration import damp_residual
from shallow_deep import BlockWOutput, Flatten, InternalClassifier, ShallowDeepNetwork
from torch import Tensor, nn

RESNET56_ADD_IC = ((0, 0, 0, 1, 0, 0, 0, 1, 0), (0, 0, 1, 0, 0, 0, 1, 0, 0), (0, 1, 0, 0, 0, 1, 0, 0, 0))


class BasicBlockWOutput(BlockWOutput):
    """A residual block; one with an internal classifier where `add_output` is set."""

    def __init__(
        self, in_channels: int, channels: int, add_output: int, num_classes: int, input_size: int, stride: int
    ) -> None:
        conv_layer = nn.Sequential(
            nn.Conv2d(in_channels, channels, kernel_size=3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, kernel_size=3, stride=1, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        shortcut = nn.Sequential()
        if stride != 1 or in_channels != channels:
            shortcut = nn.Sequential(
                nn.Conv2d(in_channels, channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(channels),
            )
        super().__init__(
            nn.ModuleList([conv_layer, shortcut, nn.ReLU()]),
            InternalClassifier(input_size, channels, num_classes) if add_output else None,
        )

    def features(self, x: Tensor) -> Tensor:
        fwd = self.layers[0](x)  # conv layers
        fwd = fwd + self.layers[1](x)  # shortcut
        return self.layers[2](fwd)  # activation


class ShallowDeepResNet(ShallowDeepNetwork):
    """A CIFAR ResNet of three stages that stops at the first internal classifier confident of its answer.

    `add_ic` says for each block of each stage whether an internal classifier follows it; without it, one follows each
    of the `blocks_per_stage` blocks.
    """

    def __init__(
        self,
        blocks_per_stage: int = 9,
        add_ic: Sequence[Sequence[int]] | None = None,
        num_classes: int = 10,
        confidence_threshold: float = 0.2,
        seed: int = 0,
    ) -> None:
        self.add_ic = add_ic or [[1] * blocks_per_stage] * 3
        super().__init__(num_classes, confidence_threshold, seed)

    def _build(self) -> None:
        self.init_conv = nn.Sequential(
            nn.Conv2d(3, 16, kernel_size=3, stride=1, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        )
        self.layers = nn.ModuleList()
        in_channels, input_size = 16, 32
        for stage, channels in enumerate((16, 32, 64)):
            for i, add_output in enumerate(self.add_ic[stage]):
                stride = 2 if stage > 0 and i == 0 else 1
                input_size //= stride
                self.layers.append(
                    BasicBlockWOutput(in_channels, channels, add_output, self.num_classes, input_size, stride)
                )
                in_channels = channels
        self.end_layers = nn.Sequential(nn.AvgPool2d(kernel_size=8), Flatten(), nn.Linear(64, self.num_classes))

    def _settle(self, layer: nn.Module) -> None:
        assert isinstance(layer, BasicBlockWOutput)
        damp_residual(layer.layers[0][-1])


class ShallowDeepResNet56(ShallowDeepResNet):
    """ResNet-56 with the six internal classifiers of the paper's code."""

    def __init__(self, add_ic: Sequence[Sequence[int]] = RESNET56_ADD_IC, seed: int = 0) -> None:
        super().__init__(add_ic=add_ic, seed=seed)
