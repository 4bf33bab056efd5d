"""State that calls carry on to each other, from the command line to a loaded artifact."""

import json
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from torch import nn

import dycl
from dycl.cli.main import main
from dycl.errors import UsageError
from dycl.verification import sample_inputs, verify

SOURCE = '''
import torch
from torch import nn


class Net(nn.Module):
    """Keeps a hidden state, a counter and a cache that grows."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.fc = nn.Linear(3, 3)
        self.hidden = torch.zeros(1, 3)
        self.count = 0
        self.cache = torch.zeros(1, 0, 3)

    def forward(self, x):
        self.count += 1
        self.cache = torch.cat([self.cache, x[:, None]], 1)
        if x.sum() > 0:
            self.hidden = torch.tanh(self.fc(x) + self.hidden)
        if self.count > 3:
            return self.hidden + self.cache.mean(1), self.count
        return self.hidden * 2, self.count
'''


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    path = tmp_path_factory.mktemp("state") / "carrying_net.py"
    path.write_text(SOURCE)
    sys.path.insert(0, str(path.parent))
    import carrying_net

    yield path, carrying_net.Net
    sys.path.remove(str(path.parent))


STATE = ("hidden", "count", "cache")


@pytest.fixture(scope="module")
def compiled(net):
    return dycl.compile(net[1]().eval(), "x: f32[1, 3]", state=STATE)


def inputs(count=8):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(1, 3, generator=generator) for _ in range(count)]


def run(model, values):
    with torch.no_grad():
        return [model(value) for value in values]


def same(found, expected):
    for (a, n), (b, m) in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=1e-5)
        assert n == m


def test_calls_carry_state_and_reset_sets_it_back(net, compiled):
    for _ in range(2):
        compiled.reset()
        same(run(compiled, inputs()), run(net[1]().eval(), inputs()))
    assert str(compiled.signature) == "x: f32[1, 3]"


def test_a_loaded_artifact_carries_its_own_state(net, compiled, tmp_path):
    compiled.save(tmp_path / "net.dycl")
    one, other = dycl.load(tmp_path / "net.dycl"), dycl.load(tmp_path / "net.dycl")
    expected = run(net[1]().eval(), inputs())
    arrays = [value.numpy() for value in inputs()]
    same([one(array) for array in arrays], expected)
    same([other(array) for array in arrays], expected)
    one.reset()
    same([one(array) for array in arrays], expected)
    with pytest.raises(TypeError, match="expected 1 input"):
        one(arrays[0], arrays[0])


def test_results_are_the_callers_own(compiled):
    compiled.reset()
    first, _ = compiled(inputs()[0])
    first.zero_()
    again, _ = compiled(inputs()[1])
    compiled.reset()
    compiled(inputs()[0])
    assert torch.equal(again, compiled(inputs()[1])[0])


def test_a_call_that_raises_leaves_the_state(net):
    class Checked(nn.Module):
        def __init__(self):
            super().__init__()
            self.count = 0

        def forward(self, x):
            self.count += 1
            assert x.sum() < 10, "too large"
            return x * self.count

    model = dycl.compile(Checked().eval(), (torch.ones(1, 3),), state=["count"])
    one = torch.ones(1, 3)
    assert torch.equal(model(one), one)
    with pytest.raises(AssertionError, match="too large"):
        model(one * 100)
    assert torch.equal(model(one), one * 2)


def test_threads_take_the_state_one_after_the_other(compiled):
    compiled.reset()
    seen, value = [], inputs()[0]
    threads = [threading.Thread(target=lambda: seen.extend(compiled(value)[1] for _ in range(20))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, 81))


def test_sequences_of_calls_are_verified(net):
    module = net[1]().eval()
    model = dycl.compile(module, "x: f32[1, 3]", state=STATE)
    report = verify(model, model.program, module, sample_inputs(model.signature, 20))
    assert not report.inconsistent and not report.forced_faults and not report.beyond_tolerance, report
    assert report.sides_covered == report.sides
    assert module.count == 0

    class Wrong:
        """Forgets its state in every call."""

        def traced(self, decide):
            call = model.traced(decide)

            def run(**values):
                model.reset()
                return call(**values)

            return run

        def reset(self):
            model.reset()

    report = verify(Wrong(), model.program, module, sample_inputs(model.signature, 20))
    assert report.inconsistent


