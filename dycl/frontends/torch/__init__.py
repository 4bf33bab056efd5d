"""The PyTorch frontend: an interpreter of `forward`'s source, over the live objects, on fake tensors."""

from dycl.frontends.torch.diagnostics import CaptureError
from dycl.frontends.torch.frontend import LOOPS, import_module, signature_of
from dycl.frontends.torch.objects.reference import load_reference

__all__ = ["LOOPS", "CaptureError", "import_module", "load_reference", "signature_of"]
