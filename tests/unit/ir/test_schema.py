"""ATen schemas: what arguments and results an op may have."""

import subprocess
import sys

import pytest
import torch
from xdsl.dialects.test import TestOp as AnyOp
from xdsl.utils.exceptions import VerifyException

from dycl.errors import DyclError
from dycl.ir.ops import AtenOp
from dycl.ir.schema import call, element_type, overload_of, schema_of, torch_dtype, verify_aten
from dycl.ir.types import ELEMENT_TYPES, f32, f64, i1, i64, tensor_type

T = tensor_type([2, None], f32)


def value(type):
    return AnyOp(result_types=[type]).results[0]


TENSOR, INTEGER, REAL, FLAG = value(T), value(i64), value(f64), value(i1)

ACCEPTED = [
    ("add.Tensor", [TENSOR, TENSOR, 1], [T]),
    ("add.Tensor", [TENSOR, TENSOR, 0.5], [T]),
    ("add.Tensor", [TENSOR, TENSOR, True], [T]),
    ("add.Scalar", [TENSOR, REAL, 1], [T]),
    ("add.Scalar", [TENSOR, INTEGER, 1], [T]),
    ("add.Scalar", [TENSOR, FLAG, 1], [T]),
    ("leaky_relu.default", [TENSOR, 1], [T]),
    ("dropout.default", [TENSOR, INTEGER, FLAG], [T]),
    ("dropout.default", [TENSOR, REAL, False], [T]),
    ("sum.dim_IntList", [TENSOR, None, False, None], [T]),
    ("sum.dim_IntList", [TENSOR, [INTEGER, 1], False, f64], [T]),
    ("sum.dim_IntList", [TENSOR, 1, False, None], [T]),
    ("index.Tensor", [TENSOR, [None, TENSOR]], [T]),
    ("cat.default", [[], 0], [T]),
    ("stack.default", [[TENSOR, TENSOR], INTEGER], [T]),
    ("full.default", [[INTEGER, 2], REAL, None, None, None, None], [T]),
    ("clone.default", [TENSOR, None], [T]),
    ("contiguous.default", [TENSOR, None], [T]),
    ("to.dtype", [TENSOR, i64, False, False, None], [T]),
    ("upsample_nearest2d.vec", [TENSOR, None, [2.0, 2]], [T]),
    ("split.Tensor", [TENSOR, 1, 0], [T, T, T]),
    ("split.Tensor", [TENSOR, 1, 0], []),
    ("max.dim", [TENSOR, 0, False], [T, T]),
    ("equal.default", [TENSOR, TENSOR], [i1]),
    ("item.default", [TENSOR], [f64]),
    ("sym_size.int", [TENSOR, 0], [i64]),
    ("batch_norm.default", [TENSOR, None, None, TENSOR, TENSOR, False, 0.1, 1e-5, False], [T]),
    ("batch_norm.default", [TENSOR, None, None, None, None, True, 0.1, 1e-5, False], [T]),
]

