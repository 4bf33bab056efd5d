"""Functions that call themselves for as long as tensors say: they become functions of the program."""

import enum
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest
import torch
from torch import nn
from xdsl.dialects.func import CallOp, FuncOp

from tests.frontend.capturing import NEG, POS, SMALL, check, count, program, refuse

LARGE = POS * 20


def test_recursion_on_a_tensor():
    def grow(x):
        return x if x.sum() > 10 else grow(x * 2)

    def forward(self, x):
        return grow(x) + 1

    captured = check(forward, POS, SMALL, LARGE)
    assert count(captured, FuncOp) == 2
    assert count(captured, CallOp) == 2


def test_recursion_in_the_tail_of_the_forward():
    def grow(x, n):
        if x.sum() > 10:
            return x, n
        return grow(x * 2, n + 1)

    def forward(self, x):
        return grow(x, 0)

    check(forward, POS, SMALL, LARGE)


def test_a_method_with_weights_that_calls_itself():
    class Halting(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.layer = nn.Linear(3, 3)

        def step(self, x, depth: int):
            x = torch.relu(self.layer(x)) + x
            if x.abs().sum() < 8:
                x = self.step(x + 0.1, depth + 1)
            return x * 1.01

        def forward(self, x):
            return self.step(x, 0)

    check(Halting().eval(), POS, SMALL, LARGE)


class Tree(nn.Module):
    """A tree of index tensors: the children of node i are left[i] and right[i], -1 for a leaf."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.combine = nn.Linear(6, 6)

    def node(self, values, left, right, i):
        if left[i] < 0:
            return values[i], torch.zeros(3)
        h1, c1 = self.node(values, left, right, left[i])
        h2, c2 = self.node(values, left, right, right[i])
        h, c = self.combine(torch.cat([h1, h2])).chunk(2)
        return torch.tanh(h), c + c1 + c2

    def forward(self, values, left, right):
        h, c = self.node(values, left, right, left.shape[0] - 1)
        return h, c


def test_a_tree_given_by_index_tensors():
    torch.manual_seed(1)
    values = torch.randn(5, 3)
    balanced = (torch.tensor([-1, -1, 0, -1, 2]), torch.tensor([-1, -1, 1, -1, 3]))
    leaf = (torch.tensor([-1] * 5), torch.tensor([-1] * 5))
    check(Tree().eval(), (values, *balanced), (values, *leaf))


def test_names_around_a_nested_function():
    def forward(self, x):
        scale = x.abs().max() + 1

        def shrink(y, n):
            if y.abs().max() < 1:
                return y + scale, n
            return shrink(y / scale, n + 1)

        return shrink(x, 0)

    check(forward, POS, SMALL, NEG, LARGE)


def test_recursion_over_python_objects_is_evaluated():
    def total(tree, x):
        if isinstance(tree, int):
            return x * tree
        return total(tree[0], x) + total(tree[1], x + 1)

    def forward(self, x):
        return total(self.tree, x)

    captured = check(forward, POS, tree=(((1, 2), 3), (4, (5, 6))))
    assert count(captured, FuncOp) == 1


def test_results_of_different_structure_in_a_recursive_function():
    def step(x):
        if x.sum() > 10:
            return x, None
        y, _ = step(x * 2)
        return y, y.sum()

    def forward(self, x):
        return step(x)[0]

    check(forward, POS, SMALL, LARGE)


def test_a_change_to_what_is_around_a_recursive_function_is_refused():
    def forward(self, x):
        seen = []

        def step(y):
            seen.append(y)
            return y if y.sum() > 10 else step(y * 2)

        step(x)
        return seen[0]

    refuse(
        forward,
        POS,
        "a change to a list, from around a recursive function",
        "return y if y.sum() > 10 else step(y * 2)",
    )


def test_a_function_that_never_returns_is_refused():
    def step(x):
        return step(x * 2) if x.sum() > 0 else step(x * 3)

    def forward(self, x):
        return step(x)

    refuse(program(forward), POS, "never returns", "step(x * 3)")


ROWS = torch.arange(36.0).reshape(12, 3) / 40


@pytest.mark.parametrize("loops", ["auto", "keep"])
def test_a_recursive_function_made_in_a_loop_reads_the_loop_s_variable(loops):
    def forward(self, x):
        total = x.sum()
        for row in x:

            def settle(n):
                if row.sum() + n > 3:  # noqa: B023 -- the point of the test
                    return row.sum() * 0.5  # noqa: B023
                return settle(n + 1)

            total = total + settle(0)
        return total

    captured = check(forward, ROWS, -ROWS, all_sides=False, loops=loops)
    assert count(captured, FuncOp) == 2


def test_a_recursive_function_reads_numbers_that_change_between_calls():
    def forward(self, x):
        total, seen = x.sum(), []
        for k in range(3):

            def climb(d):
                return d * k + len(seen) if d > 5 else climb(d + 1)  # noqa: B023 -- the point of the test

            seen.append(climb(total))
        return seen

    check(forward, POS, SMALL, LARGE)


def test_a_call_of_a_recursive_function_that_changes_nothing_else_is_of_the_same_function():
    def climb(x, up):
        if x.sum() > 30:
            return x
        return climb(x + 1, not up) if up else climb(x * 2, not up)

    def forward(self, x):
        return climb(x, True), climb(x + 1, False), climb(x + 2, True)

    captured = check(forward, POS, LARGE)
    assert count(captured, FuncOp) == 3


def test_a_recursive_function_whose_tensors_grow():
    def grow(x):
        return x if x.sum() > 10 else grow(torch.cat([x, x]))

    def forward(self, x):
        return grow(x), grow(x[:, :2]).sum()

    check(forward, POS, SMALL, LARGE)


def test_a_recursive_function_called_with_known_and_run_time_sizes():
    def double(x):
        return x if x.sum() > 10 else double(x * 2)

    def forward(self, x):
        return double(x.flatten()), double(x[x > 0]), double(x.flatten() + 1)

    check(forward, POS, SMALL, LARGE)


def test_a_write_to_a_name_around_a_recursive_function_is_refused():
    def forward(self, x):
        calls = 0

        def double(y):
            nonlocal calls
            calls = calls + 1
            return y if y.sum() > 10 else double(y * 2)

        return double(x), calls

    refuse(
        forward,
        POS,
        "a change to calls, from around a recursive function",
        "return y if y.sum() > 10 else double(y * 2)",
    )


def test_a_write_to_a_list_that_a_recursive_function_is_given_is_refused():
    def double(seen, y):
        seen[0] = seen[0] + y
        return y if y.sum() > 10 else double(seen, y * 2)

    def forward(self, x):
        seen = [x]
        return double(seen, x), seen[0]

    refuse(forward, POS, "a change to a list, from around", "return y if y.sum() > 10 else double(seen, y * 2)")


def test_a_recursive_function_made_in_a_loop_whose_end_a_tensor_decides():
    def forward(self, x):
        level = x.sum() * 0
        while level < x.sum():

            def climb(y):
                return y if y > 10 else climb(y * 2 + level)  # noqa: B023 -- the point of the test

            level = level + climb(level + 1)
        return level

    check(forward, POS, SMALL, NEG, LARGE, all_sides=False)


@dataclass
class Node:
    x: torch.Tensor
    n: int = 0
    total: torch.Tensor = field(init=False)

    def __post_init__(self):
        self.total = self.x.sum()


@dataclass(frozen=True)
class Frozen:
    x: torch.Tensor
    n: int = 0


class Pair(NamedTuple):
    x: torch.Tensor
    n: int = 0


class State:
    def __init__(self, x, n=0):
        self.x, self.n = x, n

    def doubled(self):
        return State(self.x * 2, self.n + 1)


class Level(enum.Enum):
    LOW = 0
    HIGH = 1


@pytest.mark.parametrize("kind", [Node, Frozen, Pair, State])
def test_recursive_functions_take_and_return_objects(kind):
    def returned(x, n):
        return kind(x, n) if x.sum() > 10 else returned(x * 2, n + 1)

    def taken(state):
        return (state.x, state.n) if state.x.sum() > 10 else taken(kind(state.x * 2, state.n + 1))

    def handed_on(state):
        if state.x.sum() > 10:
            return state
        after = handed_on(kind(state.x * 2, state.n + 1))
        return kind(after.x + 1, after.n)

    def forward(self, x):
        one, three = returned(x.abs(), 0), handed_on(kind(x.abs()))
        return one.x, one.n, taken(kind(x.abs())), three.x, three.n

    check(forward, POS, SMALL, LARGE)


def test_methods_and_trees_of_objects():
    def last(state):
        return state if state.x.sum() > 10 else last(state.doubled())

    def tree(x):
        if x.sum() < 1:
            return Node(x, 1)
        left, right = tree(x * 0.5), tree(x * 0.4)
        return Node(left.x + right.x, max(left.n, right.n) + 1)

    def forward(self, x):
        x = x.abs()
        root = tree(x)
        return last(State(x)).x, root.x, root.n, root.total

    check(forward, POS, SMALL, LARGE)


def test_members_of_an_enum_from_a_recursive_function():
    def step(x):
        if x.sum() > 12:
            return x, Level.HIGH
        if x.sum() > 10:
            return x, Level.LOW
        return step(x * 1.5)

    def forward(self, x):
        y, level = step(x.abs())
        return y + 1 if level is Level.HIGH else y

    check(forward, POS, SMALL, LARGE)


def test_a_write_to_an_object_that_a_recursive_function_is_given_is_refused():
    def double(state):
        state.x = state.x * 2
        return state.x if state.x.sum() > 10 else double(state)

    def forward(self, x):
        state = State(x)
        return double(state), state.x

    text = refuse(
        forward,
        POS,
        "a change to State.x, from around a recursive function",
        "return state.x if state.x.sum() > 10 else double(state)",
    )
    assert "instead: return what it changes" in text


def test_a_list_that_grows_with_the_depth_is_refused():
    def collect(x, seen):
        return seen if x.sum() > 10 else collect(x * 2, [*seen, x])

    def forward(self, x):
        return torch.stack(collect(x, [x]))

    text = refuse(forward, POS, "arguments of more than 8 kinds", "collect(x * 2, [*seen, x])")
    assert "instead: pass what differs as tensors or numbers; what each call collects, join from what" in text
