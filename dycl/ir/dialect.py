"""The `dycl` dialect, and the context in which its programs are parsed."""

from xdsl.context import Context
from xdsl.dialects.arith import Arith
from xdsl.dialects.builtin import Builtin
from xdsl.dialects.func import Func
from xdsl.dialects.math import Math
from xdsl.ir import Dialect

from dycl.ir import ops

Dycl = Dialect(
    "dycl",
    [
        ops.AssertOp,
        ops.AtenOp,
        ops.BreakOp,
        ops.ConditionOp,
        ops.ConstantOp,
        ops.ContinueOp,
        ops.DimOp,
        ops.ForOp,
        ops.IfOp,
        ops.ItemOp,
        ops.KernelOp,
        ops.LaunchOp,
        ops.ParamOp,
        ops.RegionOp,
        ops.ReturnOp,
        ops.ScalarTensorOp,
        ops.SwitchOp,
        ops.WhileOp,
        ops.YieldOp,
    ],
    [ops.OperandAttr],
)


def context() -> Context:
    """Return a context with the dialects that a program may use: builtin, func, arith, math and dycl."""
    ctx = Context()
    for dialect in (Builtin, Func, Arith, Math, Dycl):
        ctx.load_dialect(dialect)
    return ctx
