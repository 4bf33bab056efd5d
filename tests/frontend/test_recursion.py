"""Functions that call themselves for as long as tensors say: they become functions of the program."""

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
