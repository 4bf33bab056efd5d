"""Branches on tensors: what the sides leave behind."""

# ruff: noqa: RET504, SIM222
# The programs are as people write them.

import torch
from torch import nn

from dycl.ir.ops import AtenOp, IfOp
from tests.frontend.capturing import ALL, MIXED, NEG, POS, SMALL, check, count, depth, refuse


def test_both_sides_assign():
    def forward(self, x):
        if x.sum() > 0:
            y = x + 1
        else:
            y = x * 2
        return y

    check(forward, POS, NEG)


def test_one_side_assigns():
    def forward(self, x):
        y = x
        if x.sum() > 0:
            y = torch.relu(x) * 3
        return y - x

    check(forward, POS, NEG)


def test_condition_is_a_float_or_int_tensor():
    def forward(self, x):
        y = x
        if x[0, 0] - 1:
            y = y + 1
        if (x > 0).sum():
            y = y * 2
        return y

    check(forward, *ALL, torch.zeros(1, 3))


def test_nan_is_true():
    def forward(self, x):
        return x + 1 if x[0, 0] else x - 1

    check(forward, torch.full((1, 3), float("nan")), torch.zeros(1, 3))


def test_nested_branches():
    def forward(self, x):
        if x.sum() > 0:
            if x.max() > 1:
                y = x + 1
            else:
                y = x + 2
        elif x.min() < -1:
            y = x + 3
        else:
            y = x + 4
        return y * 2

    check(forward, POS, SMALL, NEG, -SMALL)


def test_negated_conditions():
    def forward(self, x):
        if not x.sum() > 0:
            return x - 1
        if x.max() > 1:
            return x * 5
        return x

    check(forward, POS, NEG, SMALL)


def test_numbers_of_the_sides_become_results():
    def forward(self, x):
        count, scale, flag = 0, 1.5, False
        if x.sum() > 0:
            count, scale, flag = 3, 2.5, True
        return x * scale, count, flag, scale

    check(forward, POS, NEG)


def test_equal_values_stay_known():
    def forward(self, x):
        if x.sum() > 0:
            n = 2
            y = x + 1
        else:
            n = 2
            y = x - 1
        for _ in range(n):
            y = y * 2
        return y, n

    captured = check(forward, POS, NEG)
    assert len(captured.main.function_type.outputs) == 1


def test_dead_variables_are_no_results():
    def forward(self, x):
        if x.sum() > 0:
            a = x + 1
            y = a * 2
        else:
            a = x - 1
            y = a * 3
        return y

    captured = check(forward, POS, NEG)
    (branch,) = [op for op in captured.module.walk() if isinstance(op, IfOp)]
    assert len(branch.res) == 1


def test_counters():
    def forward(self, x):
        n = 0
        for i in range(3):
            if x[0, i] > 0:
                n += 1
        return x * n, n

    check(forward, POS, NEG, MIXED)


def test_ternary():
    def forward(self, x):
        y = x + 1 if x.sum() > 0 else x - 1
        n = 1 if x.max() > 0.5 else 2
        return y * n

    check(forward, POS, NEG, SMALL)


def test_short_circuit_and_is_cheap():
    def forward(self, x):
        if x.sum() > 0 and x.max() > 1:
            return x + 1
        return x - 1

    assert count(check(forward, POS, NEG, SMALL), IfOp) == 1


def test_short_circuit_skips_expensive_operands():
    def forward(self, x):
        if x.sum() > 0 and self.f(x).sum() > 0:
            return x + 1
        if x.sum() > 0 or self.f(x).sum() > 0:
            return x * 7
        return x - 1

    f = nn.Linear(3, 100)
    check(forward, *ALL, all_sides=False, f=f)


def test_and_or_as_values():
    def forward(self, x):
        big = x.max() > 1 and x.min() > 0
        n = 0 or 5
        return (x + 1 if big else x), n, bool(x.sum() > 0) or bool(x.max() > 1)

    check(forward, *ALL)


def test_or_keeps_the_deciding_operand():
    def forward(self, x):
        y = x.sum() or x.min()
        return y

    check(forward, POS, torch.tensor([[-1.0, 1.0, 0.0]]))


