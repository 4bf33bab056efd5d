"""From a PyTorch program to a compiled one: frontend, passes, backends, host program."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from os import PathLike
from time import perf_counter
from typing import TypeAlias, overload

import torch
from torch import nn
from torch.export import ExportedProgram

from dycl.backends import Target, backend_named, compile_kernels
from dycl.backends.host import write_host
from dycl.backends.packaging import package
from dycl.backends.report import count
from dycl.compiled import CompiledModel
from dycl.errors import UsageError, an
from dycl.frontends.exported import import_exported, load_exported
from dycl.frontends.signature import parse_signature
from dycl.frontends.torch import LOOPS, import_module, signature_of
from dycl.ir.ops import KernelOp
from dycl.passes import parse_pipeline
from dycl.program import Program
from dycl.runtime.signature import Signature

Inputs: TypeAlias = str | Signature | Sequence[torch.Tensor]
"""What a module takes: a signature or its text, or example tensors in the order of forward's arguments."""

Exported: TypeAlias = ExportedProgram | str | PathLike[str]
"""What torch has exported, or the `.pt2` file of it."""

OnProgress: TypeAlias = Callable[[str, int, int], None]
"""Called with a stage's name, how many of its steps are done, and how many there are (0: not known)."""


@overload
def import_program(module: nn.Module, inputs: Inputs, *, loops: str = "auto", state: Sequence[str] = ()) -> Program: ...


@overload
def import_program(module: Exported, inputs: str | Signature | None = None) -> Program: ...


def import_program(
    module: nn.Module | Exported, inputs: Inputs | None = None, *, loops: str = "auto", state: Sequence[str] = ()
) -> Program:
    """Capture a module's forward, or read an exported program, with every path that its inputs can take.

    Args:
        module: a module in eval mode, unless it is meant to run as in training; an exported program, or its `.pt2` file
        inputs: a signature such as `"x: f32[1, 3, 32, 32]"`, or example tensors in the order of forward's arguments;
            only their dtypes and shapes matter. An exported program states its own inputs: here a signature may give
            numbers to its dynamic sizes
        loops: which loops that Python alone decides stay loops of the program: none (`unroll`), all whose variables
            keep their types (`keep`), or those that are long and whose iterations are alike (`auto`)
        state: attributes of the module, as `name` or `part.of.model.name`, that calls carry on to each other

    Raises:
        DyclError: the program uses what dycl does not take; the message names the place and the way out
    """
    return _import(module, inputs, loops, state)


@overload
def compile(
    module: nn.Module,
    inputs: Inputs,
    *,
    loops: str = "auto",
    state: Sequence[str] = (),
    backend: str = "onnxruntime",
    threads: int = 1,
    pipeline: str = "default",
) -> CompiledModel: ...


@overload
def compile(
    module: Exported,
    inputs: str | Signature | None = None,
    *,
    backend: str = "onnxruntime",
    threads: int = 1,
    pipeline: str = "default",
) -> CompiledModel: ...


def compile(
    module: nn.Module | Exported,
    inputs: Inputs | None = None,
    *,
    loops: str = "auto",
    state: Sequence[str] = (),
    backend: str = "onnxruntime",
    threads: int = 1,
    pipeline: str = "default",
) -> CompiledModel:
    """Compile a module or an exported program to a callable that gives what it gives, on every path.

    Args:
        module: as for `import_program`
        inputs: as for `import_program`
        loops: as for `import_program`
        state: as for `import_program`
        backend: names of backends in order of preference, separated by commas
        threads: threads that one kernel may use
        pipeline: the passes to run, as text or by name

    Raises:
        DyclError: the program cannot be compiled; the message names the place and the way out
    """
    start = perf_counter()
    program = _import(module, inputs, loops, state)
    seconds = perf_counter() - start
    model = compile_program(program, backend=backend, threads=threads, pipeline=pipeline, loops=loops)
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
    loops: str = "auto",
    on_progress: OnProgress = lambda _stage, _done, _total: None,
) -> CompiledModel:
    """Optimise a program in place, compile its kernels and write its host program.

    `source`, `constructor_arguments` and `loops` say in the artifact what the program was imported from, and how.

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
            loops=loops,
        )
        model = CompiledModel(artifact, program, report)
    report.stages = stages
    return model


def _import(module: nn.Module | Exported, inputs: Inputs | None, loops: str, state: Sequence[str]) -> Program:
    if loops not in LOOPS:
        raise UsageError(f"loops must be one of {', '.join(LOOPS)}, not {loops!r}")
    if isinstance(module, ExportedProgram | str | PathLike):
        if state:
            raise UsageError("`state` goes with a module; an exported program has no attributes")
        return _import_exported(module, inputs)
    if not isinstance(module, nn.Module):  # pyright: ignore[reportUnnecessaryIsInstance]: what a caller gives
        what = f"the class {module.__name__}" if isinstance(module, type) else an(type(module).__name__)
        raise UsageError(f"expected a torch.nn.Module, made and in eval mode, or an exported program, not {what}")
    if isinstance(state, str):
        raise UsageError(f"state must be a sequence of attributes, such as ({state!r},)")
    wrong = [name for name in _listed(state) if not isinstance(name, str)]
    if wrong:
        raise UsageError(f"state must be a sequence of attributes' names, such as ('hidden',), not of {wrong[0]!r}")
    if inputs is None:
        raise UsageError("say what the module takes, e.g. 'x: f32[1, 3, 32, 32]'")
    return import_module(module, _signature(module, inputs), loops=loops, state=state)


def _listed(state: object) -> Sequence[object]:
    if not isinstance(state, Iterable):
        raise UsageError(f"state must be a sequence of attributes' names, not {an(type(state).__name__)}")
    return list(state)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]: what a caller gives


def _import_exported(exported: Exported, inputs: Inputs | None) -> Program:
    if isinstance(inputs, str):
        inputs = parse_signature(inputs)
    if inputs is not None and not isinstance(inputs, Signature):
        raise UsageError("an exported program states its own inputs: give a signature, or nothing")
    if not isinstance(exported, ExportedProgram):
        exported = load_exported(exported)
    return import_exported(exported, inputs)


def _signature(module: nn.Module, inputs: Inputs) -> Signature:
    if isinstance(inputs, str):
        return parse_signature(inputs)
    if isinstance(inputs, torch.Tensor):
        raise UsageError("give the example inputs as a tuple: (x,)")
    return inputs if isinstance(inputs, Signature) else signature_of(module, inputs)
