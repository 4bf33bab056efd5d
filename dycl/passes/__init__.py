"""Passes over programs, and the pipelines that run them.

Each built-in pass is importable from here by its class's name; its module is imported only then.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dycl.passes.base import Pass as Pass
    from dycl.passes.canonicalize import CanonicalizePass as CanonicalizePass
    from dycl.passes.cse import CsePass as CsePass
    from dycl.passes.dce import DcePass as DcePass
    from dycl.passes.duplicate_tails import DuplicateTailsPass as DuplicateTailsPass
    from dycl.passes.form_regions import FormRegionsPass as FormRegionsPass
    from dycl.passes.hoist_invariants import HoistInvariantsPass as HoistInvariantsPass
    from dycl.passes.hoist_to_host import HoistToHostPass as HoistToHostPass
    from dycl.passes.infer_shapes import InferShapesPass as InferShapesPass
    from dycl.passes.manager import Nested as Nested
    from dycl.passes.manager import PassFailure as PassFailure
    from dycl.passes.manager import PassManager as PassManager
    from dycl.passes.manager import PassRun as PassRun
    from dycl.passes.outline_regions import OutlineRegionsPass as OutlineRegionsPass
    from dycl.passes.pipeline import PipelineError as PipelineError
    from dycl.passes.pipeline import parse_pipeline as parse_pipeline
    from dycl.passes.pipelines import PIPELINES as PIPELINES
    from dycl.passes.propagate_constants import PropagateConstantsPass as PropagateConstantsPass
    from dycl.passes.registry import pass_named as pass_named
    from dycl.passes.registry import pass_names as pass_names
    from dycl.passes.rotate_loops import RotateLoopsPass as RotateLoopsPass
    from dycl.passes.share_kernels import ShareKernelsPass as ShareKernelsPass
    from dycl.passes.sink import SinkPass as SinkPass
    from dycl.passes.unroll_loops import UnrollLoopsPass as UnrollLoopsPass

_HOMES = {
    "Pass": "base",
    "Nested": "manager",
    "PassFailure": "manager",
    "PassManager": "manager",
    "PassRun": "manager",
    "PipelineError": "pipeline",
    "parse_pipeline": "pipeline",
    "PIPELINES": "pipelines",
    "pass_named": "registry",
    "pass_names": "registry",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"dycl.passes.{_HOMES[name]}"), name)
    from dycl.passes.registry import BUILTIN_PASSES, class_name, pass_named

    for known in BUILTIN_PASSES:
        if class_name(known) == name:
            return pass_named(known)
    raise AttributeError(f"module 'dycl.passes' has no attribute '{name}'")
