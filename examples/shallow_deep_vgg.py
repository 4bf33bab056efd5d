"""Shallow-Deep VGG-16: a CIFAR VGG whose internal classifiers let confident inputs exit early.

Kaya, Hong and Dumitras, "Shallow-Deep Networks: Understanding and Mitigating Network Overthinking", ICML 2019; the
program follows architectures/SDNs/VGG_SDN.py of github.com/yigitcankaya/Shallow-Deep-Networks.

Six of the 13 convolutions carry an internal classifier, as `create_vgg16bn` of that repository chooses them; a fully
connected layer may carry one too. `width` scales all layers but the last; `ShallowDeepVGG16` has the published size.
"""

# nn.ModuleList does not say what it holds.
# pyright: basic, reportIndexIssue=false

from collections.abc import Sequence

from shallow_deep import BlockWOutput, Flatten, InternalClassifier, ShallowDeepNetwork
from torch import nn

CONV_CHANNELS = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
MAX_POOL_SIZES = (1, 2, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1, 2)
FC_LAYERS = (512, 512)
ADD_IC = (0, 1, 0, 1, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0)  # 15, 30, 45, 60, 75, 90 percent of GFLOPs


class ConvBlockWOutput(BlockWOutput):
    def __init__(
        self,
        input_channels: int,
        output_channels: int,
        max_pool_size: int,
        add_output: int,
        num_classes: int,
        input_size: int,
    ) -> None:
        conv_layers: list[nn.Module] = []
        conv_layers.append(nn.Conv2d(input_channels, output_channels, kernel_size=3, padding=1, stride=1))
        conv_layers.append(nn.BatchNorm2d(output_channels))
        conv_layers.append(nn.ReLU())

        if max_pool_size > 1:
            conv_layers.append(nn.MaxPool2d(kernel_size=max_pool_size))

        super().__init__(
            nn.Sequential(*conv_layers),
            InternalClassifier(input_size, output_channels, num_classes) if add_output else None,
        )


class FcBlockWOutput(BlockWOutput):
    def __init__(
        self, input_size: int, output_size: int, add_output: int, num_classes: int, flatten: bool = False
    ) -> None:
        fc_layers: list[nn.Module] = []

        if flatten:
            fc_layers.append(Flatten())

        fc_layers.append(nn.Linear(input_size, output_size))
        fc_layers.append(nn.ReLU())
        fc_layers.append(nn.Dropout(0.5))
        super().__init__(nn.Sequential(*fc_layers), nn.Linear(output_size, num_classes) if add_output else None)


class ShallowDeepVGG(ShallowDeepNetwork):
    """VGG-16 by default; `add_ic` says for each convolution and each hidden fully connected layer whether it exits."""

    def __init__(
        self,
        width: float = 0.125,
        add_ic: Sequence[int] = ADD_IC,
        num_classes: int = 10,
        confidence_threshold: float = 0.2,
        seed: int = 0,
    ) -> None:
        self.conv_channels = [int(width * channels) for channels in CONV_CHANNELS]
        self.fc_layer_sizes = [int(width * size) for size in FC_LAYERS]
        self.add_ic = add_ic
        super().__init__(num_classes, confidence_threshold, seed)

    def _build(self) -> None:
        self.init_conv = nn.Sequential()  # just for compatibility with other models
        self.layers = nn.ModuleList()

        # add conv layers
        input_channel = 3
        cur_input_size = 32
        for layer_id, channel in enumerate(self.conv_channels):
            max_pool_size = MAX_POOL_SIZES[layer_id]
            if max_pool_size == 2:
                cur_input_size = cur_input_size // 2
            add_output = self.add_ic[layer_id]
            self.layers.append(
                ConvBlockWOutput(input_channel, channel, max_pool_size, add_output, self.num_classes, cur_input_size)
            )
            input_channel = channel

        fc_input_size = cur_input_size * cur_input_size * self.conv_channels[-1]

        for layer_id, width in enumerate(self.fc_layer_sizes[:-1]):
            add_output = self.add_ic[layer_id + len(self.conv_channels)]
            self.layers.append(
                FcBlockWOutput(fc_input_size, width, add_output, self.num_classes, flatten=layer_id == 0)
            )
            fc_input_size = width

        end_layers: list[nn.Module] = []
        end_layers.append(nn.Linear(fc_input_size, self.fc_layer_sizes[-1]))
        end_layers.append(nn.Dropout(0.5))
        end_layers.append(nn.Linear(self.fc_layer_sizes[-1], self.num_classes))
        self.end_layers = nn.Sequential(*end_layers)


class ShallowDeepVGG16(ShallowDeepVGG):
    """VGG-16 at its full width."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(width=1, seed=seed)
