"""What the passes from `sink` to `share-kernels` make of whole programs: equal outcomes, few launches, linear time."""

import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import torch

from dycl.ir.decisions import decisions
from dycl.ir.host_ops import is_host_op
from dycl.ir.interpret import interpret
from dycl.ir.locations import Frame, frames, location
from dycl.ir.ops import IfOp, KernelOp, LaunchOp, RegionOp, YieldOp
from dycl.ir.text import parse_module, print_module
from dycl.ir.verify import verify
from dycl.passes import parse_pipeline
from dycl.program import Program
from tests.unit.passes.differential import KERNELS, PIPELINES, differences
from tests.unit.passes.dynamic_networks import dropped_blocks, early_exits, gated_skips

FEWEST_LAUNCHES = PIPELINES["fewest-launches"]
IMAGE = torch.arange(32, dtype=torch.float32).reshape(1, 2, 4, 4) / 32


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tensors of a few elements gain nothing by more threads, and wait for them when the machine is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(program: Program, pipeline: str) -> Program:
    parse_pipeline(pipeline).run(program)
    return program


def counts(program: Program) -> tuple[int, int, int]:
    """Return the kernels, the launches and the decisions of a program."""
    kinds = Counter(type(op) for op in program.module.walk())
    return kinds[KernelOp], kinds[LaunchOp], len(decisions(program.module))


def launches_on_path(program: Program, taken: Callable[[int], bool]) -> int:
    """Return how many kernels one call launches when the n-th `if` goes the way `taken` says."""
    number = {op: index for index, op in enumerate(decisions(program.module))}
    launched = Counter[type]()
    interpret(
        program.module,
        program.weights,
        [IMAGE],
        decide=lambda op, natural: taken(number[op]) if isinstance(op, IfOp) else natural,
        observe=lambda op, operands, results: launched.update([type(op)]),
    )
    return launched[LaunchOp]


@pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)
@pytest.mark.parametrize("first", range(0, 24, 8))
def test_random_programs_mean_the_same(pipeline: str, first: int) -> None:
    assert [difference for seed in range(first, first + 8) for difference in differences(seed, pipeline)] == []


@pytest.mark.parametrize("pipeline", [KERNELS, FEWEST_LAUNCHES], ids=["kernels", "fewest-launches"])
@pytest.mark.parametrize(
    "make",
    [lambda: early_exits(3), lambda: gated_skips(3, 2), lambda: dropped_blocks(2, 2)],
    ids=["early_exits", "gated_skips", "dropped_blocks"],
)
def test_networks_mean_the_same_on_every_path(make: Callable[[], Program], pipeline: str) -> None:
    before, after = make(), run(make(), pipeline)
    verify(after.module)
    ifs = sum(isinstance(op, IfOp) for op in before.module.walk())
    for choices in range(2**ifs):

        def results(program: Program, choices: int = choices) -> list[torch.Tensor]:
            number = {op: index for index, op in enumerate(decisions(program.module))}
            given = interpret(
                program.module,
                program.weights,
                [IMAGE],
                decide=lambda op, natural: bool(choices >> number[op] & 1) if isinstance(op, IfOp) else natural,
            )
            return [torch.as_tensor(value) for value in given]

        assert all(map(torch.equal, results(before), results(after)))


@pytest.mark.parametrize("pipeline", [KERNELS, FEWEST_LAUNCHES], ids=["kernels", "fewest-launches"])
@pytest.mark.parametrize(
    "make",
    [lambda: early_exits(3), lambda: gated_skips(3, 2), lambda: dropped_blocks(3, 2)],
    ids=["early_exits", "gated_skips", "dropped_blocks"],
)
def test_functions_keep_host_ops_only(make: Callable[[], Program], pipeline: str) -> None:
    program = run(make(), pipeline)
    assert [op.name for op in program.main.walk() if op is not program.main and not is_host_op(op)] == []


