"""The image models of the gallery: inputs spread over every exit, length and gate, and what leaves early is right."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial

import pytest
import torch
from batch_compaction import CompactingClassifier, FastClassifier
from captioning import ImageCaptioner
from captioning_googlenet import GoogLeNet, GoogLeNetCaptioner
from captioning_resnext import ResNeXt, ResNeXtCaptioner
from digits import load_test_set
from digits_branchynet import DigitsBranchyNet
from digits_skipnet import DigitsSkipNet
from msdnet import MSDNet, MSDNLayer
from shallow_deep import InternalClassifier, ShallowDeepNetwork
from shallow_deep_mobilenet import ShallowDeepMobileNet
from shallow_deep_vgg import ShallowDeepVGG
from shallow_deep_wideresnet import ShallowDeepWideResNet
from torch import Tensor, nn

SHALLOW_DEEP = [ShallowDeepMobileNet, ShallowDeepVGG, ShallowDeepWideResNet]
CAPTIONERS = [ResNeXtCaptioner, GoogLeNetCaptioner]
COMPACTING = [CompactingClassifier, FastClassifier]

RANDOM: dict[type[nn.Module], tuple[int, int]] = {
    **dict.fromkeys([*SHALLOW_DEEP, MSDNet], (1, 32)),
    **dict.fromkeys(CAPTIONERS, (1, 64)),
    **dict.fromkeys(COMPACTING, (4, 16)),
}
"""The programs that nobody trained, with the batch and the size of their images."""

built = cache(lambda network: network())


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad():
        yield
    torch.set_num_threads(threads)


def images(network: type[nn.Module], count: int) -> Iterator[Tensor]:
    """Unlike those of the calibration, the samples' means and scales are independent draws."""
    batch, size = RANDOM[network]
    generator = torch.Generator().manual_seed(7)
    for _ in range(count):
        mean = 2 * torch.rand(1, generator=generator) - 1
        scale = 0.5 + 1.5 * torch.rand(1, generator=generator)
        yield mean + scale * torch.randn(batch, 3, size, size, generator=generator)


def tensors(output: object) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    return [tensor for part in output for tensor in tensors(part)] if isinstance(output, tuple | list) else []


@pytest.mark.parametrize("network", RANDOM)
def test_construction_is_reproducible_and_leaves_the_global_generator_alone(network: Callable[..., nn.Module]) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first = network()
    assert torch.equal(torch.rand(4), expected)

    again, other = network().state_dict(), network(seed=1).state_dict()
    assert all(torch.equal(value, again[key]) for key, value in first.state_dict().items())
    assert any(not torch.equal(value, other[key]) for key, value in first.state_dict().items())


