"""The host program: Python that takes the branches and calls the kernels."""

from dycl.backends.host.program import HostConstant, HostProgram, write_host

__all__ = ["HostConstant", "HostProgram", "write_host"]