REFUSED = [
    ("add.Tensor", [TENSOR, TENSOR], [T], "takes 3 arguments .*, not 2"),
    ("add.Tensor", [TENSOR, REAL, 1], [T], r"argument 1 \('other'\) of add.Tensor must be Tensor, not an f64"),
    ("add.Tensor", [TENSOR, None, 1], [T], "must be Tensor, not none"),
    ("add.Scalar", [TENSOR, TENSOR, 1], [T], r"must be Scalar, not a tensor<2x\?xf32>"),
    ("add.Scalar", [TENSOR, "1", 1], [T], "must be Scalar, not '1'"),
    ("leaky_relu.default", [TENSOR, "a"], [T], "must be Scalar"),
    ("elu.default", [TENSOR, f32, 1, 1], [T], "must be Scalar, not f32"),
    ("dropout.default", [TENSOR, FLAG, True], [T], "must be float, not an i1"),
    ("dropout.default", [TENSOR, True, True], [T], "must be float, not true"),
    ("dropout.default", [TENSOR, 0.5, 1], [T], "must be bool, not 1"),
    ("dropout.default", [TENSOR, 0.5, INTEGER], [T], "must be bool, not an i64"),
    ("select.int", [TENSOR, 0.0, 0], [T], "must be int, not 0.0"),
    ("select.int", [TENSOR, True, 0], [T], "must be int, not true"),
    ("select.int", [TENSOR, REAL, 0], [T], "must be int, not an f64"),
    ("view.default", [TENSOR, 3], [T], r"must be int\[\], not 3"),
    ("view.default", [TENSOR, [3, None]], [T], r"must be int\[\], not \[3, none\]"),
    ("view.default", [TENSOR, [[3]]], [T], r"must be int\[\]"),
    ("cat.default", [[TENSOR, None], 0], [T], r"must be Tensor\[\], not \[.*, none\]"),
    ("to.dtype", [TENSOR, 6, False, False, None], [T], "must be ScalarType, not 6"),
    ("to.dtype", [TENSOR, None, False, False, None], [T], "must be ScalarType, not none"),
    ("clone.default", [TENSOR, 0], [T], r"must be MemoryFormat\?, not 0"),
    ("zeros.default", [[1], None, None, "cpu", None], [T], r"must be Device\?, not 'cpu'"),
    ("gelu.default", [TENSOR, 1], [T], "must be str, not 1"),
    ("max.dim", [TENSOR, 0, False], [T], "max.dim gives 2 values, not 1"),
    ("relu.default", [TENSOR], [T, T], "relu.default gives 1 value, not 2"),
    ("relu.default", [TENSOR], [i64], "result 0 of relu.default is Tensor, which cannot have type i64"),
    ("split.Tensor", [TENSOR, 1, 0], [T, i64], "result 1 of split.Tensor is Tensor"),
    ("equal.default", [TENSOR, TENSOR], [i64], "is bool, which cannot have type i64"),
    ("relu_.default", [TENSOR], [T], "relu_.default writes to its arguments"),
    ("relu.out", [TENSOR, TENSOR], [T], "relu.out writes to its arguments"),
    ("batch_norm.default", [TENSOR, None, None, TENSOR, TENSOR, True, 0.1, 1e-5, False], [T], "running statistics"),
    ("batch_norm.default", [TENSOR, None, None, TENSOR, TENSOR, FLAG, 0.1, 1e-5, False], [T], "running statistics"),
    ("instance_norm.default", [TENSOR, None, None, TENSOR, TENSOR, True, 0.1, 1e-5, False], [T], "'use_input_stats'"),
    ("conv2.default", [], [T], "no ATen overload 'conv2.default'; did you mean .*conv2d.default"),
    ("add.tensor", [], [T], "did you mean .*add.Tensor"),
    ("add", [], [T], "no ATen overload 'add'"),
    ("add.overloads", [], [T], "no ATen overload 'add.overloads'"),
]


@pytest.mark.parametrize(("name", "arguments", "results"), ACCEPTED)
def test_accepted(name, arguments, results):
    verify_aten(AtenOp(name, arguments, results))


@pytest.mark.parametrize(("name", "arguments", "results", "message"), REFUSED)
def test_refused(name, arguments, results, message):
    with pytest.raises(VerifyException, match=message):
        verify_aten(AtenOp(name, arguments, results))


def test_overloads():
    assert overload_of("add.Tensor") is torch.ops.aten.add.Tensor
    assert schema_of("add.Tensor") is schema_of("add.Tensor")
    assert schema_of("max.dim").result_count == 2
    assert schema_of("split.Tensor").result_count is None
    with pytest.raises(DyclError, match="no ATen overload"):
        overload_of("nothing.default")


@pytest.mark.parametrize("element", ELEMENT_TYPES.values(), ids=str)
def test_dtypes_both_ways(element):
    assert element_type(torch_dtype(element)) == element


def test_dtypes_that_a_program_cannot_hold():
    with pytest.raises(DyclError, match="complex64"):
        element_type(torch.complex64)
    with pytest.raises(DyclError, match="tensor<"):
        torch_dtype(T)


def test_calls_work_on_fake_tensors():
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode() as mode:
        x = mode.from_tensor(torch.ones(2, 3))
        values, indices = call(AtenOp("max.dim", [TENSOR, INTEGER, False], [T, T]), {TENSOR: x, INTEGER: 1}.__getitem__)
    assert values.shape == indices.shape == (2,) and indices.dtype == torch.int64


def test_the_ir_needs_no_torch():
    program = """
import sys
from dycl.ir.hcfg import build_hcfg
from dycl.ir.text import parse_module, print_module
from dycl.ir.verify import verify
from dycl.ir.rewriting import *
from dycl.program import Program
module = parse_module('''func.func @main(%x: i64) -> i64 {
  %y = dycl.param "w" : tensor<2xf32>
  dycl.return %x : i64
}''')
verify(module)
print_module(module)
build_hcfg(module).dot()
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
