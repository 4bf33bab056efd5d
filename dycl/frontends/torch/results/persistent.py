"""State that a program carries from call to call: attributes that the user has named.

Each becomes inputs of the program, one for each tensor or number in it, and parts of its result. At the start of a call
the attribute holds the inputs, at every exit it is read again. Its structure stays what it is when the program is
captured; a size of a tensor that a call may change is known only at run time.

What is made by the first call that needs it has several structures: None at first, and a tensor later. A number says
which of them it is, and inputs of the others hold zeros. They are found by capturing the program with those that are
known, and once more where a call leaves another one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn
from xdsl.ir import Attribute, BlockArgument

from dycl.errors import DyclError, UsageError, an
from dycl.frontends.torch.capture import Capture, Exit
from dycl.frontends.torch.paths.forks import choice_in, fork, replaced
from dycl.frontends.torch.paths.grown import grown_of
from dycl.frontends.torch.paths.journal import AttributeSlot
from dycl.frontends.torch.results.state_trees import (
    Part,
    Tree,
    difference,
    first_tree,
    is_filled_in,
    later_tree,
    number,
    parts_of,
    rebuilt,
    values_of,
)
from dycl.frontends.torch.values import Choice, Scalar, Value
from dycl.ir.ops import ItemOp
from dycl.ir.types import DTYPE_NAMES, ELEMENT_TYPES, element_of, is_tensor, shape_of
from dycl.ir.weights import WeightStore
from dycl.program import StateInput
from dycl.runtime.structure import Fixed, Group, Leaf, Structure

MAX_TREES = 4
"""How many structures an attribute may have."""


class StateWidened(BaseException):
    """Capture has to begin again: a call changes a size or the structure of the state that was taken to be fixed.

    Nothing in between may take it for an error of the program.
    """


@dataclass
class Named:
    """An attribute that the user has named."""

    path: str
    owner: nn.Module
    name: str
    trees: list[Tree]
    """Its structures; the first is what it has when the model is compiled."""
    which: Part | None = None
    """The number of the structure that it has, where there are several."""
    begun: list[list[Value]] = field(default_factory=list[list[Value]])
    """What the parts of each structure are at the start of a call."""

    @property
    def parts(self) -> Iterator[Part]:
        if self.which is not None:
            yield self.which
        for tree in self.trees:
            yield from parts_of(tree)

    def begin(self, capture: Capture, values: Iterator[Value]) -> Value:
        """Return what the attribute holds at the start of a call."""
        which = next(values) if self.which is not None else None
        self.begun = [[next(values) for _ in parts_of(tree)] for tree in self.trees]
        options = [rebuilt(capture, tree, iter(held)) for tree, held in zip(self.trees, self.begun, strict=True)]
        if which is None:
            return options[0]
        capture.has_choices = True
        return Choice(which, options)

    def values(self, capture: Capture, value: Value) -> tuple[Value, ...]:
        """Return what the parts are, where the attribute holds `value`.

        Raises:
            StateWidened: it has a structure that was not known
            CaptureError: it has one that is not carried
        """
        if isinstance(value, list) and grown_of(capture, value) is not None:
            raise capture.error(
                f"the state `{self.path}` is a list whose length is another one after this call",
                "what is carried from call to call keeps its structure and types, but for what is None or empty at "
                "first",
                "keep what grows as one tensor that `torch.cat` makes longer",
            )
        value = capture.usable(value)
        choice = choice_in([value])
        if choice is not None:
            return fork(capture, choice, lambda option: self.values(capture, replaced(value, choice, option)))
        for index, tree in enumerate(self.trees):
            found = values_of(capture, tree, value)
            if found is not None:
                held = [found if at == index else before for at, before in enumerate(self.begun)]
                flat = tuple(part for parts in held for part in parts)
                return flat if self.which is None else (bool(index) if self.which.kind is bool else index, *flat)
        self._widen(capture, value)
        raise StateWidened

    def _widen(self, capture: Capture, value: Value) -> None:
        # What is made later has names of its own, but for what was not there at first.
        count = len(self.trees)
        has_parts = any(True for tree in self.trees for _ in parts_of(tree))
        name = f"{self.path}[which={count}]" if has_parts else self.path
        tree = later_tree(capture, name, value)
        if count == MAX_TREES or not all(is_filled_in(known, tree) for known in self.trees):
            place, first, now = difference(capture, self.path, self.trees[0], value)
            raise capture.error(
                f"the state `{place}` is {first} when the model is compiled, and {now} after this call",
                "what is carried from call to call keeps its structure and types, but for what is None or empty at "
                "first",
                "keep tensors of one dtype and rank, and numbers of one kind, in it; what grows, as one tensor that "
                "`torch.cat` makes longer; a dict with all its keys, and None for what is made later",
            )
        self.trees.append(tree)
        first = False if count == 1 else 0
        self.which = capture.without_modes(lambda: number(f"{self.path}[which]", first))


@dataclass
class Persistent:
    attributes: list[Named]
    exits: list[Exit] = field(default_factory=list[Exit])
    """Those of the program; a function of its own that the program calls has others."""

    @property
    def parts(self) -> list[Part]:
        return [part for attribute in self.attributes for part in attribute.parts]

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
            held = attribute.begin(capture, values)
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
            StateWidened: an attribute has a structure that was not known
            CaptureError: one has a structure that is not carried
        """
        slots = [(attribute, AttributeSlot(attribute.owner, attribute.name)) for attribute in self.attributes]
        return tuple(value for attribute, slot in slots for value in attribute.values(capture, slot.read()))

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
    return Persistent(attributes)


def _attribute(module: nn.Module, path: str) -> Named:
    prefix, _, name = path.rpartition(".")
    try:
        owner = module.get_submodule(prefix)
        initial: Value = getattr(owner, name)
    except AttributeError:
        raise UsageError(
            f"--state {path}: {type(module).__name__} has no attribute {path!r} when it is compiled; "
            "set it in `__init__`, to None if it is made later"
        ) from None
    if isinstance(initial, nn.Parameter | nn.Module) or callable(initial):
        raise UsageError(f"--state {path}: {an(type(initial).__name__)} is no state: only tensors and numbers are")
    return Named(path, owner, name, [first_tree(path, initial)])
