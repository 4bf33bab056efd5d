"""Loops whose trip count is known only at run time: they stay loops, and run none, one and many times."""

import torch
from xdsl.dialects.builtin import i64

from dycl.ir.ops import BreakOp, ContinueOp, ForOp, IfOp, ReturnOp, WhileOp
from tests.frontend.capturing import NEG, POS, SMALL, check, count, program

LARGE = POS * 20
TRIPS = (LARGE, POS, SMALL)
"""None, few and many iterations of a loop that doubles until the sum is 10."""


def test_while_on_a_tensor():
    def forward(self, x):
        while x.sum() < 10:
            x = x * 2
        return x

    captured = check(forward, *TRIPS)
    assert count(captured, WhileOp) == 1


def test_a_counter_is_carried():
    def forward(self, x):
        n = 0
        while x.sum() < 10:
            x = x * 2
            n += 1
        return x, n

    check(forward, *TRIPS)


def test_a_name_that_is_set_again_before_it_is_read_is_not_carried():
    def forward(self, x):
        while x.sum() < 10:
            y = x * 2
            z = y + 0
            x = z
        return x

    captured = check(forward, *TRIPS)
    (loop,) = [op for op in captured.module.walk() if isinstance(op, WhileOp)]
    assert len(loop.results) == 1


def test_endless_loop_left_by_break():
    def forward(self, x):
        while True:
            x = x * 2
            if x.sum() > 10:
                break
        return x

    check(forward, LARGE, POS, SMALL)


def test_endless_loop_left_by_return():
    def forward(self, x):
        n = 0
        while True:
            x = x * 2
            n += 1
            if x.sum() > 10:
                return x, n

    check(forward, LARGE, POS, SMALL)


def test_break_return_and_continue_in_one_loop():
    def forward(self, x):
        n = 0
        while x.abs().max() < 100:
            n += 1
            if x.sum() > 30:
                return x * 10, n
            if n > 4:
                break
            if x[0, 0] > 3:
                x = x + 10
                continue
            x = x * 2
        return x, -n

    captured = check(forward, POS, SMALL, POS * 100, torch.tensor([[-9.0, 0, 0]]), torch.tensor([[4.0, 0, 0]]))
    assert count(captured, BreakOp) == 1
    assert count(captured, ContinueOp) == 1
    assert count(captured, ReturnOp) == 2


def test_while_else():
    def forward(self, x):
        n = 0
        while x.sum() < 10:
            x = x * 2
            n += 1
            if n > 3:
                break
        else:
            x = x + 100
        return x

    check(forward, *TRIPS)


def test_for_else_over_a_range_known_at_run_time():
    def forward(self, x):
        for i in range(int(x.sum())):
            x = x + i
            if x.max() > 5:
                break
        else:
            x = x - 100
        return x

    check(forward, POS, NEG, torch.tensor([[9.0, 0, 0]]))


def test_range_with_bounds_and_steps_known_at_run_time():
    def forward(self, x):
        n = int(x.sum())
        total = 0
        for i in range(n, -n, -2):
            total += i
        for i in range(1, n):
            total += 10 * i
        return x + total

    check(forward, POS, NEG, POS * 3)


def test_the_loop_variable_after_the_loop():
    def forward(self, x):
        for i in range(int(x.sum())):  # noqa: B007
            x = x * 2
        return x + i

    check(forward, POS, POS * 3, NEG)


def test_rows_of_a_tensor_of_unknown_length():
    def forward(self, x):
        for at in x.nonzero():
            x = x + at.sum()
        return x

    captured = check(forward, POS, POS * 0, torch.tensor([[0.0, 1.0, 0.0]]))
    assert count(captured, ForOp) == 1


def test_enumerate_zip_and_reversed_of_run_time_ranges():
    def forward(self, x):
        n = int(x.sum())
        total = x * 0
        for i, j in enumerate(range(n), 1):
            total = total + i * j
        for i, j in zip(range(n), range(5), strict=False):
            total = total + i - j
        for i in reversed(range(n)):
            total = total * 2 + i
        return total

    check(forward, POS, NEG, POS * 3)


