"""Plans that take every side of every branch."""

from collections.abc import Callable

import pytest
import torch
from xdsl.ir import Operation

from dycl.ir.decisions import decisions, sides
from dycl.ir.interpret import interpret
from dycl.program import Program
from dycl.verification.forcing import plans
from tests.unit.passes.dynamic_networks import dropped_blocks, early_exits, gated_skips


def covered(program: Program) -> tuple[set[tuple[int, object]], int]:
    """Run every plan; return the sides that were taken, and how many plans there were."""
    ops = decisions(program.module)
    taken: set[tuple[int, object]] = set()
    count = 0
    inputs = [
        torch.zeros([size for size in input.shape if isinstance(size, int)]) for input in program.signature.inputs
    ]
    for plan in plans(program.main, program.module):
        count += 1

        def decide(op: Operation, value: bool | int, plan: dict[Operation, object] = plan) -> bool | int:
            side = plan.get(op, value)
            taken.add((ops.index(op), side))
            return max(op.case_values, default=-1) + 1 if side is None else side

        interpret(program.module, program.weights, inputs, decide=decide)
    return taken, count


@pytest.mark.parametrize("make", [early_exits, gated_skips, dropped_blocks])
def test_the_plans_take_every_side(make: Callable[[int], Program]) -> None:
    program = make(6)
    taken, _ = covered(program)
    assert taken == {(index, side) for index, op in enumerate(decisions(program.module)) for side in sides(op)}


def test_gates_need_two_plans_however_many_there_are() -> None:
    assert covered(gated_skips(12))[1] == 2


def test_each_early_exit_needs_a_plan_of_its_own() -> None:
    program = early_exits(5)
    exits = sum(op.name == "dycl.if" for op in decisions(program.module))
    assert covered(program)[1] >= exits
