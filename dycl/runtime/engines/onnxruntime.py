"""The ONNX Runtime engine: a kernel is a session over an ONNX model, on the CPU.

Thread policy: a program has many small kernels that run one after the other, so what matters is that their pools do not
fight. With one thread a session has no pool. With more, each has a pool of its own whose threads sleep between calls: a
spinning pool per session costs many times the run time. ONNX Runtime's one pool for all sessions of a process is no
faster, since it spins, and once it exists nothing else in the process can make a session with a pool of its own.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import OrtDevice, OrtValue

from dycl.runtime.engines.protocol import Array, EngineError, Kernel, KernelSpec, ValueSpec, check_arrays

_CPU: Any = OrtDevice(OrtDevice.cpu(), OrtDevice.default_memory(), 0)

_ELEMENT_NAMES = {
    "tensor(bool)": "bool",
    "tensor(uint8)": "u8",
    "tensor(int8)": "i8",
    "tensor(int16)": "i16",
    "tensor(int32)": "i32",
    "tensor(int64)": "i64",
    "tensor(float16)": "f16",
    "tensor(float)": "f32",
    "tensor(double)": "f64",
}


def load(payload: bytes, spec: KernelSpec, threads: int) -> Kernel:
    """Return the kernel of an ONNX model.

    Raises:
        EngineError: ONNX Runtime cannot load the payload, or it has other inputs or outputs than `spec`
    """
    try:
        session = onnxruntime.InferenceSession(payload, session_options(threads), providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no base class.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EngineError(f"ONNX Runtime cannot load kernel {spec.name}: {reason}") from error
    return _SessionKernel(session, spec)


def session_options(threads: int) -> object:
    """Return the options of every session that dycl makes."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


class _Node(Protocol):
    """What ONNX Runtime says of a session's input or output."""

    name: str
    type: str
    shape: Sequence[int | str | None]


