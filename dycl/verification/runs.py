"""One run of a program, eager, interpreted or compiled: what it gave and the way it took."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation

from dycl.ir.call_graph import calls, circles
from dycl.ir.decisions import DecisionOp, Side, decisions, is_decision
from dycl.ir.interpret import interpret
from dycl.ir.locations import describe
from dycl.ir.ops import ConditionOp, IfOp, KernelOp, SwitchOp, WhileOp
from dycl.program import Program
from dycl.runtime.arrangement import build
from dycl.verification.forcing import Plan
from dycl.verification.margins import Margins

Inputs: TypeAlias = Mapping[str, np.ndarray]
Step: TypeAlias = tuple[int, Side]
"""A decision by its index, and the side taken."""

FORCED_WHILE_LIMIT = 64
"""Iterations after which a loop is left in a forced run, whose decisions need not lead to an end of their own."""


class TraceableModel(Protocol):
    """A compiled model whose decisions can be watched and overruled."""

    def traced(self, decide: Callable[[int, bool | int], bool | int]) -> Callable[..., Any]:
        """Return a callable like the model that asks `decide` at each decision, by index, with its own choice."""
        ...

    def reset(self) -> None:
        """Set back what is carried from call to call."""
        ...


@dataclass
class Run:
    """What one run gave, and the way it took."""

    output: Any = None
    error: str = ""
    steps: list[Step] = field(default_factory=list[Step])
    margins: list[float] = field(default_factory=list[float])
    """Per step, how close the decision came to falling the other way; of the interpreter only."""
    output_margin: float = float("inf")


class Session:
    """One program in its two forms, and the correspondence of their decisions."""

    def __init__(self, model: TraceableModel, program: Program) -> None:
        self.program = program
        self.ops = decisions(program.module)
        self.index = {op: index for index, op in enumerate(self.ops)}
        self.structure = program.structure
        self._model = model
        self.reset()
        self.kernels = {op.symbol: op for op in program.module.ops if isinstance(op, KernelOp)}
        self._recursive = _in_recursion(program)
        self._recorder = _Recorder(self.ops, self._recursive)
        self._compiled = model.traced(lambda index, value: self._recorder.decide(index, value))

    def reset(self) -> None:
        """Set back what the two carry from call to call."""
        self._state = [self.program.weights[entry.key].torch().clone() for entry in self.program.state]
        if self._state:
            self._model.reset()

    def run(self, inputs: Inputs, plan: Plan | None = None) -> Run:
        self._recorder = _Recorder(self.ops, self._recursive, plan)
        run = Run(steps=self._recorder.steps)
        try:
            run.output = self._compiled(**inputs)
        except Exception as error:  # An engine's errors share no base class.
            run.error = _raised(error)
        return run

    def interpret(self, inputs: Inputs, plan: Plan | None = None) -> Run:
        recorder = _Recorder(self.ops, self._recursive, plan)
        margins = Margins(self.kernels)
        run = Run(steps=recorder.steps)

        def decide(op: Operation, value: bool | int) -> bool | int:
            assert is_decision(op)
            run.margins.append(margins.of(_deciding_value(op)))
            return recorder.decide(self.index[op], value)

        def observe(op: Operation, operands: Any, results: Any) -> None:
            margins.observe(op, operands, results)
            if op.name == "dycl.return":
                found = zip(op.operands, operands, strict=True)
                run.output_margin = min((margins.of(*pair) for pair in found), default=float("inf"))

        given = self.program.signature.inputs[: len(self.program.signature.inputs) - len(self._state)]
        tensors = [*(torch.from_numpy(inputs[input.name].copy()) for input in given), *self._state]
        try:
            with torch.inference_mode():
                results = interpret(self.program.module, self.program.weights, tensors, decide=decide, observe=observe)
            run.output = build(self.structure, results)
            if self._state:
                run.output, state = run.output
                pairs = zip(state, self._state, strict=True)
                self._state = [torch.as_tensor(value, dtype=before.dtype) for value, before in pairs]
        except Exception as error:  # An assertion, or what torch finds wrong with an operand.
            run.error = _raised(error)
        return run

    def place(self, at: int, reference: Run) -> str:
        if at >= len(reference.steps):
            return "its end"
        index, side = reference.steps[at]
        return f"{describe(self.ops[index])} (expected {side}, margin {reference.margins[at]:.3g})"


class _Recorder:
    """Notes each decision, and overrules it where a plan says so."""

    def __init__(self, ops: list[DecisionOp], recursive: Collection[DecisionOp], plan: Plan | None = None) -> None:
        """`recursive` holds the decisions that are forced at their first visit only, so that the recursion ends."""
        self._ops = ops
        self._recursive = recursive
        self._plan = plan or {}
        self._visits: dict[int, int] = {}
        self.steps: list[Step] = []

    def decide(self, index: int, value: bool | int) -> bool | int:
        op = self._ops[index]
        if op in self._plan:
            value = self._forced(op, index, value)
        self.steps.append((index, _side(op, value)))
        return value

    def _forced(self, op: DecisionOp, index: int, value: bool | int) -> bool | int:
        side = self._plan[op]
        if isinstance(op, WhileOp):
            visits = self._visits[index] = self._visits.get(index, 0) + 1
            if visits == 1:
                return bool(side)
            return bool(value) and visits < FORCED_WHILE_LIMIT
        if op in self._recursive:
            visits = self._visits[index] = self._visits.get(index, 0) + 1
            if visits > 1:
                return value
        if side is None and isinstance(op, SwitchOp):
            return max(op.case_values, default=-1) + 1
        return side if side is not None else value


def _in_recursion(program: Program) -> set[DecisionOp]:
    """Return the decisions of functions that may call themselves."""
    functions = [op for op in program.module.ops if isinstance(op, FuncOp)]
    found = circles(calls(functions))
    return {op for function in functions if function.sym_name.data in found for op in decisions(function)}


def _side(op: DecisionOp, value: bool | int) -> Side:
    if isinstance(op, SwitchOp):
        return int(value) if int(value) in op.case_values else None
    return bool(value)


def _deciding_value(op: DecisionOp) -> Any:
    match op:
        case IfOp():
            return op.condition
        case SwitchOp():
            return op.index
        case _:
            end = op.before.block.last_op
            assert isinstance(end, ConditionOp)
            return end.condition


def run_eager(eager: Callable[..., Any], inputs: Inputs) -> Run:
    try:
        with torch.inference_mode():
            return Run(eager(*(torch.from_numpy(array.copy()) for array in inputs.values())))
    except Exception as error:
        return Run(error=_raised(error))


def _raised(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    # An assertion of a compiled program may stand for another exception, whose class its text begins with.
    if isinstance(error, AssertionError) and lines and lines[0].partition(" ")[0].endswith(":"):
        return f"raised {lines[0].strip()}"
    return f"raised {type(error).__name__}" + (f": {lines[0].strip()}" if lines else "")
