"""What a compiled program answers on a data set beside its source, and which ways its samples take.

An exit is a side of a branch that ends in a return: an early exit of the source program. The samples that leave at none
of them reach the end.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from dycl.errors import DyclError
from dycl.runtime.artifact import Artifact
from dycl.runtime.model import Model
from dycl.verification.runs import Inputs, Step, run_eager


@dataclass
class BranchUse:
    """How often a branch is decided, and how often each way, over all samples."""

    kind: str
    source: str
    samples: int = 0
    """Those that come by, once or more."""
    decisions: int = 0
    sides: dict[str, int] = field(default_factory=dict[str, int])
    """Decisions for each side: `true`, `false`, or the number of a switch's case."""


@dataclass
class ExitUse:
    """How many samples leave at one exit."""

    branch: int | None = None
    """The branch by its index; None for the program's end."""
    side: str = ""
    samples: int = 0


@dataclass
class Evaluation:
    """Counts over the samples of a data set."""

    samples: int = 0
    labels: int = 0
    """A sample that is a batch has several; 0 where the data have none."""
    eager_right: int = 0
    dycl_right: int = 0
    answered_otherwise: int = 0
    """Answers of the compiled program that are not eager's."""
    exits: list[ExitUse] = field(default_factory=list[ExitUse])
    branches: list[BranchUse] = field(default_factory=list[BranchUse])

    def to_json(self) -> dict[str, object]:
        found = asdict(self)
        if self.labels:
            found |= {
                "eager_accuracy": self.eager_right / self.labels,
                "dycl_accuracy": self.dycl_right / self.labels,
            }
        return found


def evaluate(
    model: Model,
    eager: Callable[..., Any],
    samples: Sequence[Inputs],
    labels: np.ndarray | None = None,
    *,
    answer: Callable[[Any], np.ndarray],
    on_progress: Callable[[int], None] = lambda _done: None,
) -> Evaluation:
    """Run the compiled program, and where there are labels its source too, on each sample.

    Args:
        model: the compiled program
        eager: its source, taking torch tensors by position
        samples: the inputs, by name
        labels: the classes of each sample, which are on the first axis; without them, only the ways are counted
        answer: gives the classes i64[n] that an output stands for
        on_progress: called with how many samples are done

    Raises:
        DyclError: the source program fails on a sample
    """
    branches = model.artifact.manifest.branches
    found = Evaluation(branches=[BranchUse(branch.kind, branch.source) for branch in branches])
    exits = {step: ExitUse(step[0], _text(step[1])) for step in _exits(model.artifact)}
    end = ExitUse()
    found.exits = [*exits.values(), end]
    recorder = _Recorder()
    traced = model.traced(recorder)
    for index, inputs in enumerate(samples):
        recorder.steps.clear()
        output = traced(**inputs)
        found.samples += 1
        _count(found.branches, recorder.steps)
        next((exits[step] for step in recorder.steps if step in exits), end).samples += 1
        if labels is not None:
            _compare(found, answer(output), answer(_eager_output(eager, inputs)), np.atleast_1d(labels[index]))
        on_progress(found.samples)
    return found


class _Recorder:
    """A hook of a traced model that notes each decision and leaves it as it is."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def __call__(self, index: int, value: bool | int) -> bool | int:
        self.steps.append((index, value if type(value) is int else bool(value)))
        return value


def _eager_output(eager: Callable[..., Any], inputs: Inputs) -> Any:
    run = run_eager(eager, inputs)
    if run.error:
        raise DyclError(f"the source program {run.error}")
    return run.output


def _compare(found: Evaluation, given: np.ndarray, expected: np.ndarray, label: np.ndarray) -> None:
    if not given.shape == expected.shape == label.shape:
        raise DyclError(f"{label.size} labels for a sample with {expected.size} answers")
    found.labels += label.size
    found.answered_otherwise += int(np.sum(given != expected))
    found.dycl_right += int(np.sum(given == label))
    found.eager_right += int(np.sum(expected == label))


def _count(branches: Sequence[BranchUse], steps: Sequence[Step]) -> None:
    for index in {index for index, _ in steps}:
        branches[index].samples += 1
    for index, side in steps:
        branch = branches[index]
        branch.decisions += 1
        branch.sides[_text(side)] = branch.sides.get(_text(side), 0) + 1


def _text(side: object) -> str:
    return str(side).lower()


def _exits(artifact: Artifact) -> Iterator[Step]:
    """Yield the sides of branches that end in a return of the host program, in its order."""
    tree = ast.parse(artifact.host_source)
    (main,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main")
    tests = {node.lineno: node for node in ast.walk(main) if isinstance(node, ast.If | ast.Match)}
    for index, branch in enumerate(artifact.manifest.branches):
        match tests.get(branch.line):
            case ast.If(body=body, orelse=orelse):
                for side, statements in ((True, body), (False, orelse)):
                    if statements and isinstance(statements[-1], ast.Return):
                        yield index, side != branch.negated
            case ast.Match(cases=cases):
                for case in cases:
                    pattern = case.pattern
                    if isinstance(pattern, ast.MatchValue) and isinstance(case.body[-1], ast.Return):
                        yield index, ast.literal_eval(pattern.value)
            case _:
                pass
