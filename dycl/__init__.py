"""The compiler for dynamic neural networks: PyTorch programs that exit early, skip blocks or loop.

`compile` makes a callable of a module, `load` one of a saved artifact. Nothing is imported before it is asked for: what
only loads artifacts needs neither torch nor xDSL.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dycl.compiled import CompiledModel
    from dycl.compiler import compile, import_program
    from dycl.errors import DyclError
    from dycl.program import Program
    from dycl.runtime.model import load

    __version__: str

__all__ = ["CompiledModel", "DyclError", "Program", "__version__", "compile", "import_program", "load"]

_HOMES = {
    "CompiledModel": "dycl.compiled",
    "DyclError": "dycl.errors",
    "Program": "dycl.program",
    "compile": "dycl.compiler",
    "import_program": "dycl.compiler",
    "load": "dycl.runtime.model",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("dycl")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value
