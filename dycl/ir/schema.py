"""ATen overloads behind `dycl.aten` ops: look-up, and verification against torch's schemas."""

from dycl.ir.ops.aten import AtenOp


def verify_aten(op: AtenOp) -> None: ...
