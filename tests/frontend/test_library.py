"""Python's standard library on tensors and on numbers known only at run time."""

# ruff: noqa: RET504
# The programs are as people write them.

import contextlib
import functools
import itertools
import math
import operator
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple

import torch

from dycl.ir.ops import AssertOp
from tests.frontend.capturing import ALL, NEG, POS, SMALL, check, count, refuse

ROW = torch.tensor([[1.0, 2.0, -1.0]])
ROWS = (ROW, -ROW, ROW * 0.1, torch.tensor([[1.0, 1.0, 1.0 + 1e-7]]))


def taken(forward, **attributes):
    return check(forward, *ROWS, all_sides=False, **attributes)


@functools.singledispatch
def scale(value, x):
    return x


@scale.register
def _(value: int, x):
    return x * value if x.sum() > 0 else x


@scale.register(torch.Tensor)
def _(value, x):
    return x + value if x.sum() > 0 else -x


class Scaler:
    @functools.singledispatchmethod
    def scale(self, value, x):
        return x

    @scale.register
    def _(self, value: float, x):
        return x * value if x.sum() > 0 else x

    def times(self, x, *, by):
        return x * by if x.sum() > 0 else x

    twice = functools.partialmethod(times, by=2)


Pair = namedtuple("Pair", "left right")


def test_functions_dispatched_by_the_type_of_an_argument():
    def forward(self, x):
        y = scale(2, x) + scale(x, x) + scale("a", x) + scale(int(x.sum()), x)
        return y + self.scaler.scale(x[0, 0].item(), x) + self.scaler.scale("a", x) + self.scaler.twice(x)

    taken(forward, scaler=Scaler())


def test_partial_functions_of_tensors():
    def forward(self, x):
        plus = functools.partial(torch.add, x)
        times = functools.partial(lambda a, b, k: a * b * k if a.sum() > 0 else b, x, k=2)
        return plus(x) + times(x) + functools.partial(times)(x + 1), functools.partial(torch.clamp, min=0)(x)

    taken(forward)


def test_wrapped_functions():
    def forward(self, x):
        def logged(function):
            @functools.wraps(function)
            def run(value):
                return function(value) + 1

            return run

        @logged
        def double(value):
            return value * 2 if value.sum() > 0 else value

        return double(x)

    taken(forward)


def test_reduce_over_tensors_and_numbers():
    def forward(self, x):
        total = functools.reduce(lambda a, b: a + b if a.sum() > 0 else a - b, [x, x * 2, x * 3])
        numbers = [value.item() for value in x[0]]
        return total, functools.reduce(operator.mul, numbers), functools.reduce(torch.add, [x, x], x)

    taken(forward)


def test_arithmetic_functions_of_the_operator_module():
    def forward(self, x):
        a, n = x[0, 0].item(), int((x > 0).sum())
        floats = operator.add(a, 1), operator.sub(a, 1), operator.neg(a), operator.pos(a), operator.abs(a)
        bits = operator.and_(n, 1), operator.or_(n, 1), operator.xor(n, 1), operator.lshift(n, 1), operator.invert(n)
        ints = operator.floordiv(n, 2), operator.mod(n, 2), operator.pow(n, 2), operator.index(n), operator.iadd(n, 2)
        return floats, bits, ints, operator.matmul(x, x.t()), operator.truediv(x, 2)

    taken(forward)


def test_tests_and_items_of_the_operator_module():
    def forward(self, x):
        items = [x, x * 2]
        operator.setitem(items, 0, x * 3)
        positive = x.sum() > 0
        tests = operator.not_(positive), operator.truth(positive), operator.contains([1, 2], int((x > 0).sum()))
        same = operator.is_(x, x), operator.is_not(x, None), operator.lt(x[0, 0].item(), 0)
        got = operator.itemgetter(0)(items), operator.methodcaller("clamp", min=0)(x), operator.concat(items, [x])
        return tests, same, got

    taken(forward)


def test_chains_slices_and_pairs_of_items():
    def forward(self, x):
        numbers = [value.item() for value in x[0]]
        chained = sum(itertools.chain([x], (x * 3,))) + sum(itertools.chain.from_iterable([[x], [x * 2]]))
        filled = [a if b is None else a + b for a, b in itertools.zip_longest([x, x * 2], [x])]
        sums = list(itertools.accumulate(numbers)), list(itertools.accumulate([x, x], operator.mul, initial=x))
        products = [a * b for a, b in itertools.product([x, x * 2], [1, 2])]
        first, steps = list(itertools.islice(numbers, 2)), [b - a for a, b in itertools.pairwise(numbers)]
        return chained, filled, sums, products, first, steps

    taken(forward)


