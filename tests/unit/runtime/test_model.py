"""Calls of a loaded model: inputs, outputs, threads, decisions."""

import threading
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from dycl.errors import UsageError
from dycl.runtime.artifact import Artifact, ArtifactError, write_artifact
from dycl.runtime.engines import Array, Kernel, KernelSpec, ValueSpec
from dycl.runtime.manifest import Branch, KernelEntry, Manifest
from dycl.runtime.model import Model, load
from dycl.runtime.signature import Input, Signature
from dycl.runtime.structure import Leaf
from tests.unit.runtime.small_artifacts import HOST, small_artifact

X = np.arange(4, dtype="f")


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(small_artifact())


def test_outputs_come_in_the_sources_structure(model: Model) -> None:
    output = model(X)
    assert list(output) == ["y", "positive", "rest"]
    np.testing.assert_array_equal(output["y"], 2 * X + 1)
    assert output["positive"] is True
    assert output["rest"] is None


@pytest.mark.parametrize(
    "x",
    [
        np.repeat(X, 2)[::2],
        np.frombuffer(b"\0" + X.tobytes(), np.uint8)[1:].view("<f4"),
        X.astype(">f4"),
        np.broadcast_to(np.float32(1), (4,)),
        np.asfortranarray(X),
    ],
    ids=["not contiguous", "unaligned", "byte-swapped", "read-only", "fortran"],
)
def test_any_layout_of_an_input_does(model: Model, x: Array) -> None:
    np.testing.assert_array_equal(model(x)["y"], 2 * np.array(x, "f") + 1)


def test_inputs_are_neither_changed_nor_kept(model: Model) -> None:
    x = -X
    y = model(x)["y"]
    x[0] = 5
    np.testing.assert_array_equal(y, -X)
    assert not np.shares_memory(x, y)


WRONG: list[tuple[type[Exception], str, Callable[[Model], object]]] = [
    (TypeError, r"missing input x: f32\[4\]", lambda m: m()),
    (TypeError, r"expected 1 input \(x: f32\[4\]\), got 2 inputs", lambda m: m(X, X)),
    (TypeError, "input x is given twice", lambda m: m(X, x=X)),
    (TypeError, "unexpected input y: expected 1 input", lambda m: m(y=X)),
    (TypeError, "unexpected input xx: did you mean x", lambda m: m(xx=X)),
    (TypeError, r"input x: expected f32\[4\], got float64\[4\]", lambda m: m(X.astype("d"))),
    (TypeError, r"input x: expected a numpy array f32\[4\], got a list", lambda m: m([0, 1, 2, 3])),
    (ValueError, r"rank 1, got shape \[1, 4\], which has rank 2", lambda m: m(X[None])),
    (ValueError, r"axis 0 has 3 elements instead of 4", lambda m: m(X[:3])),
]


@pytest.mark.parametrize(("error", "message", "call"), WRONG, ids=[message for _, message, _ in WRONG])
def test_a_wrong_input_says_what_was_expected(
    model: Model, error: type[Exception], message: str, call: Callable[[Model], object]
) -> None:
    with pytest.raises(error, match=message):
        call(model)
    np.testing.assert_array_equal(model(X)["y"], 2 * X + 1)


HOST_OF_SIZES = """
def main(k, x, y):
    return (k.echo(x),)


def prepare(frame, k):
    k.echo = frame.launch("echo", None)
"""