def test_loop_in_a_loop():
    def forward(self, x):
        outer = 0
        while x.sum() < 50:
            y = x * 0
            while y.max() < 2:
                y = y + 1
                if (y > x).all():
                    break
            x = x + y + 1
            outer += 1
        return x, outer

    captured = check(forward, LARGE, POS, SMALL, all_sides=False)
    assert count(captured, WhileOp) == 2


def test_break_of_the_inner_loop_and_return_from_it():
    def forward(self, x):
        n = 0
        while x.sum() < 50:
            for i in range(int(x.max()) + 1):
                x = x + 1
                if x.min() > 6:
                    return x, i, n
                if x.sum() > 14:
                    break
            n += 1
        return x, -1, n

    check(forward, LARGE, POS, SMALL, torch.tensor([[-2.0, 2, 0]]), all_sides=False)


def test_return_of_an_inlined_function_out_of_a_loop():
    def grow(x):
        n = 0
        while x.sum() < 20:
            x = x * 2
            n += 1
            if x.max() > 9:
                return x * 100, n
        return x, n

    def forward(self, x):
        y, n = grow(x)
        return y + 1, n

    check(forward, POS, LARGE, torch.tensor([[4.0, 4.0, 4.0]]))


def test_if_in_a_loop():
    def forward(self, x):
        while x.sum() < 10:
            if x[0, 0] > 0.5:
                x = x + 1
            else:
                x = x * 2
        return x

    check(forward, *TRIPS)


def test_a_value_that_is_none_before_the_first_iteration():
    def forward(self, x):
        state = None
        while x.sum() < 10:
            state = x if state is None else state + x
            x = x * 2
        return x, state if state is not None else x * 0

    check(forward, *TRIPS)


def test_a_number_that_becomes_a_tensor():
    def forward(self, x):
        total = 0
        while x.sum() < 10:
            total = total + x.sum()
            x = x * 2
        return x + total

    check(forward, *TRIPS)


def test_lists_that_grow():
    def forward(self, x):
        seen, sums = [], [0.5]
        while x.sum() < 10:
            x = x * 2
            seen.append(x)
            sums.append(float(x.sum()))
        return seen, sums, len(seen), sums[-1], max(sums)

    check(forward, *TRIPS)


def test_a_list_that_grows_is_stacked_joined_and_read():
    def forward(self, x):
        seen = [x]
        while x.sum() < 10:
            x = x * 2
            seen.append(x + len(seen))
        total = x * 0
        for part in seen:
            total = total + part
        return torch.stack(seen, 1), torch.cat(seen, 1), seen[0], seen[-1], seen[-2:], total, sum(seen)

    check(forward, POS, SMALL)


def test_tensors_that_grow():
    def forward(self, x):
        tokens = x.argmax(1, keepdim=True)
        while tokens.shape[1] < 12:
            following = (tokens.sum(1, keepdim=True) + 1) % 7
            tokens = torch.cat([tokens, following], dim=1)
            if (following == 5).all():
                break
        return tokens, tokens.shape[1]

    check(forward, POS, NEG, torch.tensor([[0.0, 0.0, 1.0]]))


def test_tensors_that_grow_together_still_fit_each_other():
    def forward(self, x):
        keys, values, step = x, x * 2, 1
        while values.sum() < 60:
            attention = torch.softmax(keys @ keys.transpose(0, 1), -1) @ values
            keys = torch.cat([keys, attention[-1:]])
            values = torch.cat([values, attention[-1:] + step])
            step += 1
        weights = torch.arange(step, dtype=torch.float32).unsqueeze(1)
        return keys * values + weights[: keys.shape[0]]

    check(forward, POS, LARGE, SMALL)


def test_tuples_and_objects_are_carried_part_by_part():
    def forward(self, x):
        state = (x, (x.sum(), 0))
        self.memory = x * 0
        while state[1][0] < 10:
            h = state[0] * 2
            self.memory = self.memory + h
            state = (h, (h.sum(), state[1][1] + 1))
        return state, self.memory

    check(forward, *TRIPS)


