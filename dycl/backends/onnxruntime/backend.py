"""The ONNX Runtime backend: a kernel becomes an ONNX model with its weights."""

from collections.abc import Iterator, Sequence

import onnx_ir as ir
from xdsl.ir import Attribute, SSAValue

from dycl.backends.onnxruntime.lowerings.scalars import SCALAR_LOWERINGS
from dycl.backends.onnxruntime.model import build_model
from dycl.backends.protocol import CannotCompile, CompiledKernel, Target, spec_of
from dycl.ir.locations import describe
from dycl.ir.ops import AtenOp, ConstantOp, DimOp, ItemOp, KernelOp, ParamOp, ScalarTensorOp, YieldOp
from dycl.ir.schema import schema_of
from dycl.ir.types import DTYPE_NAMES, element_of, is_scalar, is_tensor
from dycl.ir.weights import WeightStore
from dycl.runtime.engines.onnxruntime import load
from dycl.runtime.engines.protocol import EngineError

MAX_PAYLOAD = 2**31 - 1
"""Bytes that one protobuf message can hold."""

_OPS = (ParamOp, ConstantOp, ItemOp, DimOp, ScalarTensorOp, YieldOp, *SCALAR_LOWERINGS)


class OnnxRuntimeBackend:
    """Compiles for the CPU. What it does not take: control flow, random numbers, bf16."""

    name = "onnxruntime"

    def supports(self, kernel: KernelOp) -> list[str]:
        reasons: list[str] = []
        for op in kernel.body.block.ops:
            if isinstance(op, AtenOp):
                if op.is_random:
                    reasons.append(f"{op.overload.data} at {describe(op)}: it draws random numbers")
                reasons += [
                    f"{op.overload.data} at {describe(op)}: its argument '{name}' is known only at run time"
                    for name in _run_time_attributes(op)
                ]
            elif not isinstance(op, _OPS):
                reasons.append(f"{op.name} at {describe(op)}: it has no ONNX form")
            reasons += [
                f"{op.name} at {describe(op)}: it gives {dtype}" for dtype in _unsupported_dtypes(op.result_types)
            ]
        return reasons + [f"an input of {dtype}" for dtype in _unsupported_dtypes(kernel.body.block.arg_types)]

    def compile(self, kernel: KernelOp, weights: WeightStore, target: Target) -> CompiledKernel:
        model = build_model(kernel, weights)
        size = sum(value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value)
        if size > MAX_PAYLOAD:
            raise CannotCompile([f"@{kernel.symbol}: its {size} bytes of weights are more than an ONNX file holds"])
        payload = ir.to_proto(model).SerializeToString()
        try:
            load(payload, spec_of(kernel), 1)
        except EngineError as error:
            raise CannotCompile([f"@{kernel.symbol}: {error}"]) from error
        return CompiledKernel("onnxruntime", payload, ".onnx")


def _run_time_attributes(op: AtenOp) -> Iterator[str]:
    """Yield the arguments that must be constants in ONNX, such as an axis, but are host scalars: all but numbers to
    compute with and sizes."""
    if not any(is_scalar(operand.type) for operand in op.inputs):
        return
    bound = op.bind(lambda operand: operand)
    for parameter, value in zip(schema_of(op.overload.data).parameters, bound, strict=True):
        kind = parameter.kind.element or parameter.kind
        items = value if isinstance(value, list) else [value]
        fixed = kind.name not in ("Tensor", "Scalar") and not parameter.is_size
        if fixed and any(isinstance(item, SSAValue) for item in items):
            yield parameter.name


def _unsupported_dtypes(types: Sequence[Attribute]) -> list[str]:
    names = {DTYPE_NAMES[element_of(type) if is_tensor(type) else type] for type in types}
    return sorted(names & {"bf16"})
