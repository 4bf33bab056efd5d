"""What eager execution says of a program: results, exceptions, the lines on the way, and how stable they are."""

import copy
import random
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any, TypeAlias

import torch
from torch import nn

from tools.fuzz.comparison import difference

FUEL = 3000
"""Lines of the program that a run may execute."""
NOISE = 3e-6
"""Relative disturbance of inputs and weights that must not change a decision."""
TOLERANCE = 3e-4
"""Of a stable result, against one computed from disturbed inputs."""

Inputs: TypeAlias = tuple[torch.Tensor, torch.Tensor]


class Endless(BaseException):
    """A program has not ended; not an exception that a program could catch."""


@dataclass(frozen=True, eq=False)
class Run:
    """One call: its result, or what it raised, and the lines that it executed."""

    result: Any
    error: Exception | None
    lines: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Case:
    """Inputs on which the program is stable, with what eager execution gives for them."""

    inputs: Inputs
    run: Run


def run_eager(module: nn.Module, inputs: Inputs, name: str) -> Run:
    """Call a module on copies of inputs; `name` is its file.

    Raises:
        Endless: it executes more lines than `FUEL`
    """
    lines: list[int] = []

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        code: CodeType = frame.f_code
        if code.co_filename != name:
            return None
        if event == "line":
            lines.append(frame.f_lineno)
            if len(lines) > FUEL:
                raise Endless
        return trace

    arguments = [value.clone() for value in inputs]
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = module(*arguments)
            return Run(_copied(result), None, tuple(lines))
    except Exception as error:
        return Run(None, error, tuple(lines))
    finally:
        sys.settrace(before)


def cases(module: nn.Module, name: str, seed: int, count: int, given: Inputs | None = None) -> list[Case]:
    """Return up to `count` inputs with their runs, those first that take ways of their own; or those that are given.

    Inputs near a tie are left out: those on which a run in double precision, of slightly disturbed inputs and weights,
    takes another way or gives another result.
    """
    draw = random.Random(seed)
    generator = torch.Generator().manual_seed(draw.randrange(2**31))
    found: list[Case] = []
    for attempt in range(1 if given else 3 * count):
        if len(found) >= 2 * count:
            break
        inputs = given or _inputs(attempt, generator, batch_of(module))
        run = run_eager(module, inputs, name)
        if all(_is_stable(module, inputs, run, name, generator) for _ in range(2)):
            found.append(Case(inputs, run))
    ways: dict[tuple[int, ...], Case] = {}
    for case in found:
        ways.setdefault(case.run.lines, case)
    # All ways first, exceptions last: an input on which everything is compared is worth more.
    rest = [case for case in found if all(case is not other for other in ways.values())]
    chosen = [*sorted(ways.values(), key=lambda case: case.run.error is not None), *rest]
    return chosen[:count]


def batch_of(module: nn.Module) -> int:
    return type(module).forward.__globals__["B"]


def _inputs(attempt: int, generator: torch.Generator, batch: int) -> Inputs:
    scale = (1.0, 0.3, 2.0, 1.0, 4.0, 0.1)[attempt % 6]
    x = torch.randn(batch, 3, generator=generator) * scale
    if attempt % 6 == 3:
        x = x.abs()
    elif attempt % 6 == 4:
        x = -x.abs()
    n = torch.randint(0, 5, (2,), generator=generator)
    return x, n


def _is_stable(module: nn.Module, inputs: Inputs, run: Run, name: str, generator: torch.Generator) -> bool:
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        precise = copy.deepcopy(module).double()
        for value in (*precise.parameters(), *precise.buffers()):
            value.data.copy_(_disturbed(value.data, generator))
        again = run_eager(precise, (_disturbed(inputs[0].double(), generator), inputs[1]), name)
    finally:
        torch.set_default_dtype(default)
    if again.lines != run.lines or type(again.error) is not type(run.error):
        return False
    return difference(run.result, again.result, TOLERANCE, dtypes=False) is None and _is_finite(run.result)


def _disturbed(value: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    noise = torch.rand(value.shape, generator=generator, dtype=value.dtype) * 2 - 1
    return value * (1 + NOISE * noise)


def _is_finite(value: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return bool(torch.isfinite(value).all()) and (value.numel() == 0 or float(value.abs().max()) < 1e6)
    if isinstance(value, float | int):
        return abs(value) < 1e6
    return all(_is_finite(part) for part in parts(value))


def parts(value: Any) -> Sequence[Any]:
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, dict):
        return list(value.values())
    return list(vars(value).values()) if hasattr(value, "__dataclass_fields__") else ()


def _copied(value: Any) -> Any:
    """A result may share memory with the module's buffers or with itself; a copy keeps what it is now."""
    return copy.deepcopy(value)
