"""The ONNX Runtime backend."""

from dycl.backends.onnxruntime.backend import OnnxRuntimeBackend

__all__ = ["OnnxRuntimeBackend"]
