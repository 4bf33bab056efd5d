"""From a PyTorch program to a compiled one: frontend, passes, backends, host program."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias

from dycl.backends import Target, backend_named, compile_kernels
from dycl.backends.host import write_host
from dycl.backends.packaging import package
from dycl.backends.report import count
from dycl.compiled import CompiledModel
from dycl.frontends.signature import parse_signature
from dycl.frontends.torch import import_module, signature_of
from dycl.ir.ops import KernelOp
from dycl.passes import parse_pipeline
from dycl.program import Program
from dycl.runtime.signature import Signature

if TYPE_CHECKING:
    import torch
    from torch import nn

OnProgress: TypeAlias = Callable[[str, int, int], None]
"""Called with a stage's name, how many of its steps are done, and how many there are (0: not known)."""


def import_program(module: "nn.Module", inputs: "str | Signature | Sequence[torch.Tensor]") -> Program:
    """Capture a module's forward as a program, with every path that its inputs can take.

    Args:
        module: in eval mode, unless it is meant to run as in training
        inputs: a signature such as `"x: f32[1, 3, 32, 32]"`, or example tensors in the order of forward's arguments;
            only their dtypes and shapes matter

    Raises:
        DyclError: the program uses what dycl does not take; the message names the place and the way out
    """
    return import_module(module, _signature(module, inputs))


def compile(
    module: "nn.Module",
    inputs: "str | Signature | Sequence[torch.Tensor]",
    *,
    backend: str = "onnxruntime",
    threads: int = 1,
    pipeline: str = "default",
) -> CompiledModel:
    """Compile a module to a callable that gives what the module gives, on every path.

    Args:
        module: as for `import_program`
        inputs: as for `import_program`
        backend: names of backends in order of preference, separated by commas
        threads: threads that one kernel may use
        pipeline: the passes to run, as text or by name

    Raises:
        DyclError: the program cannot be compiled; the message names the place and the way out
    """
    start = perf_counter()
    program = import_program(module, inputs)
    seconds = perf_counter() - start
    model = compile_program(program, backend=backend, threads=threads, pipeline=pipeline)
    model.report.stages = {"import": seconds, **model.report.stages}
    return model


def compile_program(
    program: Program,
    *,
    backend: str = "onnxruntime",
    threads: int = 1,
    pipeline: str = "default",
    source: str = "",
    constructor_arguments: str = "{}",
    on_progress: OnProgress = lambda _stage, _done, _total: None,
) -> CompiledModel:
    """Optimise a program in place, compile its kernels and write its host program.

    `source` and `constructor_arguments` say in the artifact what the program was imported from.

    Raises:
        UsageError: there is no such backend, or the pipeline is malformed
        DyclError: a pass or every backend refuses the program
    """
    backends = [backend_named(name.strip()) for name in backend.split(",")]
    passes = parse_pipeline(pipeline)
    stages: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Generator[None]:
        start = perf_counter()
        on_progress(name, 0, 0)
        yield
        stages[name] = stages.get(name, 0.0) + perf_counter() - start

    with stage("passes"):
        passes.run(program)
    kernels = [op for op in program.module.ops if isinstance(op, KernelOp)]
    with stage("kernels"):
        compiled = compile_kernels(
            kernels,
            program.weights,
            backends,
            Target(threads=threads),
            lambda done: on_progress("kernels", done, len(kernels)),
        )
    with stage("host"):
        host = write_host(program, source or "A compiled program")
    with stage("load"):
        report = count(program.module, compiled.kernels)
        report.fallbacks = compiled.fallbacks
        artifact = package(
            program,
            host,
            compiled.kernels,
            pipeline=pipeline,
            threads=threads,
            source=source,
            constructor_arguments=constructor_arguments,
        )
        model = CompiledModel(artifact, program, report)
    report.stages = stages
    return model


def _signature(module: "nn.Module", inputs: "str | Signature | Sequence[torch.Tensor]") -> Signature:
    if isinstance(inputs, str):
        return parse_signature(inputs)
    return inputs if isinstance(inputs, Signature) else signature_of(module, inputs)
