"""Which ops the host can do, and that numpy does them as torch does."""

import numpy as np
import pytest
import torch
from xdsl.dialects.builtin import ModuleOp

from dycl.ir.host_ops import HOST_VIEWS, RESHAPES, is_host_op, is_host_view, selection
from dycl.ir.interpret import interpret
from dycl.ir.ops import AtenOp
from dycl.ir.text import parse_module
from dycl.ir.types import shape_of
from dycl.ir.weights import WeightStore

VIEWS = {
    "_reshape_alias.default": ("[6, 4], [4, 1]", "6x4"),
    "_unsafe_view.default": ("[4, 6]", "4x6"),
    "alias.default": ("", "2x3x4"),
    "clone.default": ("none", "2x3x4"),
    "contiguous.default": ("none", "2x3x4"),
    "detach.default": ("", "2x3x4"),
    "flatten.using_ints": ("1, -1", "2x12"),
    "reshape.default": ("[-1]", "24"),
    "select.int": ("0, -1", "3x4"),
    "squeeze.default": ("", "2x3x4"),
    "squeeze.dim": ("0", "2x3x4"),
    "squeeze.dims": ("[0, 1]", "2x3x4"),
    "unflatten.int": ("-1, [2, 2]", "2x3x2x2"),
    "unsqueeze.default": ("-1", "2x3x4x1"),
    "view.default": ("[3, 8]", "3x8"),
}


def op_of(call: str, types: str, result: str, extra: str = "") -> tuple[AtenOp, ModuleOp]:
    module = parse_module(f"""
    builtin.module {{
      func.func @main(%x: {types}{extra}) -> {result} {{
        %y = dycl.aten {call} : ({types}{", i64" if extra else ""}) -> {result}
        dycl.return %y : {result}
      }}
    }}""")
    (op,) = (op for op in module.walk() if isinstance(op, AtenOp))
    return op, module


def test_every_view_has_a_case() -> None:
    assert set(VIEWS) == HOST_VIEWS


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_what_numpy_makes_of_it(name: str) -> None:
    arguments, shape = VIEWS[name]
    call = f"{name}(%x, {arguments})" if arguments else f"{name}(%x)"
    op, module = op_of(call, "tensor<2x3x4xf32>", f"tensor<{shape}xf32>")
    assert is_host_view(op)
    assert is_host_op(op)
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    if name in RESHAPES:
        expected = x.reshape([size or 0 for size in shape_of(op.results[0].type)])
    else:
        axis, index = selection(op)
        assert isinstance(index, int)
        expected = np.take(x, index, axis)
    (given,) = interpret(module, WeightStore(), [torch.from_numpy(x)])
    assert isinstance(given, torch.Tensor)
    np.testing.assert_array_equal(given.numpy(), expected)


def test_an_index_may_be_a_number_of_the_program() -> None:
    op, _ = op_of("select.int(%x, 0, %i)", "tensor<4xf32>", "tensor<f32>", ", %i: i64")
    assert is_host_view(op)
    assert selection(op) == (0, op.inputs[1])


@pytest.mark.parametrize(
    ("call", "types", "result"),
    [
        ("select.int(%x, 1, 0)", "tensor<2x3xf32>", "tensor<2xf32>"),
        ("view.default(%x, [-1])", "tensor<?x3xf32>", "tensor<?xf32>"),
        ("t.default(%x)", "tensor<2x3xf32>", "tensor<3x2xf32>"),
        ("relu.default(%x)", "tensor<4xf32>", "tensor<4xf32>"),
    ],
)
def test_the_rest_belongs_in_a_kernel(call: str, types: str, result: str) -> None:
    op, _ = op_of(call, types, result)
    assert not is_host_view(op)
    assert not is_host_op(op)


def test_an_axis_behind_axes_of_one_element_is_a_leading_one() -> None:
    op, _ = op_of("select.int(%x, -2, 1)", "tensor<1x1x2x3xf32>", "tensor<1x1x3xf32>")
    assert is_host_view(op)
    assert selection(op) == (2, 1)
