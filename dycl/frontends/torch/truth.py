"""The truth of a value, which decides a branch: known while the program is compiled, or an i1."""

import torch
from xdsl.dialects import arith
from xdsl.ir import SSAValue

from dycl.frontends.torch.capture import Capture
from dycl.frontends.torch.heap import sizes_of
from dycl.frontends.torch.values import Choice, Scalar, Value


def truth_of(capture: Capture, value: Value) -> bool | SSAValue:
    """Return the truth of a value: a bool, or an i1 where it is known only at run time."""
    capture.usable(value)
    if isinstance(value, torch.Tensor):
        if value.dim() and any(size not in (None, 1) for size in sizes_of(value)):
            raise capture.error(
                "the truth of a tensor with more than one element",
                "it is ambiguous: eager execution fails here",
                "use `.any()` or `.all()`, or call the model with one sample",
            )
        value = capture.item(value)
    if isinstance(value, Scalar):
        if value.kind is bool:
            return value.ssa
        zero = capture.builder.constant(value.kind())
        if value.kind is int:
            return capture.builder.emit(arith.CmpiOp(value.ssa, zero, "ne")).result
        return capture.builder.emit(arith.CmpfOp(value.ssa, zero, "une")).result
    if isinstance(value, Choice):
        truths = [truth_of(capture, option) for option in value.options]
        if all(truth is truths[0] for truth in truths):
            return truths[0]
        raise capture.error("the truth of an object chosen at run time", "the choices differ in it")
    for name in ("__bool__", "__len__"):
        method = capture.method(value, name)
        if method is not None:
            return truth_of(capture, capture.evaluator.call(capture, method, [], {}))
    return bool(capture.native(bool, value))


def truth_value(capture: Capture, value: Value) -> Value:
    truth = truth_of(capture, value)
    return truth if isinstance(truth, bool) else Scalar(truth)


def invert(capture: Capture, value: Value) -> Value:
    if isinstance(value, Scalar):
        return Scalar(capture.builder.emit(arith.XOrIOp(value.ssa, capture.builder.constant(True))).result)
    return not value
