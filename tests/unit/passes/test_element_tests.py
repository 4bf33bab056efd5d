"""A test of one element means the same on the host as in a kernel."""

import math
from itertools import product

import pytest
import torch

from dycl.ir.interpret import interpret
from dycl.ir.ops import AtenOp, RegionOp
from dycl.ir.rewriting import replace
from dycl.ir.text import parse_module
from dycl.ir.weights import WeightStore
from dycl.passes import parse_pipeline
from dycl.program import Program

FLOATS = [0.0, -0.0, 0.1, 0.5, 1.0, -1.0, 1e-46, 16777217.0, 3e38, math.inf, -math.inf, math.nan]
INTEGERS = [0, 1, -1, 5, 127, 255, 300, 16777217, 2**53 + 1, 2**62 + 1, -(2**63)]
DTYPES = {
    "f32": torch.float32,
    "f64": torch.float64,
    "ui8": torch.uint8,
    "i8": torch.int8,
    "i32": torch.int32,
    "i64": torch.int64,
}


def program(test: str, element: str, bound: float | int) -> Program:
    module = parse_module(f"""
    builtin.module {{
          func.func @main(%x: tensor<3x1x{element}>) -> i1 {{
            %r = dycl.region (%a = %x : tensor<3x1x{element}>) -> (i1) {{
              %e = dycl.aten select.int(%a, 0, 1) : (tensor<3x1x{element}>) -> tensor<1x{element}>
              %t = dycl.aten {test}.Scalar(%e, 0) : (tensor<1x{element}>) -> tensor<1xi1>
              %s = dycl.aten squeeze.default(%t) : (tensor<1xi1>) -> tensor<i1>
              %i = dycl.item %s : tensor<i1> -> i1
              dycl.yield %i : i1
            }}
            dycl.return %r : i1
          }}
        }}""")
    (compared,) = (op for op in module.walk() if isinstance(op, AtenOp) and op.packet == test)
    replace(compared, [AtenOp(f"{test}.Scalar", [compared.inputs[0], bound], compared.result_types)])
    return Program(module, WeightStore())


def elements(dtype: torch.dtype, bound: float | int) -> torch.Tensor:
    """Return elements around a bound, and those that are special."""
    if dtype.is_floating_point:
        near = torch.tensor([float(bound)], dtype=torch.float64).to(dtype)
        up = torch.full_like(near, math.inf)
        special = torch.tensor(FLOATS, dtype=torch.float64).to(dtype)
        return torch.cat([near, near.nextafter(up), near.nextafter(-up), special])
    info = torch.iinfo(dtype)
    wanted = [*INTEGERS, info.min, info.max]
    if math.isfinite(bound):
        wanted += [int(bound), int(bound) + 1]
    return torch.tensor([value for value in wanted if info.min <= value <= info.max], dtype=dtype)


@pytest.mark.parametrize("element", DTYPES)
def test_the_host_decides_as_torch_does(element: str) -> None:
    hoisted = 0
    for test, bound in product(["eq", "ne", "lt", "le", "gt", "ge"], [*FLOATS, *INTEGERS]):
        hoisted_program = program(test, element, bound)
        parse_pipeline("hoist-to-host").run(hoisted_program)
        if any(isinstance(op, RegionOp) for op in hoisted_program.module.walk()):
            continue
        hoisted += 1
        for value in elements(DTYPES[element], bound):
            x = torch.zeros(3, 1, dtype=DTYPES[element])
            x[1, 0] = value
            (given,) = interpret(hoisted_program.module, hoisted_program.weights, [x])
            assert given == getattr(torch, test)(x[1, 0], bound).item(), f"{value} {test} {bound}"
    assert hoisted >= 6 * 4


OTHERS = {
    "Scalar": ("i64", "i64", INTEGERS),
    "Tensor": ("tensor<1x1xi64>", "i64", INTEGERS),
    "Tensor of floats": ("tensor<1x1xf32>", "f32", FLOATS),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_the_host_compares_two_elements_as_torch_does(kind: str) -> None:
    other, element, values = OTHERS[kind]
    for test in ("eq", "ne", "lt", "le", "gt", "ge"):
        module = parse_module(
            f"""
        func.func @main(%x: tensor<3x{element}>, %y: {other}) -> i1 {{
          %r = dycl.region (%a = %x : tensor<3x{element}>, %b = %y : {other}) -> (i1) {{
            %e = dycl.aten select.int(%a, 0, 1) : (tensor<3x{element}>) -> tensor<{element}>
            %t = dycl.aten {test}.{kind[:6]}(%e, %b) : (tensor<{element}>, {other}) -> tensor<i1>
            %i = dycl.item %t : tensor<i1> -> i1
            dycl.yield %i : i1
          }}
          dycl.return %r : i1
        }}""".replace("tensor<i1>", "tensor<i1>" if kind == "Scalar" else "tensor<1x1xi1>")
        )
        hoisted = Program(module, WeightStore())
        parse_pipeline("hoist-to-host").run(hoisted)
        assert not any(isinstance(op, RegionOp) for op in module.walk())
        for left, right in product(values, values):
            x = torch.tensor([0, left, 0], dtype=DTYPES[element])
            y = right if kind == "Scalar" else torch.tensor([[right]], dtype=DTYPES[element])
            (given,) = interpret(module, hoisted.weights, [x, y])
            assert given == getattr(torch, test)(x[1], y).item(), f"{left} {test} {right}"


def test_the_host_leaves_to_kernels_what_torch_converts_first() -> None:
    """A float's rounding, a narrow integer's range, and elements of two types."""
    for element, other, overload in (
        ("f32", "f64", "Scalar"),
        ("i8", "i64", "Scalar"),
        ("i64", "tensor<f32>", "Tensor"),
    ):
        module = parse_module(f"""
        func.func @main(%x: tensor<{element}>, %y: {other}) -> i1 {{
          %r = dycl.region (%a = %x : tensor<{element}>, %b = %y : {other}) -> (i1) {{
            %t = dycl.aten lt.{overload}(%a, %b) : (tensor<{element}>, {other}) -> tensor<i1>
            %i = dycl.item %t : tensor<i1> -> i1
            dycl.yield %i : i1
          }}
          dycl.return %r : i1
        }}""")
        parse_pipeline("hoist-to-host").run(Program(module, WeightStore()))
        assert any(isinstance(op, RegionOp) for op in module.walk()), element
