"""An artifact where only numpy, onnxruntime and the wheel of dycl are installed."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest

from dycl.verification import sample_inputs
from tests.end_to_end.examples import compiled

ROOT = Path(__file__).parents[2]
RUNTIME_PACKAGES = ("numpy", "numpy.libs", "onnxruntime", "flatbuffers", "google", "packaging")
"""What onnxruntime's wheel and numpy's install, by their folders in site-packages."""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has the runtime's packages and dycl's wheel, and nothing else."""
    folder = tmp_path_factory.mktemp("deployment")
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), "."]
    subprocess.run(wheel, cwd=ROOT, check=True)
    venv.create(folder / "env", with_pip=False)
    (site,) = (folder / "env").glob("lib/python*/site-packages")
    for package in RUNTIME_PACKAGES:
        installed = Path(sysconfig.get_path("purelib")) / package
        if installed.exists():
            (site / package).symlink_to(installed)
    (built,) = folder.glob("dycl-*.whl")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(built), str(site)], check=True)
    return folder / "env" / "bin" / "python"


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("artifact") / "skipnet.dycl"
    compiled("SkipNet38").save(path)
    return path


def run(python: Path, *arguments: str, cwd: Path) -> str:
    # -I leaves out the working directory and PYTHONPATH, so that no other copy of dycl is found.
    done = subprocess.run([python, "-I", *arguments], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("package", ["torch", "xdsl", "onnx", "lark"])
def test_the_environment_lacks_the_compiler(python: Path, package: str, tmp_path: Path) -> None:
    code = f"import importlib.util; print(importlib.util.find_spec({package!r}))"
    assert run(python, "-c", code, cwd=tmp_path) == "None\n"


def test_an_artifact_loads_and_gives_the_same_as_where_it_was_compiled(
    python: Path, artifact: Path, tmp_path: Path
) -> None:
    model = compiled("SkipNet38")
    (sample,) = sample_inputs(model.signature, 1)
    np.savez(tmp_path / "inputs.npz", **sample)
    code = (
        "import dycl, numpy, sys; model = dycl.load(sys.argv[1]); logits, masks = model(**numpy.load('inputs.npz')); "
        "numpy.savez('outputs.npz', logits=logits, masks=numpy.stack(masks))"
    )
    run(python, "-c", code, str(artifact), cwd=tmp_path)
    logits, masks = model(**sample)
    with np.load(tmp_path / "outputs.npz") as saved:
        np.testing.assert_array_equal(saved["logits"], logits)
        np.testing.assert_array_equal(saved["masks"], np.stack(masks))


def test_the_host_program_shows_its_usage(python: Path, artifact: Path, tmp_path: Path) -> None:
    text = run(python, str(artifact / "host.py"), cwd=tmp_path)
    assert "x: f32[1, 3, 32, 32]" in text
    assert "dycl" in text
