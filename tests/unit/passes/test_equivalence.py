"""Programs mean the same before and after each pass, as the interpreter sees it."""

import re
from pathlib import Path

import pytest

from tests.equivalence import assert_same
from tests.random_control_flow import random_program

FILES = Path(__file__).parents[2] / "filecheck" / "passes"

SCALAR_PIPELINE = (
    "unroll-loops{max-trip-count=64},propagate-constants,canonicalize,cse,thread-branches,canonicalize,dce"
)


def functions(name: str, without: str = "^$") -> str:
    """Return the functions of a filecheck file, but for those whose names match `without`."""
    chunks = re.split(r"(?m)^(?=func\.func|dycl\.kernel)", (FILES / f"{name}.mlir").read_text())[1:]
    return "".join(chunk for chunk in chunks if not re.search(rf"@({without})\(", chunk))


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("canonicalize", "results|not_the_input|division|rounding"),
        ("cse", "whole_branches|effects"),
        ("dce", "control_flow"),
        ("hoist_invariants", "stay"),
        ("infer_shapes", "while"),
        ("propagate_constants", "not_computed|while"),
        ("rotate_loops", "may_fail"),
        ("unroll_loops", "stay|part_of_a_weight"),
    ],
)
def test_filecheck_programs(name: str, without: str) -> None:
    assert_same(functions(name, without), name.replace("_", "-"))


@pytest.mark.parametrize(
    "pipeline",
    [
        "canonicalize",
        "cse",
        "dce",
        "hoist-invariants",
        "infer-shapes",
        "propagate-constants",
        "rotate-loops",
        "unroll-loops{max-trip-count=64}",
    ],
)
def test_random_programs(pipeline: str) -> None:
    for seed in range(25):
        assert_same(random_program(seed), pipeline, samples=3)


def test_random_programs_with_threaded_branches() -> None:
    """Of branches that are joined, one is left to force: the other follows it."""
    for seed in range(40):
        assert_same(random_program(seed), "cse,thread-branches", samples=3, force=False)


def test_threaded_filecheck_programs() -> None:
    assert_same(functions("thread_branches", "stay"), "thread-branches", force=False)


def test_random_programs_through_a_pipeline() -> None:
    for seed in range(25, 60):
        assert_same(random_program(seed), SCALAR_PIPELINE, samples=3, force=False)


@pytest.mark.parametrize(
    "pipeline",
    [
        "canonicalize",
        "cse",
        "dce",
        "hoist-invariants",
        "infer-shapes",
        "propagate-constants",
        "rotate-loops",
        "thread-branches",
    ],
)
def test_passes_come_to_rest(pipeline: str) -> None:
    """Running a pass again changes nothing."""
    from dycl.ir.text import parse_module
    from dycl.ir.weights import WeightStore
    from dycl.passes import parse_pipeline
    from dycl.program import Program

    for seed in range(15):
        program = Program(parse_module(random_program(seed)), WeightStore())
        parse_pipeline(pipeline).run(program)
        assert not parse_pipeline(pipeline).run(program), f"seed {seed}"
