"""The capture of one program: everything that its evaluation shares."""

import ast
import contextlib
import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Protocol

import torch
from torch import nn
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode, ShapeEnv
from torch.utils._python_dispatch import _disable_current_modes  # pyright: ignore[reportPrivateUsage]: no public way
from xdsl.dialects.builtin import CallSiteLoc, FileLineColLoc, LocationAttr
from xdsl.ir import Block, SSAValue

from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.branches import Pending
from dycl.frontends.torch.builder import Builder
from dycl.frontends.torch.control import Completion, Scope
from dycl.frontends.torch.diagnostics import CaptureError, Place, Refusal
from dycl.frontends.torch.heap import Heap, sizes_of, storage_of
from dycl.frontends.torch.journal import ContentsSlot, Journal, State
from dycl.frontends.torch.recorder import Recorder
from dycl.frontends.torch.source import Source
from dycl.frontends.torch.state import CallState
from dycl.frontends.torch.symbols import SYMBOLIC, Symbols
from dycl.frontends.torch.values import (
    Escape,
    ModelRaised,
    Poison,
    Scalar,
    Symbolic,
    Value,
    holds,
)
from dycl.frontends.torch.weights import Weights
from dycl.ir.ops import ItemOp, ReturnOp
from dycl.ir.types import is_static, shape_of


class Evaluator(Protocol):
    """What gives the syntax its meaning."""

    def is_user(self, function: Value) -> bool: ...

    def expression(self, activation: Activation, node: ast.expr) -> Value: ...
    def block(self, activation: Activation, body: Sequence[ast.stmt]) -> Completion: ...
    def call_node(self, activation: Activation, node: ast.Call, tail: bool = False) -> Value: ...
    def call(
        self,
        capture: "Capture",
        function: Value,
        args: Sequence[Value],
        kwargs: Mapping[str, Value],
        tail: bool = False,
    ) -> Value: ...


DATA_DEPENDENT = (GuardOnDataDependentSymNode, DataDependentOutputException, DynamicOutputShapeException)
_UNSUPPORTED = (UnsupportedFakeTensorException, UnsupportedOperatorException)


@dataclass
class Exit:
    """A `dycl.return` whose operands wait until the results of all exits are known."""

    op: ReturnOp
    value: Value
    leaves: list[Value]
    """Tensors as SSA values, run-time numbers as `Scalar`s, the rest as it is."""
    place: Place


