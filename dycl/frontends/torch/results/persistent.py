"""State that a program carries from call to call: attributes that the user has named.

Each becomes inputs of the program, one for each tensor or number in it, and parts of its result. At the start of a call
the attribute holds the inputs, at every exit it is read again. Its structure stays what it is when the program is
captured; a size of a tensor that a call may change is known only at run time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn
from xdsl.ir import Attribute, BlockArgument

from dycl.errors import DyclError, UsageError
from dycl.frontends.torch.capture import Capture, Exit
from dycl.frontends.torch.paths.journal import AttributeSlot
from dycl.frontends.torch.values import Choice, Kind, Scalar, Value, is_number, kind_of
from dycl.ir.ops import ItemOp
from dycl.ir.schema import element_type
from dycl.ir.types import DTYPE_NAMES, ELEMENT_TYPES, element_of, is_tensor, shape_of
from dycl.ir.weights import WeightStore
from dycl.program import StateInput
from dycl.runtime.signature import Input, Size
from dycl.runtime.structure import Fixed, Group, Leaf, Structure

MAX_SIZE = 2**31 - 1
"""The greatest size that a tensor may grow to."""

_CONTAINERS = (list, tuple, dict)
_DTYPES = {bool: torch.bool, int: torch.int64, float: torch.float64}


@dataclass
class Part:
    """A tensor or number of the state: what it is at first, and the input that it becomes."""

    name: str
    """Where it is: the attribute, and keys in it."""
    initial: torch.Tensor
    kind: Kind | None
    """Of a number."""
    shape: tuple[Size, ...]

    @property
    def input(self) -> Input:
        return Input(self.name, DTYPE_NAMES[element_type(self.initial.dtype)], self.shape)

    @property
    def bounds(self) -> Mapping[str, tuple[int, int]]:
        return {size: (0, MAX_SIZE) for size in self.shape if isinstance(size, str)}


@dataclass
class Named:
    """An attribute that the user has named."""

    path: str
    owner: nn.Module
    name: str
    initial: Value


@dataclass
class Persistent:
    attributes: list[Named]
    parts: list[Part]
    exits: list[Exit] = field(default_factory=list[Exit])
    """Those of the program; a function of its own that the program calls has others."""

    def key(self, part: Part) -> str:
        """Return the name that the initial value of a part has among the weights."""
        return f"state.{part.name}"

    @property
    def inputs(self) -> list[StateInput]:
        return [StateInput(part.input, self.key(part)) for part in self.parts]

    def add_weights(self, store: WeightStore) -> None:
        for part in self.parts:
            store.add(self.key(part), part.initial)

    def begin(self, capture: Capture, arguments: Sequence[BlockArgument]) -> None:
        """Let the attributes hold the program's arguments."""
        values = iter([self._begun(capture, *pair) for pair in zip(self.parts, arguments, strict=True)])
        for attribute in self.attributes:
            held = _rebuilt(capture, attribute.initial, values)
            capture.state.carried.add((id(attribute.owner), attribute.name))
            capture.journal.write(AttributeSlot(attribute.owner, attribute.name), held)
        self.exits = capture.exits

    def _begun(self, capture: Capture, part: Part, argument: BlockArgument) -> Value:
        named = capture.symbols.named
        sizes = [size if isinstance(size, int) else named(size, part.bounds[size]) for size in part.shape]
        tensor = capture.recorder.quietly(lambda: torch.empty(sizes, dtype=part.initial.dtype))
        capture.heap.add(tensor, argument)
        capture.symbols.learn_sizes(tensor, argument)
        return tensor if part.kind is None else Scalar(capture.builder.emit(ItemOp(argument)).scalar)

    def values(self, capture: Capture) -> tuple[Value, ...]:
        """Return what the parts are now.

        Raises:
            CaptureError: they are of another structure than at first
        """
        found: list[Value] = []
        for attribute in self.attributes:
            value = AttributeSlot(attribute.owner, attribute.name).read()
            for name, initial, now in _pairs(capture, attribute.path, attribute.initial, value):
                found.append(_checked(capture, name, initial, now))
        return tuple(found)

    def widen(self, structure: Structure, types: Sequence[Attribute]) -> bool:
        """Widen the parts to what the exits leave in them; return whether any was.

        Raises:
            UsageError: a call leaves a tensor of another rank
        """
        assert isinstance(structure, Group)
        changed = False
        for part, item in zip(self.parts, structure.items, strict=True):
            if isinstance(item, Fixed):
                continue
            if not isinstance(item, Leaf):
                raise _unstable(part.name, "is of several types, depending on the path")
            type = types[item.index]
            if not is_tensor(type):
                continue
            have = [size if isinstance(size, int) else None for size in part.shape]
            if len(shape_of(type)) != len(have):
                raise _unstable(part.name, f"is of rank {len(have)} at first and of rank {len(shape_of(type))} later")
            if element_of(type) != ELEMENT_TYPES[part.input.dtype]:
                raise _unstable(part.name, f"is {part.input.dtype} at first and {DTYPE_NAMES[element_of(type)]} later")
            shape = tuple(
                size if size == new else f"{part.name}_{axis}"
                for axis, (size, new) in enumerate(zip(part.shape, shape_of(type), strict=True))
            )
            changed = changed or shape != part.shape
            part.shape = shape
        return changed


