"""What stands in for functions that must know of values known only at run time."""

import ast
import functools
import itertools
import logging
import operator
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch

from dycl.frontends.torch import scalars
from dycl.frontends.torch.attributes import delete_attribute, has_attribute, read_attribute, write_attribute
from dycl.frontends.torch.conditions import fold, value_of
from dycl.frontends.torch.heap import sizes_of
from dycl.frontends.torch.iteration import Cursor, elements
from dycl.frontends.torch.numbers import stack_numbers, tensor_of
from dycl.frontends.torch.operators import binary_operation, comparison, unary_operation
from dycl.frontends.torch.subscripts import read_item
from dycl.frontends.torch.truth import truth_of
from dycl.frontends.torch.values import (
    Choice,
    Kind,
    ModelRaised,
    Scalar,
    Symbolic,
    Value,
    is_number,
    kind_of,
    unknown_text,
)

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

StandIn: TypeAlias = Callable[..., Value]


def _len(capture: "Capture", value: Value) -> Value:
    capture.usable(value)
    if isinstance(value, torch.Tensor):
        return capture.torch_call(torch.Tensor.size, value, 0)
    if isinstance(value, Choice):
        lengths = {len(option) for option in value.options}
        if len(lengths) == 1:
            return lengths.pop()
        raise capture.error("the length of an object chosen at run time", "the choices differ in it")
    method = capture.method(value, "__len__")
    return capture.evaluator.call(capture, method, [], {}) if method is not None else capture.native(len, value)


def _isinstance(capture: "Capture", value: Value, kinds: Value) -> bool:
    capture.usable(value)
    if isinstance(value, Scalar):
        return issubclass(value.kind, kinds)
    if isinstance(value, Choice):
        answers = {isinstance(option, kinds) for option in value.options}
        if len(answers) == 1:
            return answers.pop()
        raise capture.error("the type of an object chosen at run time", "the choices differ in it")
    return capture.native(isinstance, value, kinds)


def _type(capture: "Capture", value: Value, *rest: Value) -> Value:
    if rest:
        raise capture.error("a class made in a forward")
    capture.usable(value)
    if isinstance(value, Scalar):
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
        capture.usable(value)
        if isinstance(value, torch.Tensor):
            value = capture.item(value)
        if kind is bool and not is_number(value):
            return value_of(truth_of(capture, value))
        if isinstance(value, Scalar):
            return scalars.convert(capture, value, kind)
        return capture.native(kind, value, *rest)

    return convert


def _text(function: Value) -> StandIn:
    def convert(capture: "Capture", *args: Value) -> Value:
        return unknown_text() if any(map(capture.holds_unknown, args)) else capture.native(function, *args)

    return convert


def _print(capture: "Capture", *args: Value, **kwargs: Value) -> None:
    capture.warnings.setdefault("`print` and logging are left out of the compiled program")


def _range(capture: "Capture", *bounds: Value) -> Value:
    bounds = tuple(capture.item(bound) if isinstance(bound, torch.Tensor) else bound for bound in bounds)
    if any(isinstance(bound, Symbolic) for bound in bounds):
        raise capture.error(
            "a `range` whose bounds are known only at run time",
            "how often the loop runs is known only at run time, and only loops over Python values are taken",
            "loop over a fixed range and leave it with `break` or `return`",
        )
    return capture.native(range, *bounds)


def _lists(function: Value) -> StandIn:
    """A function over iterables that looks at no element."""

    def run(capture: "Capture", *iterables: Value, **kwargs: Value) -> Value:
        made = capture.native(function, *(elements(capture, values) for values in iterables), **kwargs)
        return Cursor(capture, made)

    return run


def _enumerate(capture: "Capture", values: Value, start: int = 0) -> Value:
    return Cursor(capture, capture.native(enumerate, elements(capture, values), start))


def _make(kind: type) -> StandIn:
    def make(capture: "Capture", *args: Value, **kwargs: Value) -> Value:
        if len(args) == 1 and not kwargs and not isinstance(args[0], dict):
            args = ([*elements(capture, args[0])],)
        made = capture.native(kind, *args, **kwargs)
        return made if kind is tuple else capture.born(made)

    return make


