"""What stands in for functions that must know of values known only at run time."""

import ast
import functools
import operator
import os
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch.utils import checkpoint

from dycl.frontends.torch.loops.sequences import RunTimeSequence
from dycl.frontends.torch.objects import scalars
from dycl.frontends.torch.objects.arrays import Array
from dycl.frontends.torch.objects.clocks import LEFT_OUT, ClockReading, read_environment
from dycl.frontends.torch.objects.copies import COPIES
from dycl.frontends.torch.objects.exit_stacks import EXIT_STACKS
from dycl.frontends.torch.objects.grown_lists import joined, length, numbers, reduced
from dycl.frontends.torch.objects.mathematics import MATHEMATICS
from dycl.frontends.torch.objects.numbers import stack_numbers, tensor_of
from dycl.frontends.torch.objects.operator_functions import OPERATOR_FUNCTIONS
from dycl.frontends.torch.objects.ordering import extreme, ordered
from dycl.frontends.torch.paths.branches import branch_value
from dycl.frontends.torch.paths.forks import fork, whether
from dycl.frontends.torch.paths.grown import grown_of, new_list
from dycl.frontends.torch.syntax.attributes import delete_attribute, has_attribute, read_attribute, write_attribute
from dycl.frontends.torch.syntax.conditions import fold, fold_each, value_of
from dycl.frontends.torch.syntax.functions import Closure
from dycl.frontends.torch.syntax.iteration import elements
from dycl.frontends.torch.syntax.iterators import ITERATORS
from dycl.frontends.torch.syntax.operators import binary_operation, comparison
from dycl.frontends.torch.syntax.subscripts import chosen
from dycl.frontends.torch.syntax.truth import truth_of, truth_value
from dycl.frontends.torch.tensors.heap import sizes_of
from dycl.frontends.torch.values import (
    Choice,
    Kind,
    ModelRaised,
    Scalar,
    Value,
    unknown_text,
)

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

StandIn: TypeAlias = Callable[..., Value]


def _len(capture: "Capture", value: Value) -> Value:
    if isinstance(value, RunTimeSequence):
        return value.length(capture)
    grown = grown_of(capture, value)
    if grown is not None:
        return length(capture, grown)
    capture.usable(value)
    if isinstance(value, torch.Tensor):
        return capture.torch_call(torch.Tensor.size, value, 0)
    if isinstance(value, Choice):
        if not all(map(capture.is_plain, value.options)):
            return fork(capture, value, lambda option: _len(capture, option))
        return chosen(capture, value.index, [len(option) for option in value.options])
    method = capture.method(value, "__len__")
    return capture.evaluator.call(capture, method, [], {}) if method is not None else capture.native(len, value)


def _isinstance(capture: "Capture", value: Value, kinds: Value) -> Value:
    capture.usable(value)
    if isinstance(value, Scalar):
        return issubclass(value.kind, kinds)
    if isinstance(value, Array):
        return issubclass(value.kind, kinds)
    if isinstance(value, Choice):
        return whether(capture, value, [_isinstance(capture, option, kinds) for option in value.options])
    return capture.native(isinstance, value, kinds)


def _type(capture: "Capture", value: Value, *rest: Value) -> Value:
    if rest:
        raise capture.error("a class made in a forward")
    capture.usable(value)
    if isinstance(value, Scalar | Array):
        return value.kind
    return torch.Tensor if capture.is_traced(value) else type(value)


def _getattr(capture: "Capture", owner: Value, name: str, *default: Value) -> Value:
    if not default:
        return read_attribute(capture, owner, name)
    try:
        return read_attribute(capture, owner, name)
    except ModelRaised as error:
        if isinstance(error.error, AttributeError):
            return default[0]
        raise


def _number(kind: Kind) -> StandIn:
    def convert(capture: "Capture", value: Value = 0, *rest: Value) -> Value:
        if kind is bool:
            return truth_value(capture, value)
        capture.usable(value)
        if isinstance(value, ClockReading):
            return value
        if isinstance(value, Array):
            value = value.tensor
        if isinstance(value, torch.Tensor):
            value = capture.item(value)
        if isinstance(value, Scalar):
            return scalars.convert(capture, value, kind)
        return capture.native(kind, value, *rest)

    return convert


def _text(function: Value) -> StandIn:
    def convert(capture: "Capture", *args: Value) -> Value:
        return unknown_text() if any(map(capture.holds_unknown, args)) else capture.native(function, *args)

    return convert


