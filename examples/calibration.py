"""Seeded weights, batch statistics and decision thresholds for the examples.

The examples have no trained weights. With random ones most published dynamic networks take one path whatever the
input, so each constructor fits, on a small fixed batch, what training would have fitted: batch-norm statistics, the
scale of the logits, and the bias of every gate, exit and policy bit, so that inputs spread over the paths.
"""

# torch leaves `fork_rng` and `manual_seed` partly untyped.
# pyright: reportUnknownMemberType=false

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def reproducible(seed: int) -> Generator[None]:
    """Random numbers drawn inside depend on `seed` alone; the caller's generator is left as it was."""
    threads = torch.get_num_threads()
    # Sums are split by the number of threads, so that number would change the last bits of what is fitted.
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def sample_inputs(count: int) -> Tensor:
    """Inputs `m + s * N(0, 1)`, with m in (-1, 1) and s in (0.5, 2) for each sample: f32[count, 3, 32, 32].

    m and s are stratified, so that a small batch covers their ranges evenly.
    """
    return sample_images(count, 32)


def sample_images(count: int, size: int) -> Tensor:
    """As `sample_inputs`, of another size: f32[count, 3, size, size]."""
    mean = -1 + 2 * (torch.randperm(count) + torch.rand(count)) / count
    scale = 0.5 + 1.5 * (torch.randperm(count) + torch.rand(count)) / count
    return mean.view(-1, 1, 1, 1) + scale.view(-1, 1, 1, 1) * torch.randn(count, 3, size, size)


def initialize_weights(model: nn.Module) -> None:
    """He-initialise convolutions as the published programs do, and give batch norms affine parameters that matter."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
            nn.init.normal_(module.weight, 0, math.sqrt(2.0 / fan_out))
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)


def keep_positive(module: nn.Module) -> None:
    """Shift the batch norms of a stack without residuals so that most of its ReLUs are open.

    Such a stack amplifies every rounding error layer by layer, less so the closer it is to linear.
    """
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.normal_(norm.bias, 1, 0.1)


def damp_residual(last_norm: nn.BatchNorm2d) -> None:
    """Scale the residual branch that `last_norm` ends, so that activations stay near one over dozens of blocks."""
    nn.init.uniform_(last_norm.weight, 0.1, 0.4)


def fit_batch_norms(module: nn.Module, x: Tensor) -> None:
    """Set the running statistics of every batch norm in `module` to those of the batch `x`."""
    norms = [norm for norm in module.modules() if isinstance(norm, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    module.train()
    module(x)
    module.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def input_of(layer: nn.Module, run: Callable[[], object]) -> Tensor:
    """The tensor that reaches `layer` while `run` runs."""
    seen: list[Tensor] = []

    def keep(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        seen.append(arguments[0])

    handle = layer.register_forward_pre_hook(keep)
    try:
        run()
    finally:
        handle.remove()
    return seen[-1]


def standardize(head: nn.Linear | nn.Conv2d, features: Tensor, std: float = 1.0) -> None:
    """Scale and shift `head` so that each of its outputs has mean 0 and standard deviation `std` over `features`."""
    outputs = head(features).transpose(0, 1).flatten(1)
    scale = std / outputs.std(dim=1)
    assert head.bias is not None
    head.bias.copy_((head.bias - outputs.mean(dim=1)) * scale)
    head.weight.mul_(scale.view(-1, *[1] * (head.weight.dim() - 1)))


def between_quantile(values: Tensor, fraction: float) -> Tensor:
    """A number with `fraction` of the 1-D `values` below it, halfway between its two neighbours among them."""
    return torch.quantile(values, fraction, interpolation="midpoint")


def random_fraction() -> float:
    """How many inputs take a decision: no two alike, all far from never and from always."""
    return float(torch.empty(()).uniform_(0.4, 0.6))


def calibrate_decisions(head: nn.Linear | nn.Conv2d, features: Tensor) -> None:
    """Make each output of `head` positive for 40-60% of `features`, with standard deviation 1 over them."""
    standardize(head, features)
    assert head.bias is not None
    for k, outputs in enumerate(head(features).transpose(0, 1).flatten(1)):
        head.bias[k] -= between_quantile(outputs, random_fraction())


def largest_probability(logits: Tensor) -> Tensor:
    """The largest softmax probability of each sample: f32[n] of f32[n, classes]."""
    return torch.softmax(logits, dim=1).amax(dim=1)


def calibrate_exit(
    classifier: nn.Linear,
    features: Tensor,
    running: Tensor,
    threshold: float,
    fraction: float,
    confidence: Callable[[Tensor], Tensor] = largest_probability,
) -> Tensor:
    """Scale `classifier` so that `fraction` of the samples still `running`, bool[n], are confident: they exit.

    A sample is confident when `confidence`, which grows with the scale of the logits, reaches `threshold`. Returns the
    samples that run on: bool[n].
    """
    standardize(classifier, features)
    logits = classifier(features)
    low, high = torch.zeros(len(logits)), torch.full((len(logits),), 100.0)
    for _ in range(40):
        middle = (low + high) / 2
        confident = confidence(middle[:, None] * logits) >= threshold
        low, high = torch.where(confident, low, middle), torch.where(confident, middle, high)
    scale = between_quantile(high[running], fraction)
    classifier.weight.mul_(scale)
    classifier.bias.mul_(scale)
    return running & (high > scale)


def calibrate_choice(head: nn.Linear | nn.Conv2d, features: Tensor) -> None:
    """Make the second of `head`'s two outputs the larger for 40-60% of `features`, by a margin of deviation 1."""
    outputs = head(features).flatten(1)
    margins = outputs[:, 1] - outputs[:, 0]
    scale = 1 / margins.std()
    assert head.bias is not None
    head.weight.mul_(scale)
    head.bias.mul_(scale)
    head.bias[1] -= between_quantile(scale * margins, random_fraction())


def steering_shift(respond: Callable[[Tensor], Tensor], size: int) -> Tensor:
    """A shift f32[size] of a gate's input for which `respond(shift)`, f32[n], is positive for 40-60% of samples.

    For gates that share their last layer, where a bias there would move all of them. Bisects between two opposite
    shifts of which one opens the gate too often and the other too rarely; raises `ValueError` where it finds none.
    """
    fraction = random_fraction()

    def excess(shift: Tensor) -> float:
        return float(between_quantile(respond(shift), fraction))

    for _ in range(100):
        low = nn.functional.normalize(torch.randn(size), dim=0) * 4
        high = -low
        if excess(low) < 0 < excess(high):
            break
    else:
        raise ValueError("no shift of the gate's input balances its decisions")
    for _ in range(25):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return low
