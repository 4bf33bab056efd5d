"""Whether a random program means the same before and after passes, with its decisions as they fall and forced."""

import random
from collections.abc import Sequence

import torch
from xdsl.ir import Operation

from dycl.ir.decisions import decisions
from dycl.ir.interpret import Value, interpret
from dycl.ir.ops import IfOp, WhileOp
from dycl.ir.verify import verify
from dycl.passes import parse_pipeline
from dycl.program import Program
from tests.unit.passes.random_programs import random_program

KERNELS = "form-regions,hoist-to-host,outline-regions,share-kernels"
PIPELINES = {
    "sink": "sink",
    "duplicate-tails": "duplicate-tails",
    "form-regions": "form-regions",
    "hoist-to-host": "form-regions,hoist-to-host",
    "kernels": KERNELS,
    "fewest-launches": f"sink,duplicate-tails,{KERNELS}",
}


def outcome(program: Program, inputs: Sequence[torch.Tensor], choices: int | None) -> tuple[Value, ...] | str:
    """Return what a program gives, or its failed assertion; `choices` picks the sides that are forced."""
    number: dict[Operation, int] = {op: index for index, op in enumerate(decisions(program.module))}

    def decide(op: Operation, natural: bool | int) -> bool | int:
        if choices is None or isinstance(op, WhileOp):
            return natural
        chosen = random.Random(choices * 10_000 + number[op])
        return chosen.random() < 0.5 if isinstance(op, IfOp) else chosen.randrange(4)

    torch.manual_seed(0)
    try:
        return interpret(program.module, program.weights, inputs, decide=decide)
    except AssertionError as error:
        return str(error)


def equal(left: tuple[Value, ...] | str, right: tuple[Value, ...] | str) -> bool:
    """Whether two outcomes are the same, bit for bit but for the payload of NaNs."""
    if isinstance(left, str) or isinstance(right, str):
        return left == right
    return all(
        type(a) is type(b) and torch.allclose(torch.as_tensor(a), torch.as_tensor(b), rtol=0, atol=0, equal_nan=True)
        for a, b in zip(left, right, strict=True)
    )


def differences(seed: int, pipeline: str) -> list[str]:
    """Run a pipeline over a random program; return what it then does otherwise."""
    generator = torch.Generator().manual_seed(seed)
    before, after = random_program(seed), random_program(seed)
    verify(before.module)
    parse_pipeline(pipeline).run(after)
    found: list[str] = []
    for choices in (None, None, 1, 2, 3, 4):
        inputs = [torch.randn(4, generator=generator) for _ in range(2)]
        expected, given = outcome(before, inputs, choices), outcome(after, inputs, choices)
        if not equal(expected, given):
            found.append(f"seed {seed}, choices {choices}: {given} instead of {expected}")
    return found
