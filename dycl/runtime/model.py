"""A compiled program, ready to be called."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from dycl.errors import DyclError, UsageError
from dycl.runtime.arrangement import arranger
from dycl.runtime.artifact import Artifact, ArtifactError, read_artifact
from dycl.runtime.engines import Array, Kernel, engine_named
from dycl.runtime.engines.protocol import ValueSpec
from dycl.runtime.failures import source_failure
from dycl.runtime.host import Frame, Sites
from dycl.runtime.inputs import InputBinder
from dycl.runtime.manifest import Manifest
from dycl.runtime.memory import allocate
from dycl.runtime.signature import Signature
from dycl.runtime.tracing import Decide, HostCode, host_code, traced_host_code

Run: TypeAlias = Callable[[Sequence[Any], Mapping[str, Any]], Sequence[object]]
"""Runs a program on arguments by position and by name; arrays among the results are the caller's own."""


class Model:
    """Calls a compiled program on numpy arrays; calls from several threads are safe.

    Each call works in a frame, which holds all memory that it needs; a call beside another one gets a frame of its own,
    kept for later. The kernels are shared.

    A program with state has one for each `Model`: a call takes it as the call before has left it, and calls from
    several threads are then taken one after the other. A call that raises leaves the state as it was.
    """

    def __init__(self, artifact: Artifact, threads: int | None = None):
        """Load the kernels; `threads`, which each may use, is by default what the artifact says.

        Raises:
            UsageError: `threads` is less than 1
            DyclError: an engine is missing, or a kernel or the host program cannot be loaded
        """
        threads = artifact.manifest.threads if threads is None else threads
        if threads < 1:
            raise UsageError(f"threads must be at least 1, not {threads}")
        self.artifact = artifact
        self._kernels = _load_kernels(artifact, threads)
        self._constants = _load_constants(artifact)
        self._binder = InputBinder(self.signature)
        self._arrange = arranger(artifact.manifest.outputs)
        self._state = _State(artifact.manifest, self._constants)
        self._run = self._runner(host_code(artifact))

    @property
    def signature(self) -> Signature:
        """What a call is given."""
        return self.artifact.manifest.inputs

    def reset(self) -> None:
        """Let the state be what it was when the program was compiled."""
        self._state.reset()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program on inputs by position or name, and return its outputs in the source's structure.

        The arrays returned are the caller's own.

        Raises:
            TypeError: an input is missing, unknown, given twice, no numpy array, or of another dtype
            ValueError: an input has another shape
            AssertionError: an assertion of the source program does not hold, or it raises an exception itself; where
                Python has the exception's class, what is raised is of that class too
        """
        return self._arrange(self._run(args, kwargs))

    def results(self, decide: Decide | None = None) -> Run:
        """Return what runs the program and gives its results by number, before they are arranged.

        `decide` is as for `traced`.
        """
        return self._run if decide is None else self._runner(traced_host_code(self.artifact, decide))

    def traced(self, decide: Decide) -> Callable[..., Any]:
        """Return a callable like the model that asks `decide` at each branch, with its index and its own choice.

        A choice is a bool, or of a switch an int. What `decide` returns is done instead. Indices are those of the
        manifest's `branches`.
        """
        run, arrange = self.results(decide), self._arrange
        return lambda *args, **kwargs: arrange(run(args, kwargs))

    def trace(self, *args: Any, **kwargs: Any) -> tuple[Any, list[tuple[int, bool | int]]]:
        """Run the program; return its outputs, and the branches on its way: index and choice."""
        steps: list[tuple[int, bool | int]] = []

        def record(index: int, value: bool | int) -> bool | int:
            steps.append((index, value))
            return value

        return self.traced(record)(*args, **kwargs), steps

    def _runner(self, code: HostCode) -> Run:
        idle: deque[_Activation] = deque()
        bind = self._binder.bind
        idle.append(self._activation(code))

        def run(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Sequence[object]:
            return call(bind(args, kwargs))

        def call(arrays: Sequence[Array]) -> Sequence[object]:
            try:
                activation = idle.pop()
            except IndexError:
                activation = self._activation(code)
            try:
                return activation.run(arrays)
            except Exception as error:
                failure = source_failure(error)
                if failure is None:
                    raise
                raise failure.with_traceback(error.__traceback__) from None
            finally:
                idle.append(activation)

        if not self.artifact.manifest.state:
            return run
        carry = self._state.carry
        return lambda args, kwargs: carry(bind(args, kwargs), call)

    def _activation(self, code: HostCode) -> "_Activation":
        return _Activation(code, Frame(self._kernels, self._constants), self.artifact.manifest.signature)


class _State:
    """What a program carries from call to call."""

    def __init__(self, manifest: Manifest, constants: Mapping[str, Array]):
        self._first = [constants[entry.constant] for entry in manifest.state]
        self._dtypes = [array.dtype for array in self._first]
        self._updates = arranger(manifest.updates)
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._now = [array.copy() for array in self._first]

    def carry(self, arrays: Sequence[Array], call: Callable[[Sequence[Array]], Sequence[object]]) -> Sequence[object]:
        """Call with the state behind the caller's arrays, and keep what it becomes."""
        with self._lock:
            results = call([*arrays, *self._now])
            pairs = zip(self._updates(results), self._dtypes, strict=True)
            self._now = [np.array(value, dtype) for value, dtype in pairs]
            return results


