"""Python's functions that make iterators, and those of `itertools`."""

import functools
import itertools
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from dycl.frontends.torch.loops.sequences import RunTimeSequence, backwards, enumerated, zipped
from dycl.frontends.torch.syntax.generators import filtered, mapped
from dycl.frontends.torch.syntax.iteration import Cursor, counted, elements, sequence_of
from dycl.frontends.torch.syntax.truth import truth_of
from dycl.frontends.torch.values import Scalar, Symbolic, Value, kind_of

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

StandIn = Callable[..., Value]


def _range(capture: "Capture", *bounds: Value) -> Value:
    bounds = tuple(capture.index(bound) if isinstance(bound, torch.Tensor) else bound for bound in bounds)
    if any(isinstance(bound, Scalar) for bound in bounds):
        if any(kind_of(bound) is float for bound in bounds):
            raise capture.raised(TypeError("'float' object cannot be interpreted as an integer"))
        start, stop, step = (0, *bounds, 1) if len(bounds) == 1 else (*bounds, 1)[:3]
        return RunTimeSequence(start, stop, step, lambda index: index)
    return capture.native(range, *bounds)


def _lists(function: Value) -> StandIn:
    """A function over iterables that looks at no element."""

    def run(capture: "Capture", *iterables: Value, **kwargs: Value) -> Value:
        if function is zip and any(isinstance(sequence_of(capture, v), RunTimeSequence) for v in iterables):
            return zipped(capture, [counted(capture, values) for values in iterables])
        made = capture.native(function, *(elements(capture, values) for values in iterables), **kwargs)
        return Cursor(capture, made)

    return run


def _enumerate(capture: "Capture", values: Value, start: Value = 0) -> Value:
    sequence = sequence_of(capture, values)
    if isinstance(sequence, RunTimeSequence):
        return enumerated(capture, sequence, start)
    return Cursor(capture, capture.native(enumerate, elements(capture, values), start))


def _map(capture: "Capture", function: Value, *iterables: Value) -> Value:
    rows = zip(*(elements(capture, values) for values in iterables), strict=False)
    return mapped(capture, function, Cursor(capture, rows))


def _filter(capture: "Capture", function: Value, values: Value) -> Value:
    return filtered(capture, function, values)


def _reduce(capture: "Capture", function: Value, values: Value, *initial: Value) -> Value:
    items = [*initial, *elements(capture, values)]
    if not items:
        raise capture.raised(TypeError("reduce() of empty iterable with no initial value"))
    total = items[0]
    for item in items[1:]:
        total = capture.evaluator.call(capture, function, [total, item], {})
    return total


def _repeat(capture: "Capture", value: Value, *times: int) -> Value:
    return Cursor(capture, itertools.repeat(value, *times))


def _product(capture: "Capture", *iterables: Value, repeat: int = 1) -> Value:
    lists = [list(elements(capture, values)) for values in iterables]
    return Cursor(capture, itertools.product(*lists, repeat=repeat))


def _slice_of(capture: "Capture", values: Value, *bounds: Value) -> Value:
    return Cursor(capture, capture.native(itertools.islice, elements(capture, values), *bounds))


def _starmap(capture: "Capture", function: Value, rows: Value) -> Value:
    return mapped(capture, function, rows)


def _accumulate(capture: "Capture", values: Value, function: Value = operator.add, *, initial: Value = None) -> Value:
    items = [*([] if initial is None else [initial]), *elements(capture, values)]
    found = items[:1]
    for item in items[1:]:
        found.append(capture.evaluator.call(capture, function, [found[-1], item], {}))
    return Cursor(capture, iter(found))


def _combinations(function: Value) -> StandIn:
    def run(capture: "Capture", values: Value, *count: int) -> Value:
        return Cursor(capture, capture.native(function, list(elements(capture, values)), *count))

    return run


def _from_iterable(capture: "Capture", iterables: Value) -> Value:
    made = itertools.chain.from_iterable(elements(capture, values) for values in elements(capture, iterables))
    return Cursor(capture, made)