def test_choices_of_items():
    def forward(self, x):
        numbers = [value.item() for value in x[0]]
        endless = itertools.cycle([x, x * 2])
        one, other = itertools.tee([x, x * 3])
        y = next(endless) + next(endless) + next(endless) + next(one) + sum(other)
        z = sum(itertools.compress([x, x * 5], [False, True])) + sum(itertools.repeat(x, 2))
        pairs = [a - b for a, b in itertools.combinations_with_replacement(numbers, 2)]
        known = (
            list(itertools.takewhile(lambda v: v < 3, [1, 2, 3])),
            list(itertools.dropwhile(lambda v: v < 2, [1, 2])),
        )
        odd = list(itertools.filterfalse(lambda v: v > 1, [1, 2]))
        groups = [
            (key, sum(v for _, v in group))
            for key, group in itertools.groupby([(1, x), (1, x), (2, x)], lambda p: p[0])
        ]
        return y, z, pairs, known, odd, groups

    taken(forward)


def test_items_taken_while_a_tensor_says_so_are_refused():
    def forward(self, x):
        return sum(itertools.takewhile(lambda v: v.sum() < 3, [x, x * 2]))

    text = refuse(
        forward,
        ROW,
        "`itertools.takewhile` by a condition known only at run time",
        "sum(itertools.takewhile(lambda v: v.sum() < 3, [x, x * 2]))",
    )
    assert "instead: write it as a loop with `if`" in text


def test_groups_by_run_time_keys_are_refused():
    def forward(self, x):
        return len(list(itertools.groupby([value.item() for value in x[0]])))

    refuse(
        forward,
        ROW,
        "`itertools.groupby` by keys known only at run time",
        "itertools.groupby([value.item() for value in x[0]])",
    )


def test_sums_and_extremes_of_run_time_numbers():
    def forward(self, x):
        numbers = [value.item() for value in x[0]]
        extremes = min(numbers), max(numbers), max(numbers, key=abs), min(numbers, key=lambda v: -v)
        return sum(numbers, 1.0), extremes, any(v > 1 for v in numbers), all(v > 0 for v in numbers)

    taken(forward)


def test_sorting_by_run_time_numbers():
    def forward(self, x):
        numbers = [value.item() for value in x[0]]
        by_size = sorted(numbers, key=abs, reverse=True)
        numbers.sort(key=lambda v: -v)
        tensors = sorted([x[0].clone(), x[0] * 2, -x[0]], key=lambda t: t.sum())
        tensors[0].add_(1)
        return sorted(numbers), by_size, numbers, tensors

    taken(forward)


def test_a_write_to_a_tensor_of_a_sorted_list():
    def forward(self, x):
        rows = [x[0].clone(), x[0] * 2]
        sorted(rows, key=lambda row: row.sum())[0].add_(1)
        return rows

    taken(forward)


def test_lengths_and_distances():
    def forward(self, x):
        a, b = x[0, 0].item(), x[0, 1].item()
        lengths = math.hypot(a, b), math.hypot(a, b, 2), math.hypot(a * 1e200, 1e200), math.hypot(a * 0, 0.0)
        return lengths, math.hypot(a, math.inf), math.dist((a, b), (1.0, 2.0))

    taken(forward)


def test_closeness():
    def forward(self, x):
        a, b, c = (value.item() for value in x[0])
        near = math.isclose(a, b), math.isclose(a, c, rel_tol=1e-6), math.isclose(a, b, abs_tol=1.5)
        return near, math.isclose(a, a), math.isclose(a, math.inf), math.isclose(a * math.inf, math.inf)

    taken(forward)


def test_a_negative_tolerance_is_an_error():
    def forward(self, x):
        return math.isclose(1.0, 2.0, rel_tol=x.sum().item())

    captured = check(forward, POS, NEG)
    assert count(captured, AssertOp) == 1


def test_sums_without_rounding():
    def forward(self, x):
        a = x[0, 0].item()
        return math.fsum([a * 1e16, 1.0, a * -1e16]), math.fsum(v.item() for v in x[0]), math.fsum([a * math.inf, 1.0])

    taken(forward)


