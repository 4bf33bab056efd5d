"""The backend of docs/writing-a-backend.md works as the page says."""

import importlib
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from dycl.backends import Target, backend_named, compile_kernels
from dycl.ir.weights import WeightStore
from dycl.runtime.engines import EngineError, KernelSpec, engine_named
from tests.unit.backends.kernel_building import parse_kernel, run

PAGE = Path(__file__).parents[3] / "docs" / "writing-a-backend.md"

ADDS = """dycl.kernel @adds(%x: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %s = dycl.aten add.Tensor(%x, %b, 1) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %r = dycl.aten relu.default(%s) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  dycl.yield %r : tensor<2x3xf32>
}"""
SOFTMAX = """dycl.kernel @softmax(%x: tensor<3xf32>) -> tensor<3xf32> {
  %s = dycl.aten softmax.int(%x, 0, none) : (tensor<3xf32>) -> tensor<3xf32>
  dycl.yield %s : tensor<3xf32>
}"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install the page's package: its modules, and the entry points that its pyproject.toml names."""
    text = PAGE.read_text()
    (project,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    backend, engine = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    package = tmp_path / "dycl_numpy"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "backend.py").write_text(backend)
    (package / "engine.py").write_text(engine)
    described = tomllib.loads(project)["project"]
    info = tmp_path / "dycl_numpy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {described['name']}\nVersion: {described['version']}\n")
    groups = described["entry-points"].items()
    lines = [line for group, entries in groups for line in (f"[{group}]", *(f"{k} = {v}" for k, v in entries.items()))]
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield
    for name in [name for name in sys.modules if name.startswith("dycl_numpy")]:
        del sys.modules[name]


@pytest.mark.usefixtures("installed")
def test_the_guides_backend_takes_what_it_can_and_leaves_the_rest() -> None:
    kernels = [parse_kernel(text) for text in (ADDS, SOFTMAX)]
    backends = [backend_named("numpy"), backend_named("onnxruntime")]
    compiled = compile_kernels(kernels, WeightStore(), backends, Target())
    assert {name: kernel.engine for name, kernel in compiled.kernels.items()} == {
        "adds": "numpy",
        "softmax": "onnxruntime",
    }
    assert "numpy does not take softmax.int at" in compiled.fallbacks[0]
    x, b = np.random.randn(2, 3).astype(np.float32), np.ones(3, np.float32)
    (found,) = run(compiled.kernels["adds"], kernels[0], [x, b])
    np.testing.assert_allclose(found, np.maximum(x + b, 0))


@pytest.mark.usefixtures("installed")
def test_the_guides_engine_refuses_another_payload() -> None:
    with pytest.raises(EngineError, match="not one of the numpy backend"):
        engine_named("numpy")(b"{}", KernelSpec("k", (), ()), 1)
