"""What a backend is: it says which kernels it can take, and makes bytes of them that an engine of the runtime loads."""

from dataclasses import dataclass
from typing import Protocol

from xdsl.ir import Attribute

from dycl.errors import DyclError
from dycl.ir.ops import KernelOp
from dycl.ir.types import DTYPE_NAMES, element_of, is_scalar, shape_of
from dycl.ir.weights import WeightStore
from dycl.runtime.engines.protocol import KernelSpec, ValueSpec


class CannotCompile(DyclError):
    """A kernel that a backend cannot take after all, with the reasons."""

    def __init__(self, reasons: list[str]):
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True)
class Target:
    """What kernels are compiled for."""

    threads: int = 1


@dataclass(frozen=True)
class CompiledKernel:
    """A kernel as its engine loads it: `payload` goes to a file whose name ends in `suffix`."""

    engine: str
    payload: bytes
    suffix: str


class Backend(Protocol):
    """Stateless: one backend may compile many kernels, of many programs."""

    @property
    def name(self) -> str: ...

    def supports(self, kernel: KernelOp) -> list[str]:
        """Return why the backend cannot take a kernel, each reason with the op and its place in the source.

        Empty means that it probably can: what only shows while compiling is raised then.
        """
        ...

    def compile(self, kernel: KernelOp, weights: WeightStore, target: Target) -> CompiledKernel:
        """Compile a kernel that the backend supports.

        Raises:
            CannotCompile: it turns out that the backend cannot
        """
        ...


def spec_of(kernel: KernelOp) -> KernelSpec:
    """Return what the runtime needs to know of a kernel: the dtypes and sizes of its inputs and outputs.

    An output's type is that of the yielded value, which may be more precise than the kernel's type says.
    """
    yielded = kernel.body.block.last_op
    assert yielded is not None
    inputs = kernel.function_type.inputs.data
    outputs = [value.type for value in yielded.operands]
    return KernelSpec(kernel.symbol, tuple(map(_value_spec, inputs)), tuple(map(_value_spec, outputs)))


def _value_spec(type: Attribute) -> ValueSpec:
    if is_scalar(type):
        return ValueSpec(DTYPE_NAMES[type], (), True)
    return ValueSpec(DTYPE_NAMES[element_of(type)], shape_of(type))