@pytest.mark.parametrize("network", RANDOM)
def test_programs_are_ready_for_inference(network: type[nn.Module]) -> None:
    model = built(network)
    assert not any(module.training for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    (x,) = images(network, 1)
    before = x.clone()
    first, second = tensors(model(x)), tensors(model(x))
    assert torch.equal(x, before)
    assert first
    assert all(map(torch.equal, first, second))


@pytest.mark.parametrize("network", [*SHALLOW_DEEP, MSDNet, *COMPACTING])
def test_logits_are_of_moderate_size(network: type[nn.Module]) -> None:
    sizes = [
        float(max(t.abs().max() for t in tensors(built(network)(x)) if t.is_floating_point()))
        for x in images(network, 24)
    ]
    assert 0.2 < sorted(sizes)[12] < 3
    assert max(sizes) < 8


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
    taken = Counter((int(output_id), is_early) for _, output_id, is_early in map(model, images(network, 100)))
    exits = sum(not layer.no_output for layer in model.layers)
    assert all(taken[output_id, True] >= 2 for output_id in range(exits))
    assert sum(count for (_, is_early), count in taken.items() if not is_early) >= 3


def test_a_fully_connected_layer_of_vgg_may_exit() -> None:
    model = ShallowDeepVGG(add_ic=[0] * 13 + [1])
    taken = Counter(is_early for _, _, is_early in map(model, images(ShallowDeepVGG, 20)))
    assert min(taken[True], taken[False]) >= 2


def test_every_exit_of_msdnet_is_taken() -> None:
    model = built(MSDNet)
    taken = Counter(k for _, _, k in map(model, images(MSDNet, 50)))
    assert [taken[k] >= 5 for k in range(model.nBlocks)] == [True] * model.nBlocks


def test_msdnet_gives_the_class_of_the_logits_at_its_exit() -> None:
    model = built(MSDNet)
    for x in images(MSDNet, 10):
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


@pytest.mark.parametrize("network", CAPTIONERS)
def test_captions_end_at_the_end_token_after_one_some_or_all_steps(network: type[ImageCaptioner]) -> None:
    model = built(network)
    end = model.word_map["<end>"]
    lengths = Counter[int]()
    for x in images(network, 50):
        seq, alphas = model(x)
        assert len(seq) == len(alphas)
        assert end not in seq[:-1]
        assert seq[-1] == end or len(seq) == model.max_len
        assert all(abs(float(alpha.sum()) - 1) < 1e-5 for alpha in alphas)
        lengths[len(seq)] += 1
    assert lengths[1] >= 3
    assert lengths[model.max_len] >= 3
    assert sum(count for length, count in lengths.items() if 1 < length < model.max_len) >= 10


@pytest.mark.parametrize("network", CAPTIONERS)
def test_the_words_of_a_caption_depend_on_the_image(network: type[ImageCaptioner]) -> None:
    captions = {tuple(built(network)(x)[0]) for x in images(network, 20)}
    assert len(captions) >= 8


@pytest.mark.parametrize(
    ("network", "parameters"),
    [(partial(ResNeXt, (3, 4, 6, 3), 32, 4), 25_028_904), (GoogLeNet, 6_624_904)],
    ids=["resnext50_32x4d", "googlenet"],
)
def test_encoders_have_the_published_sizes(network: Callable[[], nn.Module], parameters: int) -> None:
    with torch.device("meta"):
        model = network()
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


@pytest.mark.parametrize("network", COMPACTING)
def test_samples_leave_the_batch_and_the_layers_stop_when_none_is_left(network: type[CompactingClassifier]) -> None:
    model = network()
    batches: list[int] = []
    for layer in model.layers:
        layer.register_forward_pre_hook(lambda _, given: batches.append(len(given[0])))
    trips, compacted = Counter[int](), 0
    for x in images(network, 50):
        batches.clear()
        model(x)
        assert batches == sorted(batches, reverse=True)
        assert batches[-1] > 0
        trips[len(batches)] += 1
        compacted += batches[-1] < batches[0]
    assert [trips[count] >= 2 for count in range(1, model.layers_num + 1)] == [True] * model.layers_num
    assert compacted >= 5


@pytest.mark.parametrize("network", COMPACTING)
def test_a_sample_gets_what_it_gets_alone(network: type[CompactingClassifier]) -> None:
    model = built(network)
    x = torch.cat([x[:1] for x in images(network, 8)])
    _, together = model(x)
    alone = torch.cat([model(sample[None])[1] for sample in x])
    torch.testing.assert_close(together, alone)


def test_both_ways_to_pick_samples_agree() -> None:
    for x in images(FastClassifier, 10):
        torch.testing.assert_close(built(FastClassifier)(x)[1], built(CompactingClassifier)(x)[1])


def test_branchynet_knows_the_digits_and_spreads_them_over_its_exits() -> None:
    model = built(DigitsBranchyNet)
    x, labels = load_test_set()
    outputs = [model(image[None]) for image in x]
    right = torch.cat([logits for logits, _ in outputs]).argmax(dim=1) == labels
    taken = Counter(exit for _, exit in outputs)
    assert right.float().mean() > 0.97
    assert min(taken[exit] / len(x) for exit in range(3)) > 0.1


def test_digits_that_leave_early_are_easier() -> None:
    model = built(DigitsBranchyNet)
    x, labels = load_test_set()
    first = model.branches[0](model.stages[0](x)).argmax(dim=1) == labels
    left = torch.tensor([model(image[None])[1] == 0 for image in x])
    assert first[left].float().mean() > first[~left].float().mean() + 0.1


def test_skipnet_knows_the_digits_and_each_block_runs_for_some() -> None:
    model = built(DigitsSkipNet)
    x, labels = load_test_set()
    outputs = [model(image[None]) for image in x]
    right = torch.cat([logits for logits, _ in outputs]).argmax(dim=1) == labels
    ran = torch.stack([torch.stack(masks) for _, masks in outputs]).mean(dim=0)
    assert right.float().mean() > 0.97
    assert ran.min() > 0.2
    assert ran.max() < 0.9


def test_without_training_the_digits_are_not_known() -> None:
    x, labels = load_test_set()
    torch.manual_seed(0)
    model = DigitsBranchyNet(trained=False)
    outputs = [model(image[None]) for image in x[:100]]
    assert {exit for _, exit in outputs} == {2}
    assert (torch.cat([logits for logits, _ in outputs]).argmax(dim=1) == labels[:100]).float().mean() < 0.4