def test_command_line(net, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reference = f"{net[0]}:Net"
    arguments = [reference, "--input", "x: f32[1, 3]"]
    assert main(["compile", *arguments, "--state", "hidden,count", "--state", "cache", "-o", "net.dycl"]) == 0
    capsys.readouterr()
    assert main(["verify", "net.dycl", "--samples", "20", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["inconsistent"] == 0
    assert main(["compile", *arguments, "-o", "other.dycl"]) == 1
    assert "name it with `--state count`" in capsys.readouterr().err
    assert main(["compile", *arguments, "--state", "nothing", "-o", "other.dycl"]) == 2
    assert "has no attribute 'nothing'" in capsys.readouterr().err


def test_the_artifact_needs_no_source(compiled, tmp_path):
    compiled.save(tmp_path / "net.dycl")
    code = (
        "import sys, numpy as np, dycl; m = dycl.load(sys.argv[1]); x = np.ones((1, 3), 'f4'); "
        "m(x); assert m(x)[1] == 2; m.reset(); assert m(x)[1] == 1; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "net.dycl")], check=True)


def test_what_is_given_as_state_is_checked(net):
    with pytest.raises(UsageError, match="state must be a sequence"):
        dycl.compile(net[1]().eval(), "x: f32[1, 3]", state="hidden")
    with pytest.raises(UsageError, match=r"expected a torch\.nn\.Module, made and in eval mode, .* not the class Net"):
        dycl.compile(net[1], "x: f32[1, 3]")
    with pytest.raises(UsageError, match=r"expected a torch\.nn\.Module, .* not a function"):
        dycl.compile(lambda x: x, "x: f32[1, 3]")
    with pytest.raises(UsageError, match="give the example inputs as a tuple"):
        dycl.compile(net[1]().eval(), torch.ones(1, 3))


class Streaming(nn.Module):
    """A recurrent cell whose state the first call makes, for as many rows as it is given."""

    def __init__(self, cell):
        super().__init__()
        self.cell, self.h, self.c = cell, None, None

    def forward(self, x):
        if self.h is None:
            self.h = torch.zeros(x.size(0), 3)
            self.c = torch.zeros(x.size(0), 3)
        if isinstance(self.cell, nn.LSTMCell):
            self.h, self.c = self.cell(x, (self.h, self.c))
        else:
            self.h = self.cell(x, self.h)
        return self.h + self.c


@pytest.mark.parametrize(
    "cell",
    [
        lambda: nn.GRUCell(3, 3),
        lambda: nn.GRUCell(3, 3, bias=False),
        lambda: nn.LSTMCell(3, 3),
        lambda: nn.RNNCell(3, 3),
        lambda: nn.RNNCell(3, 3, nonlinearity="relu"),
    ],
    ids=["gru", "gru without bias", "lstm", "rnn", "relu"],
)
def test_state_of_as_many_rows_as_the_first_call_has(cell):
    torch.manual_seed(0)
    module = Streaming(cell()).eval()
    model = dycl.compile(module, "x: f32[n, 3] where 1 <= n <= 4", state=["h", "c"])
    for rows in (2, 1, 4):
        model.reset()
        module.h = module.c = None
        with torch.no_grad():
            for _ in range(3):
                x = torch.randn(rows, 3)
                torch.testing.assert_close(model(x), module(x))
        for run in (model, module):
            with pytest.raises(RuntimeError):
                run(torch.randn(3, 3))


class Layers(nn.Module):
    """A recurrent layer whose state the first call makes; torch's layer tests the sizes before it computes."""

    def __init__(self):
        super().__init__()
        self.gru, self.lstm = nn.GRU(3, 3, batch_first=True), nn.LSTM(3, 3, batch_first=True)
        self.h = self.past = None

    def forward(self, x):
        if self.h is None:
            self.h = torch.zeros(1, x.size(0), 3)
        y, self.h = self.gru(x, self.h)
        z, self.past = self.lstm(x, self.past)
        return y + z


def test_state_of_layers_for_as_many_rows_as_the_first_call_has():
    torch.manual_seed(0)
    module = Layers().eval()
    model = dycl.compile(module, "x: f32[n, 2, 3] where 1 <= n <= 4", state=["h", "past"])
    for rows in (2, 1, 4):
        model.reset()
        module.h = module.past = None
        with torch.no_grad():
            for _ in range(3):
                x = torch.randn(rows, 2, 3)
                torch.testing.assert_close(model(x), module(x))
        for run in (model, module):
            with pytest.raises(RuntimeError):
                run(torch.randn(3, 2, 3))
