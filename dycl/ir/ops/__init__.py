"""The ops of the `dycl` dialect."""

from dycl.ir.ops.aten import AtenOp, OperandAttr
from dycl.ir.ops.control import ForOp, IfOp, SwitchOp, WhileOp
from dycl.ir.ops.kernels import AssertOp, KernelOp, LaunchOp, RegionOp
from dycl.ir.ops.tensors import ConstantOp, DimOp, ItemOp, ParamOp, ScalarTensorOp
from dycl.ir.ops.terminators import BreakOp, ConditionOp, ContinueOp, ReturnOp, YieldOp

__all__ = [
    "AssertOp",
    "AtenOp",
    "BreakOp",
    "ConditionOp",
    "ConstantOp",
    "ContinueOp",
    "DimOp",
    "ForOp",
    "IfOp",
    "ItemOp",
    "KernelOp",
    "LaunchOp",
    "OperandAttr",
    "ParamOp",
    "RegionOp",
    "ReturnOp",
    "ScalarTensorOp",
    "SwitchOp",
    "WhileOp",
    "YieldOp",
]