def test_products_and_choices_of_run_time_counts():
    def forward(self, x):
        n = int((x > 0).sum())
        return math.prod([n, 2, n + 1]), math.comb(n + 3, 2), math.comb(n, 3), math.perm(n + 3, 2), math.comb(5, 2)

    taken(forward)


def test_choosing_a_run_time_number_of_elements_is_refused():
    def forward(self, x):
        return math.comb(5, int((x > 0).sum()))

    text = refuse(forward, ROW, "`math.comb` of a count known only at run time", "math.comb(5, int((x > 0).sum()))")
    assert "instead: choose a number of elements that Python knows" in text


def test_exit_stacks():
    @contextlib.contextmanager
    def noting(notes, number):
        notes.append(number)
        yield number
        notes.append(-number)

    def forward(self, x):
        notes = []
        with contextlib.ExitStack() as stack:
            stack.enter_context(torch.no_grad())
            for number in (1, 2):
                factor = stack.enter_context(noting(notes, number))
            stack.callback(notes.append, x * 3)
            y = x * factor
        return y, notes

    taken(forward)


def test_an_exit_stack_is_left_on_every_path():
    def forward(self, x):
        seen = [x]

        def inside():
            with contextlib.ExitStack() as stack:
                stack.callback(seen.append, x * 3)
                stack.callback(seen.append, x * 4)
                if x.sum() > 0:
                    return x
                if x.sum() < -1:
                    raise ValueError
            return x * 2

        try:
            y = inside()
        except ValueError:
            y = x * 7
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.suppress(ValueError))
            if x.max() > 1.5:
                raise ValueError
            y = y + 1
        return y, seen

    check(forward, *ALL, all_sides=False)


def test_an_exit_stack_that_differs_by_path_is_refused():
    def forward(self, x):
        seen = []
        with contextlib.ExitStack() as stack:
            if x.sum() > 0:
                stack.callback(seen.append, x)
            y = x * 2
        return y

    text = refuse(forward, POS, "an ExitStack that one path alone has entered a manager in", "y = x * 2")
    assert "instead: enter it before the branch" in text


def test_other_methods_of_an_exit_stack_are_refused():
    def forward(self, x):
        with contextlib.ExitStack() as stack:
            stack.push(lambda *error: True)
        return x

    refuse(forward, POS, r"`\.push\(\)` of an ExitStack", "stack.push(lambda *error: True)")


def test_dicts_with_defaults():
    def forward(self, x):
        lists, numbers, tensors = defaultdict(list), defaultdict(int), defaultdict(lambda: x)
        lists["a"].append(x)
        numbers["k"] += 1
        numbers["k"] += int((x > 0).sum())
        return sum(lists["a"]), numbers["k"], tensors["z"], dict(numbers), "q" in lists

    taken(forward)


def test_ordered_dicts():
    def forward(self, x):
        found = OrderedDict(a=x, b=x * 2)
        if x.sum() > 0:
            found.move_to_end("a")
            place = list(found).index("a")
        else:
            place = 10 + list(found).index("a")
        _, last = found.popitem(last=False) if x is None else ("", x)
        return place, last

    taken(forward)


def test_counters():
    def forward(self, x):
        letters, found = Counter("hello"), Counter()
        letters["l"] += 1
        found["a"] += int((x > 0).sum())
        if x.sum() > 0:
            letters.update("h")
            seen = letters["h"]
        else:
            seen = letters["h"] * 10
        return seen, letters["h"], letters["zz"], found["a"], (Counter("ab") + Counter("b"))["b"]

    taken(forward)


def test_arithmetic_of_run_time_counters_is_refused():
    def forward(self, x):
        found = Counter()
        found["a"] += int((x > 0).sum())
        return (found + found)["a"]

    text = refuse(forward, ROW, "arithmetic of a Counter whose counts are known only at run time", "found + found")
    assert "instead: add to its items one by one" in text


def test_deques():
    def forward(self, x):
        queue = deque([x], maxlen=3)
        queue.append(x * 2)
        queue.appendleft(x * 3)
        if x.sum() > 0:
            queue.rotate(1)
        first = queue.popleft()
        queue.extend([x])
        return first, len(queue), queue[0]

    taken(forward)


def test_named_tuples_with_a_field_replaced():
    def forward(self, x):
        pair = Pair(x, 2)
        return pair._replace(left=x * 3).left * pair.right

    check(forward, POS, SMALL)
