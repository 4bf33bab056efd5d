"""The capture of one program: everything that its evaluation shares."""

import ast
import contextlib
import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Protocol

import sympy
import torch
from torch import nn
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.fake_tensor import (
    FakeTensor,
    FakeTensorMode,
)
from torch.utils._python_dispatch import _disable_current_modes  # pyright: ignore[reportPrivateUsage]: no public way
from xdsl.dialects.builtin import CallSiteLoc, FileLineColLoc, LocationAttr, i1
from xdsl.ir import Block, SSAValue

from dycl.errors import headed
from dycl.frontends.builder import Builder
from dycl.frontends.torch.activation import Activation
from dycl.frontends.torch.diagnostics import CaptureError, Refusal
from dycl.frontends.torch.loops.open_loops import OpenLoop
from dycl.frontends.torch.native import call_native, call_torch
from dycl.frontends.torch.objects import scalars
from dycl.frontends.torch.objects.clocks import warn_once
from dycl.frontends.torch.objects.listing import Listing
from dycl.frontends.torch.paths.branches import Pending, branch_value, require, switch_value
from dycl.frontends.torch.paths.control import Completion, Scope
from dycl.frontends.torch.paths.forks import settled
from dycl.frontends.torch.paths.guards import is_guarded
from dycl.frontends.torch.paths.journal import ContentsSlot, Journal, State
from dycl.frontends.torch.paths.merge import Merge
from dycl.frontends.torch.results.state import CallState
from dycl.frontends.torch.syntax.source import Source
from dycl.frontends.torch.tensors.heap import Heap, storage_of
from dycl.frontends.torch.tensors.recorder import Recorder
from dycl.frontends.torch.tensors.symbols import SYMBOLIC, Symbols
from dycl.frontends.torch.tensors.weights import Weights
from dycl.frontends.torch.values import (
    Choice,
    Forked,
    ForkWanted,
    Guarded,
    ModelRaised,
    Poison,
    Scalar,
    Symbolic,
    Value,
    holds,
    unknown_text,
)
from dycl.ir.ops import AssertOp, ItemOp, ReturnOp
from dycl.ir.scalars import is_held
from dycl.ir.schema import torch_dtype
from dycl.ir.size_env import SizeEnv
from dycl.ir.types import element_of, is_static, shape_of

if TYPE_CHECKING:
    from dycl.frontends.torch.results.outputs import Tree
    from dycl.frontends.torch.results.persistent import Persistent
    from dycl.frontends.torch.syntax.functions import Closure

if TYPE_CHECKING:
    from dycl.frontends.torch.loops.recursion import Recursion


class Evaluator(Protocol):
    """What gives the syntax its meaning."""

    def is_user(self, function: Value) -> bool: ...

    def expression(self, activation: Activation, node: ast.expr) -> Value: ...
    def block(self, activation: Activation, body: Sequence[ast.stmt]) -> Completion: ...
    def merged_lists(self, merge: Merge, values: Sequence[Value]) -> Callable[[], Value] | None: ...
    def call_node(self, activation: Activation, node: ast.Call, tail: bool = False) -> Value: ...
    def call(
        self,
        capture: "Capture",
        function: Value,
        args: Sequence[Value],
        kwargs: Mapping[str, Value],
        tail: bool = False,
    ) -> Value: ...


@dataclass
class Exit:
    """A `dycl.return` whose operands wait until the results of all exits are known; one without a value is never
    reached."""

    op: ReturnOp
    value: "Tree | None"