def test_writes_in_place_are_carried():
    def forward(self, x):
        buffer = torch.zeros(4, 3)
        i = 0
        while x.sum() < 10 and i < 4:
            buffer[i] = x[0]
            buffer[0] += 1
            x = x * 2
            i += 1
        return buffer, x

    check(forward, POS, LARGE, NEG)


def test_names_of_one_tensor_stay_one():
    def forward(self, x):
        a = b = x + 0
        while a.sum() < 10:
            a = b = a * 2
            a += 1
        b += 1
        return a, b

    check(forward, *TRIPS)


def test_names_that_change_places():
    def forward(self, x):
        a, b = x, x + 1
        while a.sum() < 20:
            a, b = b, a + b
        return a, b

    check(forward, *TRIPS)


def test_assertions_and_exceptions_in_a_loop():
    def forward(self, x):
        n = 0
        while x.sum() < 10:
            n += 1
            assert n < 6, "too many"
            if x.min() < -5:
                raise ValueError("negative")
            x = x * 2
        return x, n

    check(forward, POS, SMALL, NEG, LARGE, all_sides=False)


def test_a_loop_in_a_branch_and_a_branch_after_a_loop():
    def forward(self, x):
        if x.sum() > 0:
            while x.sum() < 10:
                x = x * 2
        else:
            x = -x
        if x.max() > 8:
            x = x - 1
        return x

    check(forward, POS, NEG, torch.tensor([[9.0, 0, 0]]))


def test_long_loops_of_alike_iterations_stay_loops():
    def forward(self, x):
        for i in range(200):
            x = torch.tanh(x + i)
        return x

    captured = check(forward, POS)
    assert count(captured, ForOp) == 1


def test_long_loops_over_modules_are_evaluated():
    layers = torch.nn.ModuleList(torch.nn.Linear(3, 3) for _ in range(40))

    def forward(self, x):
        for i in range(40):
            x = self.layers[i](x)
        return x

    module = program(forward)
    module.layers = layers
    captured = check(module, POS)
    assert count(captured, ForOp) == 0


def test_loops_are_kept_on_demand():
    layers = torch.nn.ModuleList(torch.nn.Linear(3, 3) for _ in range(4))

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = torch.relu(layer(x)) + i
            if x.sum() > self.limit:
                break
        return x

    module = program(forward, limit=8.0)
    module.layers = layers
    kept = check(module, POS, NEG, all_sides=False, loops="keep")
    assert count(kept, ForOp) == 1
    unrolled = check(module, POS, NEG, all_sides=False, loops="unroll")
    assert count(unrolled, ForOp) == 0


def test_bounded_loops_with_exits_become_one_loop_when_long():
    def forward(self, x):
        tokens = [int(x.argmax())]
        while len(tokens) < 20:
            x = torch.roll(x, 1, 1) * 1.5
            tokens.append(int(x.argmax()))
            if x.sum() > 9:
                break
        return tokens, x

    captured = check(forward, POS, NEG, SMALL)
    assert count(captured, WhileOp) == 1


def test_comparison_of_every_carried_kind():
    def forward(self, x):
        flag, count_, level, name = False, 0, 0.5, "low"
        while x.sum() < 10:
            flag = bool(x.sum() > 3)
            count_ += 2
            level = level * 2
            if flag:
                name = "high"
            x = x * 2
        return x, flag, count_, level, name

    captured = check(forward, *TRIPS)
    (loop,) = [op for op in captured.module.walk() if isinstance(op, WhileOp)]
    assert i64 in [result.type for result in loop.results]
    assert count(captured, IfOp) <= 2


def test_comprehensions_over_run_time_lengths():
    def forward(self, x):
        rows = x.nonzero()
        columns = [int(row[1]) * 2 for row in rows]
        parts = [x * i for i in range(int(x.sum())) if i != 1]
        return columns, torch.tensor(columns), torch.stack(parts) if len(parts) else x

    check(forward, POS, torch.tensor([[0.0, 4.0, 0.0]]), NEG)


def test_comprehensions_with_filters_on_tensors():
    def forward(self, x):
        kept = [row for row in (x, x + 1, x - 1) if row.sum() > 0]
        return len(kept), torch.cat(kept) if kept else x

    check(forward, POS, NEG, SMALL)
