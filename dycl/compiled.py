"""A compiled program in the process that compiled it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from dycl.backends.report import CompileReport
from dycl.program import Program
from dycl.runtime.artifact import Artifact, write_artifact
from dycl.runtime.model import Model
from dycl.runtime.signature import Signature


class CompiledModel:
    """Calls the compiled program with torch tensors or numpy arrays, and gives back what it was given.

    It takes the source program's inputs by position or name, and returns its output structure: torch tensors where any
    input is one, else numpy arrays. Calls from several threads are safe.
    """

    def __init__(self, artifact: Artifact, program: Program, report: CompileReport) -> None:
        self.artifact = artifact
        self.program = program
        """The optimised program."""
        self.report = report
        self._model = Model(artifact)

    @property
    def signature(self) -> Signature:
        return self._model.signature

    @property
    def host_source(self) -> str:
        """The host program: Python that takes the branches and calls the kernels."""
        return self.artifact.host_source

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program.

        Raises:
            TypeError: an input is missing, unknown or of another dtype than the signature says
            ValueError: an input has another shape
        """
        return self._call(self._model, args, kwargs)

    def traced(self, decide: Callable[[int, bool | int], bool | int]) -> Callable[..., Any]:
        """Return a callable like this one that asks `decide` at each branch, with its index and its own choice."""
        traced = self._model.traced(decide)
        return lambda *args, **kwargs: self._call(traced, args, kwargs)

    def save(self, path: str | Path) -> None:
        """Write the artifact to the folder `path`, whole or not at all.

        Raises:
            DyclError: the place cannot be written
        """
        write_artifact(self.artifact, Path(path))

    def _call(self, model: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if not any(isinstance(value, torch.Tensor) for value in (*args, *kwargs.values())):
            return model(*args, **kwargs)
        output = model(*map(_array, args), **{name: _array(value) for name, value in kwargs.items()})
        return _tensors(output)


def _array(value: Any) -> Any:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value


def _tensors(value: Any) -> Any:
    """Return an output with a tensor for each array; the arrays are the caller's own, so the tensors share them."""
    if isinstance(value, Mapping):
        return {key: _tensors(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_tensors, value))
    if isinstance(value, tuple | list):
        return type(value)(map(_tensors, value))
    return torch.from_numpy(value) if hasattr(value, "__array_interface__") and not isinstance(value, int) else value
