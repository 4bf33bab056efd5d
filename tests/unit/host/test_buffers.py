"""How many buffers a program gets, and which."""

from time import perf_counter

import numpy as np
import pytest

from dycl.backends.host import write_host
from dycl.errors import DyclError
from dycl.runtime.model import Model
from tests.unit.host.host_models import artifact_of, check, program_of

T = "tensor<4xf32>"

KERNELS = f"""
dycl.kernel @block(%x: {T}) -> ({T}, i1) {{
  %y = dycl.aten add.Scalar(%x, -1.0, 1) : ({T}) -> {T}
  %s = dycl.aten sum.default(%y, none) : ({T}) -> tensor<f32>
  %b = dycl.aten gt.Scalar(%s, 0.0) : (tensor<f32>) -> tensor<i1>
  %g = dycl.item %b : tensor<i1> -> i1
  dycl.yield %y, %g : {T}, i1
}}
dycl.kernel @step(%x: {T}) -> {T} {{
  %y = dycl.aten add.Scalar(%x, 1.0, 1) : ({T}) -> {T}
  dycl.yield %y : {T}
}}
dycl.kernel @add(%x: {T}, %y: {T}) -> {T} {{
  %z = dycl.aten add.Tensor(%x, %y, 1) : ({T}, {T}) -> {T}
  dycl.yield %z : {T}
}}
"""
GIVEN = [np.arange(4, dtype="f")], [-np.arange(4, dtype="f")], [np.full(4, 2.5, "f")]


def skips(count: int) -> str:
    body = f"%x0, %g0 = dycl.launch @block(%x) : ({T}) -> ({T}, i1)\n"
    for i in range(count):
        body += f"""
  %x{i + 1}, %g{i + 1} = dycl.if %g{i} -> ({T}, i1) {{
    %y, %h = dycl.launch @block(%x{i}) : ({T}) -> ({T}, i1)
    dycl.yield %y, %h : {T}, i1
  }} else {{
    %true = arith.constant true
    %h = arith.xori %g{i}, %true : i1
    dycl.yield %x{i}, %h : {T}, i1
  }}"""
    return KERNELS + f"func.func @main(%x: {T}) -> {T} {{\n{body}\ndycl.return %x{count} : {T}\n}}"


def exits(count: int) -> str:
    body = "\n".join(
        f"""
  %x{i}, %g{i} = dycl.launch @block(%{f"x{i - 1}" if i else "x"}) : ({T}) -> ({T}, i1)
  dycl.if %g{i} {{
    dycl.return %x{i} : {T}
  }}"""
        for i in range(count)
    )
    return KERNELS + f"func.func @main(%x: {T}) -> {T} {{\n{body}\ndycl.return %x{count - 1} : {T}\n}}"


def buffers(text: str, dtype: str = "f32") -> int:
    source = write_host(program_of(text)).source
    return source.count(f'frame.buffer("{dtype}"')


def test_a_chain_of_skipped_blocks_takes_two_buffers() -> None:
    assert buffers(skips(20)) == 2
    assert buffers(skips(20), "bool") == 1
    check(program_of(skips(20)), *GIVEN)


def test_a_chain_with_early_exits_takes_two_buffers() -> None:
    assert buffers(exits(20)) == 2
    check(program_of(exits(20)), *GIVEN)


def test_blocks_of_which_either_side_computes_take_two_buffers() -> None:
    body = f"%g = dycl.launch @flag(%x) : ({T}) -> i1\n"
    for i in range(10):
        body += f"""
  %x{i + 1} = dycl.if %g -> ({T}) {{
    %y = dycl.launch @step(%x{i or ""}) : ({T}) -> {T}
    dycl.yield %y : {T}
  }} else {{
    %y = dycl.launch @add(%x{i or ""}, %x{i or ""}) : ({T}, {T}) -> {T}
    dycl.yield %y : {T}
  }}"""
    flag = f"""
dycl.kernel @flag(%x: {T}) -> i1 {{
  %s = dycl.aten sum.default(%x, none) : ({T}) -> tensor<f32>
  %b = dycl.aten gt.Scalar(%s, 0.0) : (tensor<f32>) -> tensor<i1>
  %g = dycl.item %b : tensor<i1> -> i1
  dycl.yield %g : i1
}}"""
    text = KERNELS + flag + f"func.func @main(%x: {T}) -> {T} {{\n{body}\ndycl.return %x10 : {T}\n}}"
    assert buffers(text) == 2
    check(program_of(text), *GIVEN)


