"""`with`: managers that change nothing, and the user's own on every way out."""

# ruff: noqa: SIM117
# The programs are as people write them.

import contextlib

import torch

from tests.frontend.capturing import NEG, POS, SMALL, check, refuse


class Log:
    def __init__(self, log):
        self.log = log

    def __enter__(self):
        self.log[0] += 1
        return self

    def __exit__(self, kind, error, trace):
        self.log[0] += 10 if kind is None else 100
        return kind is ValueError


@contextlib.contextmanager
def logged(log, value):
    log[0] += 1000
    try:
        yield value
    finally:
        log[0] += 10000


@contextlib.contextmanager
def handled(log):
    try:
        yield
    except KeyError:
        log[0] += 7
    else:
        log[0] += 70


def test_managers_that_change_nothing():
    def forward(self, x):
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            y = x + 1
        with torch.inference_mode(), torch.cuda.amp.autocast(enabled=False), torch.autograd.set_detect_anomaly(False):
            z = y * 2
        with torch.set_grad_enabled(False), torch.profiler.record_function("step"):
            z = z + 1
        with contextlib.nullcontext(3) as n:
            return z * n

    check(forward, POS)


def test_suppress():
    def forward(self, x):
        with contextlib.suppress(ValueError, KeyError):
            x = x + 1
            if x.sum() > 0:
                raise KeyError
            x = x * 2
        return x

    check(forward, POS, NEG)


def test_managers_of_the_user():
    def forward(self, x):
        log = [0]
        with Log(log) as a, logged(log, x + 1) as y, Log(log):
            z = y * a.log[0]
        with Log(log):
            raise ValueError
        return z, log[0]

    check(forward, POS)


def test_exceptions_on_one_path():
    def forward(self, x):
        log = [0]
        y = x
        with Log(log):
            y = y + 1
            if x.sum() > 0:
                raise ValueError
            y = y * 2
        return y, log[0]

    check(forward, POS, NEG)


def test_exits_on_one_path():
    def forward(self, x):
        log = [0]
        for i in range(3):
            with Log(log), logged(log, i) as k:
                if x[0, i] > 1:
                    break
                if x[0, i] < -0.6:
                    continue
                if x.max() > 5:
                    return x * k, log[0]
                log[0] += 3
        return x, log[0]

    check(forward, POS, NEG, SMALL, 6 * SMALL, torch.tensor([[0.1, -0.7, 6.0]]), all_sides=False)


def test_generator_managers_that_handle_exceptions():
    def forward(self, x):
        log = [0]
        with handled(log):
            if x.sum() > 0:
                raise KeyError
        with logged(log, 1), contextlib.suppress(ValueError):
            with handled(log):
                if x.sum() < 0:
                    raise ValueError
        return x, log[0]

    check(forward, POS, NEG)


def test_manager_made_in_the_forward():
    def forward(self, x):
        @contextlib.contextmanager
        def scaled(k):
            nonlocal x
            x = x * k
            yield x
            x = x / k

        with scaled(3) as y:
            z = x + y
        return x, z

    check(forward, POS)


def test_autocast_is_refused():
    def forward(self, x):
        with torch.autocast("cpu"):
            return x @ x.t()

    text = refuse(forward, POS, r"`torch\.autocast` that is enabled", 'torch.autocast("cpu")')
    assert "instead: convert the model" in text


def test_other_managers_are_refused():
    def forward(self, x):
        with open(__file__) as f:  # noqa: PTH123
            return x + len(f.read())

    text = refuse(forward, POS, "`with` on a _io.TextIOWrapper", "open(__file__)")
    assert "instead: move it out of the forward" in text


def test_answers_of_exit_that_depend_on_a_tensor_are_refused():
    class Perhaps:
        def __init__(self, x):
            self.x = x

        def __enter__(self):
            return self

        def __exit__(self, kind, error, trace):
            return self.x.sum() > 0

    def forward(self, x):
        with Perhaps(x):
            raise ValueError
        return x

    refuse(forward, POS, "an `__exit__` whose answer depends on a tensor", "raise ValueError")
