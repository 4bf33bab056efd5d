"""The `dycl` command on an exported program's file: from `model.pt2` to a verified artifact."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch._higher_order_ops.while_loop import while_loop
from torch.export import Dim

import dycl
from dycl.cli.main import main


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        x = torch.cond(x.sum() > 0, lambda a: self.layer(a), lambda a: a.relu(), (x,))
        steps, x = while_loop(
            lambda i, h: (i < 5) & (h.sum() < 8), lambda i, h: (i + 1, h * 1.5 + 1), (torch.tensor(0), x)
        )
        return {"x": x, "steps": steps}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    example = (torch.randn(2, 4),)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(Network(), example), folder / "network.pt2")
        dynamic = {"x": {0: Dim("n", min=1, max=50)}}
        torch.export.save(torch.export.export(Network(), example, dynamic_shapes=dynamic), folder / "dynamic.pt2")
    return folder


@pytest.fixture
def here(files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(files)
    return files


def test_from_a_file_to_a_verified_artifact(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "network.pt2", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["output"], figures["branches"], figures["loops"]) == ("network.dycl", 1, 1)
    assert main(["verify", "network.dycl", "--samples", "20", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["inconsistent"], figures["sides"], figures["sides_covered"]) == (0, 4, 4)
    assert main(["verify", "network.dycl", "--samples", "2", "--against", "network.pt2"]) == 0
    assert main(["bench", "network.dycl", "--samples", "2", "--rounds", "1", "--json"]) == 0
    capsys.readouterr()
    x = np.ones((2, 4), np.float32)
    np.save("x.npy", x)
    assert main(["run", "network.dycl", "--input", "x.npy", "-o", "y.npz"]) == 0
    with torch.no_grad():
        expected = Network()(torch.from_numpy(x))
    with np.load("y.npz") as found:
        np.testing.assert_allclose(found["output.x"], expected["x"], rtol=1e-5)
        assert found["output.steps"] == expected["steps"]
    assert capsys.readouterr().err == ""


def test_import_prints_the_program_with_places(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "network.pt2"]) == 0
    printed = capsys.readouterr()
    assert "dycl.while" in printed.out and 'test_exported_cli.py":' in printed.out
    assert printed.err == ""


def test_a_signature_gives_numbers_to_dynamic_sizes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "dynamic.pt2", "--input", "x: f32[3, 4]", "-o", "three.dycl"]) == 0
    assert main(["verify", "three.dycl", "--samples", "5"]) == 0
    assert main(["compile", "dynamic.pt2", "--input", "x: f32[51, 4]"]) == 2
    assert "51 is no size" in capsys.readouterr().err


def test_an_artifact_of_an_object_is_verified_against_its_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exported = torch.export.load("dynamic.pt2")
    dycl.compile(exported, "x: f32[2, 4]").save("object.dycl")
    assert main(["verify", "object.dycl", "--samples", "3", "--against", "dynamic.pt2"]) == 0
    assert main(["verify", "object.dycl", "--samples", "3", "--against", "network.pt2"]) == 0
    model = dycl.compile("dynamic.pt2")
    for rows in (1, 2, 50):
        x = torch.randn(rows, 4)
        with torch.no_grad():
            expected = Network()(x)
        torch.testing.assert_close(model(x=x)["x"], expected["x"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["compile", "missing.pt2"], 2, "no file missing.pt2"),
        (["compile", "broken.pt2"], 1, "broken.pt2 is not a whole .pt2 file"),
        (["compile", "network.pt2", "--kwargs", '{"a": 1}'], 2, "--kwargs goes with a model that is constructed"),
        (["compile", "network.pt2", "--weights", "w.safetensors"], 2, "--weights goes with a .mlir program"),
        (["compile", "network.pt2", "--input", "y: f32[2, 4]"], 2, "the exported program takes x: f32[2, 4]"),
    ],
)
def test_a_file_that_cannot_be_compiled_gives_one_error(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    Path("broken.pt2").write_bytes(b"broken")
    assert main(arguments) == code
    error = capsys.readouterr().err
    assert error.startswith("dycl: error: ") and message in error
    assert not Path("missing.dycl").exists() and not Path("broken.dycl").exists()