def test_a_value_needed_after_the_block_keeps_its_buffer() -> None:
    text = (
        KERNELS
        + f"""
func.func @main(%x: {T}) -> {T} {{
  %a, %g = dycl.launch @block(%x) : ({T}) -> ({T}, i1)
  %b = dycl.if %g -> ({T}) {{
    %s = dycl.launch @step(%a) : ({T}) -> {T}
    dycl.yield %s : {T}
  }} else {{
    dycl.yield %a : {T}
  }}
  %c = dycl.if %g -> ({T}) {{
    %s = dycl.launch @step(%b) : ({T}) -> {T}
    %t = dycl.launch @step(%s) : ({T}) -> {T}
    dycl.yield %t : {T}
  }} else {{
    dycl.yield %b : {T}
  }}
  %d = dycl.launch @add(%a, %b) : ({T}, {T}) -> {T}
  %e = dycl.launch @add(%d, %c) : ({T}, {T}) -> {T}
  dycl.return %e : {T}
}}"""
    )
    check(program_of(text), *GIVEN)


def test_a_loop_feeds_back_through_two_buffers() -> None:
    text = (
        KERNELS
        + f"""
func.func @main(%x: {T}) -> {T} {{
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %nine = arith.constant 9 : i64
  %r = dycl.for %i = %zero to %nine step %one iter_args(%a = %x : {T}) {{
    %b = dycl.launch @step(%a) : ({T}) -> {T}
    dycl.yield %b : {T}
  }}
  dycl.return %r : {T}
}}"""
    )
    assert buffers(text) == 2
    check(program_of(text), *GIVEN)


def test_what_a_loop_reads_from_outside_lasts_to_its_end() -> None:
    text = (
        KERNELS
        + f"""
func.func @main(%x: {T}) -> {T} {{
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %three = arith.constant 3 : i64
  %outside = dycl.launch @step(%x) : ({T}) -> {T}
  %r = dycl.for %i = %zero to %three step %one iter_args(%sum = %x : {T}) {{
    %a = dycl.launch @step(%outside) : ({T}) -> {T}
    %b = dycl.launch @step(%a) : ({T}) -> {T}
    %c = dycl.launch @step(%b) : ({T}) -> {T}
    %d = dycl.launch @add(%sum, %c) : ({T}, {T}) -> {T}
    dycl.yield %d : {T}
  }}
  dycl.return %r : {T}
}}"""
    )
    check(program_of(text), *GIVEN)


def test_results_are_the_callers_own() -> None:
    model = Model(artifact_of(program_of(exits(3))))
    first = model(GIVEN[0][0])
    kept = first.copy()
    model(GIVEN[2][0])
    np.testing.assert_array_equal(first, kept)
    first[...] = 7
    np.testing.assert_array_equal(model(GIVEN[0][0]), kept)


@pytest.mark.parametrize("program", [exits, skips])
def test_time_and_buffers_stay_in_proportion(program: object) -> None:
    assert callable(program)
    small, large = (program_of(program(count)) for count in (50, 500))
    seconds: list[float] = []
    for each in (small, large):
        start = perf_counter()
        host = write_host(each)
        compile(host.source, "host.py", "exec")
        seconds.append(perf_counter() - start)
        assert host.source.count('frame.buffer("f32"') == 2
    assert seconds[1] < 25 * seconds[0]
    assert seconds[1] < 5


def test_branches_nested_too_deep_are_refused_with_the_way_out() -> None:
    body = ""
    for i in range(120):
        body += f"dycl.if %g{i} {{\n%a{i}, %g{i + 1} = dycl.launch @block(%x) : ({T}) -> ({T}, i1)\n"
    text = (
        KERNELS
        + f"func.func @main(%x: {T}) -> {T} {{\n%y, %g0 = dycl.launch @block(%x) : ({T}) -> ({T}, i1)\n"
        + body
        + "}\n" * 120
        + f"dycl.return %x : {T}\n}}"
    )
    with pytest.raises(DyclError, match="early returns"):
        write_host(program_of(text))
