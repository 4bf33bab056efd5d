"""`try`: handlers and `finally` around exceptions and exits that depend on tensors."""

# ruff: noqa: B016, RET505, RUF005
# The programs are as people write them.

import pytest
import torch
from torch import nn

from dycl.frontends.signature import parse_signature
from dycl.frontends.torch import CaptureError, import_module
from dycl.ir.ops import AssertOp, IfOp
from tests.frontend.capturing import ALL, MIXED, NEG, POS, SMALL, check, count, depth, program, refuse


class HighwayException(Exception):
    def __init__(self, message, exit_layer):
        self.message = message
        self.exit_layer = exit_layer


class Fault(Exception):
    pass


def many(count=40, scale=2.0):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(1, 3, generator=generator) * scale for _ in range(count)]


def test_exception_in_a_branch_reaches_its_handler():
    def forward(self, x):
        try:
            if x.sum() > 0:
                raise ValueError("positive")
            x = x * 2
        except ValueError:
            x = x + 1
        return x * 3

    captured = check(forward, POS, NEG)
    assert count(captured, AssertOp) == 0
    assert count(captured, IfOp) == 1


def test_else_runs_only_where_nothing_was_raised():
    def forward(self, x):
        try:
            if x.sum() > 0:
                raise ValueError
        except ValueError:
            y = x + 1
        else:
            y = x - 1
        return y

    check(forward, POS, NEG)


def test_variables_of_the_path_that_raised():
    def forward(self, x):
        stage = 0
        try:
            x = x + 1
            stage = 1
            if x.max() > 2:
                raise Fault
            x = x * 2
            stage = 2
            if x.min() < 0:
                raise Fault
            stage = 3
        except Fault:
            x = x - 100
        return x, stage

    check(forward, POS, NEG, SMALL, *many(), all_sides=False)


def test_handlers_by_class_in_order():
    def forward(self, x):
        try:
            if x[0, 0] > 1:
                raise KeyError("k")
            if x[0, 1] > 1:
                raise ValueError("v")
            if x[0, 2] > 1:
                raise Fault
            n = 0
        except (KeyError, IndexError) as error:
            n = len(error.args)
        except Exception:
            n = 20
        return x * n, n

    captured = check(forward, 2 * torch.eye(3)[:1], 2 * torch.eye(3)[1:2], 2 * torch.eye(3)[2:], NEG)
    assert count(captured, AssertOp) == 0


def test_exception_that_no_handler_takes_stays_a_check():
    def forward(self, x):
        try:
            if x.sum() > 0:
                raise ValueError("positive")
        except KeyError:
            x = x * 100
        return x

    captured = check(forward, POS, NEG)
    assert count(captured, AssertOp) == 1


def test_values_that_an_exception_carries():
    def forward(self, x):
        try:
            for i in range(3):
                if x[0, i] > 1:
                    raise HighwayException((x * i, {"i": x + i}), i + 1)
            exit_layer = 0
            outputs = (x, {"i": x - 1})
        except HighwayException as e:
            outputs = e.message
            exit_layer = e.exit_layer
        return outputs[0] + outputs[1]["i"], exit_layer

    check(forward, *(5 * torch.eye(3)[i : i + 1] for i in range(3)), NEG, SMALL, all_sides=False)


class Encoder(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(layers))
        self.highway = nn.ModuleList(nn.Linear(3, 2) for _ in range(layers))

    def forward(self, x):
        states, exits = (), ()
        for i, layer in enumerate(self.layers):
            x = torch.tanh(layer(x))
            states = states + (x,)
            logits = self.highway[i](x)
            exits = exits + (logits,)
            if logits.softmax(-1).max() > 0.6:
                raise HighwayException((logits, exits), i + 1)
        return x, states


