"""Early exits: `return`, `break`, `continue` and `raise` that depend on tensors."""

# ruff: noqa: B007, RET505
# The programs are as people write them.

import pytest
import torch
from torch import nn

from dycl.frontends.torch import CaptureError
from dycl.ir.ops import AssertOp, IfOp
from tests.frontend.capturing import ALL, MIXED, NEG, POS, SMALL, capture, check, count, depth, program, refuse


def test_return_on_one_side():
    def forward(self, x):
        if x.sum() > 0:
            return x + 1
        x = x * 2
        return x - 1

    assert depth(check(forward, POS, NEG)) == 1


def test_return_on_the_else_side():
    def forward(self, x):
        if x.sum() > 0:
            y = x + 1
            z = torch.relu(y)
        else:
            return x - 1
        return y * z

    check(forward, POS, NEG)


def test_return_on_both_sides():
    def forward(self, x):
        if x.sum() > 0:
            return x + 1
        else:
            return x - 1

    check(forward, POS, NEG)


def test_return_in_nested_branches():
    def forward(self, x):
        if x.sum() > 0:
            x = x * 2
            if x.max() > 2:
                return x + 100
            x = x + 1
        return x * 3

    check(forward, POS, NEG, SMALL)


def test_return_in_an_unrolled_loop_stays_flat():
    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if x.max() > 0.5:
                return x, i
        return x, -1

    captured = check(
        forward, *ALL, torch.randn(1, 3) * 3, all_sides=False, layers=nn.ModuleList(nn.Linear(3, 3) for _ in range(5))
    )
    assert depth(captured) == 1


def test_exit_results_of_differing_numbers():
    def forward(self, x):
        if x.sum() > 2:
            return x, 0, True, 0.5
        if x.sum() > 0:
            return x * 2, 1, True, 0.5
        return x * 3, 2, False, 1.5

    check(forward, POS, NEG, SMALL)


def test_exits_of_differing_sizes():
    def forward(self, x):
        if x.sum() > 0:
            return torch.cat([x, x])
        return x

    check(forward, POS, NEG)


def test_tail_called_exits_stay_flat():
    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(6))

        def forward(self, x):
            return self.run(x, limit=0.4)

        def run(self, x, limit):
            for layer in self.layers:
                x = layer(x)
                if x.max() > limit:
                    return x
            return x * 0

    def forward(self, x):
        if x.sum() > 5:
            return x
        return self.inner(x)

    captured = check(forward, *ALL, 5 * POS, all_sides=False, inner=Inner().eval())
    assert depth(captured) == 1
    assert count(captured, IfOp) == 7


def test_inlined_return_is_joined():
    def f(x):
        if x.sum() > 0:
            return x + 1
        x = x * 2
        if x.min() < -3:
            return x + 10
        return x - 1

    def forward(self, x):
        y = f(x)
        return y * f(y)

    torch.manual_seed(0)
    check(forward, *ALL, SMALL * -1, *(2 * torch.randn(1, 3) for _ in range(20)))


def test_inlined_return_inside_a_branch_that_goes_on():
    def f(x):
        if x.sum() > 0:
            if x.max() > 1:
                return x + 100
            z = x + 1
        else:
            z = x - 1
        return z * 2

    def forward(self, x):
        return f(x) + 1

    check(forward, POS, NEG, SMALL)


def test_inlined_return_two_branches_deep():
    def f(x, log):
        log.append(x)
        if x.sum() > 0:
            if x.max() > 0.5:
                log[0] = x * 2
                if x.min() > 0.3:
                    return x + 100, 1
                z = x + 1
            else:
                return x + 50, 2
            w = z * 3
        else:
            w = x - 1
        log.append(w)
        return w * 2, log.pop()

    def g(x):
        if x.sum() > 0:
            if x.max() > 0.5:
                if x.min() > 0.3:
                    return x + 100, 1
                z = x + 1
            else:
                return x + 50, 2
            w = z * 3
        else:
            w = x - 1
        return w * 2, 3

    def forward(self, x):
        a, n = g(x)
        return a * n, n

    check(forward, POS, NEG, SMALL, torch.tensor([[1.0, 2.0, 0.1]]))