def _cycle(capture: "Capture", values: Value) -> Value:
    return Cursor(capture, itertools.cycle(elements(capture, values)))


def _tee(capture: "Capture", values: Value, count: int = 2) -> Value:
    return tuple(Cursor(capture, each) for each in itertools.tee(elements(capture, values), count))


def _compress(capture: "Capture", values: Value, selectors: Value) -> Value:
    known = (_known(capture, "compress", None, selector) for selector in elements(capture, selectors))
    return Cursor(capture, itertools.compress(elements(capture, values), known))


def _by_truth(function: Value) -> StandIn:
    """`takewhile`, `dropwhile` and `filterfalse`, by what Python alone decides."""

    def run(capture: "Capture", test: Value, values: Value) -> Value:
        name = function.__name__

        def decide(value: Value) -> bool:
            return _known(capture, name, test, value)

        return Cursor(capture, function(decide, elements(capture, values)))

    return run


def _known(capture: "Capture", name: str, test: Value, value: Value) -> bool:
    found = truth_of(capture, value if test is None else capture.evaluator.call(capture, test, [value], {}))
    if not isinstance(found, bool):
        raise capture.error(
            f"`itertools.{name}` by a condition known only at run time",
            "how many values it gives is not known while the program is compiled",
            "write it as a loop with `if`",
        )
    return found


def _groups(capture: "Capture", values: Value, key: Value = None) -> Value:
    items = list(elements(capture, values))
    keys = items if key is None else [capture.evaluator.call(capture, key, [item], {}) for item in items]
    if any(map(capture.holds_unknown, keys)):
        raise capture.error(
            "`itertools.groupby` by keys known only at run time",
            "how many groups there are is not known while the program is compiled",
            "group them with torch's operations",
        )
    pairs = capture.native(
        lambda: [(k, list(group)) for k, group in itertools.groupby(zip(keys, items, strict=True), _first)]
    )
    return Cursor(capture, iter([(k, Cursor(capture, iter([item for _, item in group]))) for k, group in pairs]))


_first = operator.itemgetter(0)


def _iter(capture: "Capture", values: Value) -> Value:
    return values if isinstance(values, Cursor) else Cursor(capture, elements(capture, values))


def _next(capture: "Capture", iterator: Value, *default: Value) -> Value:
    capture.usable(iterator)
    if isinstance(iterator, Cursor) and isinstance(iterator.position, Symbolic):
        raise capture.error("`next` on an iterator whose place depends on the path", advice="index a list instead")
    if not isinstance(iterator, Cursor):
        elements(capture, iterator)
    return capture.native(next, iterator, *default)


def _reversed(capture: "Capture", values: Value) -> Value:
    sequence = sequence_of(capture, values)
    if isinstance(sequence, RunTimeSequence):
        return backwards(capture, sequence)
    return Cursor(capture, iter([*elements(capture, values)][::-1]))


ITERATORS: dict[Value, StandIn] = {
    enumerate: _enumerate,
    filter: _filter,
    functools.reduce: _reduce,
    iter: _iter,
    itertools.accumulate: _accumulate,
    itertools.chain: _lists(itertools.chain),
    itertools.chain.from_iterable: _from_iterable,
    itertools.combinations: _combinations(itertools.combinations),
    itertools.combinations_with_replacement: _combinations(itertools.combinations_with_replacement),
    itertools.compress: _compress,
    itertools.cycle: _cycle,
    itertools.dropwhile: _by_truth(itertools.dropwhile),
    itertools.filterfalse: _by_truth(itertools.filterfalse),
    itertools.groupby: _groups,
    itertools.islice: _slice_of,
    itertools.pairwise: _combinations(itertools.pairwise),
    itertools.permutations: _combinations(itertools.permutations),
    itertools.product: _product,
    itertools.repeat: _repeat,
    itertools.starmap: _starmap,
    itertools.takewhile: _by_truth(itertools.takewhile),
    itertools.tee: _tee,
    itertools.zip_longest: _lists(itertools.zip_longest),
    map: _map,
    next: _next,
    range: _range,
    reversed: _reversed,
    zip: _lists(zip),
}