def _unstable(name: str, how: str) -> DyclError:
    return UsageError(f"the state {name!r} cannot be carried from call to call: it {how}")


def persistent(module: nn.Module, paths: Sequence[str]) -> Persistent | None:
    """Return the state that attributes, given as `name` or `part.of.model.name`, are.

    Raises:
        UsageError: there is no such attribute, or it holds something else than tensors and numbers
    """
    if not paths:
        return None
    attributes = [_attribute(module, path) for path in dict.fromkeys(paths)]
    parts = [part for attribute in attributes for part in _parts(attribute.path, attribute.initial)]
    return Persistent(attributes, parts)


def _attribute(module: nn.Module, path: str) -> Named:
    prefix, _, name = path.rpartition(".")
    try:
        owner = module.get_submodule(prefix)
        initial: Value = getattr(owner, name)
    except AttributeError:
        raise UsageError(
            f"--state {path}: {type(module).__name__} has no attribute {path!r} when it is compiled"
        ) from None
    if isinstance(initial, nn.Parameter | nn.Module) or callable(initial):
        raise UsageError(f"--state {path}: a {type(initial).__name__} is no state: only tensors and numbers are")
    return Named(path, owner, name, initial)


def _parts(name: str, value: Value) -> Iterator[Part]:
    if isinstance(value, _CONTAINERS):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _parts(f"{name}[{key!r}]", item)
    elif isinstance(value, torch.Tensor):
        yield Part(name, value.detach().clone().contiguous().cpu(), None, tuple(value.shape))
    elif isinstance(value, bool | int | float):
        yield Part(name, torch.tensor(value, dtype=_DTYPES[type(value)]), type(value), ())
    else:
        shown = "None" if value is None else f"a {type(value).__name__}"
        raise UsageError(
            f"--state {name}: it is {shown} when the model is compiled, and only tensors, numbers, and lists, tuples "
            "and dicts of these are carried; give it a first value, such as zeros, in `__init__`"
        )


def _rebuilt(capture: Capture, initial: Value, values: Iterator[Value]) -> Value:
    if isinstance(initial, dict):
        return capture.born({key: _rebuilt(capture, item, values) for key, item in initial.items()})
    if isinstance(initial, list):
        return capture.born([_rebuilt(capture, item, values) for item in initial])
    if isinstance(initial, tuple):
        items = [_rebuilt(capture, item, values) for item in initial]
        return type(initial)(*items) if hasattr(initial, "_fields") else tuple(items)
    return next(values)


def _pairs(capture: Capture, name: str, initial: Value, now: Value) -> Iterator[tuple[str, Value, Value]]:
    now = capture.usable(now)
    if not isinstance(initial, _CONTAINERS):
        yield name, initial, now
        return
    keys = list(initial) if isinstance(initial, dict) else list(range(len(initial)))
    same = type(now) is type(initial) and len(now) == len(initial)
    if not same or (isinstance(now, dict) and list(now) != keys):
        raise _changed(capture, name, f"a {type(initial).__name__} of {len(initial)}", now)
    for key in keys:
        yield from _pairs(capture, f"{name}[{key!r}]", initial[key], now[key])


def _checked(capture: Capture, name: str, initial: Value, now: Value) -> Value:
    if isinstance(initial, torch.Tensor):
        if isinstance(now, torch.Tensor) and now.dtype == initial.dtype and now.dim() == initial.dim():
            return now
        raise _changed(capture, name, f"a tensor of {initial.dtype} and rank {initial.dim()}", now)
    if is_number(now) and kind_of(now) is type(initial):
        return now
    raise _changed(capture, name, f"a {type(initial).__name__}", now)


def _changed(capture: Capture, name: str, first: str, now: Value) -> Exception:
    if isinstance(now, torch.Tensor):
        shown = f"a tensor of {now.dtype} and rank {now.dim()}"
    elif isinstance(now, Choice):
        shown = "one of several objects, depending on the path"
    elif isinstance(now, _CONTAINERS):
        shown = f"a {type(now).__name__} of {len(now)}"
    else:
        shown = "None" if now is None else f"a {kind_of(now).__name__ if is_number(now) else type(now).__name__}"
    return capture.error(
        f"the state `{name}` is {first} when the model is compiled, and {shown} after this call",
        "what is carried from call to call keeps its structure and types",
        "keep tensors of one dtype and rank, and numbers of one kind, in it",
    )
