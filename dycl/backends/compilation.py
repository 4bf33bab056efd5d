"""Compiles the kernels of a program, each with the first backend that takes it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from dycl.backends.protocol import Backend, CannotCompile, CompiledKernel, Target
from dycl.backends.refusals import refusal
from dycl.ir.ops import KernelOp
from dycl.ir.weights import WeightStore

OnKernel: TypeAlias = Callable[[int], None]
"""Called after each kernel with how many are done."""


@dataclass
class CompiledKernels:
    """The compiled kernels by symbol, and in words, each that a preferred backend did not take."""

    kernels: dict[str, CompiledKernel] = field(default_factory=dict[str, CompiledKernel])
    fallbacks: list[str] = field(default_factory=list[str])


def compile_kernels(
    kernels: Sequence[KernelOp],
    weights: WeightStore,
    backends: Sequence[Backend],
    target: Target,
    on_kernel: OnKernel = lambda _done: None,
) -> CompiledKernels:
    """Compile each kernel with the first of `backends` that takes it.

    Raises:
        DyclError: none of the backends takes a kernel
    """
    compiled = CompiledKernels()
    for kernel in kernels:
        compiled.kernels[kernel.symbol], refusals = _compile_with_first(kernel, weights, backends, target)
        if refusals:
            engine = compiled.kernels[kernel.symbol].engine
            compiled.fallbacks.append(f"kernel @{kernel.symbol} runs on {engine}: {' / '.join(refusals)}")
        on_kernel(len(compiled.kernels))
    return compiled


def _compile_with_first(
    kernel: KernelOp, weights: WeightStore, backends: Sequence[Backend], target: Target
) -> tuple[CompiledKernel, list[str]]:
    refusals: dict[str, list[str]] = {}
    for backend in backends:
        reasons = backend.supports(kernel)
        if not reasons:
            try:
                compiled = backend.compile(kernel, weights, target)
                return compiled, [f"{name} does not take {'; '.join(found)}" for name, found in refusals.items()]
            except CannotCompile as error:
                reasons = error.reasons
        refusals[backend.name] = reasons
    raise refusal(kernel, refusals)
