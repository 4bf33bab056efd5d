"""Python numbers that are known only at run time."""

# ruff: noqa: C419, UP031, UP032
# The programs are as people write them.

import math

import numpy as np
import torch

from dycl.ir.ops import IfOp
from tests.frontend.capturing import ALL, MIXED, NEG, POS, SMALL, check, count, refuse


def test_item_and_arithmetic():
    def forward(self, x):
        a = x.sum().item()
        b = float(x.max())
        n = int(x.argmax())
        return a + b * 2 - 1, a / 3, n * 2 + 1, n // 2, n % 3, -a, n - 5, b**2, abs(a), +n

    check(forward, *ALL)


def test_integer_division_and_remainder_follow_python():
    def forward(self, x):
        n = int(x.sum())
        return n // 2, n % 3, n // -2, abs(n), -n

    check(forward, *ALL, 3 * NEG, 5 * POS)


def test_comparisons_of_numbers():
    def forward(self, x):
        a, n = x.sum().item(), int(x.argmax())
        if a > 0.5 and n == 1:
            return x
        if n != 1 or a <= -1:
            return x * 2
        return x * 3, n

    check(forward, *ALL, MIXED + 0.1, torch.tensor([[-0.1, 0.05, -0.2]]), all_sides=False)


def test_numbers_meet_tensors():
    def forward(self, x):
        s = x.sum().item()
        n = int(x.argmax())
        return x * s + n, s - x, x > s, x.clamp(max=s), torch.full((2,), s), torch.tensor(s), x.long() + n

    check(forward, *ALL)


def test_conversions_and_builtins():
    def forward(self, x):
        s, m = x.sum().item(), x.max().item()
        return int(s), bool(s), float(int(s)), max(s, m), min(s, m, 0.5), isinstance(s, float), round(2.6)

    check(forward, *ALL)


def test_max_of_tensors_keeps_python_s_choice():
    def forward(self, x):
        return max(x[0, 0], x[0, 1]), min([x.max(), x.sum(), x.min()]), sum(x[0])

    assert count(check(forward, *ALL), IfOp) == 0


def test_any_and_all_of_tests():
    def forward(self, x):
        if any(v > 1 for v in x[0]):
            return x
        if all([v < 0 for v in x[0]]):
            return x * 2
        return x * 3

    check(forward, *ALL)


def test_division_by_zero_is_checked():
    def forward(self, x):
        return x, 1 / x.sum().item()

    check(forward, POS, torch.zeros(1, 3))


def test_index_of_a_list_of_tensors_needs_no_branch():
    def forward(self, x):
        outputs, confidences = [], []
        for i in range(5):
            y = x * (i - 2)
            outputs.append(y)
            confidences.append(torch.softmax(y[0], 0).max())
        best = np.argmax(confidences)
        return outputs[best], best, np.max(confidences), outputs[-1]

    assert count(check(forward, *ALL), IfOp) == 0


def test_index_of_a_list_of_numbers():
    def forward(self, x):
        return [0.25, 0.5, 1.5][x.argmax()], [3, 4, 5][int(x.argmin())], (x, x + 1, x + 2)[x.argmax().item()]

    assert count(check(forward, *ALL), IfOp) == 0


def test_negative_and_out_of_range_indices():
    def forward(self, x):
        return [1, 2, 3][int(x.sum())]

    check(forward, SMALL, torch.tensor([[-1.2, 0.0, 0.0]]), POS, 10 * NEG, all_sides=False)


def test_index_of_a_tensor():
    def forward(self, x):
        i = x.argmax().item()
        table = torch.arange(12.0).reshape(3, 4)
        return table[i], table[:, i], table[i, 1], table[None, i, 1:], x[0, i]

    check(forward, *ALL)


def test_tolist():
    def forward(self, x):
        a, b, c = x.flatten().tolist()
        return a + b + c, x.tolist()

    check(forward, *ALL)


def test_tolist_of_many_elements():
    def forward(self, x):
        count, items = 0, (x.T @ torch.arange(1.0, 41.0)[None]).T.tolist()
        for a, b, _ in items:
            if a > b:
                count += 1
        return count, items[3], items

    check(forward, *ALL)


def test_tensors_of_numbers():
    def forward(self, x):
        n = int(x.argmax())
        return torch.tensor([n, 5]), torch.tensor([[x.sum().item(), 0.5]]), torch.tensor([x[0, 0], x[0, 1]])

    check(forward, *ALL)


def test_numbers_reach_no_foreign_code():
    def text(self, x):
        return x, str(x.sum().item())

    def sine(self, x):
        return x * math.lgamma(x.sum().item())

    def tensor_sine(self, x):
        return x * math.lgamma(x.sum())

    def formatted(self, x):
        return x, f"{x.sum().item():.2f}"

    def percent(self, x):
        return x, "%.2f" % x.sum().item()

    def joined(self, x):
        return x, "total {}".format(x.sum())

    refuse(text, POS, "text made from a value known only at run time", "return x, str(x.sum().item())")
    refuse(sine, POS, "a float known only at run time reaches `math.lgamma`", "math.lgamma(x.sum().item())")
    refuse(tensor_sine, POS, "a traced tensor reaches `math.lgamma`", "math.lgamma(x.sum())")
    refuse(formatted, POS, "text made from a value", 'return x, f"{x.sum().item():.2f}"')
    refuse(percent, POS, "text made from a value", 'return x, "%.2f" % x.sum().item()')
    refuse(joined, POS, "text made from a value", 'return x, "total {}".format(x.sum())')


def test_keys_and_identities_are_refused():
    def key(self, x):
        return {0: x, 1: x * 2}[int(x.argmax())]

    def identity(self, x):
        return x if bool(x.sum() > 0) is True else -x

    refuse(key, POS, "whose key is known only at run time", "{0: x, 1: x * 2}[int(x.argmax())]")
    refuse(identity, POS, "`is` on a number known only at run time", "bool(x.sum() > 0) is True")


def test_membership():
    def forward(self, x):
        if int(x.argmax()) in (0, 2):
            return x
        return x * 2

    check(forward, *ALL, torch.tensor([[3.0, 0.0, 1.0]]))
