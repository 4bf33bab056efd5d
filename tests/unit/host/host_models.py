"""Models of programs given as text, whose kernels the interpreter runs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from xdsl.dialects.func import FuncOp

from dycl.backends.host import HostProgram, write_host
from dycl.backends.protocol import Target, spec_of
from dycl.backends.reference import ReferenceBackend
from dycl.ir.decisions import decisions
from dycl.ir.interpret import interpret
from dycl.ir.ops import KernelOp
from dycl.ir.text import parse_module
from dycl.ir.weights import WeightStore
from dycl.program import Program
from dycl.runtime.artifact import Artifact, file_name
from dycl.runtime.manifest import ConstantEntry, KernelEntry, Manifest
from dycl.runtime.model import Model

Steps = list[tuple[int, bool | int]]


def program_of(text: str, **weights: np.ndarray) -> Program:
    store = WeightStore()
    for name, array in weights.items():
        store.add(name, array)
    program = Program(parse_module(text), store)
    program.module.verify()
    return program


def artifact_of(program: Program, host: HostProgram | None = None) -> Artifact:
    host = host or write_host(program)
    backend = ReferenceBackend()
    kernels = {op.symbol: op for op in program.module.ops if isinstance(op, KernelOp)}
    compiled = {name: backend.compile(op, program.weights, Target()) for name, op in kernels.items()}
    manifest = Manifest(
        program.signature,
        program.structure,
        {
            name: KernelEntry(spec_of(op), "reference", file_name("kernels", name, ".safetensors"))
            for name, op in kernels.items()
        },
        host.branches,
        {
            name: ConstantEntry(constant.dtype, constant.shape, file_name("constants", name, ".bin"))
            for name, constant in host.constants.items()
        },
    )
    return Artifact(
        manifest,
        host.source,
        {name: kernel.payload for name, kernel in compiled.items()},
        constants={name: constant.content for name, constant in host.constants.items()},
    )


def interpreted(program: Program, inputs: list[np.ndarray], decide: Callable[..., Any] | None = None) -> list[Any]:
    tensors = [torch.from_numpy(array.copy()) for array in inputs]
    results = interpret(program.module, program.weights, tensors, decide=decide)
    return [result.numpy() if isinstance(result, torch.Tensor) else result for result in results]


def interpreted_steps(program: Program, inputs: list[np.ndarray]) -> Steps:
    indices = {op: index for index, op in enumerate(decisions(program.module))}
    steps: Steps = []

    def decide(op: Any, value: bool | int) -> bool | int:
        steps.append((indices[op], value))
        return value

    interpreted(program, inputs, decide)
    return steps


def flat(output: Any, program: Program) -> list[Any]:
    """Return the results of a program without a structure of its own."""
    results = program.main.function_type.outputs.data
    return [output] if len(results) == 1 else list(output)


def assert_same(actual: list[Any], expected: list[Any]) -> None:
    assert len(actual) == len(expected)
    for left, right in zip(actual, expected, strict=True):
        assert type(left) is type(right)
        np.testing.assert_array_equal(left, right)
        if isinstance(left, np.ndarray):
            assert (left.dtype, left.shape) == (right.dtype, right.shape)


def check(program: Program, *inputs: list[np.ndarray]) -> Model:
    """Check that the model gives what the interpreter gives, on its way, for each set of inputs in turn."""
    model = Model(artifact_of(program))
    for given in inputs:
        expected = interpreted(program, given)
        assert_same(flat(model(*given), program), expected)
        output, steps = model.trace(*given)
        assert_same(flat(output, program), expected)
        assert steps == interpreted_steps(program, given)
    return model


def functions(program: Program) -> list[FuncOp]:
    return [op for op in program.module.ops if isinstance(op, FuncOp)]