def test_return_of_nothing():
    def f(x, seen):
        if x.sum() > 0:
            seen[0] = x + 1
            return
        seen[0] = x - 1

    def forward(self, x):
        seen = [x]
        f(x, seen)
        return seen[0]

    check(forward, POS, NEG)


def test_break():
    def forward(self, x):
        for i in range(4):
            x = x * 1.5
            if x.max() > 2:
                break
            x = x + 0.1
        return x * 2, i

    check(forward, POS, NEG, SMALL, 10 * SMALL, all_sides=False)


def test_break_and_for_else():
    def forward(self, x):
        for i in range(3):
            if x[0, i] > 1:
                y = x + i
                break
        else:
            y = x - 100
        return y

    check(forward, POS, NEG, SMALL, 10 * torch.eye(3)[:1], 10 * torch.eye(3)[2:])


def test_continue():
    def forward(self, x):
        total = x * 0
        for i in range(3):
            if x[0, i] < 0:
                continue
            total = total + x * (i + 1)
        return total

    check(forward, *ALL, -MIXED)


def test_break_and_continue_and_return_in_one_loop():
    def forward(self, x):
        n = 0
        for i in range(3):
            if x[0, i] > 1.5:
                return x, n
            if x[0, i] < -1.5:
                break
            if x[0, i] < 0:
                continue
            n += 1
        return x * 2, n

    check(forward, *ALL, 3 * POS, 3 * NEG, -MIXED, all_sides=False)


def many_inputs():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(1, 3, generator=generator) * scale for scale in (0.3, 0.6, 1, 1.5) for _ in range(25)]


def test_exits_of_several_scopes_of_an_inlined_function():
    def f(y):
        for i in range(3):
            if y[0, i] > 1:
                if y.sum() > 2:
                    return y * 10
                break
            y = y + 1
        else:
            return y - 1
        return y * 3

    def g(y):
        total = y * 0
        for i in range(3):
            if y[0, i] < 0:
                continue
            if y[0, i] > 1.5:
                return total - 100
            if y.sum() > 3:
                break
            total = total + y * (i + 1)
            if total.sum() > 2:
                if total.max() > 1.2:
                    break
                continue
            total = total + 0.5
        else:
            total = total * 7
        return total + 1

    def forward(self, x):
        return f(x) + f(-x), g(x) * g(x * 0.7) - g(-x)

    check(forward, *many_inputs(), all_sides=False)


def test_exits_of_nested_loops():
    def forward(self, x):
        n = 0
        for i in range(2):
            for j in range(3):
                if x[0, j] > 0.3:
                    if x.sum() > 1:
                        if x.max() > 2.5:
                            return x, n
                        x = x * 0.7
                        n += 1
                        continue
                    if x.min() < -0.5:
                        break
                n += 10
                if n > 0 and x[0, i] > 0.4:
                    break
            else:
                x = x + 0.3
                continue
            x = x - 0.1
            if x.sum() < -1:
                break
        return x, n

    check(forward, *many_inputs(), all_sides=False)


def test_what_the_open_side_has_made_is_its_own():
    def f(a, b, xs):
        if b.sum() > 1.17:
            b = torch.tanh(b)
        else:
            a = b.clone()
            if b[0, 1] < -0.28:
                b = b + a
                a = b if a[0, 2] < -0.73 else a * 2
            else:
                return a
            if a.max() > 0.16 and b.sum() > 1.86:
                xs[0] += 0.25
        return a

    def forward(self, x):
        xs = [x * 1]
        return f(x * 0.5, x * 0.5, xs), xs

    check(forward, *many_inputs(), all_sides=False)


def test_exits_keep_what_each_path_wrote():
    def forward(self, x):
        log = []

        def f(y):
            log.append(y)
            if y.sum() > 0:
                if y.max() > 1:
                    return 1
                log[-1] = y * 5
                return 2
            log[-1] = y * 7
            if y.min() < -1:
                return 3
            return 4

        n = f(x) * 10 + f(x - 0.4)
        return log, n

    check(forward, *many_inputs(), all_sides=False)


def test_break_in_a_nested_branch():
    def forward(self, x):
        for i in range(3):
            if x.sum() > 0:
                x = x + 1
                if x.max() > 3:
                    break
                x = x * 1.1
            else:
                x = x - 1
                if x.min() < -3:
                    break
        return x, i

    check(forward, *ALL, all_sides=False)


