"""The recorder: what torch executes on fake tensors becomes ops.

It sits before dispatch, so that it sees the operations that a person wrote (`linear`, `batch_norm`) and none of those
that torch makes of them. torch keeps that place for its own modes: `SchemaCheckMode` is one that it admits, and a
subclass that says where it belongs is taken for it.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import sympy
import torch
from torch._C import DispatchKey, _DisableTorchDispatch  # pyright: ignore[reportPrivateUsage]: no public way
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch._subclasses.schema_check_mode import SchemaCheckMode
from xdsl.ir import SSAValue

from dycl.frontends.dtypes import check_dtypes, check_held
from dycl.frontends.normalization import normalize, unchanged
from dycl.frontends.torch.diagnostics import Refusal
from dycl.frontends.torch.syntax.arguments import bind, lower_argument, with_numbers
from dycl.frontends.torch.tensors.eager_dtypes import EagerDtypes
from dycl.frontends.torch.tensors.geometries import Geometries
from dycl.frontends.torch.tensors.heap import PARENT, Heap, ViewCall, storage_of, type_of
from dycl.frontends.torch.tensors.indices import check_indices
from dycl.frontends.torch.tensors.mutation import Mutations
from dycl.frontends.torch.tensors.symbolic_calls import is_symbolic
from dycl.frontends.torch.tensors.symbols import SYMBOLIC, Symbols
from dycl.frontends.torch.tensors.trials import Trials, fail_as_eager
from dycl.frontends.torch.tensors.weights import Weights
from dycl.frontends.torch.values import Value
from dycl.ir.ops import AtenOp, ItemOp
from dycl.ir.ops.aten import RANDOM_ARGUMENTS, RANDOM_OPS
from dycl.ir.schema import overload_of, schema_of

_CPU = torch.device("cpu")
_DROPOUTS = frozenset(["dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout"])
_LAYERS = {
    f"{kind}.{form}": place
    for kind in ("gru", "lstm", "rnn_relu", "rnn_tanh")
    for form, place in (("input", 5), ("data", 6))
}
"""Overloads of several layers with dropout between them, and the place of its rate, before which is their number."""
_NORMS = {"batch_norm.default": 5, "instance_norm.default": 5, "native_batch_norm.default": 5}
"""Overloads with a flag that asks for the batch's own statistics, and the flag's place."""


class Recorder(SchemaCheckMode):
    def __init__(self, heap: Heap, symbols: Symbols, weights: Weights, fakes: FakeTensorMode) -> None:
        super().__init__()
        self._dispatch_key = DispatchKey.PreDispatch
        self.heap = heap
        self.symbols = symbols
        self.weights = weights
        self.fakes = fakes
        self.trials = Trials(symbols, self.quietly)
        self.geometries = Geometries(self.new)
        self.dtypes = EagerDtypes()
        self.mutations = Mutations(heap, self.trials, self.dtypes, self.call)
        self.on_write: Callable[[torch.Tensor], None] = lambda tensor: None
        """Told of each tensor that the program has written to."""
        self.is_guarded: Callable[[], bool] = lambda: False
        """Whether the program may handle what an operation raises."""
        self.silent = False
        self.is_training = False
        """Whether a part of the model is in training mode."""
        self.inside = False
        """Whether torch has handed an operation over, and waits for its result: it hands over no others."""
        self._strips = False

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Value] = (), kwargs: Mapping[str, Value] | None = None
    ) -> Value:
        if self.silent:
            return func(*args, **(kwargs or {}))
        name = f"{func._schema.name.removeprefix('aten::')}.{func._overloadname}"
        if func.namespace not in ("aten", "prim", "prims"):
            raise Refusal(f"the operator {func.namespace}::{name}", "only torch's own operators are taken")
        outer, self.inside = self.inside, True
        try:
            return self.record(name, func, bind(func, args, kwargs or {}))
        finally:
            self.inside = outer

    @contextmanager
    def listening(self) -> Generator[None]:
        """Operations executed inside are recorded, also where torch waits for the result of another one."""
        if not self.inside:
            yield
            return
        self.inside = False
        try:
            with self:
                yield
        finally:
            self.inside = True

    def quietly(self, make: Callable[[], Value]) -> Value:
        """Make fake tensors without recording how."""
        before, self.silent = self.silent, True
        try:
            return make()
        finally:
            self.silent = before

    def empty_like(self, tensor: torch.Tensor) -> torch.Tensor:
        return self.new(tensor.size(), tensor.stride(), tensor.dtype)

    def new(
        self, sizes: Sequence[int | torch.SymInt], strides: Sequence[int | torch.SymInt] | None, dtype: torch.dtype
    ) -> torch.Tensor:
        """Return a new fake tensor; without `strides` it is contiguous."""
        # A fake tensor is made of one on `meta`; dispatching a call for it would take ten times as long.
        with _DisableTorchDispatch():
            if strides is None:
                meta = torch.empty(sizes, dtype=dtype, device="meta")
            else:
                meta = torch.empty_strided(sizes, strides, dtype=dtype, device="meta")
            return FakeTensor(self.fakes, meta, _CPU)

    def fake(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the fake tensor that stands for a tensor: itself, or one whose value is a weight or constant."""
        if isinstance(tensor, FakeTensor):
            return tensor
        return self.weights.fake(tensor, self)

    def value(self, tensor: torch.Tensor) -> SSAValue:
        return self.heap.value(self.fake(tensor))

    def record(self, name: str, func: Any, arguments: list[Value]) -> Value:
        packet = name.partition(".")[0]
        if packet in _DROPOUTS:
            if arguments[2]:
                raise Refusal("dropout in training mode", "its result is random", self._without_dropout(packet))
            return arguments[0]
        drops = _drops(name, packet, arguments)
        if drops is not None:
            raise Refusal(
                f"dropout in `{packet}`",
                "its result is random",
                "call `.eval()` on the model first"
                if self.is_training
                else f"pass `{drops}=p if self.training else 0.0`: without it, the function drops values in evaluation "
                "mode too",
            )
        if name in _NORMS and arguments[_NORMS[name]] is not False and arguments[3] is not None:
            refuse_training()
        if packet in RANDOM_OPS or packet.removesuffix("_") in RANDOM_OPS:
            raise Refusal(
                f"the random operation `{packet}`",
                "a compiled program has no random numbers",
                "pass the random tensor in as an input",
            )
        if name == "lift_fresh.default":
            return self.weights.fresh(arguments[0], self)
        if name in ("item.default", "_local_scalar_dense.default"):
            return self._item(func, arguments[0])
        if name == "is_nonzero.default":
            raise Refusal(
                "code inside torch branches on a tensor", "it is not interpreted, so its branches are not seen"
            )
        if packet == "detach_" or packet == "requires_grad_":
            return arguments[0]
        if func._schema.is_mutable:
            original = arguments[0]
            self.mutations.write(name, func, _map(arguments, self.fake))
            self.on_write(original)
            return original
        return self.call(name, func, _map(arguments, self.fake))

    def _without_dropout(self, packet: str) -> str:
        if self.is_training:
            return "call `.eval()` on the model first"
        function = {"feature_dropout": "dropout2d"}.get(packet, packet)
        return (
            f"pass `training`, as in `F.{function}(x, training=self.training)`: without it, the function drops values "
            "in evaluation mode too"
        )

    @contextmanager
    def setting_item(self) -> Generator[None]:
        """Inside, what is written loses leading axes of size 1 that the place it goes to does not have."""
        before, self._strips = self._strips, True
        try:
            yield
        finally:
            self._strips = before

    def _without_leading(self, tensor: torch.Tensor, rank: int) -> torch.Tensor:
        while tensor.dim() > rank:
            size = tensor.size(0)
            if isinstance(size, torch.SymInt):
                self.symbols.check(sympy.Eq(size.node.expr, 1), RuntimeError, "expand: too few dimensions")
            tensor = self.call("select.int", overload_of("select.int"), [tensor, 0, 0])
        return tensor

    def call(self, name: str, func: Any, arguments: list[Value]) -> Value:
        """Run a functional overload on fake tensors and emit it."""
        if self._strips and name == "expand.default" and is_symbolic(arguments):
            arguments = [self._without_leading(arguments[0], len(arguments[1])), *arguments[1:]]
        tensors = [value for value in _flat(arguments) if isinstance(value, torch.Tensor)]
        check_dtypes(name.partition(".")[0], tensors)
        positional, keywords = _split(name, arguments)
        self.dtypes.check(func, positional, keywords)
        if is_symbolic(arguments):
            self.trials.check_not_empty(name, func, positional, keywords)
            out = self.trials.run(name, func, positional, keywords)
        else:
            out = self.geometries.run(func, positional, keywords)
            if any(0 in tensor.size() for tensor in tensors):
                fail_as_eager(func, positional, keywords)
        if isinstance(out, tuple | list):
            out = self._apart(arguments, out)
        outputs = [tensor for tensor in _flat(out) if isinstance(tensor, torch.Tensor)]
        check_held(f"`{name.partition('.')[0]}`, which gives a tensor", outputs)
        if not outputs or all(self.heap.knows(tensor) for tensor in outputs):
            return out
        source = unchanged(name, arguments, outputs[0])
        if source is not None:
            self.heap.add(outputs[0], self.heap.value(source))
            return out
        if self.is_guarded():
            check_indices(self, name, arguments)
        name, arguments = normalize(name, arguments, outputs[0])
        name, arguments = with_numbers(name, arguments)
        self._emit(name, arguments, outputs)
        return out

    def _apart(self, arguments: list[Value], outputs: Sequence[Value]) -> Sequence[Value]:
        """Give results memory of their own where a new memory holds several, as the parts of one `nonzero`."""
        seen = {storage_of(value) for value in _flat(arguments) if isinstance(value, torch.Tensor)}
        apart: list[Value] = []
        new: set[int] = set()
        for value in outputs:
            if isinstance(value, torch.Tensor) and storage_of(value) not in seen:
                if storage_of(value) in new:
                    value = self.empty_like(value)
                new.add(storage_of(value))
            apart.append(value)
        return outputs if all(a is b for a, b in zip(outputs, apart, strict=True)) else apart

    def _emit(self, name: str, arguments: list[Value], outputs: list[torch.Tensor]) -> None:
        inputs = [tensor for tensor in _flat(arguments) if isinstance(tensor, torch.Tensor)]
        by_storage = {storage_of(tensor): tensor for tensor in reversed(inputs)}
        kinds = [parameter.kind for parameter in schema_of(name).parameters]
        lower = [lower_argument(value, kind, self) for value, kind in zip(arguments, kinds, strict=True)]
        types = tuple(map(type_of, outputs))
        op = self.heap.builder.emit(AtenOp(name, lower, types))
        for index, (tensor, ssa) in enumerate(zip(outputs, op.res, strict=True)):
            self.symbols.learn_sizes(tensor, ssa)
            parent = by_storage.get(storage_of(tensor))
            if parent is None:
                self.heap.add(tensor, ssa)
            elif not self.heap.knows(tensor):
                marked = [PARENT if value is parent else low for value, low in zip(arguments, lower, strict=True)]
                self.heap.add_view(tensor, parent, ViewCall(name, tuple(marked), types, index), ssa)

    def _item(self, func: Any, tensor: torch.Tensor) -> Value:
        fake = self.fake(tensor)
        symbol = func(fake)
        if isinstance(symbol, SYMBOLIC):
            self.symbols.bind(symbol, self.heap.builder.emit(ItemOp(self.heap.value(fake))).scalar)
        return symbol