class EarlyExit(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.encoder = Encoder(layers)
        self.head = nn.Linear(3, 2)

    def body(self, x):
        encoded = self.encoder(x)
        return encoded[0] * 2, encoded[1]

    def forward(self, x):
        exit_layer = len(self.encoder.layers)
        try:
            outputs = self.body(x)
            logits = self.head(outputs[0])
        except HighwayException as e:
            logits = e.message[0]
            exit_layer = e.exit_layer
        return logits, logits.argmax(-1), exit_layer


def test_early_exit_by_an_exception_from_a_called_module():
    torch.manual_seed(3)
    captured = check(EarlyExit(4).eval(), *many(60, 3.0), all_sides=False)
    assert count(captured, AssertOp) == 0


def test_handler_that_returns_stays_flat():
    class Direct(EarlyExit):
        def forward(self, x):
            try:
                outputs = self.body(x)
            except HighwayException as e:
                return e.message[0], e.exit_layer
            return self.head(outputs[0]), 0

    torch.manual_seed(3)
    captured = check(Direct(6).eval(), *many(60, 3.0), all_sides=False)
    assert depth(captured) == 1


def test_function_that_raises_on_every_path():
    def f(x):
        if x.sum() > 0:
            raise HighwayException(x + 1, 1)
        raise HighwayException(x - 1, 2)

    def g(x):
        if x.max() > 1:
            return f(x) + 1
        elif x.max() > 0:
            return x
        raise Fault

    def forward(self, x):
        try:
            y = g(x) * 2
            n = 0
        except HighwayException as e:
            y, n = e.message, e.exit_layer
        except Fault:
            y, n = x, 9
        return y, n

    check(forward, POS, NEG, SMALL, MIXED, *many(), all_sides=False)


def test_returns_and_exceptions_of_one_called_function():
    def f(x):
        if x[0, 0] > 1:
            return x + 10
        if x[0, 1] > 1:
            raise HighwayException(x, 1)
        if x[0, 2] > 1:
            return x - 10
        if x[0, 0] < -1:
            raise HighwayException(x * 2, 2)
        return x * 5

    def forward(self, x):
        try:
            y = f(x) + f(-x)
            n = 0
        except HighwayException as e:
            y, n = e.message, e.exit_layer
        return y + 1, n

    check(forward, *many(80), all_sides=False)


def test_exceptions_in_expressions():
    def f(x):
        if x.sum() > 1:
            raise Fault
        return x + 1

    def forward(self, x):
        try:
            y = f(x) if x.max() > 0 else x - 1
            z = y if y.min() > 0.5 and f(y).sum() > 0.1 else y * 2
            w = tuple(f(v) for v in (x, x - 1))
        except Fault:
            z, w = x * 7, (x, x)
        return z, w

    check(forward, POS, NEG, SMALL, MIXED, *many(), all_sides=False)


def test_nested_tries_and_reraising():
    def forward(self, x):
        n = 5
        try:
            try:
                if x[0, 0] > 1:
                    raise KeyError("inner")
                if x[0, 1] > 1:
                    raise ValueError("outer")
                n = n - 4
            except KeyError as e:
                n = n + 1
                if x[0, 2] > 0:
                    raise
                if x[0, 1] > 0:
                    raise Fault from e
                n = 2
        except (ValueError, Fault):
            n = n * 3
        except KeyError:
            n = n * 4
        return x * n, n

    check(forward, *many(80), all_sides=False)


def test_bare_raise_in_a_function_that_a_handler_calls():
    def again():
        raise

    def forward(self, x):
        try:
            try:
                if x.sum() > 0:
                    raise Fault
            except Fault:
                again()
        except Fault:
            x = x + 1
        return x

    check(forward, POS, NEG)


def test_loops_around_and_inside_a_try():
    def forward(self, x):
        total = x * 0
        for i in range(3):
            try:
                for j in range(2):
                    if x[0, i] > j:
                        raise Fault
                    total = total + 1
                if x[0, i] < -1:
                    continue
                total = total + x
            except Fault:
                if total.sum() > 3:
                    break
                total = total * 2
            total = total + 0.5
        return total

    check(forward, *many(80), all_sides=False)


def test_finally_runs_on_every_path():
    def forward(self, x):
        log = []
        try:
            log.append(1)
            if x.sum() > 2:
                return x, log, 1
            if x.max() > 0.4:
                return x * 2, log, 2
            x = x + 1
        finally:
            log[0] = 5
            x = x * 10
        return x, log, 3

    check(forward, POS, NEG, SMALL, *many())


def test_finally_around_break_and_continue():
    def forward(self, x):
        n = 0
        for i in range(3):
            try:
                if x[0, i] > 1:
                    break
                if x[0, i] < -1:
                    continue
                n += 1
            finally:
                n += 10
                x = x + 0.1
            n += 100
        return x, n

    check(forward, *many(80), all_sides=False)


def test_finally_with_handlers_and_exceptions():
    def f(x, log):
        try:
            log[0] = log[0] + 1
            if x[0, 0] > 1:
                raise KeyError
            if x[0, 1] > 1:
                raise ValueError
            return x
        except KeyError:
            if x[0, 2] > 0:
                return x * 3
            log[0] = log[0] + 10
        else:
            log[0] = log[0] + 1000
        finally:
            log[0] = log[0] + 100
        return x * 2

    def forward(self, x):
        log = [x * 0]
        try:
            y = f(x, log)
        except ValueError:
            y = x - 7
        return y, log[0]

    check(forward, *many(80), all_sides=False)


def test_return_in_a_finally_replaces_the_exit():
    def f(x):
        try:
            if x.sum() > 0:
                raise Fault
            if x.min() < -1:
                return x * 2
        finally:
            if x.max() > 0.6:
                return x + 5  # noqa: B012
        return x

    def forward(self, x):
        try:
            return f(x) + 1
        except Fault:
            return x - 1

    check(forward, POS, NEG, SMALL, MIXED, *many(80), all_sides=False)


def test_what_a_side_returns_before_it_raises():
    def forward(self, x):
        if x.sum() > 0:
            if x.max() > 1:
                return x
            raise ValueError("between")
        return -x

    captured = check(forward, POS, NEG, SMALL, all_sides=False)
    assert count(captured, AssertOp) == 1


def test_division_by_zero_and_indices_out_of_range():
    def forward(self, x):
        n = int(x[0, 0])
        parts = [x, x + 1, x + 2]
        try:
            y = parts[n] / (n + 3 // n)
        except ZeroDivisionError:
            y = x * 100
        except IndexError:
            y = x * 1000
        return y

    values = [torch.tensor([[float(i), 1.0, 1.0]]) for i in range(-5, 6)]
    check(forward, *values, all_sides=False)


def test_assertions_are_caught():
    def forward(self, x):
        try:
            assert x.sum() > 0, "negative"
            y = x + 1
        except AssertionError:
            y = x - 1
        return y

    check(forward, POS, NEG)


def test_exceptions_with_numbers_known_only_at_run_time():
    def forward(self, x):
        try:
            k = x.argmax().item()
            if x.sum() > 0:
                raise HighwayException(x, k)
            k = k + 100
        except HighwayException as e:
            return e.message * 2, e.exit_layer
        return x, k

    check(forward, *many())


def test_exception_made_before_it_is_raised():
    def forward(self, x):
        error = Fault(x + 1)
        try:
            if x.sum() > 0:
                raise error
            y = x
        except Fault as e:
            y = e.args[0] if e is error else x * 100
        return y

    check(forward, POS, NEG)


def test_exceptions_from_a_chosen_object():
    def a(x):
        if x.sum() > 0:
            raise Fault
        return x

    def forward(self, x):
        try:
            y = [a, torch.relu, torch.sin][int(x.argmax())](x)
        except Fault:
            y = x * 7
        return y

    check(forward, *(sign * torch.eye(3)[i : i + 1] for i in range(3) for sign in (1, -1)), all_sides=False)


def test_nothing_to_raise_again():
    def forward(self, x):
        if x.dim() == 2:
            raise
        return x

    refuse(forward, POS, "the model raised RuntimeError: No active exception to reraise", "raise")


def test_exceptions_that_are_none():
    def forward(self, x):
        raise 3

    refuse(forward, POS, "the model raised TypeError: exceptions must derive from BaseException", "raise 3")


def test_certain_exception_that_no_handler_takes():
    def forward(self, x):
        try:
            raise Fault("certain")
        except ValueError:
            return x

    refuse(forward, ALL[0], "the model raised Fault: certain", 'raise Fault("certain")')


def test_exceptions_of_recursive_functions_are_refused_inside_a_try():
    def down(x, n):
        if x.sum() < 1:
            return x, n
        if x.max() > 100:
            raise Fault
        return down(x * 0.5, n + 1)

    def around(self, x):
        try:
            return down(x, 0)
        except Fault:
            return x, -1

    def inside(x):
        if x.sum() < 1:
            return x
        try:
            if x.max() > 100:
                raise Fault
            return inside(x * 0.5)
        except Fault:
            return x - 1

    text = refuse(around, POS, "an exception of the recursive function `down`, inside a `try`", "down(x, 0)")
    assert "instead: return a flag" in text
    check(lambda self, x: inside(x), POS, NEG, 50 * POS, 500 * POS, all_sides=False)


ROW = torch.tensor([[1.0, 2.0, -1.0]])
POSITIVE_PARTS = (ROW, ROW.abs(), -ROW.abs(), torch.tensor([[1.0, -2.0, -3.0]]))
"""Two, three, none and one of the numbers are positive."""


def test_an_index_out_of_a_run_time_size_reaches_its_handler():
    def forward(self, x):
        kept = x[x > 0]
        try:
            found = kept[2]
        except IndexError:
            found = x.sum() * 100
        try:
            found = found + kept[None, ..., 1:][..., 0, -1]
            kept[2] = 5
        except IndexError:
            found = found - 1
        return found, kept.sum()

    captured = check(forward, *POSITIVE_PARTS)
    assert count(captured, AssertOp) == 0


def test_sizes_that_do_not_fit_reach_their_handler():
    def forward(self, x):
        kept = x[x > 0]
        stage = 0
        try:
            stage = 1
            y = kept + x[0]
            stage = 2
        except RuntimeError:
            y = torch.relu(x[0]) * 3
        return y, stage

    captured = check(forward, *POSITIVE_PARTS)
    assert count(captured, AssertOp) == 0


def test_a_write_that_does_not_fit_leaves_its_target_as_it_was():
    def forward(self, x):
        y = x[0].clone()
        try:
            y += 1
            y.copy_(x[x > 0])
        except RuntimeError:
            y = y * 10
        finally:
            x = x + 1
        return y, x

    check(forward, *POSITIVE_PARTS, torch.tensor([[-1.0, 4.0, -1.0]]))


def test_an_item_of_several_elements_reaches_its_handler():
    def forward(self, x):
        try:
            return x[x > 0].item()
        except (RuntimeError, ValueError):
            return -1.0

    check(forward, *POSITIVE_PARTS)


def test_an_error_of_torch_inside_a_layer_reaches_the_handler_around_the_call():
    def forward(self, x):
        def apply(y):
            return self.layer(torch.nn.functional.pad(y, (0, 1)))

        try:
            return apply(x[x > 0])
        except RuntimeError:
            return torch.softmax(x, -1)[0] * 2

    check(forward, *POSITIVE_PARTS, layer=nn.Linear(3, 3))


def test_an_error_of_torch_that_no_handler_takes_stays_a_check():
    def forward(self, x):
        kept = x[x > 0]
        try:
            return kept[2] + kept.view(3).sum()
        except KeyError:
            return x.sum()

    captured = check(forward, *POSITIVE_PARTS)
    messages = [op.message.data for op in captured.module.walk() if isinstance(op, AssertOp)]
    assert messages[0] == "IndexError: index 2 is out of range of dimension 0"
    assert messages[1:] == [] or messages[1].startswith("RuntimeError: `view` needs")


def test_the_text_of_an_error_about_run_time_sizes_is_refused():
    def forward(self, x):
        try:
            return x[x > 0][2], ""
        except IndexError as error:
            return x, str(error)

    refuse(forward, POS, "text made from a value known only at run time", "str(error)")


def test_an_error_of_torch_whose_kind_is_not_found_out_is_refused_inside_a_try():
    def forward(self, x, y):
        try:
            return x + y
        except RuntimeError:
            return x

    signature = parse_signature("x: f32[n], y: f32[m] where 5000 <= n <= 6000, 5000 <= m <= 6000")
    with pytest.raises(CaptureError, match=r"(?s)test_tries\.py.*may fail inside a `try`.*x \+ y.*test the sizes"):
        import_module(program(forward), signature)
