"""An exported program run by torch, for comparison with what it was compiled to."""

from collections.abc import Callable
from typing import Any

from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from dycl.frontends.exported.inputs import user_inputs


def eager_function(exported: ExportedProgram) -> Callable[..., Any]:
    """Return a function that takes the inputs of the program's signature by position."""
    leaves = list(user_inputs(exported))
    module, spec = exported.module(), exported.call_spec.in_spec
    assert spec is not None

    def run(*tensors: Any) -> Any:
        given = iter(tensors)
        flat = [leaf.constant if leaf.tensor is None else next(given) for leaf in leaves]
        args, kwargs = pytree.tree_unflatten(flat, spec)
        return module(*args, **kwargs)

    return run