def _map(capture: "Capture", function: Value, *iterables: Value) -> Value:
    rows = zip(*(elements(capture, values) for values in iterables), strict=False)
    return Cursor(capture, iter([capture.evaluator.call(capture, function, row, {}) for row in rows]))


def _filter(capture: "Capture", function: Value, values: Value) -> Value:
    kept: list[Value] = []
    for value in elements(capture, values):
        truth = truth_of(capture, value if function is None else capture.evaluator.call(capture, function, [value], {}))
        if not isinstance(truth, bool):
            raise capture.error("a `filter` that depends on a tensor", "how many pass is known only at run time")
        if truth:
            kept.append(value)
    return Cursor(capture, iter(kept))


def _sum(capture: "Capture", values: Value, start: Value = 0) -> Value:
    total = start
    for value in elements(capture, values):
        total = binary_operation(capture, ast.Add, total, value)
    return total


def _any(conjunction: bool) -> StandIn:
    def run(capture: "Capture", values: Value) -> Value:
        found = list(elements(capture, values))
        if not found:
            return conjunction
        return value_of(fold(capture, [lambda value=value: truth_of(capture, value) for value in found], conjunction))

    return run


def _extreme(operator: type[ast.cmpop], function: Value) -> StandIn:
    """`max` or `min`: keeps the first unless a later one is beyond it."""

    def run(capture: "Capture", *args: Value, **kwargs: Value) -> Value:
        values = list(elements(capture, args[0])) if len(args) == 1 else list(args)
        if not any(map(capture.holds_unknown, values)):
            return capture.native(function, *args, **kwargs)
        if set(kwargs) == {"key"} and values:
            keys = _keys(capture, values, kwargs["key"])
            return values[keys.index(capture.native(function, keys))]
        if kwargs or not values:
            raise capture.error(f"`{function.__name__}` with options over values known only at run time")
        best = values[0]
        for value in values[1:]:
            best = _better(capture, comparison(capture, operator, value, best), value, best)
        return best

    return run


def _better(capture: "Capture", test: Value, value: Value, best: Value) -> Value:
    if isinstance(test, bool):
        return value if test else best
    if isinstance(test, torch.Tensor) and isinstance(value, torch.Tensor) and isinstance(best, torch.Tensor):
        if value.dtype == best.dtype and value.size() == best.size() == test.size() and value.numel() == 1:
            return capture.torch_call(torch.where, test, value, best)
    elif isinstance(test, Scalar) and kind_of(value) is kind_of(best):
        return scalars.select(capture, test, value, best)
    raise capture.error("`max` or `min` over values of several kinds that are known only at run time")


def _keys(capture: "Capture", values: list[Value], key: Value) -> list[Value]:
    keys = values if key is None else [capture.evaluator.call(capture, key, [value], {}) for value in values]
    if any(map(capture.holds_unknown, keys)):
        raise capture.error(
            "an order of values known only at run time",
            "which is the larger is not known while the program is compiled",
            "stack the values into a tensor and use torch.sort or torch.topk",
        )
    return keys


def _sorted(capture: "Capture", values: Value, key: Value = None, reverse: bool = False) -> Value:
    items = list(elements(capture, values))
    keys = _keys(capture, items, key)
    order = capture.native(sorted, range(len(items)), key=keys.__getitem__, reverse=reverse)
    return capture.born([items[index] for index in order])


def _reduce(capture: "Capture", function: Value, values: Value, *initial: Value) -> Value:
    items = [*initial, *elements(capture, values)]
    if not items:
        raise capture.raised(TypeError("reduce() of empty iterable with no initial value"))
    total = items[0]
    for item in items[1:]:
        total = capture.evaluator.call(capture, function, [total, item], {})
    return total


def _abs(capture: "Capture", value: Value) -> Value:
    if isinstance(value, Scalar):
        return scalars.absolute(capture, value)
    return capture.torch_call(abs, value) if isinstance(value, torch.Tensor) else capture.native(abs, value)


def _operator(name: str) -> StandIn:
    kind = _OPERATORS[name]

    def run(capture: "Capture", left: Value, right: Value) -> Value:
        if issubclass(kind, ast.cmpop):
            return comparison(capture, kind, left, right)
        return binary_operation(capture, kind, left, right)

    return run


