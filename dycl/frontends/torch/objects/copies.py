"""Copies of Python objects that hold values known only at run time."""

import copy
import dataclasses
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from dycl.errors import an
from dycl.frontends.torch.syntax.attributes import read_attribute
from dycl.frontends.torch.values import Scalar, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture


def _copy(capture: "Capture", value: Value) -> Value:
    if isinstance(value, list | dict | set | deque):
        return capture.born(capture.native(value.copy))
    if isinstance(value, torch.Tensor) and capture.is_traced(value):
        return capture.torch_call(torch.Tensor.detach, value)  # the same memory
    return value if isinstance(value, Scalar | tuple) else capture.native(copy.copy, value)


def _deepcopy(capture: "Capture", value: Value, memo: Value = None) -> Value:
    if isinstance(value, torch.Tensor):
        return capture.torch_call(torch.clone, value)
    if isinstance(value, tuple):
        items = [_deepcopy(capture, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if type(value) in (list, deque):
        return capture.born(type(value)(_deepcopy(capture, item) for item in value))
    if type(value) in (dict, OrderedDict):
        return capture.born(type(value)((key, _deepcopy(capture, item)) for key, item in value.items()))
    if isinstance(value, Scalar):
        return value
    if capture.holds_unknown(value) or capture.birth(value):
        raise capture.error(
            f"`copy.deepcopy` of {an(type(value).__name__)}", "only lists, tuples, dicts and tensors are copied"
        )
    return capture.native(copy.deepcopy, value)


def _replaced(capture: "Capture", value: Value, **changes: Value) -> Value:
    """`dataclasses.replace`"""
    fields = {
        field.name: read_attribute(capture, value, field.name)
        for field in dataclasses.fields(value)
        if field.init and field.name not in changes
    }
    return capture.evaluator.call(capture, type(value), [], {**fields, **changes})


COPIES: dict[Value, Callable[..., Value]] = {
    copy.copy: _copy,
    copy.deepcopy: _deepcopy,
    dataclasses.replace: _replaced,
}