def _drops(name: str, packet: str, arguments: Sequence[Value]) -> str | None:
    """Return the parameter by which an operation that does more than that drops values, None where it does not."""
    if name in _LAYERS:
        rate = _LAYERS[name]
        layers, dropout, train = arguments[rate - 1 : rate + 2]
        return "dropout" if train and dropout and layers > 1 else None
    place = RANDOM_ARGUMENTS.get(packet)
    return "dropout_p" if place is not None and arguments[place] else None


def refuse_training() -> NoReturn:
    raise Refusal(
        "a normalisation in training mode",
        "it would update its running statistics in every call",
        "call `.eval()` on the model first",
    )


def _split(name: str, arguments: list[Value]) -> tuple[list[Value], dict[str, Value]]:
    parameters = schema_of(name).parameters
    positional = [value for value, parameter in zip(arguments, parameters, strict=True) if not parameter.keyword_only]
    keywords = {
        parameter.name: value for value, parameter in zip(arguments, parameters, strict=True) if parameter.keyword_only
    }
    return positional, keywords


def _map(value: Value, change: Callable[[torch.Tensor], torch.Tensor]) -> Value:
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, list | tuple):
        return [_map(item, change) for item in value]
    return value


def _flat(value: Value) -> list[Value]:
    if isinstance(value, list | tuple):
        return [item for part in value for item in _flat(part)]
    return [value]
