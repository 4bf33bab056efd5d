"""Eager against interpreter against compiled, on sampled inputs and with every branch forced both ways."""

from collections.abc import Callable, Iterable
from typing import Any

from dycl.ir.decisions import sides
from dycl.ir.locations import describe
from dycl.program import Program
from dycl.verification.comparison import Difference, difference
from dycl.verification.forcing import Plan, plans
from dycl.verification.report import VerifyReport
from dycl.verification.runs import Inputs, Run, Session, Step, TraceableModel, run_eager
from dycl.verification.state import EagerState
from dycl.verification.unreached import Attempt, unreached_sides

TIE_MARGIN = 1e-5
"""A decision whose value is this close to its threshold may fall either way."""

RELATIVE_TOLERANCE = 1e-5

CALLS = 8
"""How many samples are calls one after the other, where calls carry state; then it is set back."""

FORCED_INPUTS = 4
"""How many samples branches are forced on: those behind the first, where it did not get to all that was planned."""


def verify(
    model: TraceableModel,
    program: Program,
    eager: Callable[..., Any],
    samples: Iterable[Inputs],
    *,
    tolerance: float = 1e-5,
    on_progress: Callable[[str, int], None] = lambda _stage, _done: None,
) -> VerifyReport:
    """Compare a compiled model with its source program.

    Args:
        model: the compiled program
        program: the optimised program that `model` was made from; its decisions are the model's
        eager: the source program, taking torch tensors by position
        samples: the inputs, by name
        tolerance: absolute error allowed on float outputs, on top of 1e-5 of their magnitude
        on_progress: called with the stage, `samples` or `forced`, and how many are done
    """
    report = VerifyReport(tolerance=tolerance)
    session = Session(model, program)
    covered: set[Step] = set()
    begun: list[Inputs] = []
    state = EagerState(eager, program)
    for inputs in samples:
        if len(begun) < FORCED_INPUTS:
            begun.append(inputs)
        differed = report.near_ties, report.inconsistent
        report.samples += 1
        _check_sample(session, eager, inputs, covered, report)
        # From two states that differ on, nothing can be compared.
        if report.samples % CALLS == 0 or differed != (report.near_ties, report.inconsistent):
            session.reset()
            state.reset()
        on_progress("samples", report.samples)
    report.sides_covered_by_samples = len(covered)
    report.branches = len(session.ops)
    report.sides = sum(len(sides(op)) for op in session.ops)
    attempts: list[Attempt] = []
    planned = list(plans(program.main, program.module)) if begun else []
    for inputs in begun:
        for plan in planned:
            session.reset()
            attempts.append(Attempt(plan, _check_plan(session, plan, inputs, covered, report)))
            report.forced_runs += 1
            on_progress("forced", report.forced_runs)
        planned = [plan for plan in planned if not _steps(session, plan) <= covered]
    report.sides_covered = len(covered)
    report.unreached = list(unreached_sides(session.ops, covered, attempts))
    session.reset()
    state.reset()
    return report


def _check_sample(
    session: Session, eager: Callable[..., Any], inputs: Inputs, covered: set[Step], report: VerifyReport
) -> None:
    expected = run_eager(eager, inputs)
    reference = session.interpret(inputs)
    compiled = session.run(inputs)
    covered.update(compiled.steps)
    at = _parting(reference, compiled)
    if at is not None:
        if at < len(reference.steps) and reference.margins[at] <= TIE_MARGIN:
            report.near_ties += 1
            return
        report.inconsistent += 1
        report.add_fault(
            f"sample {report.samples}: the compiled program took another path at {session.place(at, reference)}"
        )
        return
    if expected.error or compiled.error:
        if bool(expected.error) == bool(compiled.error):
            report.raised += 1
        else:
            report.inconsistent += 1
            report.add_fault(
                f"sample {report.samples}: the source program {expected.error or 'gave a result'}, "
                f"the compiled one {compiled.error or 'gave a result'}"
            )
        return
    found = difference(expected.output, compiled.output, report.tolerance, RELATIVE_TOLERANCE)
    if reference.output_margin <= TIE_MARGIN and (found.discrete or found.excess > 0):
        report.near_ties += 1
    elif found.discrete:
        report.inconsistent += 1
        report.add_fault(f"sample {report.samples}: {found.discrete[0]}")
    else:
        report.max_abs_error = max(report.max_abs_error, found.abs_error)
        report.max_rel_error = max(report.max_rel_error, found.rel_error)
        if found.excess > 0:
            report.beyond_tolerance += 1
            report.add_fault(
                f"sample {report.samples}: absolute error {found.abs_error:.3g} (tolerance {report.tolerance:g})"
            )


def _steps(session: Session, plan: Plan) -> set[Step]:
    return {(session.index[op], side) for op, side in plan.items()}


def _check_plan(session: Session, plan: Plan, inputs: Inputs, covered: set[Step], report: VerifyReport) -> str:
    """Follow a plan in both forms, and return what the compiled program raised on its way."""
    reference = session.interpret(inputs, plan)
    compiled = session.run(inputs, plan)
    covered.update(compiled.steps)
    fault = ""
    found = Difference()
    at = _parting(reference, compiled)
    if at is not None:
        fault = f"the compiled program took another path at {session.place(at, reference)}"
    elif bool(compiled.error) != bool(reference.error):
        fault = (
            f"the interpreter {reference.error or 'gave a result'}, "
            f"the compiled program {compiled.error or 'gave a result'}"
        )
    elif not compiled.error:
        found = difference(reference.output, compiled.output, report.tolerance, RELATIVE_TOLERANCE)
        if reference.output_margin > TIE_MARGIN:
            if found.discrete:
                fault = found.discrete[0]
            elif found.excess > 0:
                fault = f"absolute error {found.abs_error:.3g} (tolerance {report.tolerance:g})"
            report.forced_max_abs_error = max(report.forced_max_abs_error, found.abs_error)
    if fault:
        report.forced_faults += 1
        forced = ", ".join(f"{describe(op)} {side}" for op, side in list(plan.items())[-3:])
        report.add_fault(f"forced run {report.forced_runs + 1} (... {forced}): {fault}")
    return compiled.error


def _parting(reference: Run, compiled: Run) -> int | None:
    """Return the first step at which two runs took other ways; None where one at most ended on its way by an error."""
    left, right = reference.steps, compiled.steps
    for at, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return at
    ended_early = reference.error if len(left) < len(right) else compiled.error
    return None if len(left) == len(right) or ended_early else min(len(left), len(right))
