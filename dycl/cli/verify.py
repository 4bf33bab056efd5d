"""`dycl verify`: an artifact against its source, on random inputs and with every branch forced both ways."""

import argparse
from typing import TYPE_CHECKING

from dycl.cli import against
from dycl.cli.command import Commands
from dycl.cli.console import print_json, progress

if TYPE_CHECKING:
    from dycl.verification import VerifyReport


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("verify", help="check an artifact against its source", description=__doc__)
    against.add_arguments(parser, samples=200)
    parser.add_argument(
        "--tolerance", type=float, default=1e-5, metavar="X", help="absolute error allowed on outputs (default: 1e-5)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import torch

    from dycl.verification import verify

    torch.set_num_threads(1)
    pair = against.load_pair(options)
    program = against.optimised_program(pair)
    inputs = against.samples(options, pair.model.signature).samples
    with progress() as on_progress:
        totals = {"samples": len(inputs)}
        report = verify(
            pair.model,
            program,
            pair.eager,
            inputs,
            tolerance=options.tolerance,
            on_progress=lambda stage, done: on_progress(stage, done, totals.get(stage, 0)),
        )
    if options.json:
        print_json(report.to_json())
    else:
        print_report(report)
    return 0 if report.ok else 1


def print_report(report: "VerifyReport") -> None:
    print(f"{'ok' if report.ok else 'FAULT'}: {', '.join(_counts(report))}")
    print(f"  largest error {report.max_abs_error:.2e} absolute, {report.max_rel_error:.2e} relative")
    print(
        f"  branch sides covered: {report.sides_covered} of {report.sides} "
        f"({report.sides_covered_by_samples} by the samples, the rest forced)"
    )
    print(
        f"  forced runs against the interpreter: {report.forced_runs}, {report.forced_faults} faults, "
        f"largest error {report.forced_max_abs_error:.2e}"
    )
    for fault in report.faults:
        print(f"  {fault}")


def _counts(report: "VerifyReport") -> list[str]:
    """Return what was compared, and everything that makes the whole a fault."""
    counts = [_count(report.samples, "sample"), f"{report.inconsistent} inconsistent"]
    if report.near_ties:
        counts.append(_count(report.near_ties, "near tie"))
    if report.beyond_tolerance:
        counts.append(f"{report.beyond_tolerance} beyond the tolerance")
    if report.forced_faults:
        counts.append(f"{_count(report.forced_faults, 'forced run')} at fault")
    if report.sides_covered < report.sides:
        counts.append(f"{_count(report.sides - report.sides_covered, 'branch side')} not reached")
    return counts


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
