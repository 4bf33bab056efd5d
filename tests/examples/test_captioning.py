"""The captioners: captions of all lengths occur, and depend on the image."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
import torch
from captioning import ImageCaptioner
from captioning_googlenet import GoogLeNet
from captioning_resnext import ResNeXt
from torch import nn

from tests.examples.programs import CAPTIONERS, built, sampled


@pytest.mark.parametrize("network", CAPTIONERS)
def test_captions_end_at_the_end_token_after_one_some_or_all_steps(network: type[ImageCaptioner]) -> None:
    model = built(network)
    end = model.word_map["<end>"]
    lengths = Counter[int]()
    for (x,) in sampled(network, 50):
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
    captions = {tuple(built(network)(x)[0]) for (x,) in sampled(network, 20)}
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