def test_chained_comparison():
    def forward(self, x):
        if 0 < x.sum() < 2:
            return x + 1
        return x * 3

    check(forward, POS, NEG, SMALL)


def test_lists_changed_on_both_sides():
    def forward(self, x):
        found = [x]
        if x.sum() > 0:
            found.append(x + 1)
        else:
            found.append(x - 1)
        return torch.cat(found), len(found)

    check(forward, POS, NEG)


def test_list_item_replaced_on_one_side():
    def forward(self, x):
        parts = [x, x * 2]
        if x.sum() > 0:
            parts[1] = x * 5
        return parts

    check(forward, POS, NEG)


def test_lists_and_dicts_made_on_each_side():
    def forward(self, x):
        if x.sum() > 0:
            parts, named = [x, x + 1], {"a": x}
        else:
            parts, named = [x - 1, x], {"a": x * 2}
        parts.append(x)
        return parts, named

    check(forward, POS, NEG)


def test_tuples_of_the_sides():
    def forward(self, x):
        a, b = (x + 1, 1) if x.sum() > 0 else (x - 1, 2)
        return a * b

    check(forward, POS, NEG)


def test_modules_chosen_by_a_branch():
    def forward(self, x):
        layer = self.a if x.sum() > 0 else self.b
        return layer(x)

    check(forward, POS, NEG, a=nn.Linear(3, 2), b=nn.Linear(3, 2))


def test_experts_by_index():
    def forward(self, x):
        return self.experts[x.argmax()](x), self.experts[int(x.argmin())].bias

    experts = nn.ModuleList(nn.Linear(3, 3) for _ in range(3))

    def only(self, x):
        return self.experts[x.argmax()](x)

    check(only, *(torch.eye(3)[i : i + 1] for i in range(3)), experts=experts)


def test_attribute_written_on_one_side():
    def forward(self, x):
        self.h = x
        if x.sum() > 0:
            self.h = self.h + 1
        return self.h * 2

    check(forward, POS, NEG, h=None)


def test_poison_is_an_error_only_where_it_is_used():
    def forward(self, x):
        if x.sum() > 0:
            only_here = x + 1
            y = only_here
        else:
            y = x
        return y

    check(forward, POS, NEG)

    def uses(self, x):
        if x.sum() > 0:
            z = x + 1
        return z

    check(uses, POS, NEG)


def test_an_int_on_one_path_and_a_float_on_the_other():
    def forward(self, x):
        n = 1
        if x.sum() > 0:
            n = 2.5
        return x * n

    check(forward, POS, NEG)


def test_none_on_one_path_and_a_tensor_on_the_other():
    def forward(self, x):
        y = None
        if x.sum() > 0:
            y = x
        if y is None:
            return x
        return y

    check(forward, POS, NEG)


def test_a_list_that_is_longer_on_one_path():
    def forward(self, x):
        parts = [x]
        if x.sum() > 0:
            parts.append(x)
        return torch.cat(parts)

    check(forward, POS, NEG)


def test_ambiguous_truth_is_refused():
    def forward(self, x):
        if x > 0:
            return x
        return -x

    refuse(forward, POS, "truth of a tensor with more than one element", "x > 0")


def test_sizes_that_differ_are_joined():
    def forward(self, x):
        if x.sum() > 0:
            y = torch.cat([x, x])
        else:
            y = x
        return y * 2

    captured = check(forward, POS, NEG)
    assert "tensor<?x3xf32>" in str(captured.main.function_type)


def test_many_branches_in_a_row_stay_flat():
    def forward(self, x):
        for i in range(40):
            if x.sum() > i:
                x = x + 1
        return x

    captured = check(forward, POS, all_sides=False, loops="unroll")
    assert count(captured, IfOp) == 40
    assert depth(captured) == 1


def test_branch_in_a_called_function():
    def helper(x, scale):
        if x.sum() > 0:
            return x * scale
        return -x

    def forward(self, x):
        return helper(x, 2) + helper(x - 1, 3)

    check(forward, POS, NEG, SMALL)


def test_unused_operations_are_removed():
    def forward(self, x):
        unused = torch.exp(x)
        if unused.sum() > 0:
            other = unused * 2
        del other
        return x + 1

    captured = check(forward, POS)
    assert count(captured, IfOp) == 0
    assert count(captured, AtenOp) == 1
