"""Small modules, exported by torch, imported, and compared with what they compute themselves."""

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import nn
from torch.export import ExportedProgram
from xdsl.ir import Operation

from dycl.compiler import compile_program
from dycl.errors import DyclError
from dycl.frontends.exported import import_exported
from dycl.ir.decisions import decisions, sides
from dycl.ir.interpret import interpret
from dycl.ir.locations import frames
from dycl.ir.ops import ConstantOp, ParamOp
from dycl.ir.text import parse_module, print_module
from dycl.program import Program
from dycl.runtime.arrangement import build
from tests.frontend.capturing import assert_same

Inputs = tuple[torch.Tensor, ...]


def export(
    module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None, dynamic_shapes: Any = None
) -> ExportedProgram:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.export(module.eval(), tuple(args), dict(kwargs or {}), dynamic_shapes=dynamic_shapes)


def reloaded(exported: ExportedProgram) -> ExportedProgram:
    """Return the program as it is after a file."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(exported, file)
        file.seek(0)
        return torch.export.load(file)


def check(module: nn.Module, *inputs: Inputs, dynamic_shapes: Any = None, forms: str = "training core file") -> Program:
    """Import an exported module and compare it with the module on every input, interpreted and compiled.

    The program is taken as it is exported, decomposed to core ATen, and after a file; the inputs must take every side
    of every branch. Inputs that the module raises for must fail in the program too.
    """
    exported = export(module, inputs[0], dynamic_shapes=dynamic_shapes)
    named = {"training": lambda: exported, "core": lambda: _core(exported), "file": lambda: reloaded(exported)}
    programs = [import_exported(named[form]()) for form in forms.split()]
    for program in programs:
        text = print_module(program.module)
        assert print_module(parse_module(text)) == text
        assert_located(program)
        _check_interpreted(module, program, inputs)
        _check_compiled(module, program, inputs)
    return import_exported(exported)


def _core(exported: ExportedProgram) -> ExportedProgram:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return exported.run_decompositions()


def _expected(module: nn.Module, values: Inputs) -> Any:
    with torch.no_grad():
        return module(*(value.clone() for value in values))


def _check_interpreted(module: nn.Module, program: Program, inputs: Sequence[Inputs]) -> None:
    taken: dict[Operation, set[bool | int | None]] = {}

    def note(op: Operation, side: bool | int) -> bool | int:
        taken.setdefault(op, set()).add(side)
        return side

    def run(values: Inputs) -> Any:
        return build(program.structure, interpret(program.module, program.weights, list(values), decide=note))

    _compare(module, run, inputs)
    for op in decisions(program.module):
        assert taken.get(op) == set(sides(op)), f"the inputs take only {taken.get(op)} of\n{op}"


def _check_compiled(module: nn.Module, program: Program, inputs: Sequence[Inputs]) -> None:
    model = compile_program(program)
    _compare(module, lambda values: model(*values), inputs)


def _compare(module: nn.Module, run: Callable[[Inputs], Any], inputs: Sequence[Inputs]) -> None:
    for values in inputs:
        try:
            expected = _expected(module, values)
        except Exception:
            with pytest.raises((AssertionError, ValueError, ZeroDivisionError)):
                run(tuple(value.clone() for value in values))
            continue
        assert_same(run(tuple(value.clone() for value in values)), expected)


def assert_located(program: Program) -> None:
    """Check that every op that computes has a line of a test as its place."""
    for op in program.main.body.walk():
        if op.name == "dycl.aten" or op.regions:
            chain = frames(op.location)
            assert chain and "tests/frontend" in chain[0].file, f"no place: {op}"
    assert any(not isinstance(op, ParamOp | ConstantOp) for op in program.main.body.walk())


def refuse(exported: ExportedProgram, message: str, at: str = "") -> str:
    """Check that a program is refused with a message; `at` is the line of code that it must show."""
    with pytest.raises(DyclError) as raised:
        import_exported(exported)
    text = str(raised.value)
    assert re.search(message, text), f"{message!r} is not in:\n{text}"
    if at:
        assert re.match(r"tests/frontend/\w+\.py:\d+: ", text), text
        assert at in text.splitlines()[1], text
    assert "Traceback" not in text
    return text
