"""`dycl bench` on a data set: accuracy, the exits that the samples take, and the branches on their way."""

import json
from pathlib import Path

import numpy as np
import pytest

from dycl.cli.main import main

MODEL = """\
import torch
from torch import nn


class Exits(nn.Module):
    def forward(self, x):
        x = x * 2
        if x[0, 0] > 1:
            return x, 0
        for step in range(2):
            if x[0, 1] > 1:
                x = x + 1
        if not x[0, 2] > 1:
            return x.flip(1), 1
        return x - 1, 2

"""

X = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]], np.float32)
"""Leave at the first exit, the end (its additions make the last element large), the end and the second exit."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    (tmp_path / "model.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    assert main(["compile", "model.py:Exits", "--input", "x: f32[1, 3]", "-o", "exits.dycl"]) == 0
    capsys.readouterr()
    return tmp_path


def bench(*arguments: str) -> int:
    return main(["bench", "exits.dycl", "--rounds", "1", *arguments])


def test_figures_of_a_labelled_data_set(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("data.npz", x=X, label=[0, 1, 0, 0])
    assert bench("--data", "data.npz", "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["samples"] == 4
    data = figures["data"]
    assert (data["samples"], data["labels"], data["answered_otherwise"]) == (4, 4, 0)
    assert data["eager_accuracy"] == data["dycl_accuracy"] == 0.75
    assert [exit["samples"] for exit in data["exits"]] == [1, 1, 2]
    assert data["exits"][-1]["branch"] is None
    first, twice = data["branches"][0], [branch for branch in data["branches"] if branch["source"] == "model.py:11"]
    assert (first["source"], first["samples"], first["sides"]) == ("model.py:8", 4, {"true": 1, "false": 3})
    assert sum(branch["sides"].get("true", 0) for branch in twice) == 2
    assert all(branch["samples"] <= 3 for branch in twice)


def test_the_exits_and_branches_are_printed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("data.npz", x=X, label=[0, 1, 0, 0])
    assert bench("--data", "data.npz") == 0
    printed = capsys.readouterr().out
    assert "accuracy: eager 75.00%, dycl 75.00% (4 labels, 0 answered otherwise)" in printed
    assert "25.0%  model.py:8\n" in printed
    assert "50.0%  the end\n" in printed
    assert "model.py:11\n" in printed


def test_without_labels_only_the_ways_are_counted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("data.npz", x=X)
    assert bench("--data", "data.npz") == 0
    printed = capsys.readouterr().out
    assert "accuracy" not in printed
    assert "exits:" in printed


def test_random_inputs_have_no_evaluation(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("--samples", "2") == 0
    assert "exits:" not in capsys.readouterr().out


def test_samples_limit_the_data(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("data.npz", x=X, label=[0, 1, 0, 0])
    assert bench("--data", "data.npz", "--samples", "2", "--json") == 0
    assert json.loads(capsys.readouterr().out)["data"]["samples"] == 2


def test_labels_that_do_not_fit_the_answers_are_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("data.npz", x=X, label=[[0, 1], [1, 1], [0, 0], [0, 0]])
    assert bench("--data", "data.npz") == 1
    assert "2 labels for a sample with 1 answers" in capsys.readouterr().err


def test_a_source_that_fails_on_a_sample_is_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.py").write_text(MODEL.replace("x = x * 2", "raise ValueError('too much')"))
    np.savez("data.npz", x=X, label=[0, 1, 0, 0])
    assert bench("--data", "data.npz", "--against", "other.py:Exits") == 1
    assert "the source program raised ValueError: too much" in capsys.readouterr().err


def test_an_answer_that_differs_from_eagers_is_counted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = MODEL.replace("return x - 1, 2", "return 1 - x, 2")
    Path("other.py").write_text(other)
    np.savez("data.npz", x=X, label=[0, 1, 2, 0])
    assert bench("--data", "data.npz", "--against", "other.py:Exits", "--json") == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["answered_otherwise"] == 2
    assert data["dycl_accuracy"] > data["eager_accuracy"]
