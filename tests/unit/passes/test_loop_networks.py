"""Networks with loops and recursion, as a frontend gives them, through the default pipeline, ONNX Runtime and the host
program: what they compute, and how many kernels an iteration calls."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from xdsl.ir import Operation

from dycl.compiled import CompiledModel
from dycl.compiler import compile_program
from dycl.ir.interpret import Value, interpret
from dycl.ir.ops import LaunchOp, ParamOp
from dycl.ir.text import parse_module
from dycl.ir.types import shape_of
from dycl.ir.weights import WeightStore
from dycl.passes import PassManager, parse_pipeline
from dycl.program import Program
from dycl.verification import verify
from tests.unit.passes.random_lists import random_lists

FOLDER = Path(__file__).parent / "loop_networks"


def program(name: str) -> Program:
    module = parse_module((FOLDER / f"{name}.mlir").read_text())
    generator = torch.Generator().manual_seed(0)
    weights = WeightStore()
    for op in module.walk():
        if isinstance(op, ParamOp) and op.key.data not in weights:
            sizes = [size or 0 for size in shape_of(op.value.type)]
            weights.add(op.key.data, torch.randn(sizes, generator=generator) / sizes[-1] ** 0.5)
    return Program(module, weights)


@cache
def compiled(name: str) -> CompiledModel:
    return compile_program(program(name))


def rows(*shape: int, seed: int = 0, scale: float = 1.0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale


def counted(trips: int, seed: int = 0, scale: float = 1.0) -> list[torch.Tensor]:
    return [rows(1, 16, seed=seed, scale=scale), torch.tensor(trips)]


TREES = [([1, 3, -1, -1, 5, -1, -1], [2, 4, -1, -1, 6, -1, -1]), ([-1] * 7, [-1] * 7), ([1, -1, 3, -1, 5, -1, -1],) * 2]

INPUTS: dict[str, list[list[torch.Tensor]]] = {
    "caption_decoder": [[rows(1, 32, scale=scale)] for scale in (1, 3, 0.1)],
    "adaptive_computation": [[rows(3, 16, scale=scale)] for scale in (1, 3, 0.1)],
    "refine_until": [counted(10), counted(0), counted(1, 1, 3), counted(5, 2, 0.1)],
    "nested_refinement": [counted(10), counted(0), counted(1, 1, 3), counted(5, 2, 0.1)],
    "early_return": [counted(10), counted(0), counted(1, 1, 3), counted(5, 2, 0.1)],
    "gated_blocks": [counted(10), counted(0), counted(1, 1, 3), counted(5, 2, 0.1)],
    "skipping_layers": [counted(10), counted(0), counted(1, 1, 3), counted(5, 2, 0.1)],
    "mixture_of_experts": [[rows(6, 16)], [rows(1, 16).expand(6, 16).contiguous()]],
    "rolled_experts": [[rows(6, 16), torch.tensor(n)] for n in (4, 0)],
    "tree_lstm": [[rows(7, 16), torch.tensor(left), torch.tensor(right)] for left, right in TREES],
    "key_value_cache": [[torch.tensor([token])] for token in (5, 7, 3)],
    "batch_compaction": [[rows(4, 16, seed=1, scale=scale)] for scale in (1, 0.01, 3)],
}

LAUNCHES = {
    # Launches outside loops, and in each iteration (of each loop, or of each call).
    "caption_decoder": (1, 1),
    "adaptive_computation": (1, 1),
    "refine_until": (0, 1),
    "nested_refinement": (1, 1),
    "early_return": (1, 1),
    "gated_blocks": (1, 1),
    "skipping_layers": (1, 1),
    "mixture_of_experts": (5, 0),
    "rolled_experts": (1, 4),
    "tree_lstm": (1, 1),
    "key_value_cache": (0, 1),
    "batch_compaction": (1, 1),
}


def results(of: Program, inputs: Sequence[torch.Tensor]) -> tuple[Value, ...]:
    return interpret(of.module, of.weights, [tensor.clone() for tensor in inputs])


def assert_close(found: Sequence[Value], expected: Sequence[Value]) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", INPUTS)
def test_each_pass_keeps_the_meaning(name: str) -> None:
    given = program(name)
    expected = [results(given, inputs) for inputs in INPUTS[name]]
    for item in parse_pipeline("default").passes:
        PassManager([item]).run(given)
        for inputs, wanted in zip(INPUTS[name], expected, strict=True):
            assert_close(results(given, inputs), wanted)


@pytest.mark.parametrize("name", INPUTS)
def test_compiled_programs_give_what_the_interpreter_gives_on_every_side(name: str) -> None:
    model, source = compiled(name), program(name)
    assert not model.report.fallbacks
    samples = [
        {input.name: tensor.numpy() for input, tensor in zip(model.signature.inputs, inputs, strict=True)}
        for inputs in INPUTS[name]
    ]

    def eager(*inputs: torch.Tensor) -> object:
        found = results(source, inputs)
        return found[0] if len(found) == 1 else found

    report = verify(model, model.program, eager, [*samples, *samples])
    assert report.ok, report.faults
    assert report.sides_covered == report.sides


def ends_iteration(op: Operation) -> bool:
    holder = op.parent_op()
    at_end = op.name == "dycl.yield" and holder is not None and holder.name in ("dycl.for", "dycl.while")
    return at_end or op.name in ("dycl.break", "dycl.continue")


@pytest.mark.parametrize("name", INPUTS)
def test_an_iteration_is_as_few_launches_as_its_dependences_allow(name: str) -> None:
    outside, inside = LAUNCHES[name]
    optimised = compiled(name).program
    for inputs in INPUTS[name]:
        launches = iterations = 0

        def observe(op: Operation, operands: object, values: object) -> None:
            nonlocal launches, iterations
            launches += isinstance(op, LaunchOp)
            iterations += ends_iteration(op) or op.name == "func.call"

        interpret(optimised.module, optimised.weights, [tensor.clone() for tensor in inputs], observe=observe)
        # A loop that is left by a return has begun one iteration more than it has ended.
        assert launches <= outside + inside * (iterations + 1), f"{launches} launches, {iterations} iterations"


def test_a_loop_of_known_sizes_copies_nothing_and_binds_nothing_more() -> None:
    """Its buffers are two for each carried value, and its text hands arrays on, never their elements."""
    source = compiled("adaptive_computation").host_source
    assert "s1, p1, u1, acc1, go_1 = k.k1(s1, xw, p1, u1, acc1)" in source
    assert ".copy()" not in source
    assert "store" not in source
    assert source.count("frame.buffer") == 2 + 2 * 4


@pytest.mark.parametrize("seed", range(10))
def test_random_loops_over_lists(seed: int) -> None:
    source = random_lists(seed)
    model = compile_program(random_lists(seed))
    for scale in (1.0, 2.0, 0.3, 1.0):
        inputs = [rows(4, seed=seed, scale=scale), rows(4, seed=seed + 100, scale=scale)]
        assert_close(model(*inputs), results(source, inputs))
