"""Random dynamic neural networks, as Python source, through all of dycl and against eager execution.

`python -m tools.fuzz.programs --seed 0 --count 2000` makes a program from each seed, captures it, and runs it in the
interpreter, after each pass of the default pipeline alone and in order, and compiled. A program that fares otherwise
than in eager execution is a failure: it is shrunk and printed with its seed, which `--seed-only` runs again.
"""

import argparse
import multiprocessing
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from types import FrameType
from typing import Any, TypeVar

import torch

from tools.fuzz.checking import Outcome, check
from tools.fuzz.generation import random_source
from tools.fuzz.shrinking import shrink

W = TypeVar("W")
R = TypeVar("R")
LOOPS = ("auto", "keep", "unroll")
TIMEOUT = 120
"""Seconds that one program may take."""
MAX_REFUSED = 0.05
"""The share of programs that may be refused."""


SHRUNK = 3
"""How many programs of one kind of failure are shrunk."""


@dataclass
class Tried:
    """A seed's program and how it fared."""

    seed: int
    outcome: Outcome
    source: str


def loops_of(seed: int) -> str:
    """Return the `loops` that a seed's program is captured with."""
    return LOOPS[seed % len(LOOPS)]


def try_seed(seed: int) -> Tried:
    """Make a seed's program and check it."""
    torch.set_num_threads(1)
    source = random_source(seed)
    return Tried(seed, _check(source, seed, 0), source)


def shrink_tried(tried: Tried) -> Tried:
    """Return a small program that fares like one that was tried."""
    torch.set_num_threads(1)
    numbers = iter(range(1, 1_000_000))
    key = key_of(tried.outcome)

    def check_again(text: str, only: str) -> Outcome:
        return _check(text, tried.seed, next(numbers), only=only, inputs=tried.outcome.inputs)

    small = shrink(tried.source, lambda text: key_of(check_again(text, key[1])) == key, tried.outcome.lines)
    return Tried(tried.seed, check_again(small, key[1]), small)


class _TooLong(BaseException):
    pass


def _check(source: str, seed: int, number: int, **options: Any) -> Outcome:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(TIMEOUT)
    try:
        return check(source, f"/programs/program_{seed}_{number}.py", seed, loops_of(seed), **options)
    except _TooLong:
        return Outcome("failed", "time", "no end", f"not done after {TIMEOUT} s")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def key_of(outcome: Outcome) -> tuple[str, str, str]:
    """Return what a smaller program must keep of how it fares."""
    return (outcome.kind, outcome.stage.partition(" #")[0], generalised(outcome.what))


def generalised(reason: str) -> str:
    """Return a reason without the names and numbers of its program."""
    return re.sub(r"\d+", "N", re.sub(r"`[^`]*`", "`...`", reason))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz.programs", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=100, help="how many programs")
    parser.add_argument("--seed-only", type=int, metavar="N", help="print and try the program of one seed")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count(), help="processes")
    parser.add_argument("--no-shrink", action="store_true", help="print failures as they were generated")
    parser.add_argument("--show-refused", action="store_true", help="shrink and print refused programs too")
    options = parser.parse_args(arguments)
    seeds = range(options.seed, options.seed + options.count)
    if options.seed_only is not None:
        seeds = range(options.seed_only, options.seed_only + 1)
        options.jobs = 1
        print(random_source(options.seed_only))
    started = perf_counter()
    with _workers(options.jobs) as workers:
        tried = list(_with_progress(workers.imap(try_seed, seeds, chunksize=1 if len(seeds) < 50 else 5), len(seeds)))
        if not options.no_shrink:
            for one in workers.imap(shrink_tried, _worth_shrinking(tried, options.show_refused)):
                _show(one)
    _summarise(tried, perf_counter() - started)
    return 1 if any(one.outcome.kind == "failed" for one in tried) else 0


class _InProcess:
    """Works like a pool of processes, in this one."""

    def imap(self, function: Callable[[W], R], work: Iterable[W], chunksize: int = 1) -> Iterator[R]:
        del chunksize
        return map(function, work)


@contextmanager
def _workers(jobs: int) -> Generator[Any]:
    if jobs == 1:
        yield _InProcess()
        return
    with multiprocessing.get_context("spawn").Pool(jobs, maxtasksperchild=100) as pool:
        yield pool


def _worth_shrinking(tried: list[Tried], refused: bool) -> list[Tried]:
    """Return a few small programs of each kind of failure."""
    groups: dict[tuple[str, str, str], list[Tried]] = {}
    for one in tried:
        if one.outcome.kind == "failed" or (refused and one.outcome.kind == "refused"):
            groups.setdefault(key_of(one.outcome), []).append(one)
    return [one for group in groups.values() for one in sorted(group, key=lambda one: len(one.source))[:SHRUNK]]


def _with_progress(found: Iterator[Tried], total: int) -> Iterator[Tried]:
    if not sys.stderr.isatty():
        for one in found:
            if one.outcome.kind == "failed":
                print(f"seed {one.seed}: {one.outcome.stage}: {one.outcome.what}", file=sys.stderr, flush=True)
            yield one
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("programs", total=total)
        for one in found:
            progress.advance(task)
            yield one


def _show(one: Tried) -> None:
    outcome = one.outcome
    print(f"seed {one.seed}, loops={loops_of(one.seed)}: {outcome.kind} at {outcome.stage}: {outcome.what}")
    print("\n".join(f"    {line}" for line in one.source.splitlines()))
    print("\n".join(f"  | {line}" for line in outcome.text.splitlines()[-14:]), flush=True)


def _summarise(tried: list[Tried], seconds: float) -> None:
    counts = Counter(one.outcome.kind for one in tried)
    ways = Counter(one.outcome.ways for one in tried if one.outcome.kind == "same")
    print(f"programs {len(tried)} in {seconds:.0f} s")
    print(f"same {counts['same']} (by the number of ways taken: {dict(sorted(ways.items()))})")
    print(f"raise on every input {counts['raises']}, unstable on every input {counts['unstable']}")
    print(f"refused {counts['refused']} ({counts['refused'] / max(1, len(tried)):.1%})")
    reasons = Counter(generalised(one.outcome.what) for one in tried if one.outcome.kind == "refused")
    for reason, count in reasons.most_common():
        seeds = [one.seed for one in tried if one.outcome.kind == "refused" and generalised(one.outcome.what) == reason]
        print(f"  {count} {reason} (seeds {', '.join(map(str, seeds[:3]))})")
    failures = Counter((one.outcome.stage, one.outcome.what) for one in tried if one.outcome.kind == "failed")
    for (stage, what), count in failures.most_common():
        seeds = [one.seed for one in tried if (one.outcome.stage, one.outcome.what) == (stage, what)]
        print(f"  {count} fail at {stage}: {what} (seeds {', '.join(map(str, seeds[:3]))})")
    print(f"failures {counts['failed']}")


if __name__ == "__main__":
    sys.exit(main())
