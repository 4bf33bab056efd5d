"""What `dycl verify` says of state that the first call makes, of sides that nothing reaches, of samples that raise."""

import json
from pathlib import Path

import numpy as np
import pytest

from dycl.cli.main import main

SOURCE = '''
import torch
from torch import nn


class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.memory = None

    def forward(self, x):
        if self.memory is None:
            self.memory = torch.zeros(x.size(0), 3)
        self.memory = self.memory * 0.5 + x
        return self.memory


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.best = None
        self.seen = [torch.zeros(2, 3), 0]


class Several(nn.Module):
    """A part's attribute that is a tensor, None or a number, and a list that is empty at first."""

    def __init__(self):
        super().__init__()
        self.inner = Inner()
        self.cache = []
        self.last = torch.zeros(2, 3)

    def forward(self, x):
        if self.inner.best is None:
            self.inner.best = x
            self.cache = [x, x * 2]
        elif x.sum() > self.inner.best.sum():
            self.inner.best = x
        self.cache = [torch.cat([part, x]) for part in self.cache]
        self.inner.seen = [self.inner.seen[0] + x, self.inner.seen[1] + 1]
        self.last = None if x.sum() > 0 else x
        return self.inner.best + self.cache[0].sum(), self.inner.seen[1], self.last


class Behind(nn.Module):
    def forward(self, x):
        if x.sum() > 1e6:
            y = x[int(x.sum()) + 1000]
            if y.sum() > 0:
                return y
        return x[0]


class Empty(nn.Module):
    def forward(self, x, n):
        for _ in range(n.clamp(max=0)):
            x = torch.where(x > 0, x, x + 1) if x.sum() > 0 else x * 2
        return x


class Picky(nn.Module):
    def forward(self, x):
        assert x.min() > 0, "not positive"
        return x * 2


class Sized(nn.Module):
    def forward(self, x):
        total = x.sum()
        for i in range(x.size(0) - 1):
            if x[i].sum() > 1000:
                total = total * 2
        return total
'''


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("verified_net.py").write_text(SOURCE)
    return tmp_path


def compiled(name: str, signature: str = "x: f32[2, 3]", *options: str) -> None:
    arguments = ["compile", f"verified_net.py:{name}", "--input", signature, "-o", "net.dycl", *options]
    assert main(arguments) == 0


@pytest.mark.parametrize(
    ("name", "signature", "state"),
    [
        ("Lazy", "x: f32[2, 3]", "memory"),
        ("Lazy", "x: f32[n, 3] where 2 <= n <= 2", "memory"),
        ("Several", "x: f32[2, 3]", "inner.best,inner.seen,cache,last"),
    ],
)
def test_state_that_is_made_by_the_first_call_is_verified(
    here: Path, capsys: pytest.CaptureFixture[str], name: str, signature: str, state: str
) -> None:
    compiled(name, signature, "--state", state)
    capsys.readouterr()
    assert main(["verify", "net.dycl", "--samples", "20", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] and report["sides_covered"] == report["sides"] >= 2
    assert main(["bench", "net.dycl", "--samples", "2", "--rounds", "1"]) == 0


def test_a_side_that_cannot_be_reached_is_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compiled("Behind")
    capsys.readouterr()
    assert main(["verify", "net.dycl", "--samples", "5"]) == 1
    shown = capsys.readouterr().out
    line = next(number for number, text in enumerate(SOURCE.splitlines(), 1) if "y.sum() > 0" in text)
    assert shown.startswith("INCOMPLETE: 5 samples, 0 inconsistent, 2 branch sides not reached\n")
    assert "FAULT" not in shown
    for side in ("true", "false"):
        assert f"verified_net.py:{line}: the condition was never {side}; the forced run that was to go there" in shown
    assert "raised IndexError: " in shown and "more --samples, or inputs that go there with --data" in shown
    assert main(["verify", "net.dycl", "--samples", "5", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    found = [(side["source"], side["kind"], side["side"]) for side in report["unreached"]]
    assert found == [(f"verified_net.py:{line}", "if", "true"), (f"verified_net.py:{line}", "if", "false")]
    assert report["faults"] == [] and not report["ok"]


def test_what_no_run_comes_by_is_said_to_be_so(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compiled("Empty", "x: f32[2], n: i64[]")
    capsys.readouterr()
    assert main(["verify", "net.dycl", "--samples", "3"]) == 1
    assert "the condition was never true; no run came by: it may be in a loop" in capsys.readouterr().out


def test_branches_are_forced_on_other_samples_where_the_first_one_does_not_get_there(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compiled("Sized", "x: f32[n, 3] where 1 <= n <= 4", "--loops", "keep")
    capsys.readouterr()
    assert main(["verify", "net.dycl", "--samples", "5", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["sides_covered_by_samples"] < report["sides"] == report["sides_covered"]


def test_samples_that_raise_in_both_are_counted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compiled("Picky")
    capsys.readouterr()
    assert main(["verify", "net.dycl", "--samples", "40", "--json"]) == 0
    raised = json.loads(capsys.readouterr().out)["raised"]
    assert 20 < raised <= 40
    assert main(["verify", "net.dycl", "--samples", "40"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"ok: 40 samples, 0 inconsistent, {raised} raised in both\n")
    assert "give inputs with --data" in shown
    np.savez("data.npz", x=np.ones((4, 2, 3), "f4"))
    assert main(["verify", "net.dycl", "--data", "data.npz"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("ok: 4 samples, 0 inconsistent\n") and "--data" not in shown


@pytest.mark.parametrize("command", ["verify", "bench", "run"])
def test_a_model_in_the_place_of_an_artifact_is_to_be_compiled_first(
    here: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main([command, "verified_net.py:Picky"]) == 2
    shown = capsys.readouterr().err
    assert "`dycl compile verified_net.py:Picky --input SIGNATURE -o picky.dycl`" in shown
    assert f"`dycl {command} picky.dycl`" in shown
    assert main([command, "nothing.dycl"]) == 2
    assert "there is no such folder" in capsys.readouterr().err
    assert main([command, "exported.pt2"]) == 2
    assert "`dycl compile exported.pt2 -o exported.dycl`" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"junk", b"", b"PK\x03\x04junk", b"\x93NUMPYjunk"])
def test_a_file_that_is_no_array_is_said_to_be_none(
    here: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    compiled("Picky")
    Path("x.npy").write_bytes(content)
    assert main(["run", "net.dycl", "--input", "x.npy"]) == 2
    shown = capsys.readouterr().err
    assert "x.npy is not a .npy or .npz file" in shown and "pickle" not in shown


def test_python_objects_in_a_file_are_not_loaded(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compiled("Picky")
    np.save("x.npy", np.array([{}], object), allow_pickle=True)
    assert main(["run", "net.dycl", "--input", "x.npy"]) == 2
    assert "x.npy is not a .npy or .npz file of plain arrays: it holds Python objects" in capsys.readouterr().err