def _make(kind: type) -> StandIn:
    def make(capture: "Capture", *args: Value, **kwargs: Value) -> Value:
        grown = grown_of(capture, args[0]) if args and kind is list else None
        if grown is not None:
            return new_list(capture, grown)
        if len(args) == 1 and not kwargs and not isinstance(args[0], dict):
            args = ([*elements(capture, args[0])],)
        made = capture.native(kind, *args, **kwargs)
        return made if kind is tuple else capture.born(made)

    return make


def _sum(capture: "Capture", values: Value, start: Value = 0) -> Value:
    grown = grown_of(capture, values)
    if grown is not None:
        return binary_operation(capture, ast.Add, reduced(capture, grown, torch.sum), start)
    total = start
    for value in elements(capture, values):
        total = binary_operation(capture, ast.Add, total, value)
    return total


def _any(conjunction: bool) -> StandIn:
    def run(capture: "Capture", values: Value) -> Value:
        tests = (lambda value=value: truth_of(capture, value) for value in elements(capture, values))
        return value_of(fold_each(capture, tests, conjunction))

    return run


def _abs(capture: "Capture", value: Value) -> Value:
    if isinstance(value, Scalar):
        return scalars.absolute(capture, value)
    return capture.torch_call(abs, value) if isinstance(value, torch.Tensor) else capture.native(abs, value)


def _array_function(reduce: Value, native: Value) -> StandIn:
    """A numpy reduction of a list of numbers or of tensors of one element: stacked, then reduced by torch."""

    def run(capture: "Capture", values: Value, **kwargs: Value) -> Value:
        values = values.tensor if isinstance(values, Array) else values
        grown = grown_of(capture, values)
        if grown is not None and not kwargs:
            values = numbers(capture, grown)
        if not capture.holds_unknown(values):
            return capture.without_modes(lambda: capture.native(native, values, **kwargs))
        if kwargs or not isinstance(values, list | tuple | torch.Tensor):
            raise capture.error(f"`numpy.{native.__name__}` with options, on values known only at run time")
        stacked = values if isinstance(values, torch.Tensor) else stack_numbers(capture, values)
        item = capture.item(capture.torch_call(reduce, stacked))
        if reduce in (torch.argmax, torch.argmin) and None not in sizes_of(stacked):
            item.bounds = (0, stacked.numel() - 1)
        return item

    return run


def _tensor(capture: "Capture", data: Value, *args: Value, **kwargs: Value) -> Value:
    grown = grown_of(capture, data)
    if grown is not None:
        made = numbers(capture, grown)
        dtype = kwargs.get("dtype")
        return made if dtype is None else capture.torch_call(torch.Tensor.to, made, dtype)
    data = data.tensor if isinstance(data, Array) else data
    if not isinstance(data, torch.Tensor) and capture.holds_unknown(data):
        if args or set(kwargs) - {"dtype", "device"}:
            raise capture.error("`torch.tensor` with options, on values known only at run time")
        made = tensor_of(capture, data)
        dtype = kwargs.get("dtype")
        return made if dtype is None else capture.torch_call(torch.Tensor.to, made, dtype)
    return capture.torch_call(torch.tensor, data, *args, **kwargs)


def _from_numpy(capture: "Capture", array: Value) -> Value:
    return array.tensor if isinstance(array, Array) else capture.torch_call(torch.from_numpy, array)


def _as_tensor(capture: "Capture", data: Value, *args: Value, **kwargs: Value) -> Value:
    if isinstance(data, torch.Tensor | Array):
        data = data.tensor if isinstance(data, Array) else data
        return capture.torch_call(torch.as_tensor, data, *args, **kwargs)
    return _tensor(capture, data, *args, **kwargs)


def _getenv(capture: "Capture", *args: Value, **kwargs: Value) -> Value:
    return read_environment(capture, os.getenv, args, kwargs)


def _checkpoint(capture: "Capture", function: Value, *args: Value, **kwargs: Value) -> Value:
    """The function's value: to compute it again in the backward pass is of no use without one."""
    options = ("use_reentrant", "preserve_rng_state", "context_fn", "determinism_check", "debug", "early_stop")
    given = {name: value for name, value in kwargs.items() if name not in options}
    return capture.evaluator.call(capture, function, args, given)


def _typed_tensor(kind: Value, dtype: torch.dtype) -> StandIn:
    """One of torch's old classes of tensors, such as `torch.LongTensor`, of a list."""

    def make(capture: "Capture", *args: Value) -> Value:
        if len(args) == 1 and isinstance(args[0], list | tuple) and capture.holds_unknown(args[0]):
            return _tensor(capture, args[0], dtype=dtype)
        return capture.torch_call(kind, *args)

    return make


