"""The host program as its reader sees it."""

from pathlib import Path

import pytest

from dycl.backends.host import write_host
from dycl.backends.host.names import Names
from tests.unit.host.host_models import program_of

T = "tensor<4xf32>"

KERNEL = f"""
dycl.kernel @block(%x: {T}) -> ({T}, i1) {{
  %s = dycl.aten sum.default(%x, none) : ({T}) -> tensor<f32>
  %b = dycl.aten gt.Scalar(%s, 0.0) : (tensor<f32>) -> tensor<i1>
  %g = dycl.item %b : tensor<i1> -> i1
  dycl.yield %x, %g : {T}, i1
}}
"""


def test_the_whole_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.py").write_text("def forward(self, x):\n    x = self.stem(x)\n    if gate > 0.5:\n        pass\n")
    monkeypatch.chdir(tmp_path)
    structure = '{"dict": [{"result": 0}, {"result": 1}], "keys": ["y", "n"]}'.replace('"', '\\"')
    program = program_of(
        KERNEL
        + f"""
func.func @main(%x: {T} {{dycl.name = "image"}}) -> ({T}, i64)
    attributes {{dycl.structure = "{structure}"}} {{
  %one = arith.constant 1 : i64
  %x1, %gate = dycl.launch @block(%x) : ({T}) -> ({T}, i1) loc("net.py":2:5)
  %r, %n = dycl.if %gate -> ({T}, i64) {{
    %y, %g = dycl.launch @block(%x1) : ({T}) -> ({T}, i1) loc("{tmp_path}/net.py":4:5)
    %two = arith.addi %one, %one : i64
    dycl.yield %y, %two : {T}, i64
  }} else {{
    dycl.yield %x1, %one : {T}, i64
  }} loc(callsite("net.py":3:5 at "net.py":9:1))
  dycl.return %r, %n : {T}, i64
}}"""
    )
    assert (
        write_host(program, "Net").source
        == '''"""Net: the branches are taken here, the tensors are computed in kernels.

Takes image: f32[4]
Gives {'y': f32[4], 'n': int}
"""

from dycl.runtime.host import usage


def main(k, image):
    # net.py:2: x = self.stem(x)
    x1, gate = k.block(image)
    # net.py:3: if gate > 0.5:
    if gate:
        # net.py:4: pass
        r, _ = k.block_1(x1)
        n = 1 + 1
    else:
        r, n = x1, 1
    return r, n


def prepare(frame, k):
    """Allocate the buffers that the launches write to, and make the calls: once, for many runs of `main`."""
    f32_4 = frame.buffer("f32", (4,))
    f32_4_1 = frame.buffer("f32", (4,))
    bool_ = frame.buffer("bool", ())
    k.block = frame.launch("block", f32_4_1, bool_)
    k.block_1 = frame.launch("block", f32_4, bool_)


if __name__ == "__main__":
    usage(__file__, __doc__)
'''
    )


def test_a_place_in_an_installed_package_is_not_the_users() -> None:
    program = program_of(
        KERNEL
        + f"""
func.func @main(%x: {T}) -> {T} {{
  %y, %g = dycl.launch @block(%x) : ({T}) -> ({T}, i1)
    loc(callsite("/venv/lib/site-packages/torch/nn/modules/conv.py":3:5 at "my.py":9:1))
  dycl.return %y : {T}
}}"""
    )
    assert "    # my.py:9\n    y, _ = k.block(x)\n" in write_host(program).source


def test_the_branch_table_names_source_and_line() -> None:
    program = program_of(
        KERNEL
        + f"""
func.func @main(%x: {T}) -> {T} {{
  %y, %g = dycl.launch @block(%x) : ({T}) -> ({T}, i1)
  dycl.if %g {{
  }} else {{
    dycl.return %y : {T}
  }} loc("net.py":3:5)
  dycl.return %x : {T}
}}"""
    )
    host = write_host(program)
    (branch,) = host.branches
    assert (branch.kind, branch.source, branch.negated) == ("if", "net.py:3", True)
    assert host.source.splitlines()[branch.line - 1] == "    if not g:"


def test_names_are_python_names_given_once() -> None:
    names = Names(["k"])
    wishes = ["x", "x", "x_1", "x", "k", "if", "if", "list", "a.b", "1x", "match", ""]
    given = [names.fresh(wish) for wish in wishes]
    assert given == ["x", "x_1", "x_1_1", "x_2", "k_1", "if_", "if_1", "list_", "a_b", "_1x", "match_", "value"]


def test_variables_never_hide_what_the_program_uses() -> None:
    program = program_of(
        KERNEL
        + f"""
func.func @main(%range: {T}) -> ({T}, f64) {{
  %divide, %main = dycl.launch @block(%range) : ({T}) -> ({T}, i1)
  %k = dycl.aten select.int(%divide, 0, 0) : ({T}) -> tensor<f32>
  %float = dycl.item %k : tensor<f32> -> f64
  %decide = arith.divf %float, %float : f64
  dycl.return %divide, %decide : {T}, f64
}}"""
    )
    source = write_host(program).source
    assert "from dycl.runtime.host import divide, usage\n" in source
    assert "return divide_1, divide(float_, float_)\n" in source
