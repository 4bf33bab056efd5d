"""The reference backend: the interpreter. Slow, and right by definition; its kernels need torch and xdsl to run."""

from dycl.backends.reference.backend import ReferenceBackend

__all__ = ["ReferenceBackend"]
