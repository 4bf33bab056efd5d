"""The truth of a value, which decides a branch: known while the program is compiled, or an i1."""

from typing import TYPE_CHECKING

import torch
from xdsl.dialects import arith
from xdsl.ir import SSAValue

from dycl.frontends.torch.objects.arrays import Array
from dycl.frontends.torch.objects.grown_lists import length
from dycl.frontends.torch.paths.forks import fork, whether
from dycl.frontends.torch.paths.grown import grown_of
from dycl.frontends.torch.values import Choice, Scalar, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


def truth_of(capture: "Capture", value: Value) -> bool | SSAValue:
    """Return the truth of a value: a bool, or an i1 where it is known only at run time."""
    grown = grown_of(capture, value)
    if grown is not None:
        return truth_of(capture, length(capture, grown))
    capture.usable(value)
    if isinstance(value, Array):
        value = value.tensor
    if isinstance(value, torch.Tensor):
        if value.dim() and any(capture.symbols.is_never(size, 1) for size in value.size()):
            raise capture.error(
                "the truth of a tensor with more than one element",
                "it is ambiguous: eager execution fails here",
                "use `.any()` or `.all()`, or call the model with one sample",
            )
        capture.check_one_element(value, "Boolean value of Tensor with more than one value is ambiguous")
        value = capture.item(value)
    if isinstance(value, Scalar):
        if value.kind is bool:
            known = capture.builder.known(value.ssa)
            return value.ssa if known is None else bool(known)
        zero = capture.builder.constant(value.kind())
        if value.kind is int:
            return capture.builder.emit(arith.CmpiOp(value.ssa, zero, "ne")).result
        return capture.builder.emit(arith.CmpfOp(value.ssa, zero, "une")).result
    if isinstance(value, Choice):
        if not all(map(capture.is_plain, value.options)):
            return truth_of(capture, fork(capture, value, lambda option: truth_value(capture, option)))
        truths = [truth_of(capture, option) for option in value.options]
        if all(isinstance(truth, bool) for truth in truths):
            return truth_of(capture, whether(capture, value, [truth is True for truth in truths]))
        return truth_of(capture, fork(capture, value, lambda option: truth_value(capture, option)))
    for name in ("__bool__", "__len__"):
        method = capture.method(value, name)
        if method is not None:
            return truth_of(capture, capture.evaluator.call(capture, method, [], {}))
    return bool(capture.native(bool, value))


def truth_value(capture: "Capture", value: Value) -> Value:
    truth = truth_of(capture, value)
    return truth if isinstance(truth, bool) else Scalar(truth)


def invert(capture: "Capture", value: Value) -> Value:
    if isinstance(value, Scalar):
        return Scalar(capture.builder.emit(arith.XOrIOp(value.ssa, capture.builder.constant(True))).result)
    return not value
