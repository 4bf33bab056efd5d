"""Python's functions of numbers on numbers known only at run time: the same to the last bit, and the same errors."""

# ruff: noqa: RUF057
# The programs are as people write them.

# The programs are as people write them.

import itertools
import math

import pytest
import torch

from dycl.ir.interpret import interpret
from tests.frontend.capturing import ALL, NEG, POS, capture, check, program, refuse

WIDE = [*ALL, 3 * POS, torch.tensor([[0.5, 1.5, 2.5]]), torch.tensor([[-0.5, -1.5, -2.5]]), torch.zeros(1, 3)]


def exactly(forward, *inputs):
    """Compare a program that returns numbers with eager execution, to the bit."""
    module = program(forward)
    captured = capture(module, inputs[0])
    for x in inputs:
        expected = module(x)
        assert [repr(v) for v in interpret(captured.module, captured.weights, [x])] == [repr(v) for v in expected]


def test_elementary_functions():
    def forward(self, x):
        v, w = x[0, 0].item(), x[0, 1].item()
        a = abs(v)
        return (
            math.exp(v),
            math.sqrt(abs(w)),
            math.sin(v),
            math.cos(v),
            math.tan(v),
            math.tanh(v),
            math.log(a + 1),
            math.log(a + 1, 2),
            math.log2(a + 1),
            math.log10(a + 1),
            math.log1p(a),
            math.expm1(v),
            math.atan(v),
            math.atan2(v, w),
            math.asin(v / 10),
            math.acos(v / 10),
            math.sinh(v),
            math.cosh(v),
            math.erf(v),
            math.fabs(v),
            math.pow(a, 1.5),
            math.exp(1) * v,
        )

    exactly(forward, *WIDE)


def test_rounding():
    def forward(self, x):
        v, w = x[0, 0].item(), x[0, 1].item()
        n = int(w)
        return (
            math.floor(v),
            math.ceil(w),
            round(v),
            round(w),
            math.trunc(v),
            int(v),
            round(n),
            math.floor(n),
            round(n, 2),
        )

    exactly(forward, *WIDE)


def test_tests_of_floats():
    def forward(self, x):
        v = x[0, 0].item()
        return math.isnan(v), math.isinf(v), math.isfinite(v)

    exactly(forward, *WIDE, torch.tensor([[math.inf, 0, 0]]), torch.tensor([[math.nan, 0, 0]]))


def test_operators():
    def forward(self, x):
        v, w = x[0, 0].item(), x[0, 1].item()
        n, m = int(w * 3), abs(int(v * 3)) + 1
        return (
            n**2,
            m**m,
            2**m,
            n << 2,
            n >> 1,
            1 << m,
            -n,
            ~n,
            n // m,
            n % m,
            n // 2,
            n % -3,
            *divmod(n, 3),
            n & 3,
            n | 1,
            n ^ 5,
            bool(n),
            float(n),
            n / m,
            True + m,
            v**2,
            abs(v) ** 0.5,
            2.0**v,
            m**0.5,
            m**-1,
            pow(m, 2),
            n * v,
            math.prod([n, 2, m]),
        )

    exactly(forward, *WIDE)


def test_sums_extremes_and_orders():
    def forward(self, x):
        a = [x.max().item(), x.min().item(), 1.0]
        n = [int(x[0, 0]), int(x[0, 1]), 2]
        return (
            any(v > 1 for v in a),
            all(v < 5 for v in a),
            sum(a),
            min(a),
            max(a),
            min(n),
            max(*n),
            abs(a[1]),
            abs(n[0]),
            sorted(a)[1],
            sorted(n, reverse=True)[0],
        )

    exactly(forward, *WIDE)


def test_the_largest_by_a_key():
    def forward(self, x):
        parts = [x, x * 2 - 1, -x]
        best = max(parts, key=lambda p: p.max().item())
        least = min(parts, key=lambda p: p.sum())
        return best, least, max([(x, 1), (x, 2)], key=lambda p: p[0].sum().item() * p[1])[1]

    check(forward, *ALL, all_sides=False)


@pytest.mark.parametrize(
    ("function", "bad"),
    [
        (lambda v: math.sqrt(v), -1.0),
        (lambda v: math.log(v), 0.0),
        (lambda v: math.log(v), -1.0),
        (lambda v: math.log1p(v), -1.0),
        (lambda v: math.acos(v), 1.5),
        (lambda v: math.sin(v), math.inf),
        (lambda v: math.exp(v), 1e6),
        (lambda v: math.cosh(v), 1e6),
        (lambda v: v**-1.0, 0.0),
        (lambda v: (v * 1e30) ** 9.5, 1e30),
        (lambda v: math.pow(v, 0.5), -1.0),
        (lambda v: int(v), math.nan),
        (lambda v: int(v), math.inf),
        (lambda v: math.floor(v), math.inf),
        (lambda v: round(v), math.nan),
        (lambda v: 1 << int(v), -1.0),
    ],
)
def test_what_python_raises(function, bad):
    def forward(self, x):
        return function(x[0, 0].item())

    check(forward, torch.full((1, 3), 0.5), torch.full((1, 3), bad))


def test_errors_are_handled():
    def forward(self, x):
        v = x[0, 0].item()
        try:
            return math.log(v) + math.exp(v * 1000)
        except ValueError:
            return -1.0
        except OverflowError:
            return -2.0

    check(forward, torch.full((1, 3), 0.5), torch.full((1, 3), -0.5), torch.full((1, 3), 5.0), all_sides=False)


