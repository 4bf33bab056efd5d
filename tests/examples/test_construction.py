"""The examples build without arguments, the same every time, and compute alike: what holds of all of them."""

import numpy as np
import pytest
import torch

from tests.examples.programs import (
    IMAGE_CLASSIFIERS,
    PROGRAMS,
    TINY_SKIPNET,
    Program,
    built,
    float_tensors,
    name_of,
    same,
    sampled,
)


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_construction_is_reproducible_and_leaves_the_global_generator_alone(program: Program) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first = program()
    assert torch.equal(torch.rand(4), expected)

    again, other = program().state_dict(), program(seed=1).state_dict()
    assert all(torch.equal(value, again[key]) for key, value in first.state_dict().items())
    assert any(not torch.equal(value, other[key]) for key, value in first.state_dict().items())


def test_construction_does_not_depend_on_the_number_of_threads() -> None:
    torch.set_num_threads(2)
    two = TINY_SKIPNET().state_dict()
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    one = TINY_SKIPNET().state_dict()
    assert all(torch.equal(value, two[key]) for key, value in one.items())


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_programs_are_ready_for_inference(program: Program) -> None:
    model = built(program)
    assert not any(module.training for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    (inputs,) = sampled(program, 1)
    before = [x.clone() for x in inputs]
    first, second = model(*inputs), model(*inputs)
    assert same(list(inputs), before)
    assert same(first, second)


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_outputs_are_finite_and_differ_between_inputs(program: Program) -> None:
    outputs = [built(program)(*inputs) for inputs in sampled(program, 12)]
    floats = float_tensors(outputs)
    assert all(x.isfinite().all() for x in floats)
    assert max(float(x.abs().max()) for x in floats) < 20
    assert sum(same(outputs[0], other) for other in outputs) == 1


@pytest.mark.parametrize("program", IMAGE_CLASSIFIERS, ids=name_of)
def test_logits_are_of_moderate_size(program: Program) -> None:
    sizes = [float(float_tensors(built(program)(*inputs))[0].abs().max()) for inputs in sampled(program, 24)]
    assert 0.3 < np.median(sizes) < 2
    assert max(sizes) < 5
