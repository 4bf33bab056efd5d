"""The engine of the reference backend's kernels: it interprets them."""

import json
import struct
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import ParseError

from dycl.backends.reference.backend import TEXT_KEY
from dycl.ir.interpret import Value, interpret
from dycl.ir.text import parse_module
from dycl.ir.weights import WeightStore
from dycl.runtime.engines.protocol import Array, EngineError, Kernel, KernelSpec, ValueSpec, check_arrays


def load(payload: bytes, spec: KernelSpec, threads: int) -> Kernel:
    """Return the kernel that the reference backend wrote; torch's own setting says how many threads it uses.

    Raises:
        EngineError: the payload is not such a kernel
    """
    try:
        tensors = load_tensors(payload)
        (length,) = struct.unpack_from("<Q", payload)
        text: str = json.loads(payload[8 : 8 + length])["__metadata__"][TEXT_KEY]
        module = parse_module(text, spec.name)
    except (SafetensorError, KeyError, ParseError) as error:
        raise EngineError(f"kernel {spec.name} is not one of the reference backend: {error}") from error
    weights = WeightStore()
    for key, tensor in tensors.items():
        weights.add(key, tensor)
    return _InterpretedKernel(module, weights, spec)


class _InterpretedKernel:
    def __init__(self, module: ModuleOp, weights: WeightStore, spec: KernelSpec):
        self.spec = spec
        self._module = module
        self._weights = weights

    def bind(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> Callable[[], None]:
        check_arrays(self.spec, "input", self.spec.inputs, inputs)
        check_arrays(self.spec, "output", self.spec.outputs, outputs)
        return partial(self._run_into, list(inputs), list(outputs))

    def run(self, inputs: Sequence[Array]) -> Sequence[Array]:
        if len(inputs) != len(self.spec.inputs):
            raise EngineError(f"kernel {self.spec.name} has {len(self.spec.inputs)} inputs, not {len(inputs)}")
        values = [_value(array, spec) for array, spec in zip(inputs, self.spec.inputs, strict=True)]
        results = interpret(self._module, self._weights, values)
        return [_array(value, spec) for value, spec in zip(results, self.spec.outputs, strict=True)]

    def _run_into(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        for target, result in zip(outputs, self.run(inputs), strict=True):
            np.copyto(target, result)


def _value(array: Array, spec: ValueSpec) -> Value:
    return array.item() if spec.scalar else torch.from_numpy(np.array(array, order="C"))


def _array(value: Value, spec: ValueSpec) -> Array:
    """Return a fresh array: a result of the interpreter may share memory with an input or a weight."""
    content = value.detach().numpy() if isinstance(value, torch.Tensor) else value
    return np.array(content, spec.numpy_dtype(), order="C")