class Echo:
    def __init__(self, spec: KernelSpec) -> None:
        self.spec = spec

    def bind(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> Callable[[], None]:
        raise NotImplementedError

    def run(self, inputs: Sequence[Array]) -> Sequence[Array]:
        return [array.copy() for array in inputs]


@pytest.fixture
def sized(monkeypatch: pytest.MonkeyPatch) -> Model:
    def load_echo(payload: bytes, spec: KernelSpec, threads: int) -> Kernel:
        return Echo(spec)

    monkeypatch.setattr("dycl.runtime.model.engine_named", lambda name: load_echo)
    signature = Signature((Input("x", "f32", ("n", 2)), Input("y", "i64", ("n",))), {"n": (1, 8)})
    value = ValueSpec("f32", (None, 2))
    kernels = {"echo": KernelEntry(KernelSpec("echo", (value,), (value,)), "echo", "kernels/echo.bin")}
    return Model(Artifact(Manifest(signature, Leaf(0), kernels), HOST_OF_SIZES, {"echo": b""}))


def test_sizes_with_names_agree_and_stay_in_their_bounds(sized: Model) -> None:
    x, y = np.ones((3, 2), "f"), np.zeros(3, "i8")
    np.testing.assert_array_equal(sized(x, y.astype("int64")), x)
    with pytest.raises(ValueError, match=r"input y: axis 0 has 2 elements, but n is 3 by axis 0 of x"):
        sized(x, np.zeros(2, "int64"))
    with pytest.raises(ValueError, match=r"input x: axis 0 has 9 elements, but 1 <= n <= 8"):
        sized(np.ones((9, 2), "f"), np.zeros(9, "int64"))
    with pytest.raises(ValueError, match="but 1 <= n <= 8"):
        sized(np.ones((0, 2), "f"), np.zeros(0, "int64"))


def test_calls_from_eight_threads_do_not_mix(model: Model) -> None:
    start = threading.Barrier(8)

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        start.wait()
        for _ in range(200):
            x = random.normal(size=4).astype("f")
            y = model(x)["y"]
            np.testing.assert_array_equal(y, x + x + 1 if (x + x).sum(dtype="f") > 0 else x)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


def test_many_calls_take_no_more_memory(model: Model) -> None:
    def grown() -> int:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(2000):
            model(X)
            model(-X)
        return tracemalloc.get_traced_memory()[0] - before

    tracemalloc.start()
    least = min(grown() for _ in range(4))
    tracemalloc.stop()
    assert least < 2000


def test_decisions_are_reported_and_can_be_forced(model: Model) -> None:
    assert model.trace(X)[1] == [(0, True)]
    assert model.trace(-X)[1] == [(0, False)]
    forced = model.traced(lambda index, value: not value)
    np.testing.assert_array_equal(forced(X)["y"], X)
    np.testing.assert_array_equal(forced(x=-X)["y"], -2 * X + 1)
    np.testing.assert_array_equal(model(X)["y"], 2 * X + 1)


def test_a_branch_table_that_does_not_fit_the_program_is_refused() -> None:
    written = small_artifact()
    wrong = replace(written, manifest=replace(written.manifest, branches=(Branch("if", "net.py:3", 1),)))
    with pytest.raises(ArtifactError, match=r"1 of the host program is not the if of net.py:3"):
        Model(wrong).traced(lambda index, value: value)


def test_a_traceback_shows_the_host_programs_line(tmp_path: Path) -> None:
    written = replace(small_artifact(), host_source=HOST.replace("return z, positive", 'assert not positive, "mine"'))
    write_artifact(written, tmp_path / "net.dycl")
    for failing in (Model(written), load(tmp_path / "net.dycl")):
        with pytest.raises(AssertionError, match="mine") as caught:
            failing(X)
        assert 'assert not positive, "mine"' in str(caught.traceback[-1].statement)


def test_no_threads_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 1, not 0"):
        Model(small_artifact(), threads=0)


def test_sixty_kernels_load_well_under_a_second(tmp_path: Path) -> None:
    written = small_artifact()
    kernels = {f"k{i}": replace(written.manifest.kernels["add"], file=f"kernels/k{i}.onnx") for i in range(58)}
    manifest = replace(written.manifest, kernels={**written.manifest.kernels, **kernels})
    payloads = {**written.kernels, **dict.fromkeys(kernels, written.kernels["add"])}
    write_artifact(replace(written, manifest=manifest, kernels=payloads), tmp_path / "net.dycl")
    start = perf_counter()
    load(tmp_path / "net.dycl")
    assert perf_counter() - start < 1
