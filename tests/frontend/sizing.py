"""Programs captured once for sizes known only at run time, and compared with eager execution at several sizes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from dycl.compiler import compile_program
from dycl.frontends.signature import parse_signature
from dycl.frontends.torch import CaptureError, import_module
from dycl.ir.interpret import interpret
from dycl.ir.ops import AssertOp
from dycl.program import Program
from dycl.runtime.arrangement import build
from tests.frontend.capturing import assert_same, count, program

BATCH = "x: f32[n, 5] where 1 <= n <= 9"
TOKENS = "x: f32[n, t, 16] where 1 <= n <= 4, 1 <= t <= 12"
PAIR = "x: f32[n, 5], y: f32[m, 5] where 1 <= n <= 8, 1 <= m <= 8"
MASKED = "x: f32[n, 5], keep: bool[n] where 1 <= n <= 9"
INDEXED = "x: f32[n, 6], k: i64[1] where 1 <= n <= 9"

Inputs = torch.Tensor | tuple[torch.Tensor, ...]


def batches(*shape: int, of: tuple[int, ...] = (1, 2, 9)) -> list[Inputs]:
    return [torch.randn(n, *(shape or (5,))) for n in of]


def tokens(*sizes: tuple[int, int]) -> list[Inputs]:
    return [torch.randn(n, t, 16) for n, t in sizes or ((1, 1), (1, 12), (3, 2), (4, 12))]


def pairs() -> list[Inputs]:
    return [(torch.randn(n, 5), torch.randn(m, 5)) for n, m in ((1, 1), (1, 4), (4, 1), (3, 3), (2, 3))]


def masked() -> list[Inputs]:
    masks = [torch.arange(n) % 2 == n % 2 for n in (1, 2, 5, 9)]
    return [(torch.randn(len(mask), 5), mask) for mask in (*masks, torch.zeros(3) > 0, torch.ones(3) > 0)]


def indexed(*numbers: int) -> list[Inputs]:
    return [(torch.randn(n, 6), torch.tensor([k])) for n in (1, 3, 9) for k in numbers]


def check(
    forward: Callable[..., Any] | nn.Module,
    signature: str,
    inputs: list[Inputs],
    compiled: bool = True,
    always_fits: bool = False,
    **attributes: Any,
) -> Program:
    """Capture a program once, and compare it with eager execution on all inputs, interpreted and compiled.

    Where eager execution fails, an assertion of the program must; one that no input makes fail goes unchecked, unless
    the program's sizes `always_fits`, and capture cannot tell.
    """
    module = forward.eval() if isinstance(forward, nn.Module) else program(forward, **attributes)
    captured = import_module(module, parse_signature(signature))

    def interpreted(*arguments: torch.Tensor) -> Any:
        return build(captured.structure, interpret(captured.module, captured.weights, list(arguments)))

    runs: list[Callable[..., Any]] = [interpreted]
    if compiled:
        runs.append(compile_program(import_module(module, parse_signature(signature))))
    failures = 0
    for values in inputs:
        arguments = values if isinstance(values, tuple) else (values,)
        try:
            with torch.no_grad():
                expected = module(*(argument.clone() for argument in arguments))
        except Exception as error:
            failures += 1
            for run in runs:
                with pytest.raises(AssertionError, match=type(error).__name__):
                    run(*arguments)
            continue
        for run in runs:
            assert_same(run(*(argument.clone() for argument in arguments)), expected)
    assert always_fits or (failures > 0) == (count(captured, AssertOp) > 0), (
        f"{failures} failures, in\n{captured.module}"
    )
    return captured


def refuse(forward: Callable[..., Any], signature: str, message: str, at: str, **attributes: Any) -> str:
    """Check that a program is refused with a message, and that the carets stand under the text `at`."""
    with pytest.raises(CaptureError, match=message) as raised:
        import_module(program(forward, **attributes), parse_signature(signature))
    _, source, carets = str(raised.value).splitlines()[:3]
    assert source[carets.index("^") : carets.rindex("^") + 1] == at, str(raised.value)
    return str(raised.value)
