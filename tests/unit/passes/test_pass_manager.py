"""Running passes: anchors, verification, what is reported."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation

from dycl.errors import DyclError
from dycl.ir.ops import ReturnOp
from dycl.ir.text import parse_module, print_module
from dycl.ir.weights import WeightStore
from dycl.passes import Nested, Pass, PassFailure, PassManager, PassRun
from dycl.passes.base import Anchor
from dycl.program import Program

TEXT = """
func.func @main(%x: i64) -> i64 {
  %unused = arith.addi %x, %x : i64
  dycl.return %x : i64
}
func.func @other(%x: i64) -> i64 {
  dycl.return %x : i64
}
func.func private @declared(i64) -> i64
dycl.kernel @k0(%x: tensor<2xf32>) -> tensor<2xf32> {
  dycl.yield %x : tensor<2xf32>
}
"""


def program() -> Program:
    return Program(parse_module(TEXT), WeightStore())


@dataclass(frozen=True)
class Visit(Pass):
    """Note the ops it runs on."""

    name = "visit"
    anchor: "Anchor" = "any"  # type: ignore[misc]
    seen: list[Operation] = field(default_factory=list[Operation], compare=False)

    def apply(self, op: Operation, program: Program) -> bool:
        self.seen.append(op)
        return False


@dataclass(frozen=True)
class Do(Pass):
    """Call a function."""

    action: Callable[[Operation], bool]
    name = "do"

    def apply(self, op: Operation, program: Program) -> bool:
        return self.action(op)


def symbols(ops: list[Operation]) -> list[str]:
    return [str(op.properties.get("sym_name", op.name)).strip('"') for op in ops]


def test_a_pass_on_functions_runs_on_each_that_has_a_body() -> None:
    visit = Visit("func.func")
    PassManager([visit]).run(program())
    assert symbols(visit.seen) == ["main", "other"]


def test_a_pass_on_any_op_runs_on_what_its_pipeline_is_nested_in() -> None:
    on_module, on_functions, on_kernels = Visit(), Visit(), Visit()
    PassManager([on_module, Nested("func.func", (on_functions,)), Nested("dycl.kernel", (on_kernels,))]).run(program())
    assert symbols(on_module.seen) == ["builtin.module"]
    assert symbols(on_functions.seen) == ["main", "other"]
    assert symbols(on_kernels.seen) == ["k0"]


def test_a_pass_does_not_run_on_an_op_it_is_not_for() -> None:
    with pytest.raises(PassFailure, match=r"visit runs on a builtin\.module, not on a func\.func"):
        PassManager([Nested("func.func", (Visit("builtin.module"),))]).run(program())


def break_main(op: Operation) -> bool:
    assert isinstance(op, FuncOp)
    last = op.body.block.last_op
    assert isinstance(last, ReturnOp)
    last.operands = []
    return True


def test_a_pass_that_leaves_an_invalid_program_is_named() -> None:
    with pytest.raises(PassFailure, match=r"the program is invalid after do.*: .*"):
        PassManager([Do(break_main)]).run(program())


def test_verification_can_be_left_out() -> None:
    assert PassManager([Do(break_main)]).run(program(), verify_each=False)


def test_what_a_pass_refuses_names_the_pass() -> None:
    def refuse(op: Operation) -> bool:
        raise DyclError("no")

    with pytest.raises(PassFailure, match=r"^do: no$"):
        PassManager([Do(refuse)]).run(program())


def test_a_defect_in_a_pass_names_the_pass() -> None:
    def fail(op: Operation) -> bool:
        raise KeyError("x")

    with pytest.raises(KeyError) as caught:
        PassManager([Do(fail)]).run(program())
    assert any("in the pass do" in note for note in caught.value.__notes__)


def test_runs_are_reported_in_order() -> None:
    from dycl.passes import CsePass, DcePass

    runs: list[PassRun] = []
    given = program()
    assert PassManager([Nested("func.func", (DcePass(), CsePass()))]).run(given, on_pass=runs.append)
    assert [(run.done.name, run.op.properties["sym_name"].data, run.changed) for run in runs] == [  # type: ignore
        ("dce", "main", True),
        ("cse", "main", False),
        ("dce", "other", False),
        ("cse", "other", False),
    ]
    assert "unused" not in print_module(given.module)
    assert all(run.seconds >= 0 for run in runs)
