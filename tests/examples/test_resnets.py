"""The ResNets with gates, policies and internal classifiers: inputs spread over their paths.

Spread is what makes them worth compiling: a network whose gates never close would pass any comparison with eager.
"""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
from blockdrop import BlockDrop
from shallow_deep_resnet import ShallowDeepResNet, ShallowDeepResNet56
from skipnet import RecurrentSkipNet38, SkipNet, SkipNet38, SkipNet74
from torch import Tensor, nn

from tests.examples.programs import (
    TINY_RECURRENT_SKIPNET,
    TINY_RESNETS,
    TINY_SHALLOW_DEEP_RESNET,
    Program,
    built,
    name_of,
    sampled_images,
)


def decisions(outputs: tuple[Tensor, list[Tensor] | Tensor]) -> Tensor:
    """Which blocks of a gated network ran: bool[blocks]."""
    _, masks = outputs
    return (masks if isinstance(masks, Tensor) else torch.stack(masks)) > 0.5


@pytest.mark.parametrize("program", TINY_RESNETS, ids=name_of)
def test_logits_come_first_and_are_of_ten_classes(program: Program) -> None:
    (x,) = sampled_images(1)
    assert built(program)(x)[0].shape == (1, 10)


@pytest.mark.parametrize(
    ("network", "blocks"), [(SkipNet38, 18), (SkipNet74, 36), (RecurrentSkipNet38, 18), (BlockDrop, 54)]
)
def test_published_depths_have_one_decision_per_block(network: type[nn.Module], blocks: int) -> None:
    (x,) = sampled_images(1)
    assert decisions(built(network)(x)).shape == (blocks,)


def test_resnet56_has_the_six_internal_classifiers_of_the_published_code() -> None:
    layers = built(ShallowDeepResNet56).layers
    assert len(layers) == 27
    assert [i for i, layer in enumerate(layers) if layer.output is not None] == [3, 7, 11, 15, 19, 23]


@pytest.mark.parametrize("network", [SkipNet38, SkipNet74, RecurrentSkipNet38, BlockDrop])
def test_every_block_runs_for_some_inputs_and_not_for_others(network: type[nn.Module]) -> None:
    model = built(network)
    ran = torch.stack([decisions(model(x)) for x in sampled_images(40)]).float().mean(dim=0)
    assert ran.min() > 0.15
    assert ran.max() < 0.85


@pytest.mark.parametrize("network", [ShallowDeepResNet56, TINY_SHALLOW_DEEP_RESNET], ids=["resnet56", "tiny"])
def test_every_exit_is_taken_and_some_inputs_reach_the_end(network: Callable[[], ShallowDeepResNet]) -> None:
    model = built(network)
    taken = Counter((int(output_id), is_early) for _, output_id, is_early in map(model, sampled_images(100)))
    exits = sum(map(sum, model.add_ic))
    assert all(taken[output_id, True] >= 3 for output_id in range(exits))
    assert taken[exits, False] >= 3
    assert any(not is_early and output_id < exits for output_id, is_early in taken)


def test_inputs_that_reach_the_end_get_the_most_confident_output() -> None:
    model = TINY_SHALLOW_DEEP_RESNET()
    model.confidence_threshold = 1.1
    for x in sampled_images(8):
        chosen, output_id, is_early = model(x)
        assert not is_early
        fwd, outputs = model.init_conv(x), []
        for layer in model.layers:
            fwd, _, output = layer(fwd)
            outputs.append(output)
        outputs.append(model.end_layers(fwd))
        confidences = [float(torch.softmax(output[0], dim=0).max()) for output in outputs]
        assert output_id == np.argmax(confidences)
        assert torch.equal(chosen, outputs[output_id])


def test_skipped_blocks_are_not_computed() -> None:
    model = SkipNet(layers=(2, 2, 2))
    calls: list[nn.Module] = []
    for g in (1, 2, 3):
        for i in (0, 1):
            block = getattr(model, f"group{g}_layer{i}")
            block.register_forward_hook(lambda module, *_: calls.append(module))
    for x in sampled_images(8):
        calls.clear()
        assert decisions(model(x)).sum() == len(calls)


def test_the_recurrent_gate_forgets_the_previous_input() -> None:
    model = TINY_RECURRENT_SKIPNET()
    x, y = sampled_images(2)
    expected = model(x)[0]
    model(y)
    assert torch.equal(model(x)[0], expected)
