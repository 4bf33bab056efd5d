"""A compiled program in the process that compiled it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dycl.backends.report import CompileReport
from dycl.program import Program
from dycl.runtime.arrangement import arranger
from dycl.runtime.artifact import Artifact, write_artifact
from dycl.runtime.model import Model, Run
from dycl.runtime.signature import Signature


class CompiledModel:
    """Calls the compiled program with torch tensors or numpy arrays, and gives back what it was given.

    It takes the source program's inputs by position or name, and returns its output structure: torch tensors where any
    input is one, else numpy arrays. Named tuples and dataclasses are of the source's own classes. Calls from several
    threads are safe; with state, of which there is one for each `CompiledModel`, they are taken one after the other.
    """

    def __init__(self, artifact: Artifact, program: Program, report: CompileReport) -> None:
        self.artifact = artifact
        self.program = program
        """The optimised program."""
        self.report = report
        self._model = Model(artifact)
        self._run = self._model.results()
        self._arrange = arranger(artifact.manifest.outputs, program.classes)

    @property
    def signature(self) -> Signature:
        return self._model.signature

    @property
    def host_source(self) -> str:
        """The host program: Python that takes the branches and calls the kernels."""
        return self.artifact.host_source

    def reset(self) -> None:
        """Let what the program carries from call to call be what it was when it was compiled."""
        self._model.reset()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program.

        Raises:
            TypeError: an input is missing, unknown or of another dtype than the signature says
            ValueError: an input has another shape
        """
        return self._call(self._run, args, kwargs)

    def traced(self, decide: Callable[[int, bool | int], bool | int]) -> Callable[..., Any]:
        """Return a callable like this one that asks `decide` at each branch, with its index and its own choice."""
        run = self._model.results(decide)
        return lambda *args, **kwargs: self._call(run, args, kwargs)

    def save(self, path: str | Path) -> None:
        """Write the artifact to the folder `path`, whole or not at all.

        Raises:
            DyclError: the place cannot be written
        """
        write_artifact(self.artifact, Path(path))

    def _call(self, run: Run, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if not any(isinstance(value, torch.Tensor) for value in (*args, *kwargs.values())):
            return self._arrange(run(args, kwargs))
        results = run([_array(value) for value in args], {name: _array(value) for name, value in kwargs.items()})
        return self._arrange([torch.from_numpy(v) if isinstance(v, np.ndarray) else v for v in results])


def _array(value: Any) -> Any:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
