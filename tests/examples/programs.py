"""The examples that nobody trained, at test size, with inputs for them; and what their tests ask of a program."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import torch
from batch_compaction import CompactingClassifier, FastClassifier
from blockdrop import BlockDrop
from calm_gpt import GPT
from captioning_googlenet import GoogLeNetCaptioner
from captioning_resnext import ResNeXtCaptioner
from deebert import DeeBertForSequenceClassification
from mixtral import HitExpertsMixtral, Mixtral
from mixture_of_depths import MoDTransformer
from msdnet import MSDNet
from nmt import Seq2Seq
from pabee import BertForSequenceClassificationWithPabee
from pondernet import ParityPonderGRU
from shallow_deep_mobilenet import ShallowDeepMobileNet
from shallow_deep_resnet import ShallowDeepResNet
from shallow_deep_vgg import ShallowDeepVGG
from shallow_deep_wideresnet import ShallowDeepWideResNet
from skipnet import RecurrentSkipNet, SkipNet
from switch_transformer import SwitchTransformer
from torch import Tensor, nn
from tree_lstm import SimilarityTreeLSTM, TreeLSTMSentiment
from universal_transformer import BabiUTransformer

Program = Callable[..., nn.Module]
Draw = Callable[[torch.Generator], Tensor]


def ids(*size: int) -> Draw:
    return lambda generator: torch.randint(0, 10, size, generator=generator)


def noise(*size: int) -> Draw:
    """Unlike those of the calibration, the samples' means and scales are independent draws."""

    def draw(generator: torch.Generator) -> Tensor:
        mean = 2 * torch.rand(1, generator=generator) - 1
        scale = 0.5 + 1.5 * torch.rand(1, generator=generator)
        return mean + scale * torch.randn(*size, generator=generator)

    return draw


def images(batch: int, size: int) -> Draw:
    return noise(batch, 3, size, size)


TINY_SHALLOW_DEEP_RESNET = partial(ShallowDeepResNet, blocks_per_stage=1)
TINY_SKIPNET = partial(SkipNet, layers=(1, 1, 1))
TINY_RECURRENT_SKIPNET = partial(RecurrentSkipNet, layers=(1, 1, 1))
TINY_BLOCKDROP = partial(BlockDrop, layer_config=[2, 2, 2])

TINY_RESNETS = (TINY_SHALLOW_DEEP_RESNET, TINY_SKIPNET, TINY_RECURRENT_SKIPNET, TINY_BLOCKDROP)
SHALLOW_DEEP = (ShallowDeepMobileNet, ShallowDeepVGG, ShallowDeepWideResNet)
COMPACTING = (CompactingClassifier, FastClassifier)
CAPTIONERS = (ResNeXtCaptioner, GoogLeNetCaptioner)
IMAGE_CLASSIFIERS = (*TINY_RESNETS, *SHALLOW_DEEP, MSDNet, *COMPACTING)

PROGRAMS: dict[Program, tuple[Draw, ...]] = {
    BabiUTransformer: (ids(1, 5, 6), ids(1, 6)),
    BertForSequenceClassificationWithPabee: (ids(1, 16),),
    DeeBertForSequenceClassification: (ids(1, 16),),
    GPT: (ids(1, 4),),
    HitExpertsMixtral: (ids(1, 6),),
    Mixtral: (ids(1, 6),),
    MoDTransformer: (ids(1, 12),),
    ParityPonderGRU: (noise(3, 8),),
    Seq2Seq: (ids(10, 1),),
    SimilarityTreeLSTM: (ids(10, 2), ids(10), ids(10, 2), ids(10)),
    SwitchTransformer: (ids(6, 1),),
    TreeLSTMSentiment: (ids(10), ids(10), ids(10)),
    **dict.fromkeys((*TINY_RESNETS, *SHALLOW_DEEP, MSDNet), (images(1, 32),)),
    **dict.fromkeys(CAPTIONERS, (images(1, 64),)),
    **dict.fromkeys(COMPACTING, (images(4, 16),)),
}
"""What builds each program from a seed, with the inputs that it takes."""

# Built once: the tests that use these put back what they change.
built = cache(lambda program: program())


def name_of(program: Program) -> str:
    return f"tiny {program.func.__name__}" if isinstance(program, partial) else program.__name__


def drawn(inputs: tuple[Draw, ...], count: int) -> Iterator[tuple[Tensor, ...]]:
    generator = torch.Generator().manual_seed(7)
    for _ in range(count):
        yield tuple(draw(generator) for draw in inputs)


def sampled(program: Program, count: int) -> Iterator[tuple[Tensor, ...]]:
    """The same inputs in every call."""
    return drawn(PROGRAMS[program], count)


def sampled_images(count: int, batch: int = 1, size: int = 32) -> Iterator[Tensor]:
    """The same images in every call: f32[batch, 3, size, size]."""
    return (x for (x,) in drawn((images(batch, size),), count))


def leaves(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, tuple | list) else [value]


def float_tensors(value: Any) -> list[Tensor]:
    return [leaf for leaf in leaves(value) if isinstance(leaf, Tensor) and leaf.is_floating_point()]


def same(left: Any, right: Any) -> bool:
    return len(leaves(left)) == len(leaves(right)) and all(
        torch.equal(a, b) if isinstance(a, Tensor) else a == b for a, b in zip(leaves(left), leaves(right), strict=True)
    )


def calls_of(modules: list[nn.Module], run: Callable[[], object]) -> list[int]:
    """How often each of the modules is called while `run` runs."""
    counts = [0] * len(modules)

    def counter(index: int) -> Callable[..., None]:
        def count(*_: object) -> None:
            counts[index] += 1

        return count

    handles = [module.register_forward_hook(counter(i)) for i, module in enumerate(modules)]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return counts