def test_break_leaves_the_inner_loop_only():
    def forward(self, x):
        for _ in range(2):
            for j in range(3):
                x = x + 0.2
                if x[0, j] > 1:
                    break
            x = x * 1.5
        return x

    check(forward, *ALL, all_sides=False)


def test_return_inside_while():
    def forward(self, x):
        i = 0
        while i < 3:
            if x[0, i] > 1:
                return x, i
            i += 1
        else:
            x = x * 2
        return x, 10

    check(forward, POS, NEG, 10 * torch.eye(3)[:1], 10 * torch.eye(3)[2:])


def test_raise_becomes_a_check():
    def forward(self, x):
        if x.sum() < 0:
            raise ValueError("negative")
        return x + 1

    captured = check(forward, POS, NEG)
    (op,) = [op for op in captured.module.walk() if isinstance(op, AssertOp)]
    assert op.message.data == "ValueError: negative"


def test_raise_on_the_else_side():
    def forward(self, x):
        if x.sum() > 0:
            y = x + 1
        else:
            raise ValueError("negative")
        return y

    check(forward, POS, NEG)


def test_assert_becomes_a_check():
    def forward(self, x):
        assert x.sum() > 0, "negative"
        assert x.shape[1] == 3
        return x + 1

    captured = check(forward, POS, NEG)
    assert count(captured, AssertOp) == 1


def test_certain_exceptions_are_reported_at_their_place():
    def forward(self, x):
        if x.shape[0] == 1:
            raise ValueError("no single samples")
        return x

    refuse(forward, POS, r"the model raised ValueError: no single samples", 'raise ValueError("no single samples")')


def test_try_and_except_of_certain_exceptions():
    def forward(self, x):
        try:
            scale = {"a": 1}["b"]
        except KeyError as error:
            scale = len(error.args) + 1
        try:
            x = x + self.missing
        except AttributeError:
            x = x * scale
        else:
            x = x * 100
        try:
            x = x + 1
        finally:
            x = x - 3
        return x

    check(forward, POS)


@pytest.mark.parametrize("exits", [100, 200])
def test_too_many_joined_exits_are_refused_clearly(exits):
    def forward(self, x):
        for i in range(exits):
            x = x + i
            if x.max() > i:
                break
        return x * 2

    if exits > 150:
        with pytest.raises(CaptureError, match="exits of one loop that depend on tensors"):
            capture(program(forward), POS, "unroll")
    check(forward, POS, all_sides=False)


def test_a_thousand_exits_and_skips_emit_linearly_many_ops():
    def exits(self, x):
        for i in range(self.n):
            if x.max() > i:
                return x, i
        return x, -1

    def skips(self, x):
        for i in range(self.n):
            if x.max() > i:
                x = x + 1
        return x

    for forward, per_branch in ((exits, 7), (skips, 7)):
        sizes = []
        for n in (50, 250):
            captured = check(forward, POS, all_sides=False, loops="unroll", n=n)
            sizes.append(sum(1 for _ in captured.module.walk()))
            assert count(captured, IfOp) == n
            assert depth(captured) == 1
        assert sizes[1] - sizes[0] <= 200 * per_branch


def test_break_out_of_stages_whose_features_differ_in_shape():
    class Stages(nn.Module):
        def __init__(self):
            super().__init__()
            self.stages = nn.ModuleList([nn.Linear(4, 8), nn.Linear(8, 6), nn.Linear(6, 5)])
            self.heads = nn.ModuleList(nn.Linear(width, 3) for width in (8, 6, 5))

        def forward(self, x):
            for i, (stage, head) in enumerate(zip(self.stages, self.heads, strict=True)):
                x = torch.relu(stage(x))
                logits = head(x)
                if logits.softmax(-1).max() > 0.45:
                    break
            return {"logits": logits, "exit": i}

    torch.manual_seed(0)
    samples = [torch.randn(1, 4) * scale for scale in (0.1, 0.5, 1.0, 3.0, 10.0) for _ in range(8)]
    check(Stages().eval(), *samples, all_sides=False)
