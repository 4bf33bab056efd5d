"""What text cannot say or filecheck cannot see: broken use lists, broken ops, single functions, cost."""

import time

import pytest
from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Region

from dycl.ir.ops import AtenOp, ConditionOp, IfOp, ReturnOp, WhileOp, YieldOp
from dycl.ir.text import parse_module
from dycl.ir.types import i1, i64
from dycl.ir.verify import InvalidProgram, verify


def main_of(block, results=()):
    return ModuleOp([FuncOp("main", (block.arg_types, list(results)), Region(block))])


def test_a_value_of_another_region():
    block = Block(arg_types=[i1, i64])
    inner = arith.AddiOp(block.args[1], block.args[1])
    block.add_ops([IfOp(block.args[0], [], Block([inner, YieldOp()])), ReturnOp([inner.result])])
    with pytest.raises(InvalidProgram, match="operand 0 is defined inside another region"):
        verify(main_of(block, [i64]))


def test_a_value_of_the_other_side():
    block = Block(arg_types=[i1, i64])
    inner = arith.AddiOp(block.args[1], block.args[1])
    other = arith.AddiOp(inner, inner)
    block.add_ops([IfOp(block.args[0], [], Block([inner, YieldOp()]), Block([other, YieldOp()])), ReturnOp()])
    with pytest.raises(InvalidProgram, match="operand 0 is defined inside another region"):
        verify(main_of(block))


def test_a_value_of_an_op_that_was_removed():
    block = Block(arg_types=[i64])
    removed = arith.AddiOp(block.args[0], block.args[0])
    block.add_op(ReturnOp([removed.result]))
    with pytest.raises(InvalidProgram, match="operand 0 is the result of an op that is not in the program"):
        verify(main_of(block, [i64]))


def test_a_value_of_itself():
    block = Block(arg_types=[i64])
    op = arith.AddiOp(block.args[0], block.args[0])
    op.operands[1] = op.result
    block.add_ops([op, ReturnOp()])
    with pytest.raises(InvalidProgram, match="operand 1 is its own result"):
        verify(main_of(block))


def test_a_carried_value_outside_of_its_loop():
    block = Block(arg_types=[i1, i64])
    before = Block(arg_types=[i64])
    before.add_op(ConditionOp(block.args[0], []))
    block.add_ops([WhileOp([block.args[1]], [], before, Block([YieldOp([block.args[1]])])), ReturnOp([before.args[0]])])
    with pytest.raises(InvalidProgram, match="operand 0 is defined inside another region"):
        verify(main_of(block, [i64]))


def test_more_than_one_block():
    block = Block(arg_types=[i1])
    block.add_ops([IfOp(block.args[0]), ReturnOp()])
    module = main_of(block)
    next(op for op in module.walk() if isinstance(op, IfOp)).then_region.add_block(Block([YieldOp()]))
    with pytest.raises(InvalidProgram, match="block"):
        verify(module)


def test_a_broken_op_is_named_where_it_cannot_be_printed():
    block = Block(arg_types=[i64])
    block.add_ops([AtenOp.create(operands=[block.args[0]], result_types=[i64]), ReturnOp()])
    with pytest.raises(InvalidProgram, match=r"property '.*' expected in operation 'dycl.aten': `dycl.aten` in @main"):
        verify(main_of(block))


def test_one_function_of_a_module():
    module = parse_module("""
    dycl.kernel @k() -> i64 {
      %x = arith.constant 0 : i64
      dycl.yield %x : i64
    }
    func.func @good() -> i64 {
      %x = dycl.launch @k() : () -> i64
      dycl.return %x : i64
    }
    func.func @bad() -> i64 {
      %x = dycl.launch @k() : () -> i64
      dycl.return
    }
    """)
    kernel, good, bad = module.ops
    verify(kernel)
    verify(good)
    verify(good.body.block.first_op)
    with pytest.raises(InvalidProgram, match="@bad"):
        verify(bad)
    with pytest.raises(InvalidProgram, match="@bad"):
        verify(bad.body.block.first_op)


def test_the_message_shows_one_line_of_the_op():
    text = "\n".join(f"%a{i} = arith.addi %x, %x : i64" for i in range(500))
    module = parse_module(f"func.func @main(%x: i64) -> i64 {{ {text} dycl.return }}")
    with pytest.raises(InvalidProgram) as caught:
        verify(module)
    assert str(caught.value) == "0 values for 1 result of @main: `dycl.return` in @main"
    assert isinstance(caught.value.op, ReturnOp)
    operands = ", ".join(["%x"] * 200)
    module = parse_module(f"func.func @main(%x: i64) {{ dycl.return {operands} : {', '.join(['i64'] * 200)} }}")
    with pytest.raises(InvalidProgram) as caught:
        verify(module)
    assert len(str(caught.value)) < 300 and "..." in str(caught.value)


def exits(count):
    body = "".join(f"%c{i} = arith.cmpi eq, %x, %x : i64\ndycl.if %c{i} {{ dycl.return }}\n" for i in range(count))
    return parse_module(f"func.func @main(%x: i64) {{ {body} dycl.return }}")


def test_the_cost_is_linear():
    def seconds(module):
        runs = []
        for _ in range(3):
            start = time.perf_counter()
            verify(module)
            runs.append(time.perf_counter() - start)
        return min(runs)

    small, large = seconds(exits(100)), seconds(exits(2000))
    assert large < 3 * 20 * small


CALL = """
func.func @main(%x: {given}) -> tensor<?xf32> {{
  %y = func.call @{callee}(%x) : ({given}) -> {result}
  dycl.return %y : {result}
}}
func.func private @half(%x: tensor<?xf32>) -> tensor<?xf32> {{
  dycl.return %x : tensor<?xf32>
}}
"""


def test_a_call_takes_a_more_precise_type():
    verify(parse_module(CALL.format(given="tensor<4xf32>", callee="half", result="tensor<?xf32>")))


@pytest.mark.parametrize(
    ("given", "callee", "result", "message"),
    [
        ("tensor<4x4xf32>", "half", "tensor<?xf32>", "value 0 is tensor<4x4xf32>, but that input of @half is"),
        ("tensor<4xf32>", "half", "tensor<4xf32>", "result 0 of @half is tensor<?xf32>, not tensor<4xf32>"),
        ("tensor<4xf32>", "third", "tensor<?xf32>", "@third is not a function of this module"),
    ],
)
def test_a_call_that_does_not_fit_its_function(given, callee, result, message):
    with pytest.raises(InvalidProgram, match=message.replace("?", r"\?")):
        verify(parse_module(CALL.format(given=given, callee=callee, result=result)))
