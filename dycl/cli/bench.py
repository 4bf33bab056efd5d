"""`dycl bench`: the latency of an artifact beside its source's, interleaved on the same inputs."""

import argparse

from dycl.cli import against
from dycl.cli.command import Commands
from dycl.cli.console import print_json, progress
from dycl.errors import UsageError


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("bench", help="time an artifact against its source", description=__doc__)
    against.add_arguments(parser, samples=20)
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of both sides (default: 1)")
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="measurements per input (default: 15)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from dycl.timing import bench

    if options.threads < 1 or options.rounds < 1:
        raise UsageError("--threads and --rounds must be at least 1")
    pair = against.load_pair(options, threads=options.threads)
    inputs = against.samples(options, pair.model.signature)
    with progress() as on_progress:
        report = bench(
            pair.model,
            pair.module,
            inputs,
            threads=options.threads,
            rounds=options.rounds,
            on_progress=lambda done: on_progress("inputs", done, len(inputs)),
        )
    figures = report.to_json()
    if options.json:
        print_json(figures)
    else:
        print(
            f"{figures['ratio']:.2f}x faster than eager ({figures['ratio_min']:.2f} to {figures['ratio_max']:.2f} over "
            f"{len(inputs)} inputs, {options.threads} thread{'s' if options.threads > 1 else ''})"
        )
        print(f"  eager {figures['eager_ms']:.2f} ms, dycl {figures['dycl_ms']:.2f} ms (medians over the inputs)")
    return 0