_OPERATORS: dict[str, type[ast.cmpop] | type[ast.operator]] = {
    "add": ast.Add,
    "eq": ast.Eq,
    "ge": ast.GtE,
    "gt": ast.Gt,
    "le": ast.LtE,
    "lt": ast.Lt,
    "mul": ast.Mult,
    "ne": ast.NotEq,
    "sub": ast.Sub,
    "truediv": ast.Div,
}


def _array_function(reduce: Value, native: Value) -> StandIn:
    """A numpy reduction of a list of numbers or of tensors of one element: stacked, then reduced by torch."""

    def run(capture: "Capture", values: Value, **kwargs: Value) -> Value:
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
    if not isinstance(data, torch.Tensor) and capture.holds_unknown(data):
        if args or set(kwargs) - {"dtype", "device"}:
            raise capture.error("`torch.tensor` with options, on values known only at run time")
        made = tensor_of(capture, data)
        dtype = kwargs.get("dtype")
        return made if dtype is None else capture.torch_call(torch.Tensor.to, made, dtype)
    return capture.torch_call(torch.tensor, data, *args, **kwargs)


def _equal(capture: "Capture", one: Value, other: Value) -> Value:
    if one.size() != other.size():
        return False
    return capture.item(capture.torch_call(torch.all, capture.torch_call(torch.eq, one, other)))


def _allclose(capture: "Capture", one: Value, other: Value, *args: Value, **kwargs: Value) -> Value:
    return capture.item(capture.torch_call(torch.all, capture.torch_call(torch.isclose, one, other, *args, **kwargs)))


def _iter(capture: "Capture", values: Value) -> Value:
    return values if isinstance(values, Cursor) else Cursor(capture, elements(capture, values))


def _next(capture: "Capture", iterator: Value, *default: Value) -> Value:
    capture.usable(iterator)
    if isinstance(iterator, Cursor) and isinstance(iterator.position, Symbolic):
        raise capture.error("`next` on an iterator whose place depends on the path", advice="index a list instead")
    if not isinstance(iterator, Cursor):
        elements(capture, iterator)
    return capture.native(next, iterator, *default)


def _negative(capture: "Capture", value: Value) -> Value:
    return unary_operation(capture, ast.USub, value)


def _reversed(capture: "Capture", values: Value) -> Value:
    return Cursor(capture, iter([*elements(capture, values)][::-1]))


def _read_item(capture: "Capture", owner: Value, index: Value) -> Value:
    return read_item(capture, owner, index)


STAND_INS: dict[Value, StandIn] = {
    abs: _abs,
    all: _any(True),
    any: _any(False),
    bool: _number(bool),
    delattr: delete_attribute,
    dict: _make(dict),
    enumerate: _enumerate,
    filter: _filter,
    float: _number(float),
    format: _text(format),
    getattr: _getattr,
    hasattr: has_attribute,
    int: _number(int),
    isinstance: _isinstance,
    iter: _iter,
    itertools.chain: _lists(itertools.chain),
    itertools.zip_longest: _lists(itertools.zip_longest),
    len: _len,
    list: _make(list),
    logging.debug: _print,
    logging.info: _print,
    logging.warning: _print,
    map: _map,
    max: _extreme(ast.Gt, max),
    min: _extreme(ast.Lt, min),
    next: _next,
    np.argmax: _array_function(torch.argmax, np.argmax),
    np.argmin: _array_function(torch.argmin, np.argmin),
    np.max: _array_function(torch.amax, np.max),
    np.mean: _array_function(torch.mean, np.mean),
    np.min: _array_function(torch.amin, np.min),
    np.sum: _array_function(torch.sum, np.sum),
    operator.getitem: _read_item,
    operator.neg: _negative,
    print: _print,
    range: _range,
    repr: _text(repr),
    OrderedDict: _make(OrderedDict),
    deque: _make(deque),
    reversed: _reversed,
    functools.reduce: _reduce,
    set: _make(set),
    setattr: write_attribute,
    sorted: _sorted,
    str: _text(str),
    sum: _sum,
    torch.allclose: _allclose,
    torch.equal: _equal,
    torch.tensor: _tensor,
    tuple: _make(tuple),
    type: _type,
    zip: _lists(zip),
    **{getattr(operator, name): _operator(name) for name in _OPERATORS},
}