class _SessionKernel:
    def __init__(self, session: onnxruntime.InferenceSession, spec: KernelSpec):
        self.spec = spec
        self._session = session
        self._inputs = [_Port(node, spec, value) for node, value in _pair(session.get_inputs(), spec.inputs, spec)]
        self._outputs = [_Port(node, spec, value) for node, value in _pair(session.get_outputs(), spec.outputs, spec)]

    def bind(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> Callable[[], None]:
        binding = self._bound(inputs, outputs)
        # The public run_with_iobinding wraps this call in checks for GPUs that cost as much as a small kernel. A
        # partial object calls it without a frame of Python, and keeps what the binding points to alive.
        call = partial(self._native.run_with_iobinding, binding, None)
        call.__dict__["kept_alive"] = (self._session, *inputs, *outputs)
        return call

    def bind_part(
        self, inputs: Sequence[Array | None], outputs: Sequence[Array | None]
    ) -> Callable[..., Sequence[Array]]:
        arrays = [*inputs, *outputs]
        known = sum(array is not None for array in arrays)
        # What ONNX Runtime takes and allocates itself costs less than to bind it anew at each call.
        call = self._unbound_call(inputs, outputs) if 2 * known <= len(arrays) else self._part_call(inputs, outputs)
        fresh = [port for port, array in zip(self._outputs, outputs, strict=True) if array is None]
        if not any(port.may_reshape for port in fresh):
            return call
        return lambda *arrays: [port.as_specified(array) for port, array in zip(fresh, call(*arrays), strict=True)]

    def _unbound_call(
        self, inputs: Sequence[Array | None], outputs: Sequence[Array | None]
    ) -> Callable[..., Sequence[Array]]:
        check_arrays(self.spec, "input", self.spec.inputs, inputs)
        check_arrays(self.spec, "output", self.spec.outputs, outputs)
        feeds = {
            port.name: array.reshape(port.shape_in_model(array))
            for port, array in zip(self._inputs, inputs, strict=True)
            if array is not None
        }
        given = [port.name for port, array in zip(self._inputs, inputs, strict=True) if array is None]
        names = [port.name for port in self._outputs]
        targets = [
            (index, array.reshape(port.shape_in_model(array)))
            for index, (port, array) in enumerate(zip(self._outputs, outputs, strict=True))
            if array is not None
        ]
        indices = [index for index, array in enumerate(outputs) if array is None]
        execute = self._native.run

        def call(*arrays: Array) -> Sequence[Array]:
            feeds.update(zip(given, arrays, strict=True))
            found = execute(names, feeds, None)
            if not targets:
                return found
            for index, target in targets:
                target[...] = found[index]
            return [found[index] for index in indices]

        return call

    def _part_call(
        self, inputs: Sequence[Array | None], outputs: Sequence[Array | None]
    ) -> Callable[..., Sequence[Array]]:
        binding = self._bound(inputs, outputs)
        given = [port.name for port, array in zip(self._inputs, inputs, strict=True) if array is None]
        indices = [index for index, array in enumerate(outputs) if array is None]
        names = [self._outputs[index].name for index in indices]
        bind_input, bind_output, get_outputs = binding.bind_ortvalue_input, binding.bind_output, binding.get_outputs
        execute, value_of, cpu = self._native.run_with_iobinding, OrtValue.ortvalue_from_numpy, _CPU

        def call(*arrays: Array) -> Sequence[Array]:
            for name, array in zip(given, arrays, strict=True):
                # A value that shares the array's memory costs half of what it takes to ask for its address.
                bind_input(name, value_of(array, cpu))
            for name in names:
                bind_output(name, cpu)
            execute(binding, None)
            found = get_outputs()
            return [found[index].numpy() for index in indices]

        call.__dict__["kept_alive"] = (self._session, *inputs, *outputs)
        return call

    @property
    def _native(self) -> Any:
        return self._session._sess  # pyright: ignore[reportPrivateUsage]

    def _bound(self, inputs: Sequence[Array | None], outputs: Sequence[Array | None]) -> Any:
        """Return a binding to the arrays that are given, as ONNX Runtime's own object."""
        check_arrays(self.spec, "input", self.spec.inputs, inputs)
        check_arrays(self.spec, "output", self.spec.outputs, outputs)
        binding = self._session.io_binding()._iobinding  # pyright: ignore[reportPrivateUsage]
        for port, array in zip(self._inputs, inputs, strict=True):
            if array is not None:
                _bind(binding.bind_input, port, array)
        for port, array in zip(self._outputs, outputs, strict=True):
            if array is not None:
                _bind(binding.bind_output, port, array)
            else:
                # The binding's outputs are in the order in which they were first bound.
                binding.bind_output(port.name, _CPU)
        return binding

    def run(self, inputs: Sequence[Array]) -> Sequence[Array]:
        if len(inputs) != len(self._inputs):
            raise EngineError(f"kernel {self.spec.name} has {len(self._inputs)} inputs, not {len(inputs)}")
        feeds = {
            port.name: np.asarray(array, order="C").reshape(port.shape_in_model(array))
            for port, array in zip(self._inputs, inputs, strict=True)
        }
        found = self._session.run(None, feeds)
        return [port.as_specified(np.asarray(array)) for port, array in zip(self._outputs, found, strict=True)]


class _Port:
    """An input or output of a session. Its static shape in the model may be another of as many elements than in the
    spec: a re-view at a kernel's border costs nothing."""

    def __init__(self, node: _Node, spec: KernelSpec, value: ValueSpec):
        self.name: str = node.name
        self._spec_shape = value.shape
        sizes = [size for size in node.shape if isinstance(size, int)]
        self._model_shape = sizes if len(sizes) == len(node.shape) else None
        if _ELEMENT_NAMES.get(node.type) != value.dtype:
            raise EngineError(f"the model of kernel {spec.name} has {node.type} for {node.name}, the program {value}")
        static = self._model_shape is not None and value.is_static
        if static and np.prod(sizes) != np.prod([size or 0 for size in value.shape]):
            raise EngineError(f"the model of kernel {spec.name} has {sizes} for {node.name}, the program {value}")

    @property
    def may_reshape(self) -> bool:
        """Whether the model has another shape than the spec."""
        return self._model_shape is not None and None not in self._spec_shape

    def shape_in_model(self, array: Array) -> Sequence[int]:
        return array.shape if self._model_shape is None else self._model_shape

    def as_specified(self, array: Array) -> Array:
        if not self.may_reshape:
            return array
        return array.reshape([size or 0 for size in self._spec_shape])


def _bind(bind: Callable[..., None], port: _Port, array: Array) -> None:
    bind(port.name, _CPU, array.dtype.type, port.shape_in_model(array), array.ctypes.data)


def _pair(nodes: Sequence[_Node], values: Sequence[ValueSpec], spec: KernelSpec) -> list[tuple[_Node, ValueSpec]]:
    if len(nodes) != len(values):
        raise EngineError(f"the model of kernel {spec.name} has {len(nodes)} values, the program {len(values)}")
    return list(zip(nodes, values, strict=True))
