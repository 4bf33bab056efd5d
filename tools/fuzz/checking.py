"""One program through everything: capture, interpreter, each pass alone and in order, compiled; against eager."""

import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from dycl.compiler import compile_program
from dycl.frontends.torch import CaptureError, import_module, signature_of
from dycl.ir.interpret import interpret
from dycl.passes import PassManager, parse_pipeline
from dycl.program import Program
from dycl.runtime.arrangement import build
from tools.fuzz.comparison import difference
from tools.fuzz.eager import Case, Endless, Inputs, cases
from tools.fuzz.loading import load

CASES = 4
TOLERANCE = 1e-3
"""Between eager execution and another one of its program; a stable result (`eager.TOLERANCE`) is well conditioned."""


@dataclass
class Outcome:
    """How a program fared."""

    kind: str
    """`same`; `refused`; `raises`: on all inputs, in eager execution too; `unstable`: on all; `failed`."""
    stage: str = ""
    """Where it failed: `capture`, `interpret`, `pass NAME alone`, `pass N NAME`, `compile`, `run`."""
    what: str = ""
    """What is wrong; with the stage, what a smaller program must keep."""
    text: str = ""
    """The message, a traceback."""
    ways: int = 0
    """Different ways through the program that its inputs take."""
    inputs: Inputs | None = None
    """Those on which it failed,"""
    lines: frozenset[int] = frozenset()
    """and the lines that these execute."""


class _Failed(Exception):
    def __init__(self, stage: str, what: str, text: str, case: Case | None = None) -> None:
        super().__init__(text)
        where = f"\non x = {case.inputs[0].tolist()}, n = {case.inputs[1].tolist()}" if case else ""
        self.outcome = Outcome("failed", stage, what, text + where)
        if case:
            self.outcome.inputs, self.outcome.lines = case.inputs, frozenset(case.run.lines)


def check(source: str, name: str, seed: int, loops: str, *, only: str = "", inputs: Inputs | None = None) -> Outcome:
    """Return how a program fares.

    Args:
        source: of the module `Net`
        name: stands for its file, and is that of no other source
        seed: of its inputs
        loops: for capture
        only: the stage that matters: others are left out where that stage does not need them
        inputs: to use in place of random ones
    """
    try:
        module = load(source, name)
        found = cases(module, name, seed, CASES, inputs)
    except Endless:
        return Outcome("unstable", text="a run has not ended")
    except Exception as error:
        return Outcome("unstable", text=f"cannot be loaded: {error}")
    if not found:
        return Outcome("unstable")
    try:
        return _check(module, found, loops, only)
    except _Failed as failed:
        return failed.outcome


def _check(module: nn.Module, found: Sequence[Case], loops: str, only: str) -> Outcome:
    ways = len({case.run.lines for case in found})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = import_module(module, signature_of(module, found[0].inputs), loops=loops)
    except CaptureError as error:
        return _refused(error, found)
    except Exception as error:
        raise _crashed("capture", error) from error
    same = Outcome("same", ways=ways)
    if only == "capture":
        return same
    if only in ("", "interpret"):
        _compare(found, _interpreted(program), "interpret")
    if only == "interpret":
        return same
    _run_passes(program, found, only)
    if only.startswith("pass"):
        return same
    with _stage("compile"):
        model = compile_program(program, pipeline="builtin.module()")
    _compare(found, model, "run")
    return same


def _refused(error: CaptureError, found: Sequence[Case]) -> Outcome:
    reason, *rest = str(error).splitlines()
    reason = reason.partition(": ")[2]
    if not reason.startswith("the model raised"):
        because = next((line.strip() for line in rest if line.startswith("  because ")), "")
        return Outcome("refused", "capture", f"{reason} {because}".strip(), str(error))
    if all(case.run.error is not None for case in found):
        return Outcome("raises", "capture", reason, str(error))
    text = f"{error}\nbut eager execution returns"
    case = next(case for case in found if case.run.error is None)
    return _Failed("capture", reason.partition(":")[0] + reason.partition(":")[2].split(":")[0], text, case).outcome


def _run_passes(program: Program, found: Sequence[Case], only: str) -> None:
    """Run the default pipeline on a program in place, checking each pass, alone and in its order."""
    pipeline = parse_pipeline("default")
    pristine = program.module.clone()
    for stage, item in {f"pass {item} alone": item for item in pipeline.passes}.items():
        if only in ("", stage):
            alone = Program(pristine.clone(), program.weights, program.classes)
            with _stage(stage):
                changed = PassManager([item]).run(alone)
            if changed:
                _compare(found[:2], _interpreted(alone), stage)
    if only.endswith(" alone"):
        return
    for number, item in enumerate(pipeline.passes):
        stage = f"pass {item} #{number}"
        with _stage(stage):
            changed = PassManager([item]).run(program)
        if changed and only in ("", stage.partition(" #")[0]):
            _compare(found, _interpreted(program), stage)


def _interpreted(program: Program) -> Callable[..., Any]:
    def run(*inputs: torch.Tensor) -> Any:
        return build(program.structure, interpret(program.module, program.weights, inputs), program.classes)

    return run


def _compare(found: Sequence[Case], program: Callable[..., Any], stage: str) -> None:
    for case in found:
        try:
            result = program(*(value.clone() for value in case.inputs))
        except Exception as error:
            if case.run.error is None:
                raise _crashed(stage, error, case) from error
            _check_exception(case.run.error, error, stage, case)
            continue
        if case.run.error is not None:
            text = f"gives {result!r} where eager execution raises {case.run.error!r}"
            raise _Failed(stage, f"no {type(case.run.error).__name__}", text, case)
        text = difference(case.run.result, result, TOLERANCE)
        if text is not None:
            raise _Failed(stage, "another result", text, case)


def _check_exception(expected: Exception, found: Exception, stage: str, case: Case) -> None:
    """An exception of the program is an assertion that fails with its text; those of torch and Python may differ."""
    raised_here = type(expected).__name__ in ("Stop", "AssertionError", "KeyError") or str(expected) in ("no", "bad")
    if raised_here and isinstance(found, AssertionError) and str(expected).strip("'") not in str(found):
        raise _Failed(stage, "another exception", f"raises {found!r} instead of {expected!r}", case)


class _stage:
    """Makes an exception inside it a failure."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Exception):
            raise _crashed(self.name, error) from error


def _crashed(stage: str, error: Exception, case: Case | None = None) -> _Failed:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/dycl/" in frame.filename] or frames
    place = f"{own[-1].filename.rpartition('/')[2]}:{own[-1].name}" if own else ""
    return _Failed(
        stage, f"{type(error).__name__} in {place}", "".join(traceback.format_exception(error)).rstrip(), case
    )
