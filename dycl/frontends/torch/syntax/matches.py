"""`match`: patterns against Python values; literals also against numbers known only at run time.

A case is tried only where none before it has matched, so a test that is known only at run time makes a branch, with the
cases after it on its other side.
"""

import ast
from collections.abc import Callable, Mapping, Sequence

import torch

from dycl.errors import an
from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.paths.branches import branch
from dycl.frontends.torch.paths.control import Completion
from dycl.frontends.torch.syntax.assignment import bind
from dycl.frontends.torch.syntax.attributes import has_attribute, read_attribute
from dycl.frontends.torch.syntax.conditions import Truth, condition, fold
from dycl.frontends.torch.syntax.operators import comparison
from dycl.frontends.torch.syntax.truth import truth_of
from dycl.frontends.torch.values import Choice, Poison, Scalar, Symbolic, Value

_WHOLE = (bool, bytearray, bytes, dict, float, frozenset, int, list, set, str, tuple)
"""Classes whose one positional pattern is for the value itself."""


def execute_match(activation: Activation, node: ast.Match) -> Completion:
    return _cases(activation, activation.evaluate(node.subject), node.cases)


def _cases(activation: Activation, subject: Value, cases: Sequence[ast.match_case]) -> Completion:
    if not cases:
        return None
    case, rest = cases[0], cases[1:]
    names: dict[str, Value] = {}
    test = _matches(activation, case.pattern, subject, names)
    if isinstance(test, bool):
        return _guarded(activation, subject, case, rest, names) if test else _cases(activation, subject, rest)
    return branch(
        activation.capture,
        test,
        lambda: (_guarded(activation, subject, case, rest, names), None),
        lambda: (_cases(activation, subject, rest), None),
    )[0]


def _guarded(
    activation: Activation,
    subject: Value,
    case: ast.match_case,
    rest: Sequence[ast.match_case],
    names: dict[str, Value],
) -> Completion:
    for name, value in names.items():
        bind(activation, name, value)
    test = condition(activation, case.guard) if case.guard is not None else True
    if isinstance(test, bool):
        return activation.execute(case.body) if test else _cases(activation, subject, rest)
    return branch(
        activation.capture,
        test,
        lambda: (activation.execute(case.body), None),
        lambda: (_cases(activation, subject, rest), None),
    )[0]


def _matches(activation: Activation, pattern: ast.pattern, subject: Value, names: dict[str, Value]) -> Truth:
    """Whether a value fits a pattern; what the pattern captures is added to `names`."""
    capture = activation.capture
    match pattern:
        case ast.MatchValue(value):
            expected = activation.evaluate(value)
            activation.node = value
            if isinstance(subject, torch.Tensor | Choice | Poison):
                shown = subject.describe() if isinstance(subject, Symbolic) else "a tensor"
                raise capture.error(f"`match` of {shown} with a value", advice="compare with `if`")
            return truth_of(capture, comparison(capture, ast.Eq, subject, expected))
        case ast.MatchSingleton(value):
            if isinstance(subject, Scalar) and subject.kind is bool and value is not None:
                return truth_of(capture, comparison(capture, ast.Eq, subject, value))
            found = comparison(capture, ast.Is, subject, value) if not isinstance(subject, Scalar) else False
            return truth_of(capture, found)
        case ast.MatchAs(inner, name):
            test = True if inner is None else _matches(activation, inner, subject, names)
            if name is not None:
                names[name] = subject
            return test
        case ast.MatchOr(patterns):
            return fold(capture, [_test(activation, part, subject, names) for part in patterns], False)
        case ast.MatchSequence(patterns):
            return _sequence(activation, patterns, subject, names)
        case ast.MatchMapping(keys, patterns, rest):
            return _mapping(activation, keys, patterns, rest, subject, names)
        case ast.MatchClass():
            return _class(activation, pattern, subject, names)
        case _:
            raise capture.error(f"{an(type(pattern).__name__)} pattern")


def _test(activation: Activation, pattern: ast.pattern, subject: Value, names: dict[str, Value]) -> Callable[[], Truth]:
    return lambda: _matches(activation, pattern, subject, names)


def _all(activation: Activation, tests: Sequence[Callable[[], Truth]]) -> Truth:
    return fold(activation.capture, tests, True) if tests else True


def _sequence(
    activation: Activation, patterns: Sequence[ast.pattern], subject: Value, names: dict[str, Value]
) -> Truth:
    if not isinstance(subject, list | tuple | range):
        return False
    activation.capture.usable(subject)
    stars = [index for index, part in enumerate(patterns) if isinstance(part, ast.MatchStar)]
    if len(subject) < len(patterns) - len(stars) or (not stars and len(subject) != len(patterns)):
        return False
    if not stars:
        return _all(activation, [_test(activation, *pair, names) for pair in zip(patterns, subject, strict=True)])
    at, after = stars[0], len(patterns) - stars[0] - 1
    star = patterns[at]
    assert isinstance(star, ast.MatchStar)
    if star.name is not None:
        names[star.name] = activation.capture.born(list(subject[at : len(subject) - after]))
    first = zip(patterns[:at], subject[:at], strict=True)
    last = zip(patterns[at + 1 :], subject[len(subject) - after :], strict=True)
    return _all(activation, [_test(activation, *pair, names) for pair in (*first, *last)])


def _mapping(
    activation: Activation,
    keys: Sequence[ast.expr],
    patterns: Sequence[ast.pattern],
    rest: str | None,
    subject: Value,
    names: dict[str, Value],
) -> Truth:
    if not isinstance(subject, Mapping):
        return False
    activation.capture.usable(subject)
    found = [activation.evaluate(key) for key in keys]
    if not all(key in subject for key in found):
        return False
    if rest is not None:
        names[rest] = activation.capture.born({key: value for key, value in subject.items() if key not in found})
    pairs = zip(patterns, (subject[key] for key in found), strict=True)
    return _all(activation, [_test(activation, *pair, names) for pair in pairs])


def _class(activation: Activation, pattern: ast.MatchClass, subject: Value, names: dict[str, Value]) -> Truth:
    capture = activation.capture
    kind = activation.evaluate(pattern.cls)
    activation.node = pattern.cls
    fits = issubclass(subject.kind, kind) if isinstance(subject, Scalar) else capture.native(isinstance, subject, kind)
    if not fits:
        return False
    attributes = list(pattern.kwd_attrs)
    parts = list(pattern.kwd_patterns)
    tests: list[Callable[[], Truth]] = []
    if pattern.patterns and kind in _WHOLE:
        tests.append(_test(activation, pattern.patterns[0], subject, names))
    elif pattern.patterns:
        positional = capture.native(getattr, kind, "__match_args__", ())
        if len(pattern.patterns) > len(positional):
            raise capture.raised(TypeError(f"{kind.__name__}() accepts {len(positional)} positional sub-patterns"))
        attributes = [*positional[: len(pattern.patterns)], *attributes]
        parts = [*pattern.patterns, *parts]
    for name, part in zip(attributes, parts, strict=True):
        if not has_attribute(capture, subject, name):
            return False
        tests.append(_test(activation, part, read_attribute(capture, subject, name), names))
    return _all(activation, tests)
