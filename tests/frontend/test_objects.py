"""Objects of the user's classes, iterators and callbacks: what branches on tensors do to them."""
# ruff: noqa: C417
# The programs are as people write them.

import functools
from collections import defaultdict

import torch
from torch import nn

from dycl.ir.ops import IfOp, SwitchOp
from tests.frontend.capturing import ALL, NEG, POS, SMALL, check, count, refuse


class Total:
    """Adds up, and counts how often it does."""

    def __init__(self, value):
        self.value = value
        self.count = 0

    def __iadd__(self, other):
        self.count += 1
        self.value = self.value + other
        return self

    def __add__(self, other):
        self.count += 10
        return self.value + other

    def __rmul__(self, other):
        return self.value * other

    def __neg__(self):
        return -self.value

    def __lt__(self, other):
        return self.value.sum() < other

    def __contains__(self, item):
        return (self.value == item).any()

    def __bool__(self):
        return bool(self.value.sum() > 2)

    def __len__(self):
        return 3


def test_operators_of_user_classes_are_interpreted():
    def forward(self, x):
        total = Total(x)
        if x.sum() > 0:
            total += x
            y = total + 1
        else:
            y = -total
        z = 2 * total
        if total < 1:
            z = z + 5
        if 4.0 in total:
            z = z * 3
        if total:
            z = z - 1
        return y, z, total.count, len(total)

    check(forward, *ALL, all_sides=False)


def test_iterators_are_taken_back_where_both_sides_use_one():
    def forward(self, x):
        layers = iter(self.layers)
        x = next(layers)(x)
        if x.sum() > 0:
            x = next(layers)(x)
        else:
            x = next(layers)(x) * 2
        for layer in layers:
            x = layer(x)
        return x

    torch.manual_seed(1)
    check(forward, *ALL, *torch.randn(8, 1, 3) * 5, layers=nn.ModuleList(nn.Linear(3, 3) for _ in range(4)))


def test_iterators_that_depend_on_the_path_are_refused():
    def forward(self, x):
        values = iter([x, x + 1, x + 2])
        if x.sum() > 0:
            x = next(values)
        return x + next(values)

    refuse(forward, POS, "an iterator whose place depends on the path", "next(values)")


def test_loops_over_lazy_iterators_inside_branches():
    def forward(self, x):
        if x.sum() > 0:
            for i, (a, b) in enumerate(zip([1, 2], reversed([3, 4]), strict=True)):
                x = x * a + b + i
        else:
            x = x + sum(v * 2 for v in map(lambda w: w + 1, [x, x]))
        return x

    check(forward, POS, NEG)


def test_iteration_follows_a_list_that_grows():
    def forward(self, x):
        queue = [x]
        for item in queue:
            if len(queue) < 4:
                queue.append(item + 1)
        return torch.cat(queue)

    check(forward, POS)


def test_dictionaries_with_defaults_are_taken_back():
    def forward(self, x):
        found = defaultdict(list)
        found["a"].append(x)
        if x.sum() > 0:
            found["a"].append(x + 1)
            y = found["a"][1]
        else:
            found["a"].append(x - 1)
            y = x * len(found["a"])
            found["b"].append(y)
        return y

    check(forward, POS, NEG)


def test_callbacks_are_interpreted():
    def scale(pair):
        return -pair[1]

    def add(a, b):
        return a + b if a.sum() > 0 else a - b

    def forward(self, x):
        order = sorted([(x, 1), (x + 1, 3), (x + 2, 2)], key=scale)
        best = max([(x, 1), (x * 2, 5)], key=lambda pair: pair[1])
        return order[0][0], functools.reduce(add, [x, x + 1, x - 1]), best[0]

    check(forward, POS, SMALL * -30, all_sides=False)


def test_identity_of_tensors_that_are_one_on_some_paths():
    def forward(self, x):
        base = x * 2
        y = base
        if x.sum() > 0:
            y = x + 1
        return x if y is base else -x

    refuse(forward, POS, "the identity of tensors that are one on some paths", "y is base")


def test_attributes_and_items_of_chosen_objects():
    def forward(self, x):
        layer = self.a if x.sum() > 0 else self.b
        pair = ((x, 1), (x * 2, 2))[x.argmax().item() % 2]
        return layer.weight @ x.t() + layer.scale, pair[0], pair[1]

    a, b = nn.Linear(3, 2), nn.Linear(3, 2)
    a.scale, b.scale = 2, 3
    check(forward, *ALL, torch.tensor([[5.0, 1.0, 0.0]]), a=a, b=b)


def test_chosen_functions_and_closures():
    def forward(self, x):
        if x.sum() > 0:

            def f(v):
                return v + 1
        else:
            f = torch.relu
        g = [torch.sin, lambda v: v * 2, self.layer][int(x.argmax())]
        return f(x), g(x)

    captured = check(forward, *torch.eye(3).unsqueeze(1), *-torch.eye(3).unsqueeze(1), layer=nn.Linear(3, 3))
    assert count(captured, SwitchOp) == 1
    assert count(captured, IfOp) >= 1


def test_objects_written_on_one_side():
    class Box:
        pass

    def forward(self, x):
        box = Box()
        box.value, box.tags = x, ["new"]
        if x.sum() > 0:
            box.value = x * 3
            box.tags[0] = "old"
            box.tags[0] = "new"
        return box.value, box.tags[0]

    check(forward, POS, NEG)
