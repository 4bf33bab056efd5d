"""What is left out of a compiled program, or read once while it is compiled: text, logs, clocks, the environment.

Each kind is named in one warning, at the first place where it was met.
"""

import datetime
import logging
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import MethodType
from typing import TYPE_CHECKING

import torch

from dycl.frontends.torch.values import Symbolic, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

_LOGGED = frozenset(["critical", "debug", "error", "exception", "info", "log", "warn", "warning"])


class ClockReading(Symbolic):
    """What a clock says, and what is computed from it; it may be printed, and reaches nothing else."""

    def describe(self) -> str:
        return "a reading of the clock, which a compiled program does not take,"


CLOCK = ClockReading()


def warn_once(capture: "Capture", what: str) -> None:
    """Warn of something that is met, unless it was met before."""
    if not any(text.endswith(what) for text in capture.warnings):
        capture.warnings.setdefault(f"{capture.stack[-1].place.frame}: {what}")


def left_out(capture: "Capture", *args: Value, **kwargs: Value) -> None:
    warn_once(capture, "`print`, logging and warnings are left out of the compiled program")


def is_logging(method: MethodType) -> bool:
    return isinstance(method.__self__, logging.Logger) and method.__name__ in _LOGGED


def read_clock(capture: "Capture", *args: Value, **kwargs: Value) -> ClockReading:
    warn_once(capture, "readings of the clock are left out of the compiled program")
    return CLOCK


def clock_arithmetic(capture: "Capture", *operands: Value) -> ClockReading:
    """Return what is computed from a reading of the clock and other numbers."""
    if any(isinstance(value, torch.Tensor) for value in operands):
        raise capture.error(
            "arithmetic of a tensor and a reading of the clock",
            "a compiled program reads no clock",
            "pass the time in as an input",
        )
    return CLOCK


def read_environment(
    capture: "Capture", function: Callable[..., Value], args: Sequence[Value], kwargs: Mapping[str, Value]
) -> Value:
    warn_once(capture, "the environment is read now, once, and not by the compiled program")
    return capture.native(function, *args, **kwargs)


LEFT_OUT: dict[Value, Callable[..., Value]] = {
    datetime.datetime.now: read_clock,
    datetime.datetime.today: read_clock,
    datetime.datetime.utcnow: read_clock,  # pyright: ignore[reportDeprecated]: programs call it
    logging.critical: left_out,
    logging.debug: left_out,
    logging.error: left_out,
    logging.exception: left_out,
    logging.info: left_out,
    logging.log: left_out,
    logging.warning: left_out,
    print: left_out,
    time.monotonic: read_clock,
    time.monotonic_ns: read_clock,
    time.perf_counter: read_clock,
    time.perf_counter_ns: read_clock,
    time.process_time: read_clock,
    time.process_time_ns: read_clock,
    time.sleep: left_out,
    time.time: read_clock,
    time.time_ns: read_clock,
    warnings.warn: left_out,
}
