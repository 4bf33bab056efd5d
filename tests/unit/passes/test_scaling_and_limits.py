"""Limits and costs: rewriting and unrolling end, and passes stay linear in the number of branches."""

import time
from functools import cache

import pytest
from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern

from dycl.ir.greedy import EndlessRewriting, rewrite_greedily
from dycl.ir.text import parse_module, print_module
from dycl.ir.weights import WeightStore
from dycl.passes import parse_pipeline
from dycl.program import Program


class Swap(RewritePattern):
    """Swap the operands of an addition, for ever."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if isinstance(op, arith.AddiOp):
            rewriter.replace(op, arith.AddiOp(op.rhs, op.lhs))


def test_rewrites_that_undo_each_other_are_named() -> None:
    module = parse_module(
        "func.func @main(%x: i64, %y: i64) -> i64 {\n  %a = arith.addi %x, %y : i64\n  dycl.return %a : i64\n}"
    )
    with pytest.raises(EndlessRewriting, match="Swap"):
        rewrite_greedily(module.body, lambda op: (Swap(),))


@cache
def many_branches(count: int) -> ModuleOp:
    lines = ["func.func @main(%x0: i64, %t: i64) -> i64 {"]
    for i in range(count):
        lines += [
            f"  %one{i} = arith.constant 1 : i64",
            f"  %c{i} = arith.cmpi sgt, %x{i}, %t : i64",
            f"  dycl.if %c{i} {{",
            f"    dycl.return %x{i} : i64",
            "  }",
            f"  %x{i + 1} = dycl.if %c{i} -> (i64) {{",
            f"    %y{i} = arith.addi %x{i}, %one{i} : i64",
            f"    dycl.yield %y{i} : i64",
            "  } else {",
            f"    %z{i} = arith.muli %x{i}, %x{i} : i64",
            f"    dycl.yield %z{i} : i64",
            "  }",
        ]
    lines += [f"  dycl.return %x{count} : i64", "}"]
    return parse_module("\n".join(lines))


@pytest.mark.parametrize(
    "pipeline", ["canonicalize", "cse", "dce", "propagate-constants", "thread-branches", "unroll-loops"]
)
def test_cost_is_linear_in_the_number_of_branches(pipeline: str) -> None:
    def cost(count: int) -> float:
        times: list[float] = []
        for _ in range(2):
            program = Program(many_branches(count).clone(), WeightStore())
            started = time.process_time()
            parse_pipeline(pipeline).run(program, verify_each=False)
            times.append(time.process_time() - started)
        return min(times)

    cost(10)
    few, many = cost(40), cost(400)
    assert many < 30 * few + 0.1, f"{pipeline}: {few:.3f} s for 40 branches, {many:.3f} s for 400"


def test_a_loop_whose_breaks_nest_too_deep_stays() -> None:
    text = """
    func.func @main(%x: i64) -> i64 {{
      %0 = arith.constant 0 : i64
      %1 = arith.constant 1 : i64
      %n = arith.constant {} : i64
      %r = dycl.for %i = %0 to %n step %1 iter_args(%a = %x : i64) {{
        %c = arith.cmpi sgt, %a, %i : i64
        dycl.if %c {{
          dycl.break %a : i64
        }}
        %b = arith.addi %a, %i : i64
        dycl.yield %b : i64
      }}
      dycl.return %r : i64
    }}
    """
    for trips, unrolled in ((100, True), (101, False)):
        program = Program(parse_module(text.format(trips)), WeightStore())
        parse_pipeline("unroll-loops{max-trip-count=200},canonicalize,cse").run(program)
        loops = [op for op in program.module.walk() if op.name == "dycl.for"]
        assert bool(loops) == (not unrolled)
        assert print_module(parse_module(print_module(program.module))) == print_module(program.module)


def test_nested_loops_share_what_they_may_become() -> None:
    loop = "%r{0} = dycl.for %i{0} = %0 to %n step %1 iter_args(%a{0} = {1} : i64) {{"
    lines = ["func.func @main(%x: i64) -> i64 {", "%0 = arith.constant 0 : i64", "%1 = arith.constant 1 : i64"]
    lines += ["%n = arith.constant 64 : i64", loop.format(0, "%x"), loop.format(1, "%a0"), loop.format(2, "%a1")]
    lines += ["%b = arith.addi %a2, %i2 : i64", "dycl.yield %b : i64", "}", "dycl.yield %r2 : i64", "}"]
    lines += ["dycl.yield %r1 : i64", "}", "dycl.return %r0 : i64", "}"]
    program = Program(parse_module("\n".join(lines)), WeightStore())
    assert parse_pipeline("unroll-loops{max-trip-count=64}").run(program)
    assert sum(1 for _ in program.module.walk()) < 20_000
