"""`max`, `min` and `sorted` over values known only at run time."""

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from dycl.frontends.torch.objects import scalars
from dycl.frontends.torch.objects.grown_lists import reduced
from dycl.frontends.torch.objects.numbers import stack_numbers
from dycl.frontends.torch.paths.grown import grown_of
from dycl.frontends.torch.syntax.iteration import elements
from dycl.frontends.torch.syntax.operators import comparison
from dycl.frontends.torch.syntax.subscripts import choose
from dycl.frontends.torch.values import Scalar, Value, is_number, kind_of

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

StandIn = Callable[..., Value]


def extreme(operator: type[ast.cmpop], function: Value) -> StandIn:
    """`max` or `min`: keeps the first unless a later one is beyond it."""

    def run(capture: "Capture", *args: Value, **kwargs: Value) -> Value:
        grown = grown_of(capture, args[0]) if len(args) == 1 and not kwargs else None
        if grown is not None:
            return reduced(capture, grown, torch.amax if function is max else torch.amin)
        values = list(elements(capture, args[0])) if len(args) == 1 else list(args)
        key = kwargs.get("key")
        if not any(map(capture.holds_unknown, values)) and key is None:
            return capture.native(function, values, **kwargs)
        if not values and "default" in kwargs:
            return kwargs["default"]
        if not values:
            raise capture.raised(ValueError(f"{function.__name__}() arg is an empty sequence"))
        keys = values if key is None else [capture.evaluator.call(capture, key, [value], {}) for value in values]
        if not any(map(capture.holds_unknown, keys)):
            return values[keys.index(capture.native(function, keys))]
        if key is not None:
            return _by_key(capture, operator, values, keys)
        best = values[0]
        for value in values[1:]:
            test = comparison(capture, operator, value, best)
            if isinstance(test, Scalar) and all(is_number(v) and kind_of(v) is int for v in (value, best)):
                best = scalars.extreme(capture, operator is ast.Gt, value, best)
            else:
                best = _better(capture, test, value, best)
        return best

    return run


def _by_key(capture: "Capture", operator: type[ast.cmpop], values: list[Value], keys: list[Value]) -> Value:
    best, at = keys[0], 0
    for index, key in enumerate(keys[1:], 1):
        test = comparison(capture, operator, key, best)
        if isinstance(test, torch.Tensor):
            test = capture.item(test)
        best = _better(capture, test, capture.item(key) if isinstance(key, torch.Tensor) else key, best)
        at = _better(capture, test, index, at)
        if isinstance(at, Scalar):
            at.bounds = (0, index)
    return choose(capture, values, at) if isinstance(at, Scalar) else values[at]


def _better(capture: "Capture", test: Value, value: Value, best: Value) -> Value:
    if isinstance(test, bool):
        return value if test else best
    if isinstance(test, torch.Tensor) and isinstance(value, torch.Tensor) and isinstance(best, torch.Tensor):
        if value.dtype == best.dtype and value.size() == best.size() == test.size() and value.numel() == 1:
            return capture.torch_call(torch.where, test, value, best)
    elif isinstance(test, Scalar):
        best = capture.item(best) if isinstance(best, torch.Tensor) else best
        if is_number(value) and is_number(best) and kind_of(value) is kind_of(best):
            return scalars.select(capture, test, value, best)
    raise capture.error("`max` or `min` over values of several kinds that are known only at run time")


def ordered(capture: "Capture", values: Value, key: Value = None, reverse: bool = False) -> Value:
    """`sorted`."""
    items = list(elements(capture, values))
    keys = items if key is None else [capture.evaluator.call(capture, key, [item], {}) for item in items]
    if not any(map(capture.holds_unknown, keys)):
        order = capture.native(sorted, range(len(items)), key=keys.__getitem__, reverse=reverse)
        return capture.born([items[index] for index in order])
    if key is None and all(map(is_number, items)) and len({kind_of(item) for item in items}) == 1:
        found = capture.torch_call(torch.sort, stack_numbers(capture, items), descending=reverse, stable=True)
        return capture.born([capture.item(item) for item in capture.torch_call(torch.unbind, found[0])])
    keys = [capture.item(k) if isinstance(k, torch.Tensor) and k.numel() == 1 else k for k in keys]
    if all(map(is_number, keys)) and len({kind_of(number) for number in keys}) == 1:
        order = capture.torch_call(torch.sort, stack_numbers(capture, keys), descending=reverse, stable=True)[1]
        places = [capture.item(place) for place in capture.torch_call(torch.unbind, order)]
        for place in places:
            place.bounds = (0, len(items) - 1)
        return capture.born([choose(capture, items, place) for place in places])
    raise capture.error(
        "an order of values known only at run time",
        "which is the larger is not known while the program is compiled",
        "stack the values into a tensor and use torch.sort or torch.topk",
    )
