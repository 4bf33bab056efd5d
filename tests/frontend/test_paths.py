"""Objects that differ from path to path: what is used of them later follows the path."""

import torch
from torch import nn

from dycl.ir.ops import AssertOp, IfOp
from tests.frontend.capturing import ALL, MIXED, NEG, POS, SMALL, check, count, program


def test_none_or_a_tensor_is_tested_and_used():
    def forward(self, x):
        state = None
        if x.sum() > 0:
            state = x * 2
        y = x if state is None else x + state
        if state is not None:
            y = y * state
        return y

    check(forward, POS, NEG)


def test_a_test_that_the_path_has_decided_is_not_repeated():
    def forward(self, x):
        c = bool(x.sum() > 0)
        y = x + 1 if c else x - 1
        if c:
            y = y * 2
            if not c:
                y = y * 100
        return y

    captured = check(forward, POS, NEG)
    assert count(captured, IfOp) == 2


def test_use_of_none_fails_as_in_eager():
    def forward(self, x):
        state = None
        if x.sum() > 0:
            state = x * 2
        return x + state

    captured = check(forward, POS, NEG)
    assert count(captured, AssertOp) == 1


def test_an_attribute_of_none_fails_as_in_eager():
    def forward(self, x):
        state = None
        if x.sum() > 0:
            state = x * 2
        return x + state.shape[1]

    check(forward, POS, NEG)


def test_a_name_that_only_one_path_sets():
    def forward(self, x):
        if x.sum() > 0:
            y = x * 2
        if x.sum() > 0:
            x = x + y
        return x

    check(forward, POS, NEG)


def test_strings():
    def forward(self, x):
        mode = "plain"
        if x.max() > 1:
            mode = "large"
        elif x.min() < -0.5:
            mode = "small"
        if mode == "large":
            x = x / 2
        elif mode in ("small", "tiny"):
            x = x * 2
        return x, mode

    check(forward, POS, NEG, SMALL)


def test_tuples_of_differing_length():
    def forward(self, x):
        parts = (x, x + 1) if x.sum() > 0 else (x,)
        total = x * 0
        for part in parts:
            total = total + part
        return total, len(parts), parts[0], parts[-1]

    check(forward, POS, NEG)


def test_numbers_of_differing_kind():
    def forward(self, x):
        n = 2 if x.sum() > 0 else 0.5
        return x * n, n + 1, n > 1

    check(forward, POS, NEG)


def test_a_number_or_a_tensor():
    def forward(self, x):
        scale = 1 if x.sum() > 0 else x.max()
        y = x * scale
        if scale > 0:
            y = y + 1
        return y

    check(forward, POS, NEG, MIXED)


def test_modules_and_functions():
    torch.manual_seed(0)

    def forward(self, x):
        f = self.a if x.sum() > 0 else self.b
        act = torch.relu if x.max() > 1 else torch.tanh
        y = act(f(x))
        return y @ f.weight

    module = program(forward)
    module.a, module.b = nn.Linear(3, 3), nn.Linear(3, 3)
    check(module, *ALL)


def test_a_list_that_one_path_makes_longer():
    def forward(self, x):
        seen = [x]
        if x.sum() > 0:
            seen.append(x * 2)
            if x.max() > 1:
                seen.extend([x * 3, x * 4])
        return torch.stack(seen), len(seen), seen[-1], seen

    check(forward, *ALL)


def test_an_object_chosen_among_existing_ones():
    class Scale:
        def __init__(self, by):
            self.by = by

        def apply(self, x):
            return x * self.by

    first, second = Scale(2), Scale(3)

    def forward(self, x):
        scale = self.first if x.sum() > 0 else self.second
        return scale.apply(x) + scale.by

    check(forward, POS, NEG, first=first, second=second)


def test_lists_chosen_among_existing_ones():
    def forward(self, x):
        widths = self.small if x.sum() > 0 else self.large
        for width in widths:
            x = x * width
        return x, widths[0], len(widths)

    check(forward, POS, NEG, small=[1, 2], large=[3, 4, 5])


def test_a_choice_among_three_kinds():
    def forward(self, x):
        out = None
        if x.max() > 1:
            out = x
        elif x.max() > 0.15:
            out = (x, x + 1)
        if out is None:
            return x * 0
        if isinstance(out, tuple):
            return out[0] + out[1]
        return out

    check(forward, *ALL)


def test_choices_merge_again():
    def forward(self, x):
        kind = None
        if x.sum() > 0:
            kind = "a"
            if x.max() > 1:
                kind = 3
        if x.min() < -0.3:
            kind = None
        return x, kind

    check(forward, *ALL, torch.tensor([[9.0, -1, 0]]))
