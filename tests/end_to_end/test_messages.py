"""What users are told: by the command line where it was asked wrongly, and by Python where dycl is called wrongly."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import dycl
from dycl.cli.main import main
from dycl.errors import ProgramWarning, an

SOURCE = """
import torch
from torch import nn


class Decomposes(nn.Module):
    def forward(self, x):
        return torch.linalg.svd(x, full_matrices=False)[1]


class Loops(nn.Module):
    def forward(self, x):
        for i in range(20):
            x = x * 0.5
            if x.sum() < 1:
                return x, i
        return x, 20


class Raises(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            raise ValueError("too large")
        return x[int(x[0, 0])]


class Writes(nn.Module):
    def forward(self, x):
        x.add_(1)
        return x * 2
"""


class Writes(nn.Module):
    def forward(self, x):
        x.add_(1)
        return x * 2


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(SOURCE)
    return tmp_path


def compiled(name: str, *options: str) -> int:
    return main(["compile", f"net.py:{name}", "--input", "x: f32[3, 3]", "-o", "net.dycl", *options])


def test_an_unknown_option_shows_the_usage_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "net.py:Net", "--backand", "reference"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("usage: dycl compile ") and "--pass-pipeline" in shown
    assert "unrecognized arguments: --backand reference" in shown


def test_an_op_that_no_backend_takes_is_shown_with_the_way_out(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compiled("Decomposes") == 1
    shown = capsys.readouterr().err
    assert "dycl: error: net.py:8: no backend takes `linalg_svd`" in shown
    assert "    8 |         return torch.linalg.svd(x, full_matrices=False)[1]" in shown
    carets = next(line for line in shown.splitlines() if "^" in line)
    assert carets.index("^") - 8 == 8 + len("return ") and "`--backend onnxruntime,reference`" in shown
    assert compiled("Decomposes", "--backend", "onnxruntime,reference") == 0
    assert main(["verify", "net.dycl", "--samples", "3"]) == 0


@pytest.mark.parametrize("loops", ["unroll", "keep", "auto"])
def test_what_was_compiled_with_an_option_for_loops_is_verified_with_it(here: Path, loops: str) -> None:
    assert compiled("Loops", "--loops", loops) == 0
    assert main(["verify", "net.dycl", "--samples", "3"]) == 0


def test_what_the_program_raises_is_shown_without_a_traceback(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compiled("Raises") == 0
    for number, text in ((1.0, "ValueError: too large (net.py:22)"), (-9.0, "IndexError: index ")):
        np.save("x.npy", np.full((3, 3), number, np.float32))
        capsys.readouterr()
        assert main(["run", "net.dycl", "--input", "x.npy"]) == 1
        assert f"dycl: error: the program raised {text}" in capsys.readouterr().err


def test_a_warning_names_the_line_that_called_dycl(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for call in (dycl.compile, dycl.import_program):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            call(Writes().eval(), "x: f32[2]")
        (warning,) = found
        assert warning.filename == __file__ and warning.category is ProgramWarning
    assert compiled("Writes") == 0
    assert "dycl: warning: net.py:29: a write to the input `x`" in capsys.readouterr().err


@pytest.mark.parametrize("state", [[["h"]], [1], 5, "h"])
def test_a_state_that_names_no_attributes_is_refused(state: object) -> None:
    with pytest.raises(dycl.DyclError, match="state must be a sequence of attributes"):
        dycl.compile(Writes().eval(), "x: f32[2]", state=state)


def test_types_have_their_article() -> None:
    named = ["int", "list", "f32", "i64", "u8", "bf16", "ndarray", "uint8", "OrderedDict", "float64", "u", "unknown"]
    assert [an(name)[: an(name).index(" ")] for name in named] == [
        *("an", "a", "an", "an", "a", "a", "an", "a", "an", "a", "a", "an")
    ]
    with pytest.raises(dycl.DyclError, match="not an int"):
        dycl.compile(5, "x: f32[2]")
    with pytest.raises(TypeError, match=r"x.* an int|an int"):
        dycl.compile(nn.ReLU().eval(), "input: f32[2]")(5)


def test_nothing_is_logged_of_an_index_into_a_tensor_without_dimensions(caplog: pytest.LogCaptureFixture) -> None:
    class Copies(nn.Module):
        def forward(self, x, i):
            return x.sum().index_copy(0, i, x.max())

    x, i = torch.tensor([1.0, 5.0, 2.0]), torch.tensor([0])
    model = dycl.compile(Copies().eval(), (x, i))
    torch.testing.assert_close(model(x, i), torch.tensor(5.0))
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


def test_the_way_out_of_the_message_works_in_python_too() -> None:
    class Decomposes(nn.Module):
        def forward(self, x):
            return torch.linalg.svd(x, full_matrices=False)[1]

    x = torch.arange(9.0).reshape(3, 3)
    model = dycl.compile(Decomposes().eval(), (x,), backend="onnxruntime,reference")
    torch.testing.assert_close(model(x), torch.linalg.svdvals(x), atol=1e-5, rtol=1e-5)
