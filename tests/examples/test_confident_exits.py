"""The other Shallow-Deep networks and MSDNet: every exit is taken, and gives what its classifier gives."""

from collections import Counter
from itertools import starmap

import pytest
import torch
from msdnet import MSDNet, MSDNLayer
from shallow_deep import InternalClassifier, ShallowDeepNetwork
from shallow_deep_mobilenet import ShallowDeepMobileNet
from shallow_deep_vgg import ShallowDeepVGG
from shallow_deep_wideresnet import ShallowDeepWideResNet
from torch import Tensor

from tests.examples.programs import SHALLOW_DEEP, built, sampled


@pytest.mark.parametrize(
    ("network", "layers", "exits"),
    [
        (ShallowDeepMobileNet, 13, [2, 4, 6, 8, 11]),
        (ShallowDeepVGG, 14, [1, 3, 5, 6, 8, 9]),
        (ShallowDeepWideResNet, 15, [2, 4, 6, 8, 10, 12]),
    ],
)
def test_internal_classifiers_are_where_the_published_code_has_them(
    network: type[ShallowDeepNetwork], layers: int, exits: list[int]
) -> None:
    model = built(network)
    assert len(model.layers) == layers
    assert [i for i, layer in enumerate(model.layers) if not layer.no_output] == exits
    assert all(isinstance(model.layers[i].output, InternalClassifier) for i in exits)


def test_internal_classifiers_of_small_features_do_not_pool() -> None:
    model = built(ShallowDeepMobileNet)
    pooled = [hasattr(layer.output, "max_pool") for layer in model.layers if not layer.no_output]
    assert pooled == [True, True, True, True, False]


@pytest.mark.parametrize("network", SHALLOW_DEEP)
def test_every_exit_is_taken_and_some_inputs_reach_the_end(network: type[ShallowDeepNetwork]) -> None:
    model = built(network)
    taken = Counter((int(output_id), is_early) for _, output_id, is_early in starmap(model, sampled(network, 100)))
    exits = sum(not layer.no_output for layer in model.layers)
    assert all(taken[output_id, True] >= 2 for output_id in range(exits))
    assert sum(count for (_, is_early), count in taken.items() if not is_early) >= 3


def test_a_fully_connected_layer_of_vgg_may_exit() -> None:
    model = ShallowDeepVGG(add_ic=[0] * 13 + [1])
    taken = Counter(is_early for _, _, is_early in starmap(model, sampled(ShallowDeepVGG, 20)))
    assert min(taken[True], taken[False]) >= 2


def test_every_exit_of_msdnet_is_taken() -> None:
    model = built(MSDNet)
    taken = Counter(k for _, _, k in starmap(model, sampled(MSDNet, 50)))
    assert [taken[k] >= 5 for k in range(model.nBlocks)] == [True] * model.nBlocks


def test_msdnet_gives_the_class_of_the_logits_at_its_exit() -> None:
    model = built(MSDNet)
    for (x,) in sampled(MSDNet, 10):
        logits, argmax_preds, k = model(x)
        features: Tensor | list[Tensor] = x
        for block in model.blocks[: k + 1]:
            features = block(features)
        assert torch.equal(logits, model.classifier[k](features))
        assert torch.equal(argmax_preds, logits.argmax(dim=1))


def test_msdnet_drops_its_fine_scales_on_the_way() -> None:
    layers = [module for module in built(MSDNet).modules() if isinstance(module, MSDNLayer)]
    assert len(layers) == 6
    assert [layer.outScales for layer in layers] == [3, 3, 2, 2, 1, 1]
