"""Puts a program's compiled kernels and its host program together as an artifact."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from dycl.backends.host import HostProgram
from dycl.backends.protocol import CompiledKernel, spec_of
from dycl.ir.ops import KernelOp, LaunchOp, ParamOp
from dycl.ir.text import print_module
from dycl.program import Program
from dycl.runtime.artifact import Artifact, file_name
from dycl.runtime.manifest import ConstantEntry, KernelEntry, Manifest, StateEntry

RECORDED_PACKAGES = ("dycl", "torch", "xdsl", "onnx", "onnxscript", "onnxruntime")


def package(
    program: Program,
    host: HostProgram,
    kernels: Mapping[str, CompiledKernel],
    *,
    pipeline: str,
    threads: int,
    source: str,
    constructor_arguments: str,
    loops: str,
) -> Artifact:
    """Return the artifact of an optimised program; the last five arguments are what its manifest says of them."""
    launches = Counter(op.kernel for op in program.module.walk() if isinstance(op, LaunchOp))
    entries = {
        op.symbol: KernelEntry(
            spec_of(op),
            kernels[op.symbol].engine,
            file_name("kernels", op.symbol, kernels[op.symbol].suffix),
            launches[op.symbol],
        )
        for op in program.module.ops
        if isinstance(op, KernelOp)
    }
    constants = {
        name: ConstantEntry(constant.dtype, constant.shape, file_name("constants", name, ".bin"))
        for name, constant in host.constants.items()
    }
    contents = {name: constant.content for name, constant in host.constants.items()}
    for entry in program.state:
        first = program.weights[entry.key]
        constants[entry.key] = ConstantEntry(first.dtype, first.shape, file_name("constants", entry.key, ".bin"))
        contents[entry.key] = first.numpy().tobytes()
    manifest = Manifest(
        program.signature,
        program.structure,
        entries,
        host.branches,
        constants,
        threads,
        source,
        constructor_arguments,
        pipeline,
        weights_digest(program),
        {name: found for name in RECORDED_PACKAGES if (found := _version(name))},
        tuple(StateEntry(entry.input.name, entry.key) for entry in program.state),
        loops,
    )
    return Artifact(
        manifest,
        host.source,
        {name: kernel.payload for name, kernel in kernels.items()},
        print_module(program.module),
        contents,
    )


def weights_digest(program: Program) -> str:
    """Return a digest of the weights that a program uses and of its state's first values: keys, types and bytes."""
    used = {op.key.data for op in program.module.walk() if isinstance(op, ParamOp)}
    keys = sorted(used.union(entry.key for entry in program.state))
    return hashlib.sha256("\n".join(f"{key} {program.weights[key].digest}" for key in keys).encode()).hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
