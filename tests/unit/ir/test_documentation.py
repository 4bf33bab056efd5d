"""docs/ir.md: every example is a valid program, reads back as printed, and computes what the page says."""

import ast
import re
from pathlib import Path

import pytest
import torch
from xdsl.dialects.func import FuncOp

from dycl.ir.dialect import Dycl
from dycl.ir.interpret import interpret
from dycl.ir.schema import torch_dtype
from dycl.ir.text import parse_module, print_module
from dycl.ir.types import element_of, is_tensor
from dycl.ir.verify import verify
from dycl.ir.weights import WeightStore

PAGE = (Path(__file__).parents[3] / "docs" / "ir.md").read_text()
EXAMPLES = re.findall(r"```mlir\n(.*?)```", PAGE, re.DOTALL)
CALL = re.compile(r"// main\((.*)\) gives (.*)")


@pytest.mark.parametrize("text", EXAMPLES)
def test_example_is_valid_and_reads_back(text):
    module = parse_module(text)
    verify(module)
    printed = print_module(module)
    again = parse_module(printed)
    assert module.is_structurally_equivalent(again)
    assert print_module(again) == printed


@pytest.mark.parametrize("text", [text for text in EXAMPLES if CALL.search(text)])
def test_example_computes_what_it_says(text):
    module = parse_module(text)
    main = next(op for op in module.ops if isinstance(op, FuncOp))
    for arguments, results in CALL.findall(text):
        values = _values(arguments, main.function_type.inputs.data)
        expected = _values(results, main.function_type.outputs.data)
        found = interpret(module, WeightStore(), values)
        for value, wanted in zip(found, expected, strict=True):
            assert torch.equal(torch.as_tensor(value), torch.as_tensor(wanted))


def test_every_op_of_the_dialect_has_an_example():
    shown = "".join(EXAMPLES)
    assert not {op.name for op in Dycl.operations if op.name not in shown}


def _values(text, types):
    literals = ast.literal_eval(f"({text},)" if text else "()")
    return [
        torch.tensor(literal, dtype=torch_dtype(element_of(type))) if is_tensor(type) else literal
        for literal, type in zip(literals, types, strict=True)
    ]
