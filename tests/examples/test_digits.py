"""The trained programs know the digits, and spread them over their exits and blocks."""

from collections import Counter

import torch
from digits import load_test_set
from digits_branchynet import DigitsBranchyNet
from digits_skipnet import DigitsSkipNet

from tests.examples.programs import built


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
