"""Engines: what loads and calls compiled kernels, found by name."""

import difflib
from importlib.metadata import entry_points

from dycl.runtime.engines.protocol import (
    Array,
    EngineError,
    Kernel,
    KernelSpec,
    Loader,
    PartlyBindable,
    ValueSpec,
    spec_from_json,
    spec_to_json,
)

__all__ = [
    "Array",
    "EngineError",
    "Kernel",
    "KernelSpec",
    "Loader",
    "PartlyBindable",
    "ValueSpec",
    "engine_named",
    "spec_from_json",
    "spec_to_json",
]

GROUP = "dycl.engines"
"""The entry-point group in which packages name their loaders."""


def engine_named(name: str) -> Loader:
    """Return the loader of an engine.

    Raises:
        EngineError: no installed package has an engine of that name
    """
    if name == "onnxruntime":
        from dycl.runtime.engines.onnxruntime import load

        return load
    for entry in entry_points(group=GROUP, name=name):
        return entry.load()
    known = ["onnxruntime", *(entry.name for entry in entry_points(group=GROUP) if entry.name != "onnxruntime")]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise EngineError(f"no installed package has the engine {name}: {hint}")