class Capture:
    def __init__(self, module: nn.Module, evaluator: Evaluator) -> None:
        shapes = ShapeEnv(allow_scalar_outputs=True, allow_dynamic_output_shape_ops=True)
        self.module = module
        self.evaluator = evaluator
        self.journal = Journal()
        self.builder = Builder(self.where)
        self.heap = Heap(self.journal, self.builder)
        self.symbols = Symbols(self.builder, shapes)
        self.weights = Weights(module)
        self.fakes = FakeTensorMode(allow_non_fake_inputs=True, shape_env=shapes)
        self.recorder = Recorder(self.heap, self.symbols, self.weights)
        self.stack: list[Activation] = []
        self.pendings: list[Pending] = []
        self.exits: list[Exit] = []
        self.state = CallState(self)
        self.handlers = 0
        """How many `try` bodies with handlers are open."""
        self.poisoned: dict[int, tuple[Value, Poison]] = {}
        self.warnings: dict[str, None] = {}
        self._locations: dict[Source, dict[ast.AST, FileLineColLoc]] = {}
        self._births: dict[int, tuple[Value, int]] = {}

    @contextlib.contextmanager
    def recording(self) -> Generator[None]:
        """Torch operations executed inside are recorded; the user's objects are afterwards as they were."""
        # torch logs an error of the user's program before it raises it; it is reported with its place instead.
        fast_attention = torch.backends.mha.get_fastpath_enabled()
        log = logging.getLogger("torch._subclasses.fake_tensor")
        disabled, log.disabled = log.disabled, True
        # The fast path of torch's attention is one operator for a whole layer, which no backend takes.
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            with torch.no_grad(), self.fakes, enable_python_dispatcher(), self.recorder:
                yield
        finally:
            log.disabled = disabled
            torch.backends.mha.set_fastpath_enabled(fast_attention)
            while self.journal.levels:
                self.journal.rollback()

    # Places

    def where(self) -> LocationAttr:
        activation = self.stack[-1]
        here = activation.location
        return CallSiteLoc(here, activation.caller) if activation.caller is not None else here

    def locations(self, source: Source) -> dict[ast.AST, FileLineColLoc]:
        return self._locations.setdefault(source, {})

    def error(self, message: str, reason: str = "", advice: str = "") -> CaptureError:
        if not self.stack:
            return CaptureError(message, None, reason, advice)
        activation = self.stack[-1]
        return CaptureError(message, activation.place, reason, advice, activation.calls)

    def text_of(self, error: Exception) -> str:
        """Return what a failed assertion says: the exception's type and text."""
        raised = error.error if isinstance(error, ModelRaised) else error
        return f"{type(raised).__name__}: {raised}" if str(raised) else type(raised).__name__

    # Scopes and blocks

    def enter(self, block: Block) -> None:
        self.builder.push(block)
        self.journal.push()

    def leave(self) -> tuple[Block, State]:
        return self.builder.pop(), self.journal.rollback()

    def open_scopes(self) -> list[Scope]:
        """Outermost first."""
        return [
            scope
            for activation in self.stack
            for scope in (activation.scope, *(part for loop in activation.loops for part in loop))
        ]

    def environments_inside(self, scope: Scope) -> set[int]:
        """The environments, by id, of the activation that has this scope and of those that it calls."""
        index = next(i for i, activation in enumerate(self.stack) if activation.scope is scope)
        return {id(activation.env) for activation in self.stack[index:]}

    # Objects

    def born(self, value: Value) -> Value:
        """Note that a list, dict, set or object has just been made by the program."""
        self._births[id(value)] = (value, self.journal.tick())
        return value

    def birth(self, value: Value) -> int:
        """When an object was made; 0 for what is older than the call, or of unknown origin."""
        return self._births.get(id(value), (None, 0))[1]

    def mutate(self, container: Value) -> None:
        """Log a container's contents before a change to it."""
        self.usable(container)
        self.state.mutate(container)
        slot = ContentsSlot(container, self.poisoned, self.birth(container))
        self.journal.save(slot)

    def usable(self, value: Value) -> Value:
        """Return `value`, or raise an error where it is poison."""
        if isinstance(value, Poison) or id(value) in self.poisoned:
            poison = value if isinstance(value, Poison) else self.poisoned[id(value)][1]
            raise self.error(f"{poison.reason} is used", poison.because, poison.advice)
        return value

    def name_value(self, name: str, value: Value) -> None:
        """Give the SSA value of `value` a variable's name, where it has none."""
        if isinstance(value, Scalar):
            ssa = value.ssa
        elif self.is_traced(value) and self.heap.is_current(value):
            ssa = self.heap.value(value)
        else:
            return
        if ssa.name_hint is None and name.isascii():
            ssa.name_hint = name

    # Tensors and numbers

    def is_traced(self, value: Value) -> bool:
        """Whether `value` is a tensor whose content is known only at run time."""
        return isinstance(value, FakeTensor)

    def ssa_of(self, value: Value) -> SSAValue | None:
        if value is None or isinstance(value, SSAValue):
            return value
        if isinstance(value, Scalar):
            return value.ssa
        if isinstance(value, torch.Tensor):
            return self.refusable(lambda: self.recorder.value(value))
        return self.builder.constant(value)

    def refusable(self, run: Value) -> Value:
        """Run our own code, with what it refuses reported at the present place."""
        try:
            return run()
        except Refusal as refusal:
            raise self.error(refusal.message, refusal.reason, refusal.advice) from None

    def new_tensor(self, ssa: SSAValue, like: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return a fake tensor whose value is `ssa`; it may be another name for any of `like`."""
        sizes = [self.symbols.shapes.create_unbacked_symint() if s is None else s for s in shape_of(ssa.type)]
        first = like[0]
        dtype = first.dtype
        # Where a merge lost sight of a size, the strides are symbols, and comparing those would be a guess.
        strides = [tensor.stride() for tensor in like]
        known = not any(isinstance(step, SYMBOLIC) for steps in strides for step in steps)
        same = is_static(ssa.type) and known and all(steps == strides[0] for steps in strides)

        def make() -> torch.Tensor:
            if same:
                return torch.empty_strided(sizes, first.stride(), dtype=dtype, device="cpu")
            return torch.empty(sizes, dtype=dtype, device="cpu")

        tensor = self.recorder.quietly(make)
        parents = tuple(dict.fromkeys(storage_of(t) for t in like if storage_of(t) in self.heap.roots))
        self.heap.add(tensor, ssa, parents=parents)
        self.symbols.learn_sizes(tensor, ssa)
        return tensor

    def item(self, tensor: torch.Tensor) -> Value:
        """Return the number that a tensor of one element holds: known for a real tensor, symbolic for a traced one."""
        if not self.is_traced(tensor):
            with _disable_current_modes():
                return tensor.detach().item()
        if any(size not in (None, 1) for size in sizes_of(tensor)):
            count = tensor.numel()
            raise ModelRaised(RuntimeError(f"a Tensor with {count} elements cannot be converted to Scalar"))
        return Scalar(self.builder.emit(ItemOp(self.ssa_of(tensor) or self.builder.constant(0))).scalar)

    def holds_unknown(self, value: Value) -> bool:
        """Whether there is a value known only at run time in nested lists, tuples and dicts."""
        return holds(value, lambda item: isinstance(item, Symbolic | FakeTensor) or id(item) in self.poisoned)

    def key(self, value: Value) -> Value:
        """Return a dict's or set's key, or raise an error where it is known only at run time."""
        if self.holds_unknown(value):
            raise self.error("a key known only at run time", advice="use a Python number or string")
        return value

    def method(self, owner: Value, name: str) -> Value | None:
        """Return a method of that name that the user's class defines."""
        function = getattr(type(owner), name, None)
        return MethodType(function, owner) if isinstance(function, FunctionType) and self.is_user(function) else None

    def is_user(self, function: Value) -> bool:
        return self.evaluator.is_user(function)

    def without_modes(self, run: Callable[[], Value]) -> Value:
        """Run code on real tensors, unrecorded."""
        with _disable_current_modes():
            return run()

    # Code that is not interpreted

    def native(self, function: Value, *args: Value, **kwargs: Value) -> Value:
        """Call what is not interpreted; what the user's program raises there becomes `ModelRaised`."""
        try:
            return function(*args, **kwargs)
        except (CaptureError, ModelRaised):
            raise
        except Refusal as refusal:
            raise self.error(refusal.message, refusal.reason, refusal.advice) from None
        except Escape as escape:
            raise self.error(
                str(escape), "it is known only when the program runs", "keep it in tensors or in Python arithmetic"
            ) from None
        except DATA_DEPENDENT as error:
            raise self.error(
                "code that is not interpreted asks for a tensor's content",
                f"torch says: {str(error).splitlines()[0]}",
                "branch on it in the model's own Python code",
            ) from error
        except _UNSUPPORTED as error:
            raise self.error(
                f"an operation that torch cannot run without data: {str(error).splitlines()[0]}"
            ) from error
        except Exception as error:
            raise self.raised(error) from error

    def raised(self, error: Exception) -> ModelRaised:
        found = ModelRaised(error)
        if self.stack:
            found.place, found.calls = self.stack[-1].place, self.stack[-1].calls
        return found

    def torch_call(self, function: Value, *args: Value, **kwargs: Value) -> Value:
        """Call torch's code: run-time numbers go in as torch's symbols and come back as numbers."""
        if any(map(needs_lowering, args)) or any(map(needs_lowering, kwargs.values())):
            args = tuple(map(self._lower, args))
            kwargs = {name: self._lower(value) for name, value in kwargs.items()}
        return self._lift(self.native(function, *args, **kwargs))

    def _lower(self, value: Value) -> Value:
        if isinstance(value, Scalar):
            return self.symbols.lower(value)
        if isinstance(value, Symbolic):
            self.usable(value)
            raise self.error(f"{value.describe()} as an argument of a torch operation")
        if isinstance(value, tuple) and not hasattr(value, "_fields"):
            return tuple(map(self._lower, value))
        if isinstance(value, list):
            return list(map(self._lower, value))
        if isinstance(value, dict):
            return {key: self._lower(item) for key, item in value.items()}
        if isinstance(value, slice):
            return slice(self._lower(value.start), self._lower(value.stop), self._lower(value.step))
        return value

    def _lift(self, value: Value) -> Value:
        if isinstance(value, SYMBOLIC):
            return self.refusable(lambda: self.symbols.raised(value))
        if isinstance(value, tuple | list) and any(isinstance(item, SYMBOLIC) for item in value):
            return type(value)(map(self._lift, value)) if isinstance(value, list) else tuple(map(self._lift, value))
        return value


def needs_lowering(value: Value) -> bool:
    if isinstance(value, tuple | list):
        return any(map(needs_lowering, value))
    if isinstance(value, dict):
        return any(map(needs_lowering, value.values()))
    if isinstance(value, slice):
        return needs_lowering((value.start, value.stop, value.step))
    return isinstance(value, Symbolic)
