"""`dycl verify`: an artifact against its source, on random inputs and with every branch forced both ways."""

import argparse
from typing import TYPE_CHECKING

from dycl.cli import against
from dycl.cli.command import Commands
from dycl.cli.console import note, print_json, progress

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
    print(f"{'ok' if report.ok else 'FAULT'}: {report.samples} samples, {report.inconsistent} inconsistent", end="")
    print(f", {report.near_ties} near ties" if report.near_ties else "")
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
        note(f"  {fault}")
