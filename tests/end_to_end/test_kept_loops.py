"""Programs whose loops over modules are kept: unrolled, they are the programs that evaluating the loops gives."""

from collections import Counter

import pytest
from xdsl.ir import Operation

from dycl.frontends.signature import parse_signature
from dycl.frontends.torch import import_module, load_reference
from dycl.ir.ops import ForOp, IfOp, KernelOp, SwitchOp
from dycl.passes import parse_pipeline
from dycl.passes.share_kernels import structure_of
from dycl.program import Program
from tools.gallery import GALLERY

KEPT = {
    "BlockDrop": (3, 6),
    "CompactingClassifier": (1, 2),
    "DigitsBranchyNet": (1, 2),
    "GPT": (1, 1),
    "Mixtral": (3, 3),
}
"""The loops that stay, and the switches that take a module by the number of an iteration."""


def imported(name: str, loops: str) -> Program:
    example = next(example for example in GALLERY if example.name == name)
    module = load_reference(example.reference, example.arguments).eval()
    return import_module(module, parse_signature(example.signature), loops=loops)


def count(program: Program, *kinds: type[Operation]) -> int:
    return sum(isinstance(op, kinds) for op in program.module.walk())


def kernels(program: Program) -> Counter[object]:
    ops = program.module.body.block.ops
    return Counter(structure_of(op, program.weights) for op in ops if isinstance(op, KernelOp))


@pytest.mark.parametrize("name", KEPT)
def test_a_kept_loop_over_modules_unrolls_to_the_same_kernels_and_branches(name: str) -> None:
    kept, evaluated = imported(name, "keep"), imported(name, "unroll")
    assert (count(kept, ForOp), count(kept, SwitchOp)) == KEPT[name]
    assert count(evaluated, ForOp, SwitchOp) == 0

    parse_pipeline("unroll-loops,propagate-constants,canonicalize,default").run(kept)
    parse_pipeline("default").run(evaluated)
    assert count(kept, ForOp, SwitchOp) == 0
    assert count(kept, IfOp) == count(evaluated, IfOp) > 0
    assert kernels(kept) == kernels(evaluated)
