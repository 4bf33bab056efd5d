"""An exception of the compiled program that its source does not raise is a fault, and never ends the verification."""

import torch
from torch import nn

import dycl
from dycl.cli.main import main
from dycl.runtime.model import Model
from dycl.verification import sample_inputs, verify

SOURCE = """
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x * 2
        return x
"""


class Net(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x * 2
        return x


class Fails:
    """A compiled program whose engine fails behind the first decision, where `when` holds for the input."""

    def __init__(self, model, when):
        self.model, self.when = model, when

    def traced(self, decide):
        call = self.model.traced(decide)

        def run(**inputs):
            output = call(**inputs)
            if self.when(inputs["x"]):
                raise RuntimeError("[ONNXRuntimeError] : 2 : INVALID_ARGUMENT\nand more")
            return output

        return run

    def reset(self):
        self.model.reset()


def test_an_engine_s_exception_is_a_fault_of_that_sample():
    module = Net().eval()
    model = dycl.compile(module, "x: f32[1, 3]")
    samples = list(sample_inputs(model.signature, 20))
    report = verify(Fails(model, lambda x: x.sum() > 0), model.program, module, samples)
    assert report.inconsistent == sum(sample["x"].sum() > 0 for sample in samples)
    assert report.inconsistent and not report.ok
    expected = "the source program gave a result, the compiled one raised RuntimeError: [ONNXRuntimeError] : 2"
    assert expected in report.faults[0] and "and more" not in report.faults[0]


def test_an_exception_before_a_decision_is_not_another_path():
    module = Net().eval()
    model = dycl.compile(module, "x: f32[1, 3]")

    class Stops:
        def traced(self, decide):
            def run(**inputs):
                raise RuntimeError("no memory")

            return run

        def reset(self):
            pass

    report = verify(Stops(), model.program, module, sample_inputs(model.signature, 3))
    assert report.inconsistent == 3 and report.forced_faults
    assert all("raised RuntimeError: no memory" in fault for fault in report.faults)


def test_what_both_programs_raise_is_no_fault():
    class Picks(nn.Module):
        def forward(self, x, index):
            return x[index]

    module = Picks().eval()
    model = dycl.compile(module, "x: f32[4], index: i64[2]")
    inputs = {"x": torch.zeros(4).numpy(), "index": torch.tensor([0, 7]).numpy()}
    report = verify(model, model.program, module, [inputs])
    assert not report.inconsistent, report.faults


def test_the_command_reports_it_and_exits_with_1(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(SOURCE)
    assert main(["compile", "model.py:Net", "--input", "x: f32[1, 3]", "-o", "net.dycl"]) == 0
    traced = Model.traced
    monkeypatch.setattr(Model, "traced", lambda self, decide: Fails.traced(_Bare(self, traced), decide))
    capsys.readouterr()
    assert main(["verify", "net.dycl", "--samples", "5"]) == 1
    shown = capsys.readouterr()
    assert "raised RuntimeError: [ONNXRuntimeError]" in shown.out and not shown.err
    assert "FAULT: 5 samples, 5 inconsistent, 2 forced runs at fault\n" in shown.out
    assert "Traceback" not in shown.out + shown.err


class _Bare:
    """What `Fails.traced` needs of a model."""

    when = staticmethod(lambda x: True)

    def __init__(self, model, traced):
        self.model = type("Traced", (), {"traced": lambda _, decide: traced(model, decide)})()
