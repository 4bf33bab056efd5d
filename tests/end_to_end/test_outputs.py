"""What compiled programs give back, in the process that compiled them, from an artifact and from `dycl run`."""

import json
from collections import OrderedDict
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

import dycl
from dycl.cli.main import main
from dycl.runtime import Model
from dycl.verification import verify
from tests.frontend.capturing import assert_same

POS = torch.tensor([[1.0, 2.0, 0.5]])
SMALL = torch.tensor([[0.1, 0.2, 0.05]])


class Exit(NamedTuple):
    logits: torch.Tensor
    reason: str | None


@dataclass
class Output:
    logits: torch.Tensor
    exit: int | None = None
    hidden: tuple[torch.Tensor, ...] = ()


class Records(nn.Module):
    """A named tuple, dataclasses whose tuples differ in length, and None, each at an exit of its own."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        hidden = torch.tanh(self.first(x))
        if x.sum() > 2:
            return Exit(hidden, "sure")
        logits = self.second(hidden)
        if x.sum() > 0:
            return Output(logits, 1, (hidden,))
        if x.max() > -0.2:
            return Output(logits.double(), hidden=(hidden, logits))
        return None


class Containers(nn.Module):
    """Tensors of other dtypes and ranks, numbers of other kinds, and texts, at exits of their own."""

    def forward(self, x):
        if x.sum() > 2:
            return OrderedDict(logits=x * 2, exit=1, why="sure")
        if x.sum() > 0:
            return {"logits": x.argmax(1), "exit": 0.5, "why": None, 7: [x, [x.sum()]]}
        if x.max() > -0.2:
            return {"logits": x.sum(), "exit": True, "why": x > 0, 7: []}
        return x.max(1)


class Grows(nn.Module):
    """A list as long as the input asks for, against one that is empty."""

    def forward(self, x):
        steps = []
        if x.sum() > 3.2:
            return steps
        while x.sum() < 3.2:
            x = x + 0.9
            steps.append((x, x.sum().item()))
        return steps, x


INPUTS = (POS, POS + 1, SMALL, -SMALL, -POS)
MODELS = [Records, Containers, Grows]


@pytest.fixture(scope="module", params=MODELS)
def compiled(request: pytest.FixtureRequest) -> tuple[nn.Module, dycl.CompiledModel]:
    module = request.param().eval()
    return module, dycl.compile(module, (POS,))


def test_the_process_that_compiled_it_gives_what_the_source_gives(
    compiled: tuple[nn.Module, dycl.CompiledModel],
) -> None:
    module, model = compiled
    for x in INPUTS:
        with torch.no_grad():
            assert_same(model(x), module(x))
        assert_same(model.traced(lambda index, value: value)(x), model(x))


def test_an_artifact_gives_records_of_the_same_names_and_fields(
    compiled: tuple[nn.Module, dycl.CompiledModel], tmp_path: Path
) -> None:
    module, model = compiled
    model.save(tmp_path / "net.dycl")
    loaded = dycl.load(tmp_path / "net.dycl")
    for x in INPUTS:
        with torch.no_grad():
            assert described(loaded(x.numpy())) == described(module(x))


def test_it_verifies(compiled: tuple[nn.Module, dycl.CompiledModel]) -> None:
    module, model = compiled
    samples = [{"x": x.numpy()} for x in INPUTS]
    for found in (model, Model(model.artifact)):
        report = verify(found, model.program, module, samples)
        assert report.ok, report.faults
        assert report.sides_covered_by_samples == report.sides


def test_the_host_program_says_what_it_gives(compiled: tuple[nn.Module, dycl.CompiledModel]) -> None:
    module, model = compiled
    expected = {
        Records: "or Output(logits=f32[1, ?] or f64[1, 2], exit=1 or None,",
        Grows: "[] or (list of (f32[1, 3], float), f32[1, 3])",
        Containers: "{'logits': f32[1, 3], 'exit': 1, 'why': 'sure'} or",
    }
    assert expected[type(module)] in " ".join(model.host_source.split())


def described(value: Any) -> object:
    """Return the names of classes, fields and keys, dtypes and rounded values of an output."""
    if isinstance(value, torch.Tensor):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        return str(value.dtype), np.round(value.astype(float), 4).tolist()
    kind = type(value).__name__
    if isinstance(value, dict):
        return kind, [(key, described(item)) for key, item in value.items()]
    if is_dataclass(value):
        return kind, [(field.name, described(getattr(value, field.name))) for field in fields(value)]
    if isinstance(value, tuple | list):
        return kind, getattr(value, "__match_args__", None), [described(item) for item in value]
    return value


def test_run_prints_and_saves_what_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module = Records().eval()
    dycl.compile(module, (POS,)).save("net.dycl")
    for name, x in (("first", POS), ("second", SMALL), ("last", -POS)):
        np.save(f"{name}.npy", x.numpy())
    assert main(["run", "net.dycl", "--input", "first.npy", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["output.logits", "output.reason"]
    assert found["output.reason"] == "sure"
    assert main(["run", "net.dycl", "--input", "second.npy", "-o", "second.npz"]) == 0
    with np.load("second.npz", allow_pickle=False) as saved:
        assert list(saved) == ["output.logits", "output.exit", "output.hidden.0"]
        assert saved["output.exit"] == 1
        np.testing.assert_allclose(saved["output.logits"], module(SMALL).logits.detach(), atol=1e-6)
    assert main(["run", "net.dycl", "--input", "last.npy"]) == 0
    assert capsys.readouterr().out == "output: NoneType = None\n"


def test_keys_that_read_the_same_are_told_apart() -> None:
    from dycl.cli.run import named_outputs

    assert named_outputs({1: "a", "1": "b", "x": {"y": 1}, "x.y": 2}) == {
        "output.1": "a",
        "output.1#2": "b",
        "output.x.y": 1,
        "output.x.y#2": 2,
    }
