"""`dycl bench`: the latency of an artifact beside its source's, interleaved on the same inputs.

On a data set (`--data`) also which ways its samples take, and where it has labels the accuracy of both.
"""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dycl.cli import against
from dycl.cli.command import Commands
from dycl.cli.console import OnProgress, print_json, progress
from dycl.cli.data import Data, answer
from dycl.errors import UsageError

if TYPE_CHECKING:
    from dycl.verification import BranchUse, Evaluation, ExitUse


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("bench", help="time an artifact against its source", description=__doc__)
    against.add_arguments(parser, samples=20)
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of both sides (default: 1)")
    parser.add_argument(
        "--rounds", type=int, metavar="N", help="measurements per input (default: 15; of --data, which are many, 3)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from dycl.timing import bench

    rounds = options.rounds if options.rounds is not None else 15 if options.data is None else 3
    if options.threads < 1 or rounds < 1:
        raise UsageError("--threads and --rounds must be at least 1")
    pair = against.load_pair(options, threads=options.threads)
    data = against.samples(options, pair.model.signature)
    with progress() as on_progress:
        evaluation = _evaluate(pair, data, on_progress) if options.data is not None else None
        report = bench(
            pair.model,
            pair.eager,
            data.samples,
            threads=options.threads,
            rounds=rounds,
            on_progress=lambda done: on_progress("inputs", done, len(data.samples)),
        )
    figures = report.to_json()
    if options.json:
        print_json(figures | ({"data": evaluation.to_json()} if evaluation is not None else {}))
        return 0
    print_latency(figures)
    if evaluation is not None:
        print_evaluation(evaluation)
    return 0


def _evaluate(pair: against.Pair, data: Data, on_progress: OnProgress) -> "Evaluation":
    from dycl.verification import evaluate

    return evaluate(
        pair.model,
        pair.eager,
        data.samples,
        data.labels,
        answer=answer,
        on_progress=lambda done: on_progress("answers", done, len(data.samples)),
    )


def print_latency(figures: dict[str, Any]) -> None:
    print(
        f"{figures['ratio']:.2f}x faster than eager ({figures['ratio_min']:.2f} to {figures['ratio_max']:.2f} over "
        f"{figures['samples']} inputs, {figures['threads']} thread{'s' if figures['threads'] > 1 else ''})"
    )
    print(
        f"  eager {figures['eager_ms']:.2f} ms, dycl {figures['dycl_ms']:.2f} ms (medians over the inputs; "
        f"means {figures['eager_mean_ms']:.2f} ms and {figures['dycl_mean_ms']:.2f} ms)"
    )


def print_evaluation(evaluation: "Evaluation") -> None:
    if evaluation.labels:
        print(
            f"  accuracy: eager {evaluation.eager_right / evaluation.labels:.2%}, "
            f"dycl {evaluation.dycl_right / evaluation.labels:.2%} "
            f"({evaluation.labels} labels, {evaluation.answered_otherwise} answered otherwise)"
        )
    if len(evaluation.exits) > 1:
        print("  exits:")
        for number, exit in enumerate(evaluation.exits, 1):
            print(f"    {number}  {_share(exit.samples, evaluation.samples):>6}  {_place(exit, evaluation.branches)}")
    leaving = {exit.branch for exit in evaluation.exits}
    if others := [branch for index, branch in enumerate(evaluation.branches) if index not in leaving]:
        print(f"  {'other ' if len(leaving) > 1 else ''}branches:")
        for number, branch in enumerate(others, 1):
            print(f"    {number}  {_way(branch, evaluation.samples)}  {branch.source}")


def _place(exit: "ExitUse", branches: "Sequence[BranchUse]") -> str:
    if exit.branch is None:
        return "the end"
    source = branches[exit.branch].source
    return source if exit.side == "true" else f"{source} ({exit.side})"


def _way(branch: "BranchUse", samples: int) -> str:
    """Return `38.9% true, of 58.5%`: of the decisions, and of the samples that come by where it is not all of them."""
    ways = [f"{_share(count, branch.decisions)} {side}" for side, count in sorted(branch.sides.items())]
    if branch.kind != "switch":
        ways = [f"{_share(branch.sides.get('true', 0), branch.decisions):>6} true"]
    if branch.decisions > branch.samples:
        ways.append(f"{branch.decisions / branch.samples:.1f} times a sample")
    if branch.samples < samples:
        ways.append(f"of {_share(branch.samples, samples)}")
    return ", ".join(ways)


def _share(count: int, total: int) -> str:
    return f"{count / total if total else 0:.1%}"
