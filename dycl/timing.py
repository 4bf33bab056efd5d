"""Eager against compiled, measured side by side."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch

from dycl.errors import UsageError

Inputs: TypeAlias = Mapping[str, np.ndarray]

MIN_MEASUREMENT = 2e-3
"""Seconds: a call shorter than this is timed as a batch of calls, so that the clock's resolution does not matter."""


@dataclass
class InputTiming:
    """Median milliseconds of one input, and their ratio."""

    eager_ms: float
    dycl_ms: float

    @property
    def ratio(self) -> float:
        return self.eager_ms / self.dycl_ms


@dataclass
class BenchReport:
    """Latencies over the inputs, in milliseconds a call; `ratio` is eager's latency over the compiled program's."""

    threads: int
    rounds: int
    inputs: list[InputTiming] = field(default_factory=list[InputTiming])

    @property
    def ratios(self) -> list[float]:
        return [timing.ratio for timing in self.inputs]

    def to_json(self) -> dict[str, object]:
        return {
            "threads": self.threads,
            "rounds": self.rounds,
            "samples": len(self.inputs),
            "eager_ms": statistics.median(timing.eager_ms for timing in self.inputs),
            "dycl_ms": statistics.median(timing.dycl_ms for timing in self.inputs),
            "eager_mean_ms": statistics.mean(timing.eager_ms for timing in self.inputs),
            "dycl_mean_ms": statistics.mean(timing.dycl_ms for timing in self.inputs),
            "ratio": statistics.median(self.ratios),
            "ratio_min": min(self.ratios),
            "ratio_max": max(self.ratios),
        }


def bench(
    model: Callable[..., Any],
    eager: Callable[..., Any],
    samples: Sequence[Inputs],
    *,
    threads: int = 1,
    rounds: int = 15,
    on_progress: Callable[[int], None] = lambda _done: None,
) -> BenchReport:
    """Time both programs on each input in turn, eager then compiled, `rounds` times after a warm-up.

    Eager takes torch tensors by position under `torch.inference_mode()`, with torch's threads set to `threads`; the
    compiled model takes numpy arrays by name.

    Raises:
        UsageError: the source program fails on an input
    """
    report = BenchReport(threads, rounds)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            for done, sample in enumerate(samples):
                report.inputs.append(_bench_input(model, eager, sample, rounds))
                on_progress(done + 1)
    finally:
        torch.set_num_threads(before)
    return report


def _bench_input(model: Callable[..., Any], eager: Callable[..., Any], sample: Inputs, rounds: int) -> InputTiming:
    tensors = [torch.from_numpy(array) for array in sample.values()]

    def run_eager() -> None:
        eager(*tensors)

    def run_compiled() -> None:
        model(**sample)

    try:
        run_eager()
    except Exception as error:
        shown = ", ".join(f"{name} of shape {list(array.shape)}" for name, array in sample.items())
        raise UsageError(
            f"the source program raised {type(error).__name__}: {error} (on {shown}); "
            "compile it for sizes that it takes, or give inputs with --data"
        ) from error
    runs = (run_eager, run_compiled)
    batches = [_batch(run) for run in runs]
    times: tuple[list[float], list[float]] = ([], [])
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for run, batch, found in zip(runs, batches, times, strict=True):
                found.append(_seconds(run, batch))
    finally:
        if collecting:
            gc.enable()
    return InputTiming(*(1e3 * statistics.median(found) for found in times))


def _batch(run: Callable[[], None]) -> int:
    """Warm up, and return how many calls make a measurement."""
    run()
    run()
    return max(1, round(MIN_MEASUREMENT / max(_seconds(run, 1), 1e-7)))


def _seconds(run: Callable[[], None], batch: int) -> float:
    start = time.perf_counter()
    for _ in range(batch):
        run()
    return (time.perf_counter() - start) / batch
