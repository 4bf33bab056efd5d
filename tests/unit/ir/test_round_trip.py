"""Text: what is printed reads back as the same program, locations included."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects import arith
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, FloatAttr, IntegerAttr, ModuleOp, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Region

from dycl.errors import DyclError
from dycl.ir.locations import Frame, frames, location
from dycl.ir.ops import AtenOp, ConstantOp, IfOp, ParamOp, ReturnOp, YieldOp
from dycl.ir.text import parse_module, print_module, read_module
from dycl.ir.types import ELEMENT_TYPES, f64, i1, i64, tensor_type
from dycl.ir.verify import verify


def module_of(*ops):
    block = Block(arg_types=[i1, tensor_type([2], ELEMENT_TYPES["f32"])])
    block.add_ops([*(op(block.args) if callable(op) else op for op in ops), ReturnOp()])
    return ModuleOp([FuncOp("main", (block.arg_types, []), Region(block))])


def assert_round_trip(module):
    text = print_module(module, locations=True)
    again = parse_module(text)
    assert module.is_structurally_equivalent(again)
    assert print_module(again, locations=True) == text
    for before, after in zip(module.walk(), again.walk(), strict=True):
        assert before.location == after.location
    return again


def bits(value):
    """Tell 0.0 from -0.0, True from 1 and 1 from 1.0, and a NaN equal to itself."""
    if isinstance(value, list):
        return [bits(item) for item in value]
    return type(value), repr(value)


constants = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"])),
)


@given(st.recursive(constants, st.lists))
@settings(deadline=None, max_examples=300)
def test_aten_arguments(argument):
    module = module_of(lambda args: AtenOp("any.op", [args[0], argument, args[1]], [i64]))
    again = assert_round_trip(module)
    op = next(op for op in again.walk() if isinstance(op, AtenOp))
    first, found, last = op.bind(lambda value: value)
    assert bits(found) == bits(argument)
    assert (first, last) == tuple(op.inputs)


@pytest.mark.parametrize("element", ELEMENT_TYPES.values(), ids=str)
def test_aten_dtypes(element):
    again = assert_round_trip(module_of(AtenOp("any.op", [element, [element]], [])))
    assert next(op for op in again.walk() if isinstance(op, AtenOp)).bind(lambda v: v) == [element, [element]]


ELEMENTS = {
    "bool": st.booleans(),
    "u8": st.integers(0, 255),
    **{f"i{width}": st.integers(-(2 ** (width - 1)), 2 ** (width - 1) - 1) for width in (8, 16, 32, 64)},
    "f16": st.floats(width=16),
    "bf16": st.sampled_from([0.0, -0.0, 1.5, -2.0, 1.0078125, 2.0**100, math.inf, -math.inf, math.nan]),
    "f32": st.floats(width=32),
    "f64": st.floats(),
}


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_constants(data):
    name = data.draw(st.sampled_from(sorted(ELEMENT_TYPES)))
    shape = data.draw(st.lists(st.integers(0, 3), max_size=3))
    value = ELEMENTS[name]
    count = math.prod(shape)
    values = data.draw(st.lists(value, min_size=count, max_size=count))
    attribute = DenseIntOrFPElementsAttr.from_list(TensorType(ELEMENT_TYPES[name], shape), values)
    again = assert_round_trip(module_of(ConstantOp(attribute)))
    verify(again)
    found = next(op for op in again.walk() if isinstance(op, ConstantOp))
    assert found.value.data.data == attribute.data.data


@given(st.floats(), st.integers(-(2**63), 2**63 - 1))
@settings(deadline=None)
def test_scalar_constants(real, integer):
    assert_round_trip(module_of(arith.ConstantOp(FloatAttr(real, f64)), arith.ConstantOp(IntegerAttr(integer, i64))))


@given(st.text(st.characters(exclude_categories=["Cs"])))
@settings(deadline=None)
def test_weight_keys_and_files_of_any_characters(text):
    op = ParamOp(text, tensor_type([], ELEMENT_TYPES["f32"]))
    op.location = location((Frame(text, 3, 1), Frame("main.py", 7)))
    again = assert_round_trip(module_of(op))
    found = next(op for op in again.walk() if isinstance(op, ParamOp))
    assert found.key.data == text
    assert frames(found.location) == (Frame(text, 3, 1), Frame("main.py", 7))


@pytest.mark.parametrize("depth", range(5))
def test_call_chains(depth):
    chain = tuple(Frame(f"f{index}.py", index + 1, index) for index in range(depth))
    assert frames(location(chain)) == chain


def test_names_of_values_are_kept_and_made_unique():
    text = """func.func @main(%x: i64) -> i64 {
      %y = arith.addi %x, %x : i64
      dycl.return %y : i64
    }"""
    module = parse_module(text)
    block = next(op for op in module.ops if isinstance(op, FuncOp)).body.block
    copy = block.first_op.clone()
    copy.results[0].name_hint = "y"
    block.insert_op_before(copy, block.first_op)
    printed = print_module(module)
    assert "%y = " in printed and "%y_1 = " in printed
    assert print_module(parse_module(printed)) == printed


def test_deep_nesting():
    block = Block([ReturnOp()])
    region = Block([YieldOp()])
    outer = Block(arg_types=[i1])
    for _ in range(100):
        region = Block([IfOp(outer.args[0], [], region), YieldOp()])
    outer.add_ops([IfOp(outer.args[0], [], region), ReturnOp()])
    del block
    again = assert_round_trip(ModuleOp([FuncOp("main", ([i1], []), Region(outer))]))
    verify(again)


@pytest.mark.parametrize(
    "text",
    [
        "func.func @main() { dycl.if",
        "func.func @main(%c: i1) { dycl.if %c { ^a: dycl.yield ^b: dycl.yield } dycl.return }",
        "func.func @main(%x: i64) { %y = dycl.aten add.Tensor(%x) : (i64, i64) -> i64 }",
        "dycl.kernel @k(%x: i64 {note}) { dycl.yield }",
        "func.func @main() { dycl.constant 3 : i64 }",
        "func.func @main() { unknown.op }",
        "func.func @main() { %x = dycl.aten relu.default(1) : () -> !llvm.ptr }",
    ],
)
def test_text_that_is_no_program_is_refused(text):
    with pytest.raises(DyclError, match=r"net\.mlir"):
        read_module(text, "net.mlir")
