"""The examples build without arguments, are reproducible, and spread inputs over their paths.

Spread is what makes them worth compiling: a network whose gates never close would pass any comparison with eager.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest
import torch
from blockdrop import BlockDrop
from shallow_deep_resnet import ShallowDeepResNet, ShallowDeepResNet56
from skipnet import RecurrentSkipNet, RecurrentSkipNet38, SkipNet, SkipNet38, SkipNet74
from torch import Tensor, nn

TINY: dict[str, Callable[..., nn.Module]] = {
    "shallow_deep": lambda seed=0: ShallowDeepResNet(blocks_per_stage=1, seed=seed),
    "skipnet": lambda seed=0: SkipNet(layers=(1, 1, 1), seed=seed),
    "recurrent_skipnet": lambda seed=0: RecurrentSkipNet(layers=(1, 1, 1), seed=seed),
    "blockdrop": lambda seed=0: BlockDrop(layer_config=[2, 2, 2], seed=seed),
}
# Built once: the tests that use these do not change them.
built = cache(lambda network: network())


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad():
        yield
    torch.set_num_threads(threads)


def sampled_inputs(count: int) -> Iterator[Tensor]:
    """Unlike those of the calibration, the samples' means and scales are independent draws."""
    generator = torch.Generator().manual_seed(7)
    for _ in range(count):
        mean = 2 * torch.rand(1, generator=generator) - 1
        scale = 0.5 + 1.5 * torch.rand(1, generator=generator)
        yield mean + scale * torch.randn(1, 3, 32, 32, generator=generator)


def decisions(outputs: tuple[Tensor, list[Tensor] | Tensor]) -> Tensor:
    """Which blocks of a gated network ran: bool[blocks]."""
    _, masks = outputs
    return (masks if isinstance(masks, Tensor) else torch.stack(masks)) > 0.5


@pytest.mark.parametrize("build", TINY.values(), ids=TINY.keys())
def test_construction_is_reproducible_and_leaves_the_global_generator_alone(build: Callable[..., nn.Module]) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first = build()
    assert torch.equal(torch.rand(4), expected)

    again, other = build().state_dict(), build(seed=1).state_dict()
    assert all(torch.equal(value, again[key]) for key, value in first.state_dict().items())
    assert any(not torch.equal(value, other[key]) for key, value in first.state_dict().items())


def test_construction_does_not_depend_on_the_number_of_threads() -> None:
    torch.set_num_threads(2)
    two = TINY["skipnet"]().state_dict()
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    one = TINY["skipnet"]().state_dict()
    assert all(torch.equal(value, two[key]) for key, value in one.items())


@pytest.mark.parametrize("build", TINY.values(), ids=TINY.keys())
def test_networks_are_ready_for_inference(build: Callable[..., nn.Module]) -> None:
    model = build()
    assert not any(module.training for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    (x,) = sampled_inputs(1)
    before = x.clone()
    first, second = model(x), model(x)
    assert torch.equal(x, before)
    assert first[0].shape == (1, 10)
    assert torch.equal(first[0], second[0])


@pytest.mark.parametrize(
    ("network", "blocks"), [(SkipNet38, 18), (SkipNet74, 36), (RecurrentSkipNet38, 18), (BlockDrop, 54)]
)
def test_published_depths_have_one_decision_per_block(network: type[nn.Module], blocks: int) -> None:
    (x,) = sampled_inputs(1)
    assert decisions(built(network)(x)).shape == (blocks,)


def test_resnet56_has_the_six_internal_classifiers_of_the_published_code() -> None:
    layers = built(ShallowDeepResNet56).layers
    assert len(layers) == 27
    assert [i for i, layer in enumerate(layers) if layer.output is not None] == [3, 7, 11, 15, 19, 23]


@pytest.mark.parametrize("network", [SkipNet38, SkipNet74, RecurrentSkipNet38, BlockDrop])
def test_every_block_runs_for_some_inputs_and_not_for_others(network: type[nn.Module]) -> None:
    model = built(network)
    ran = torch.stack([decisions(model(x)) for x in sampled_inputs(40)]).float().mean(dim=0)
    assert ran.min() > 0.15
    assert ran.max() < 0.85


@pytest.mark.parametrize("network", [ShallowDeepResNet56, TINY["shallow_deep"]], ids=["resnet56", "tiny"])
def test_every_exit_is_taken_and_some_inputs_reach_the_end(network: Callable[[], ShallowDeepResNet]) -> None:
    model = built(network)
    taken = Counter((int(output_id), is_early) for _, output_id, is_early in map(model, sampled_inputs(100)))
    exits = sum(map(sum, model.add_ic))
    assert all(taken[output_id, True] >= 3 for output_id in range(exits))
    assert taken[exits, False] >= 3
    assert any(not is_early and output_id < exits for output_id, is_early in taken)


def test_inputs_that_reach_the_end_get_the_most_confident_output() -> None:
    model = TINY["shallow_deep"]()
    model.confidence_threshold = 1.1
    for x in sampled_inputs(8):
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
    for x in sampled_inputs(8):
        calls.clear()
        assert decisions(model(x)).sum() == len(calls)


def test_the_recurrent_gate_forgets_the_previous_input() -> None:
    model = TINY["recurrent_skipnet"]()
    x, y = sampled_inputs(2)
    expected = model(x)[0]
    model(y)
    assert torch.equal(model(x)[0], expected)


@pytest.mark.parametrize("build", TINY.values(), ids=TINY.keys())
def test_logits_are_of_moderate_size(build: Callable[[], nn.Module]) -> None:
    model = build()
    sizes = [float(model(x)[0].abs().max()) for x in sampled_inputs(24)]
    assert 0.3 < np.median(sizes) < 2
    assert max(sizes) < 5
