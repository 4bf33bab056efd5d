"""Backends compile kernels. A backend is found by name, and takes what it can; the rest falls to the next."""

from dycl.backends.compilation import CompiledKernels, OnKernel, compile_kernels
from dycl.backends.protocol import Backend, CannotCompile, CompiledKernel, Target, spec_of
from dycl.backends.registry import backend_named, backend_names

__all__ = [
    "Backend",
    "CannotCompile",
    "CompiledKernel",
    "CompiledKernels",
    "OnKernel",
    "Target",
    "backend_named",
    "backend_names",
    "compile_kernels",
    "spec_of",
]
