"""The frontend for exported programs: the graph of a `torch.export.ExportedProgram`, control flow included."""

from dycl.frontends.exported.diagnostics import UnsupportedNode
from dycl.frontends.exported.eager import eager_function
from dycl.frontends.exported.files import SUFFIX, load_exported
from dycl.frontends.exported.frontend import import_exported

__all__ = ["SUFFIX", "UnsupportedNode", "eager_function", "import_exported", "load_exported"]
