"""The three programs of the gallery: what remains of them in the host program, and that it gives what eager gives."""

import pytest
import torch
from xdsl.ir import Operation

from dycl.ir.interpret import interpret
from dycl.ir.ops import LaunchOp
from dycl.verification import sample_inputs, verify
from tests.end_to_end.examples import REFERENCES, compiled, module

BRANCHES = {
    "ShallowDeepResNet56": 6,
    "SkipNet38": 18,
    "SkipNet74": 36,
    "RecurrentSkipNet38": 18,
    "BlockDrop": 54,
}
"""The decisions that depend on the input: one per internal classifier, gate or policy bit."""

PAPER_CALL_SITES = {"ShallowDeepResNet56": 82, "SkipNet38": 112, "RecurrentSkipNet38": 109, "BlockDrop": 163}
"""Sub-network call sites in the code that DyCL generates (arXiv 2307.04963; counted in its published artifacts)."""

SAMPLES = 12


@pytest.mark.parametrize("name", REFERENCES)
def test_only_the_branches_that_depend_on_the_input_remain(name: str) -> None:
    report = compiled(name).report
    assert report.branches == BRANCHES[name]
    assert report.loops == 0


@pytest.mark.parametrize("name", PAPER_CALL_SITES)
def test_fewer_kernels_than_the_paper_has_call_sites(name: str) -> None:
    report = compiled(name).report
    assert report.kernels <= report.launches < PAPER_CALL_SITES[name]


@pytest.mark.parametrize("name", REFERENCES)
def test_one_launch_per_decision_and_a_few_besides(name: str) -> None:
    program = compiled(name).program
    for sample in sample_inputs(program.signature, 3):
        counts = {"launches": 0, "decisions": 0}

        def observe(op: Operation, operands: object, results: object, counts: dict[str, int] = counts) -> None:
            counts["launches"] += isinstance(op, LaunchOp)

        def decide(op: Operation, value: bool | int, counts: dict[str, int] = counts) -> bool | int:
            counts["decisions"] += 1
            return value

        tensors = [torch.from_numpy(array) for array in sample.values()]
        interpret(program.module, program.weights, tensors, decide=decide, observe=observe)
        assert counts["launches"] <= counts["decisions"] + 4, counts


@pytest.mark.parametrize("name", REFERENCES)
def test_outputs_equal_eager_and_every_branch_side_equals_the_interpreter(name: str) -> None:
    model = compiled(name)
    report = verify(model, model.program, module(name), sample_inputs(model.signature, SAMPLES))
    assert report.ok, report.faults
    assert report.inconsistent == 0
    assert report.max_abs_error <= 1e-5
    assert report.sides_covered == report.sides == 2 * BRANCHES[name]