class Capture:
    def __init__(
        self,
        module: nn.Module,
        evaluator: Evaluator,
        loops: str,
        recursion: "Recursion",
        persistent: "Persistent | None" = None,
        tracks_names: bool = False,
    ) -> None:
        shapes = SizeEnv()
        self.module = module
        self.evaluator = evaluator
        self.journal = Journal()
        self.builder = Builder(self.where)
        self.tracks_names = tracks_names
        self.heap = Heap(self.journal, self.builder, self._fork, tracks_names)
        self.symbols = Symbols(self.builder, shapes, self._require)
        self.weights = Weights(module)
        self.fakes = FakeTensorMode(allow_non_fake_inputs=True, shape_env=shapes)
        self.recorder = Recorder(self.heap, self.symbols, self.weights, self.fakes)
        self.recorder.on_write = self._note_write
        self.recorder.is_guarded = lambda: is_guarded(self)
        self.recorder.is_training = any(part.training for part in module.modules())
        self.inputs: dict[int, str] = {}
        """The forward's parameters that are inputs, by the memory of their tensors."""
        self.listing: Listing | None = None
        """The model's parts, where the model's own forward is torch's."""
        self.stack: list[Activation] = []
        self.pendings: list[Pending] = []
        self.exits: list[Exit] = []
        self.persistent = persistent
        """The state that the program carries from call to call."""
        self.open_loops: list[OpenLoop] = []
        self.recursion = recursion
        self.loops = loops
        """Which loops are kept: `unroll`, `keep` or `auto`."""
        self.evaluated_loops: set[ast.stmt] = set()
        """Loops that could not be kept."""
        self.kept_loops: list[ast.stmt] = []
        """Loops that Python alone decides, and that were kept."""
        self.counters: set[SSAValue] = set()
        """The numbers of iterations of open loops that could be evaluated."""
        self.attempts = 0
        """How many evaluations are open that may be taken back."""
        self.state = CallState(self)
        self.closures: dict[tuple[ast.AST, int], Closure] = {}
        """The function that a definition last made, by definition and the names around it."""
        self.abstract: dict[int, tuple[Value, Symbolic]] = {}
        """The containers whose contents are not known, by id: what stands for them."""
        self.may_fork = 0
        """How many statements are open that may be executed once more, for each of several objects."""
        self.forked_statements = 0
        """How many have been."""
        self.has_choices = False
        """Whether there is a container that is one of several."""
        self.keeps_items = False
        """Whether a list that one side of a branch makes longer keeps its items one by one, and is not stacked."""
        self.has_stacked_items = False
        """Whether there is one that could have."""
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

    def _fork(self, index: SSAValue, runs: Sequence[Callable[[], None]]) -> None:
        known = self.builder.known(index)
        if known is not None:
            runs[int(known)]()
        elif index.type == i1:
            branch_value(self, index, runs[1], runs[0])
        else:
            switch_value(self, index, runs)

    def _note_write(self, tensor: torch.Tensor) -> None:
        found = self.heap.selection(tensor)
        stores = {storage_of(tensor), *(key[0] for key in (found.options if found else ()) if key is not None)}
        for name in [name for store, name in self.inputs.items() if store in stores]:
            warn_once(
                self,
                f"a write to the input `{name}` does not reach the caller's tensor: return what has been written",
            )

    def _require(self, condition: SSAValue, kind: type[Exception] | None, message: str) -> None:
        """Check a condition on sizes without which one of torch's operations fails."""
        if not is_guarded(self):
            self.builder.emit(AssertOp(condition, f"{(kind or RuntimeError).__name__}: {message}"))
            return
        if kind is None:
            raise Refusal(
                f"an operation that may fail inside a `try` or `with`: {message}",
                "what it would raise could not be found out",
                "test the sizes before it",
            )
        error = kind(unknown_text())
        error.add_note(message)
        with self.recorder.listening():
            require(self, condition, error)

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
        unknown = any(map(self.holds_unknown, raised.args))
        text = ", ".join("..." if self.holds_unknown(part) else str(part) for part in raised.args)
        # What torch would say of sizes is not known either; what it is about is noted beside it.
        text = next(iter(getattr(raised, "__notes__", ())), text) if unknown else str(raised)
        text = text.replace("FakeTensor", "Tensor")
        return headed(raised, text)

    # Scopes and blocks

    def enter(self, block: Block) -> None:
        self.builder.push(block)
        self.journal.push()

    def leave(self) -> tuple[Block, State]:
        return self.builder.pop(), self.journal.rollback()

    def mark(self) -> int:
        """Return what `restore` needs to forget the exits that are captured from now on."""
        return len(self.exits)

    def restore(self, mark: int) -> None:
        del self.exits[mark:]

    @property
    def depth(self) -> int:
        """Grows with every branch that something known only at run time decides."""
        return len(self.journal.levels) - self.attempts + len(self.exits)

    def environments_inside(self, scope: Scope) -> set[int]:
        """The environments, by id, of the activations that end where this scope ends."""
        inside = (activation for activation in self.stack if activation.scope.number >= scope.number)
        return {id(activation.env) for activation in inside}

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
        slot = ContentsSlot(container, self.abstract, self.birth(container))
        self.journal.save(slot)

    def defined(self, value: Value) -> Value:
        """Return `value`, or raise an error where it is poison; what only some paths set is checked to be set."""
        if isinstance(value, Guarded):
            error = UnboundLocalError(f"{value.label} is used where no path has set it")
            require(self, value.flag.ssa, error)
            return self.defined(value.value)
        if isinstance(value, Choice):
            return settled(self, value)
        found = self.abstract.get(id(value), (None, value))[1]
        if isinstance(found, Poison):
            raise self.error(f"{found.reason} is used", found.because, found.advice)
        return value

    def usable(self, value: Value) -> Value:
        """Return a value whose content, if it is a container, is known item by item; else raise an error."""
        value = self.defined(value)
        contents = self.abstract[id(value)][1] if id(value) in self.abstract else None
        if isinstance(contents, Forked):
            known = self.builder.known(contents.index.ssa)
            if known is None:
                raise self.wanted(contents, value)
            self.journal.write(ContentsSlot(value, self.abstract, self.birth(value)), contents.options[int(known)])
        elif contents is not None:
            raise self.unusable(contents)
        return value

    def wanted(self, choice: Choice, container: Value = None) -> BaseException:
        """Return what lets the statement be executed for each option, an error where that cannot be."""
        # What a loop carries changes from one evaluation of its body to the next, and would be forked each time.
        may_fork = self.may_fork and (container is not None or not self.open_loops)
        return ForkWanted(choice, container) if may_fork else self.unusable(choice)

    def is_plain(self, option: Value) -> bool:
        """Whether all of an object is known."""
        return not isinstance(option, Symbolic | torch.Tensor) and id(option) not in self.abstract

    def unusable(self, contents: Symbolic) -> CaptureError:
        """Return the error for what asks for items where these are not known."""
        return self.error(
            f"{contents.describe()}, in a way that asks for its items now",
            "a loop or one side of a branch has changed it",
            "index it, loop over it, stack it, or keep its items in a tensor",
        )

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
        return self.number(value)

    def number(self, value: bool | int | float) -> SSAValue:
        """Emit a number that is known."""
        if not is_held(value):
            raise self.error(
                f"the int {value:#x}, beyond 64 bits, in what is known only at run time",
                "a compiled program has ints of 64 bits",
                "keep such numbers to what Python knows, or take remainders by what stays below 2**31: then products "
                "fit too",
            )
        return self.builder.constant(value)

    def refusable(self, run: Value) -> Value:
        """Run our own code, with what it refuses reported at the present place."""
        try:
            return run()
        except Refusal as refusal:
            raise self.error(refusal.message, refusal.reason, refusal.advice) from None

    def new_tensor(
        self, ssa: SSAValue, like: Sequence[torch.Tensor], sizes: Sequence[int | torch.SymInt] | None = None
    ) -> torch.Tensor:
        """Return a fake tensor, with memory of its own, whose value is `ssa`, laid out as `like` are."""
        if sizes is None:
            sizes = [self.symbols.fresh() if size is None else size for size in shape_of(ssa.type)]
        first = like[0]
        # Where a merge lost sight of a size, the strides are symbols, and comparing those would be a guess.
        strides = [tensor.stride() for tensor in like]
        known = not any(isinstance(step, SYMBOLIC) for steps in strides for step in steps)
        same = is_static(ssa.type) and known and all(steps == strides[0] for steps in strides)
        tensor = self.recorder.new(sizes, first.stride() if same else None, first.dtype)
        self.heap.add(tensor, ssa)
        self.symbols.learn_sizes(tensor, ssa)
        return tensor

    def new_tensor_of(self, ssa: SSAValue) -> torch.Tensor:
        """Return a fake tensor, with memory of its own, whose value is `ssa`."""
        dtype = torch_dtype(element_of(ssa.type))
        sizes = [self.symbols.fresh() if size is None else size for size in shape_of(ssa.type)]
        tensor = self.recorder.new(sizes, None, dtype)
        self.heap.add(tensor, ssa)
        self.symbols.learn_sizes(tensor, ssa)
        return tensor

    def item(self, tensor: torch.Tensor) -> Value:
        """Return the number that a tensor of one element holds: known for a real tensor, symbolic for a traced one."""
        if not self.is_traced(tensor):
            with _disable_current_modes():
                return tensor.detach().item()
        self.check_one_element(tensor, "a Tensor with other than one element cannot be converted to Scalar")
        return Scalar(self.builder.emit(ItemOp(self.ssa_of(tensor) or self.builder.constant(0))).scalar)

    def index(self, tensor: torch.Tensor) -> Value:
        """Return the number that a tensor is where Python wants an index, as `operator.index` has it.

        Raises:
            ModelRaised: with a `TypeError` where the tensor is no whole number
        """
        message = "only integer tensors of a single element can be converted to an index"
        if tensor.is_floating_point() or tensor.is_complex():
            raise self.raised(TypeError(message))
        self.check_one_element(tensor, message, TypeError)
        found = self.item(tensor)
        return scalars.convert(self, found, int) if isinstance(found, Scalar) else int(found)

    def check_one_element(self, tensor: torch.Tensor, message: str, kind: type[Exception] = RuntimeError) -> None:
        """Check, where it is not known, when the program runs, that a tensor has one element."""
        for size in tensor.size():
            if self.symbols.is_never(size, 1) if isinstance(size, torch.SymInt) else size != 1:
                raise self.raised(kind(message))
            if isinstance(size, torch.SymInt):
                self.symbols.check(sympy.Eq(size.node.expr, 1), kind, message)

    def holds_unknown(self, value: Value) -> bool:
        """Whether there is a value known only at run time in nested lists, tuples and dicts."""
        return holds(value, lambda item: isinstance(item, Symbolic | FakeTensor) or id(item) in self.abstract)

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
        return call_native(self, function, args, kwargs)

    def torch_call(self, function: Value, *args: Value, **kwargs: Value) -> Value:
        """Call torch's code: run-time numbers go in as torch's symbols and come back as numbers."""
        return call_torch(self, function, args, kwargs)

    def raised(self, error: Exception) -> ModelRaised:
        found = ModelRaised(error)
        if self.stack:
            found.place, found.calls = self.stack[-1].place, self.stack[-1].calls
        return found
