"""Context managers: those of torch and Python that leave what is computed as it is, and the user's own."""

import ast
import contextlib
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.paths.control import Completion, Departed, Leave, Raised, Scope
from dycl.frontends.torch.paths.guards import Guard
from dycl.frontends.torch.syntax.truth import truth_of
from dycl.frontends.torch.values import ModelRaised, Poison, Value

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

_TRANSPARENT = (
    torch.no_grad,
    torch.enable_grad,
    torch.inference_mode,
    torch.set_grad_enabled,
    torch.profiler.record_function,
    torch.autograd.profiler.record_function,
    torch.autograd.set_detect_anomaly,
    torch.autograd.detect_anomaly,
    type(threading.Lock()),
    type(threading.RLock()),
    warnings.catch_warnings,
)
_TRANSPARENT_FUNCTIONS = frozenset(["sdpa_kernel", "sdp_kernel"])
"""Generator functions of torch's that choose among ways to compute one thing."""

Exit = Callable[[Raised | None], Completion]


@dataclass(frozen=True, eq=False)
class Entered:
    """A context manager that has been entered: what it gives, and what it does at the end."""

    value: Value
    exit: Exit | None = None
    """Called with the exception that ends the body; returns it, or None where it is suppressed."""

    def guard(self, activation: Activation, end: Scope) -> Guard | None:
        """Return the guard of the body of a `with` that ends at `end`."""
        if self.exit is None:
            return None
        exit = self.exit

        def on_error(raised: Raised) -> Completion:
            ended = exit(raised)
            return Leave(end) if ended is None else ended

        return Guard(activation.env, len(activation.loops), on_error, lambda: exit(None))

    def leave(self, activation: Activation, completion: Completion) -> Completion:
        """End a body that has ended in `completion`; other exits than exceptions have come by already."""
        if self.exit is None or not (completion is None or isinstance(completion, Raised)):
            return completion
        return self.exit(completion)


def enter(activation: Activation, node: ast.expr) -> Entered:
    """Evaluate and enter the context manager of a `with`.

    Raises:
        CaptureError: it changes what is computed, in a way that is not followed
    """
    manager = activation.evaluate(node)
    activation.node = node
    return entered(activation.capture, manager)


def entered(capture: "Capture", manager: Value) -> Entered:
    """Enter a context manager.

    Raises:
        CaptureError: it changes what is computed, in a way that is not followed
    """
    manager = capture.usable(manager)
    if isinstance(manager, OwnManager):
        return Entered(manager, manager.leave)
    if isinstance(manager, contextlib.nullcontext):
        return Entered(manager.enter_result)
    if isinstance(manager, contextlib.suppress):
        return Entered(None, _suppress(manager))
    if _is_transparent(capture, manager):
        return Entered(Poison("what a context manager gives"))
    if isinstance(manager, contextlib._GeneratorContextManager):  # pyright: ignore[reportPrivateUsage]: no public name
        return _enter_generator(capture, manager)
    enter_method, exit_method = capture.method(manager, "__enter__"), capture.method(manager, "__exit__")
    if enter_method is not None and exit_method is not None:
        value = capture.evaluator.call(capture, enter_method, [], {})
        return Entered(value, _exit_by_method(capture, exit_method))
    raise capture.error(
        f"`with` on a {type(manager).__module__}.{type(manager).__qualname__}",
        "only the user's own managers are taken, and those that change nothing, such as torch.no_grad()",
        "move it out of the forward",
    )


class OwnManager(ABC):
    """A context manager that capture has in the place of one of Python's."""

    @abstractmethod
    def leave(self, raised: Raised | None) -> Completion:
        """End the body, which `raised` has ended if it is an exception; return it, or None where it is suppressed."""


def _is_transparent(capture: "Capture", manager: Value) -> bool:
    if isinstance(manager, torch.autocast):
        enabled: bool = vars(manager)["_enabled"]
        if enabled and manager.device == "cpu":
            raise capture.error(
                "`torch.autocast` that is enabled",
                "it changes the dtypes of what is computed inside, operation by operation",
                "convert the model and its inputs themselves, or pass `enabled=False`",
            )
        return True
    if isinstance(manager, contextlib._GeneratorContextManager):  # pyright: ignore[reportPrivateUsage]: no public name
        function: Value = getattr(manager, "func", None)
        name, module = getattr(function, "__name__", ""), getattr(function, "__module__", "") or ""
        return name in _TRANSPARENT_FUNCTIONS and module.startswith("torch.")
    return isinstance(manager, _TRANSPARENT)


def _suppress(manager: "contextlib.suppress") -> Exit:
    kinds: tuple[type[BaseException], ...] = manager._exceptions  # pyright: ignore[reportAttributeAccessIssue]

    def exit(raised: Raised | None) -> Completion:
        if raised is None:
            return None
        assert isinstance(raised.error, ModelRaised)
        return None if isinstance(raised.error.error, kinds) else raised

    return exit


def _exit_by_method(capture: "Capture", method: Value) -> Exit:
    def exit(raised: Raised | None) -> Completion:
        if raised is None:
            return completed(lambda: capture.evaluator.call(capture, method, [None, None, None], {}))
        assert isinstance(raised.error, ModelRaised)
        error = raised.error.error

        def call() -> None:
            suppressed = truth_of(capture, capture.evaluator.call(capture, method, [type(error), error, None], {}))
            if not isinstance(suppressed, bool):
                raise capture.error("an `__exit__` whose answer depends on a tensor")
            if not suppressed:
                raise raised.error

        return completed(call)

    return exit


def _enter_generator(capture: "Capture", manager: Value) -> Entered:
    from dycl.frontends.torch.syntax.generators import Generated

    function = manager.func
    generator = capture.evaluator.call(capture, function, manager.args, manager.kwds)
    if not isinstance(generator, Generated):
        raise capture.error(
            f"`with` on the generator function `{function.__name__}`",
            "its code is not interpreted",
            "move it out of the forward",
        )
    try:
        value = next(generator)
    except StopIteration:
        raise capture.raised(RuntimeError("generator didn't yield")) from None

    def exit(raised: Raised | None) -> Completion:
        def run() -> None:
            try:
                generator.resume(raised)
            except StopIteration:
                return
            raise capture.raised(RuntimeError("generator didn't stop"))

        return completed(run)

    return Entered(value, exit)


def completed(run: Callable[[], Value]) -> Completion:
    """Run what a manager does at its end, and return how that ends."""
    try:
        run()
    except Departed as departed:
        return departed.completion
    except ModelRaised as error:
        return Raised(error)
    return None