def test_an_early_exit_costs_one_launch() -> None:
    # The 28th decision is the switch that picks the most confident answer at the end.
    program = run(early_exits(27), KERNELS)
    assert counts(program) == (28, 28, 28)
    assert launches_on_path(program, lambda index: index == 0) == 1
    assert launches_on_path(program, lambda index: index == 9) == 10
    assert launches_on_path(program, lambda index: False) == 28


def test_a_skipped_block_costs_its_gate() -> None:
    # The stem with the first gate; 18 blocks, the last without a gate behind it; 17 gates; 3 downsamplings; the head.
    program = run(gated_skips(18, 6), KERNELS)
    assert counts(program) == (1 + 18 + 17 + 3 + 1, 40, 18)
    assert launches_on_path(program, lambda index: True) == 1 + 18 + 17 + 1


def test_with_duplicated_tails_a_block_taken_is_one_launch() -> None:
    # Each side of each `if` is one kernel: a block or a downsampling or nothing, with the next gate or the head.
    program = run(gated_skips(18, 6), FEWEST_LAUNCHES)
    assert counts(program) == (1 + 2 * 18, 37, 18)
    assert launches_on_path(program, lambda index: True) == 1 + 18
    assert launches_on_path(program, lambda index: index % 2 == 0) == 1 + 18


def test_a_dropped_block_costs_nothing() -> None:
    # The policy with the stem, 54 blocks, two equal downsamplings, the head; the 54 tests are read on the host.
    program = run(dropped_blocks(18, 3), KERNELS)
    assert counts(program) == (57, 58, 54)
    assert launches_on_path(program, lambda index: False) == 1 + 2 + 1
    assert launches_on_path(program, lambda index: True) == 1 + 54 + 2 + 1


def test_with_duplicated_tails_a_downsampling_joins_the_block_before() -> None:
    program = run(dropped_blocks(18, 3), FEWEST_LAUNCHES)
    assert launches_on_path(program, lambda index: True) == 1 + 54


def test_places_and_names_survive() -> None:
    program = gated_skips(3, 2)
    for index, op in enumerate(program.main.walk()):
        op.location = location((Frame("net.py", index + 1),))
    run(program, FEWEST_LAUNCHES)
    # The end of a kernel is nobody's line.
    lost = [op for op in program.module.walk() if not frames(op.location) and op is not program.module]
    assert all(isinstance(op, YieldOp) and isinstance(op.parent_op(), KernelOp) for op in lost)
    text = print_module(program.module)
    assert "%relu, %gate = dycl.launch @k0(%x)" in text
    assert "dycl.kernel @k0(%x: tensor<1x2x4x4xf32>)" in text


def test_passes_have_nothing_to_do_twice() -> None:
    for make in (lambda: early_exits(3), lambda: gated_skips(3, 2), lambda: dropped_blocks(3, 2)):
        for name in ("sink", "duplicate-tails", *KERNELS.split(",")):
            program = make()
            if name in ("hoist-to-host", "outline-regions"):
                run(program, "form-regions")
            if name == "share-kernels":
                run(program, "form-regions,outline-regions")
            run(program, name)
            before = print_module(program.module)
            assert not parse_pipeline(name).run(program), name
            assert print_module(program.module) == before


def test_the_text_of_kernels_parses_again() -> None:
    for program in (early_exits(3), gated_skips(3, 2), dropped_blocks(3, 2)):
        text = print_module(run(program, FEWEST_LAUNCHES).module)
        assert print_module(parse_module(text)) == text


def test_no_region_is_left() -> None:
    program = run(gated_skips(2), KERNELS)
    assert not [op for op in program.module.walk() if isinstance(op, RegionOp)]


@pytest.mark.parametrize("make", [early_exits, gated_skips, dropped_blocks])
def test_time_is_linear(make: Callable[[int], Program]) -> None:
    def seconds(branches: int) -> float:
        program = make(branches)
        started = time.process_time()
        parse_pipeline(FEWEST_LAUNCHES).run(program, verify_each=False)
        return time.process_time() - started

    seconds(5)
    small, large = min(seconds(20), seconds(20)), seconds(200)
    assert large < 10 * small * 2.5, f"{small:.2f} s for 20 branches, {large:.2f} s for 200"