def _equal(capture: "Capture", one: Value, other: Value) -> Value:
    def elements_equal() -> Value:
        return capture.item(capture.torch_call(torch.all, capture.torch_call(torch.eq, one, other)))

    if one.dim() != other.dim():
        return False
    pairs = zip(capture.torch_call(torch.Tensor.size, one), capture.torch_call(torch.Tensor.size, other), strict=True)
    same = fold(
        capture,
        [lambda pair=pair: truth_of(capture, comparison(capture, ast.Eq, *pair)) for pair in pairs] or [lambda: True],
        True,
    )
    if isinstance(same, bool):
        return elements_equal() if same else False
    return branch_value(capture, same, elements_equal, lambda: False)


def _joining(function: Value, *, stack: bool) -> StandIn:
    """`torch.stack` or `torch.cat`, of a list that a loop has made longer too."""

    def run(capture: "Capture", tensors: Value, dim: int = 0, **kwargs: Value) -> Value:
        grown = grown_of(capture, tensors)
        if grown is None or set(kwargs) - {"axis"}:
            return capture.torch_call(function, tensors, dim, **kwargs)
        return joined(capture, grown, kwargs.get("axis", dim), stack=stack)

    return run


def _allclose(capture: "Capture", one: Value, other: Value, *args: Value, **kwargs: Value) -> Value:
    return capture.item(capture.torch_call(torch.all, capture.torch_call(torch.isclose, one, other, *args, **kwargs)))


def _partial(capture: "Capture", *args: Value, **kwargs: Value) -> Value:
    return capture.native(functools.partial, *args, **kwargs)


def _update_wrapper(capture: "Capture", wrapper: Value, wrapped: Value, *args: Value, **kwargs: Value) -> Value:
    """What it copies is names and text, which a function made in a forward does without."""
    return wrapper if isinstance(wrapper, Closure) else capture.native(functools.update_wrapper, wrapper, wrapped)


STAND_INS: dict[Value, StandIn] = {
    **COPIES,
    **EXIT_STACKS,
    **ITERATORS,
    **LEFT_OUT,
    **MATHEMATICS,
    **OPERATOR_FUNCTIONS,
    abs: _abs,
    operator.abs: _abs,
    all: _any(True),
    any: _any(False),
    bool: _number(bool),
    delattr: delete_attribute,
    dict: _make(dict),
    float: _number(float),
    format: _text(format),
    functools.partial: _partial,
    functools.update_wrapper: _update_wrapper,
    getattr: _getattr,
    hasattr: has_attribute,
    int: _number(int),
    isinstance: _isinstance,
    len: _len,
    list: _make(list),
    max: extreme(ast.Gt, max),
    min: extreme(ast.Lt, min),
    np.argmax: _array_function(torch.argmax, np.argmax),
    np.argmin: _array_function(torch.argmin, np.argmin),
    np.max: _array_function(torch.amax, np.max),
    np.mean: _array_function(torch.mean, np.mean),
    np.min: _array_function(torch.amin, np.min),
    np.sum: _array_function(torch.sum, np.sum),
    os.getenv: _getenv,
    repr: _text(repr),
    OrderedDict: _make(OrderedDict),
    deque: _make(deque),
    set: _make(set),
    setattr: write_attribute,
    sorted: ordered,
    str: _text(str),
    sum: _sum,
    torch.allclose: _allclose,
    torch.as_tensor: _as_tensor,
    torch.from_numpy: _from_numpy,
    checkpoint.checkpoint: _checkpoint,
    torch.as_tensor: _tensor,
    torch.cat: _joining(torch.cat, stack=False),
    torch.concat: _joining(torch.concat, stack=False),
    torch.stack: _joining(torch.stack, stack=True),
    torch.equal: _equal,
    torch.tensor: _tensor,
    torch.BoolTensor: _typed_tensor(torch.BoolTensor, torch.bool),
    torch.FloatTensor: _typed_tensor(torch.FloatTensor, torch.float32),
    torch.IntTensor: _typed_tensor(torch.IntTensor, torch.int32),
    torch.LongTensor: _typed_tensor(torch.LongTensor, torch.int64),
    tuple: _make(tuple),
    type: _type,
}

OF_GROWN_LISTS: frozenset[Value] = frozenset(
    [
        bool,
        enumerate,
        isinstance,
        iter,
        len,
        list,
        max,
        min,
        np.argmax,
        np.argmin,
        np.max,
        np.mean,
        np.min,
        np.sum,
        operator.getitem,
        print,
        reversed,
        sum,
        torch.as_tensor,
        torch.cat,
        torch.concat,
        torch.stack,
        torch.tensor,
        torch.BoolTensor,
        torch.FloatTensor,
        torch.IntTensor,
        torch.LongTensor,
        type,
        zip,
    ]
)
"""What takes lists whose length is known only at run time; others would see them without their items."""