@pytest.mark.parametrize("function", [int, math.floor, math.ceil, math.trunc, round])
def test_each_float_that_is_no_int_has_python_s_exception(function):
    def forward(self, x):
        try:
            return function(x[0, 0].item())
        except ValueError:
            return -1
        except OverflowError:
            return -2

    def unhandled(self, x):
        return function(x[0, 0].item())

    check(forward, *(torch.full((1, 3), value) for value in (math.nan, math.inf, -math.inf, 2.5, -(2.0**63))))
    for values, raised in ((math.nan, ValueError), (math.inf, OverflowError), (-math.inf, OverflowError)):
        captured = capture(program(unhandled), POS)
        with pytest.raises(raised, match=r"cannot convert float (NaN|infinity) to integer"):
            interpret(captured.module, captured.weights, [torch.full((1, 3), values)])


def test_a_float_beyond_64_bits_is_an_int_that_no_handler_hides():
    def forward(self, x):
        try:
            return int(x[0, 0])
        except (ValueError, OverflowError):
            return -1

    captured = capture(program(forward), POS)
    for value in (1e30, -1e30, 2.0**63):
        with pytest.raises(OverflowError, match="beyond 64 bits"):
            interpret(captured.module, captured.weights, [torch.full((1, 3), value)])


def test_ints_beyond_64_bits_are_refused():
    def hashed(self, x):
        h = 1469598103934665603
        for value in x[0]:
            h = ((h ^ int(value)) * 1099511628211) % (1 << 64)
        return h % 97

    def added(self, x):
        return int(x.sum()) + 2**70

    def least(self, x):
        return min(int(x.sum()), 2**63)

    def merged(self, x):
        h = 2**70 if x.sum() > 1 else 3
        return h % 5

    text = refuse(
        hashed, POS, "the int 0x10000000000000000, beyond 64 bits", "((h ^ int(value)) * 1099511628211) % (1 << 64)"
    )
    assert "instead: keep such numbers to what Python knows" in text
    refuse(added, POS, "the int 0x400000000000000000, beyond 64 bits", "int(x.sum()) + 2**70")
    refuse(least, POS, "the int 0x8000000000000000, beyond 64 bits", "min(int(x.sum()), 2**63)")
    refuse(merged, POS, "beyond 64 bits", "2**70 if x.sum() > 1 else 3")


def test_ints_beyond_64_bits_that_meet_floats_or_are_returned():
    def forward(self, x):
        return x.sum().item() + 2**70, 2**70

    def too_large(self, x):
        try:
            return x.sum().item() + 10**400
        except OverflowError:
            return -1.0

    check(forward, *ALL)
    check(too_large, *ALL)


def test_infinities_and_nans_pass_where_python_lets_them():
    def forward(self, x):
        v = x[0, 0].item()
        return math.exp(v), math.atan(v), abs(v) ** 1.5, math.tanh(v)

    exactly(forward, *(torch.full((1, 3), value) for value in (math.inf, -math.inf, math.nan, 0.0)))


def test_digits_are_refused():
    def forward(self, x):
        return round(x.sum().item(), 2)

    text = refuse(forward, POS, "`round` to a number of digits", "round(x.sum().item(), 2)")
    assert "instead: use `torch.round" in text


def test_float_remainders_are_refused():
    def quotient(self, x):
        return x.sum().item() // 0.3

    def remainder(self, x):
        return x.sum().item() % 0.3

    text = refuse(quotient, POS, "the operator `//` on a number known only at run time", "x.sum().item() // 0.3")
    assert "instead: compute it on tensors" in text
    refuse(remainder, POS, "the operator `%` on a number known only at run time", "x.sum().item() % 0.3")


def test_functions_that_are_not_taken():
    def forward(self, x):
        return math.gamma(x.sum().item())

    refuse(forward, NEG, "a float known only at run time reaches `math.gamma`", "math.gamma(x.sum().item())")


def test_iterators_of_itertools():
    def forward(self, x):
        return (
            [a + b for a, b in itertools.product([x], [x, x + 1])],
            list(itertools.accumulate([x, x, x])),
            list(itertools.islice((x * i for i in itertools.count()), 1, 3)),
            list(itertools.repeat(x, 2)),
            [a - b for a, b in itertools.combinations([x, x * 2, x * 3], 2)],
            [b - a for a, b in itertools.pairwise([x, x * 2, x * 4])],
            list(itertools.starmap(lambda a, b: a * b, [(x, 2), (x, 3)])),
            list(itertools.chain([x], (x + 1,))),
            [len(list(group)) for _, group in itertools.groupby([1, 1, 2])],
        )

    check(forward, POS)


def test_powers_that_would_be_of_another_kind_fail_at_run_time():
    def square_root(self, x):
        return x[0, 0].item() ** 0.5

    def integer(self, x):
        return 2 ** int(x[0, 0])

    for forward in (square_root, integer):
        captured = capture(program(forward), POS)
        assert list(interpret(captured.module, captured.weights, [4 * POS])) == [forward(None, 4 * POS)]
        with pytest.raises(AssertionError, match="in a program compiled for"):
            interpret(captured.module, captured.weights, [NEG])