class _Activation:
    """The host program with memory of its own: runs one call at a time."""

    def __init__(self, code: HostCode, frame: Frame, signature: Signature):
        self._main = code.main
        self._sites = Sites()
        code.prepare(frame, self._sites)
        self._inputs = [
            frame.hold(allocate(input.dtype, [size for size in input.shape if isinstance(size, int)]))
            if all(isinstance(size, int) for size in input.shape)
            else None
            for input in signature.inputs
        ]
        self._dtypes = [ValueSpec(input.dtype, ()).numpy_dtype() for input in signature.inputs]

    def run(self, arrays: Sequence[Array]) -> Sequence[object]:
        """Return the results; arrays among them are fresh."""
        inputs: list[Array] = []
        for held, dtype, array in zip(self._inputs, self._dtypes, arrays, strict=True):
            if held is None:
                inputs.append(np.require(array, dtype, ["C", "A"]))
            else:
                held[...] = array
                inputs.append(held)
        results: Sequence[object] = self._main(self._sites, *inputs)
        return [value.copy() if isinstance(value, np.ndarray) else value for value in results]


def load(path: str | Path, threads: int | None = None) -> Model:
    """Load a compiled program from its folder, after checking that nothing in it is damaged.

    Args:
        path: the artifact
        threads: threads that a kernel may use; by default what the program was compiled for

    Raises:
        DyclError: there is no artifact, it is damaged or too new, or an engine is missing
    """
    return Model(read_artifact(path), threads)


def _load_kernels(artifact: Artifact, threads: int) -> dict[str, Kernel]:
    entries = artifact.manifest.kernels
    engines = {name: engine_named(name) for name in dict.fromkeys(entry.engine for entry in entries.values())}

    def load_one(name: str) -> Kernel:
        entry = entries[name]
        try:
            return engines[entry.engine](artifact.kernels[name], entry.spec, threads)
        except DyclError as error:
            place = artifact.path / entry.file if artifact.path else entry.file
            raise ArtifactError(f"cannot load {place}: {error}") from error

    return {name: load_one(name) for name in entries}


def _load_constants(artifact: Artifact) -> dict[str, Array]:
    constants: dict[str, Array] = {}
    for name, entry in artifact.manifest.constants.items():
        array = allocate(entry.dtype, entry.shape)
        if len(artifact.constants[name]) != array.nbytes:
            raise ArtifactError(f"{entry.file} has {len(artifact.constants[name])} bytes instead of {array.nbytes}")
        array.reshape(-1).view(np.uint8)[:] = np.frombuffer(artifact.constants[name], np.uint8)
        constants[name] = array
    return constants
