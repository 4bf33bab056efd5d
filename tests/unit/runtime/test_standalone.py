"""An artifact where there is nothing but dycl, numpy and ONNX Runtime."""

import subprocess
import sys
from pathlib import Path

import pytest

from dycl.runtime.artifact import write_artifact
from tests.unit.runtime.small_artifacts import small_artifact

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "xdsl", "onnx", "onnxscript", "lark", "rich", "safetensors"}:
            raise ModuleNotFoundError(f"{name} is not here", name=name)

sys.meta_path.insert(0, Blocked())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "net.dycl"
    write_artifact(small_artifact(), path)
    return path


def run(code: str, cwd: Path) -> str:
    done = subprocess.run([sys.executable, "-c", BLOCKED + code], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_loads_and_runs_without_the_compiler(folder: Path) -> None:
    code = "import dycl, numpy as np; print(dycl.load('net.dycl')(np.arange(4, dtype='f'))['y'].tolist())"
    assert run(code, folder.parent) == "[1.0, 3.0, 5.0, 7.0]\n"


def test_importing_dycl_imports_neither_compiler_nor_engine(tmp_path: Path) -> None:
    code = (
        "import dycl, sys; dycl.DyclError, dycl.__version__; "
        "print([name for name in ('torch', 'xdsl', 'onnxruntime', 'numpy') if name in sys.modules])"
    )
    assert run(code, tmp_path) == "[]\n"


def test_the_host_program_shows_its_usage(folder: Path) -> None:
    code = f"import runpy; runpy.run_path({str(folder / 'host.py')!r}, run_name='__main__')"
    shown = run(code, folder.parent)
    assert "Takes x: f32[4]" in shown
    assert "dycl.load('net.dycl')" in shown
    assert "dycl run net.dycl --input" in shown
    direct = subprocess.run([sys.executable, folder / "host.py"], cwd="/", capture_output=True, text=True, check=True)
    assert "compiled model net.dycl" in direct.stdout


def test_an_unknown_name_is_an_attribute_error() -> None:
    import dycl

    with pytest.raises(AttributeError, match="nothing"):
        dycl.nothing  # noqa: B018
