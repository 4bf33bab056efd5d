"""Kernels for tests: one from a call of an ATen overload, and how to run a compiled one."""

from collections.abc import Sequence

import numpy as np
import torch
from xdsl.dialects.builtin import FunctionType
from xdsl.ir import Attribute, Block, SSAValue

from dycl.backends import Backend, CompiledKernel, Target, spec_of
from dycl.ir.ops import AtenOp, KernelOp, ParamOp, YieldOp
from dycl.ir.schema import element_type, overload_of
from dycl.ir.text import parse_module
from dycl.ir.types import ELEMENT_TYPES, tensor_type
from dycl.ir.weights import WeightStore
from dycl.runtime.engines import engine_named


class Weight:
    """Marks an argument that is a weight of the kernel, not an input."""

    def __init__(self, tensor: torch.Tensor):
        self.tensor = tensor


class Dynamic:
    """Marks an input whose sizes the kernel does not know."""

    def __init__(self, tensor: torch.Tensor):
        self.tensor = tensor


class Scalar:
    """Marks an argument that is a host scalar."""

    def __init__(self, value: bool | int | float):
        self.value = value

    @property
    def type(self) -> Attribute:
        return ELEMENT_TYPES[
            "bool" if isinstance(self.value, bool) else "i64" if isinstance(self.value, int) else "f64"
        ]


def type_of(tensor: torch.Tensor, dynamic: bool = False) -> Attribute:
    return tensor_type([None if dynamic else size for size in tensor.shape], element_type(tensor.dtype))


def kernel_of(
    overload: str, *given, dynamic: bool = False, **keywords
) -> tuple[KernelOp, WeightStore, list[np.ndarray]]:
    """Return a kernel that calls `overload`, its weights and its inputs; arguments left out have their defaults.

    With `dynamic` the results' sizes are not known to it.
    """
    target = overload_of(overload)
    block = Block()
    weights = WeightStore()
    inputs: list[np.ndarray] = []

    def operand(argument):
        match argument:
            case Weight():
                op = ParamOp(weights.add_unique("w", argument.tensor), type_of(argument.tensor))
                block.add_op(op)
                return op.value
            case torch.Tensor() | Dynamic():
                tensor = argument if isinstance(argument, torch.Tensor) else argument.tensor
                inputs.append(tensor.numpy() if tensor.dtype != torch.bfloat16 else tensor.float().numpy())
                return block.insert_arg(type_of(tensor, isinstance(argument, Dynamic)), len(block.args))
            case Scalar():
                inputs.append(np.array(argument.value))
                return block.insert_arg(argument.type, len(block.args))
            case torch.dtype():
                return element_type(argument)
            case list():
                return [operand(item) for item in argument]
            case _:
                return argument

    def python(argument):
        if isinstance(argument, list):
            return [python(item) for item in argument]
        if isinstance(argument, Weight | Dynamic):
            return argument.tensor
        return argument.value if isinstance(argument, Scalar) else argument

    missing = target._schema.arguments[len(given) :]
    arguments = [*given, *(keywords.pop(parameter.name, parameter.default_value) for parameter in missing)]
    assert not keywords, f"{overload} has no {list(keywords)}"
    names = [parameter.name for parameter in target._schema.arguments if parameter.kwarg_only]
    plain = [python(argument) for argument in arguments]
    count = len(plain) - len(names)
    found = target(*plain[:count], **dict(zip(names, plain[count:], strict=True)))
    results = list(found) if isinstance(found, tuple | list) else [found]
    formats = [str(parameter.real_type) in ("MemoryFormat", "Device") for parameter in target._schema.arguments]
    encoded = [None if skip else operand(argument) for skip, argument in zip(formats, arguments, strict=True)]
    op = AtenOp(overload, encoded, [type_of(result, dynamic) for result in results])
    block.add_ops([op, YieldOp(op.results)])
    return kernel(block, "k"), weights, inputs


def kernel(block: Block, name: str) -> KernelOp:
    yielded: Sequence[SSAValue] = block.last_op.operands
    types = FunctionType.from_lists(list(block.arg_types), [value.type for value in yielded])
    op = KernelOp(name, types, block)
    op.verify()
    return op


def parse_kernel(text: str) -> KernelOp:
    (op,) = parse_module(text).ops
    assert isinstance(op, KernelOp)
    return op


def compile_with(backend: Backend, op: KernelOp, weights: WeightStore) -> CompiledKernel:
    reasons = backend.supports(op)
    assert not reasons
    return backend.compile(op, weights, Target())


def run(compiled: CompiledKernel, op: KernelOp, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Run a kernel both ways that its engine offers, and return the results, which must agree."""
    loaded = engine_named(compiled.engine)(compiled.payload, spec_of(op), 1)
    results = list(loaded.run(inputs))
    if loaded.spec.is_static:
        copies = [np.array(array, order="C") for array in inputs]
        outputs = [value.allocate() for value in loaded.spec.outputs]
        loaded.bind(copies, outputs)()
        for result, output in zip(results, outputs, strict=True):
            np.testing.assert_array_equal(result, output)
    return results


def assert_same(actual: Sequence[np.ndarray], expected: Sequence[np.ndarray], tolerance: float = 1e-5) -> None:
    assert len(actual) == len(expected)
    for found, wanted in zip(actual, expected, strict=True):
        assert found.dtype == wanted.dtype
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
