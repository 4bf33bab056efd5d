"""Small programs, captured and compared with what PyTorch itself computes."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
import torch
from torch import nn
from xdsl.ir import Operation

from dycl.frontends.torch import CaptureError, import_module, signature_of
from dycl.ir.interpret import interpret
from dycl.ir.ops import IfOp, SwitchOp
from dycl.ir.text import parse_module, print_module
from dycl.program import Program
from dycl.runtime.arrangement import build

Inputs = torch.Tensor | tuple[torch.Tensor, ...]

POS = torch.tensor([[1.0, 2.0, 0.5]])
NEG = -POS
MIXED = torch.tensor([[-1.0, 2.0, -0.25]])
SMALL = torch.tensor([[0.1, 0.2, 0.05]])
ALL = (POS, NEG, MIXED, SMALL)


def program(forward: Callable[..., Any], **attributes: Any) -> nn.Module:
    """A module with this forward and these attributes, in evaluation mode."""
    module = type("Program", (nn.Module,), {"forward": forward})()
    for name, value in attributes.items():
        setattr(module, name, value)
    return module.eval()


def capture(module: nn.Module, inputs: Inputs, loops: str = "auto") -> Program:
    return import_module(module, signature_of(module, _tuple(inputs)), loops=loops)


def check(
    forward: Callable[..., Any] | nn.Module,
    *inputs: Inputs,
    all_sides: bool = True,
    loops: str = "auto",
    **attributes: Any,
) -> Program:
    """Capture a program and compare it with eager execution on every input.

    With `all_sides`, the inputs must take every side of every branch, so that none goes unchecked. A program that
    eager execution raises in must fail its assertion.
    """
    module = forward if isinstance(forward, nn.Module) else program(forward, **attributes)
    before = _state(module)
    captured = capture(module, inputs[0], loops)
    assert _state(module) == before, "capture has changed the module"
    text = print_module(captured.module)
    assert print_module(parse_module(text)) == text
    taken: dict[int, set[bool | int]] = {}

    def note(op: Operation, side: bool | int) -> bool | int:
        taken.setdefault(id(op), set()).add(side)
        return side

    for values in inputs:
        arguments = [value.clone() for value in _tuple(values)]
        with torch.no_grad():
            try:
                expected = module(*(argument.clone() for argument in arguments))
            except Exception:
                with pytest.raises(AssertionError):
                    interpret(captured.module, captured.weights, arguments, decide=note)
                continue
            finally:
                _restore(module, before)
        results = interpret(captured.module, captured.weights, arguments, decide=note)
        assert_same(build(captured.structure, results, captured.classes), expected)
    if all_sides:
        for op in captured.module.walk():
            if isinstance(op, IfOp):
                assert taken.get(id(op)) == {True, False}, f"inputs take only {taken.get(id(op))} of\n{op}"
            elif isinstance(op, SwitchOp):
                assert len(taken.get(id(op), ())) == len(op.case_values) + 1, f"not all cases taken of\n{op}"
    return captured


def count(captured: Program, kind: type[Operation]) -> int:
    return sum(isinstance(op, kind) for op in captured.module.walk())


def depth(captured: Program) -> int:
    """How deep branches nest."""

    def of(op: Operation) -> int:
        inner = max((of(child) for region in op.regions for child in region.block.ops), default=0)
        return inner + isinstance(op, IfOp | SwitchOp)

    return of(captured.main)


def refuse(forward: Callable[..., Any] | nn.Module, inputs: Inputs, message: str, at: str, **attributes: Any) -> str:
    """Check that a program is refused with a message, and that the carets stand under the text `at`."""
    module = forward if isinstance(forward, nn.Module) else program(forward, **attributes)
    before = _state(module)
    with pytest.raises(CaptureError) as raised:
        capture(module, inputs)
    assert _state(module) == before, "capture has changed the module"
    text = str(raised.value)
    assert re.search(message, text), f"{message!r} is not in:\n{text}"
    place = raised.value.place
    assert place is not None, f"no place in:\n{text}"
    assert re.match(rf"tests/frontend/\w+\.py:{place.node.lineno}: |(.*\.py|<\w+>):{place.node.lineno}: ", text)
    first, source, carets = text.splitlines()[:3]
    start = carets.index("^")
    assert source[start : carets.rindex("^") + 1] == at, text
    assert "Traceback" not in text and first.strip()
    return text


def assert_same(actual: Any, expected: Any) -> None:
    """Check two results: structure, Python types, dtypes, and values up to rounding."""
    if isinstance(expected, torch.Tensor):
        assert isinstance(actual, torch.Tensor) and actual.dtype == expected.dtype
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-6, equal_nan=True)
    elif isinstance(expected, list | tuple):
        assert type(actual) is (tuple if isinstance(expected, torch.Size) else type(expected))
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, dict) or is_dataclass(expected):
        assert type(actual) is (dict if isinstance(expected, defaultdict) else type(expected))
        if is_dataclass(expected):
            for field in fields(expected):
                assert_same(getattr(actual, field.name), getattr(expected, field.name))
        if isinstance(expected, dict):
            assert list(actual) == list(expected)
            for key in expected:
                assert_same(actual[key], expected[key])
    else:
        plain = expected.item() if hasattr(expected, "item") else expected
        assert type(actual) is type(plain)
        assert actual == pytest.approx(plain)


def _tuple(inputs: Inputs) -> tuple[torch.Tensor, ...]:
    return inputs if isinstance(inputs, tuple) else (inputs,)


def _state(module: nn.Module) -> list[tuple[str, int, str]]:
    """What every attribute of the module and its children is, and what lists and dicts among them hold."""
    found: list[tuple[str, int, str]] = []
    for name, child in module.named_modules():
        for key, value in vars(child).items():
            shown = repr(value) if isinstance(value, list | dict) and not key.startswith("_") else ""
            found.append((f"{name}.{key}", id(value), shown))
        found += [(f"{name}.{key}", id(value), "") for key, value in child._buffers.items()]
    return found


def _restore(module: nn.Module, before: Sequence[tuple[str, int, str]]) -> None:
    """Eager calls may leave state behind; the programs here set it again in every call."""
    del module, before
