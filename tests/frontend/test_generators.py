"""Generators: functions that yield, and generator expressions, run as far as their consumer asks."""

# ruff: noqa: B007, C400, C416, UP028
# The programs are as people write them.

import itertools

import torch
from torch import nn

from tests.frontend.capturing import ALL, NEG, POS, SMALL, check, refuse


def test_list_of_a_generator():
    def forward(self, x):
        def g(n):
            for i in range(n):
                yield x * i

        return torch.cat(list(g(3)))

    check(forward, POS)


def test_loop_over_a_generator_runs_them_in_turns():
    def forward(self, x):
        log = []

        def g():
            y = x
            while y.shape[0] < 4:
                log.append(y.shape[0])
                yield y
                y = torch.cat([y, x])
            return

        total = 0
        for v in g():
            log.append(-v.shape[0])
            total = total + v.sum()
        return total, log

    check(forward, POS)


def test_yield_from():
    def forward(self, x):
        def a():
            yield x
            yield x + 1
            return 7

        def b():
            n = yield from a()
            yield x * n
            yield from [x, x]

        return torch.cat([*b()])

    check(forward, POS)


def test_next_and_its_default():
    def forward(self, x):
        def a():
            yield x
            yield x + 1

        values = a()
        y = next(values)
        return y, next(values), next(values, None), next(values, 3)

    check(forward, POS)


def test_branch_between_two_yields():
    def forward(self, x):
        def a():
            y = x + 1 if x.max() > 0.3 else x * 3
            if x.sum() > 0:
                y = y + 1
            else:
                y = y - 1
            yield y
            yield y * 2

        return torch.cat([v for v in a()])

    check(forward, POS, NEG, SMALL)


def test_endless_generator_left_by_break():
    def forward(self, x):
        def a():
            i = 0
            while True:
                yield x + i
                i += 1

        total = x
        for k, v in enumerate(a()):
            if k > 3:
                break
            total = total + v
        return total

    check(forward, POS)


def test_break_on_a_tensor_out_of_a_loop_over_a_generator():
    def forward(self, x):
        def a():
            for i in range(4):
                yield x * i, i

        for v, i in a():
            if v.sum() > 2:
                break
        return v, i

    check(forward, POS, NEG, SMALL, 4 * SMALL, all_sides=False)


def test_return_on_a_tensor_out_of_a_loop_over_a_generator():
    def forward(self, x):
        def a():
            for i in range(4):
                if x[0, 0] > i:
                    w = x + i
                else:
                    w = x - i
                yield w, i

        for v, i in a():
            if v.sum() > 2:
                return v, i
        return x, -1

    check(forward, POS, NEG, SMALL, 4 * SMALL, all_sides=False)


def test_method_that_yields_layers():
    class Stack(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(3))

        def parts(self):
            for layer in self.layers:
                yield layer

        def __iter__(self):
            yield from self.parts()

        def forward(self, x):
            for layer in self.parts():
                x = layer(x)
            return x, len([*self])

    check(Stack().eval(), POS)


def test_both_sides_of_a_branch_go_on_from_one_place():
    def forward(self, x):
        def a():
            for i in range(4):
                yield x * i

        values = a()
        y = next(values) + next(values)
        if x.sum() > 0:
            y = y + next(values)
        else:
            y = y - next(values)
        return y + next(values)

    check(forward, POS, NEG)


def test_generator_whose_place_depends_on_the_path():
    def forward(self, x):
        def a():
            yield x
            yield x + 1

        values = a()
        if x.sum() > 0:
            x = next(values)
        return x + next(values)

    refuse(forward, POS, "a generator whose place depends on the path", "next(values)")


def test_finally_and_with_in_a_generator():
    def forward(self, x):
        log = []

        def a():
            try:
                log.append(1)
                yield x
                log.append(2)
            finally:
                log.append(3)
            with torch.no_grad():
                yield x + 1
            try:
                raise ValueError
            except ValueError:
                log.append(4)
            else:
                log.append(100)

        return torch.cat(list(a())), log

    check(forward, POS)


def test_loops_with_else_break_and_continue_in_a_generator():
    def forward(self, x):
        def a():
            for i in range(5):
                if i == 1:
                    continue
                if i == 3:
                    break
                yield x * i
            else:
                yield x * 100
            i = 0
            while i < 2:
                i += 1
                yield x - i
            else:
                yield x * 7

        return torch.cat(list(a()))

    check(forward, POS)


def test_exception_out_of_a_generator():
    def forward(self, x):
        def a():
            yield x
            if x.sum() > 0:
                raise ValueError
            yield x + 1

        total = x * 0
        try:
            for v in a():
                total = total + v
        except ValueError:
            total = total - 5
        return total

    check(forward, POS, NEG)


def test_generator_expressions_are_lazy():
    def forward(self, x):
        log = []

        def seen(i):
            log.append(i)
            return i

        found = next(seen(i) for i in range(10) if i > 2)
        first = any(seen(i) == 1 for i in range(5))
        firsts = [v.sum() for v in itertools.islice((x * i for i in itertools.count()), 3)]
        return found, first, firsts, log

    check(forward, POS)


def test_nested_generator_expressions_and_walrus():
    def forward(self, x):
        pairs = list((i, j) for i in range(3) for j in range(i) if (i + j) % 2)
        total = sum(last := x * i for i in range(3))
        return total, last, len(pairs), tuple(a + b for a, b in pairs), max(v for v in (1, 5, 2))

    check(forward, POS)


def test_any_and_all_over_tests_of_tensors():
    def forward(self, x):
        if any(v > 1 for v in x[0]):
            x = x + 1
        if all((v > 0).item() for v in x[0]):
            x = x * 2
        return x

    check(forward, *ALL)


def test_yield_in_a_branch_on_a_tensor_is_refused():
    def forward(self, x):
        def a():
            yield x
            if x.sum() > 0:
                yield x + 1

        return torch.cat(list(a()))

    text = refuse(forward, POS, "a `yield` in a branch or loop that depends on a tensor", "x.sum() > 0")
    assert "instead: yield on both paths alike" in text


def test_filter_on_a_tensor_is_refused():
    def forward(self, x):
        return torch.stack(list(v for v in x[0] if v > 0))

    refuse(forward, POS, "a filter of a comprehension that depends on a tensor", "v > 0")


def test_yield_inside_an_expression_is_refused():
    def forward(self, x):
        def a():
            y = (yield x) or x
            yield y

        return list(a())

    refuse(forward, POS, "a `yield` inside an expression", "y = (yield x) or x")


def test_async_functions_are_refused():
    async def later(x):
        return x

    def forward(self, x):
        return later(x)

    refuse(forward, POS, "a call of the async function `later`", "later(x)")
