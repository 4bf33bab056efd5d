"""`dycl verify`: an artifact against its source, on random inputs and with every branch forced both ways."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dycl.cli import against
from dycl.cli.command import Commands
from dycl.cli.console import print_json, progress

if TYPE_CHECKING:
    from dycl.verification import VerifyReport

EPILOG = """\
what it says, and the exit code:
  ok          (0) both give the same on all inputs, and every side of every branch was taken
  FAULT       (1) the two differ
  INCOMPLETE  (1) they agree, but no input took some side of a branch and it could not be forced: nothing is known of it
"""

MAX_UNREACHED = 10
"""How many sides that were not reached are shown."""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "verify",
        help="check an artifact against its source",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
    verdict = "FAULT" if report.is_faulty else "ok" if report.ok else "INCOMPLETE"
    print(f"{verdict}: {', '.join(_counts(report))}")
    print(f"  largest error {report.max_abs_error:.2e} absolute, {report.max_rel_error:.2e} relative")
    print(
        f"  branch sides covered: {report.sides_covered} of {report.sides} "
        f"({report.sides_covered_by_samples} by the samples, the rest forced)"
    )
    print(
        f"  forced runs against the interpreter: {report.forced_runs}, {report.forced_faults} faults, "
        f"largest error {report.forced_max_abs_error:.2e}"
    )
    for line in (*report.faults, *_unreached(report)):
        print(f"  {line}")
    if 2 * report.raised > report.samples:
        print(
            f"  {report.raised} of {_count(report.samples, 'sample')} raised, so little was compared: "
            "compile the model for sizes that it takes, or give inputs with --data"
        )


def _unreached(report: "VerifyReport") -> Iterator[str]:
    if not report.unreached:
        return
    yield "not taken by a sample, nor when forced:"
    # A function that is called from several places is there several times.
    found = list(dict.fromkeys(str(side) for side in report.unreached))
    yield from (f"  {line}" for line in found[:MAX_UNREACHED])
    if len(found) > MAX_UNREACHED:
        yield f"  and {len(found) - MAX_UNREACHED} more: see --json"
    yield "  try more --samples, or inputs that go there with --data; it may be that none can"


def _counts(report: "VerifyReport") -> list[str]:
    """Return what was compared, and everything that is not as it should be."""
    counts = [_count(report.samples, "sample"), f"{report.inconsistent} inconsistent"]
    if report.raised:
        counts.append(f"{report.raised} raised in both")
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
