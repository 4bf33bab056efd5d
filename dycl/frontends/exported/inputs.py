"""What an exported program takes: its tensor inputs as a signature, and what the user gave for the rest.

Sizes that were exported as dynamic have names: the user's, where torch still knows them, else torch's (`s77`). A nested
input is one input for each tensor in it, by torch's names for these: `pair_0`, `batch_mask`.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy
import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, TensorArgument
from torch.utils import _pytree as pytree

from dycl.errors import DyclError, UsageError
from dycl.frontends.exported.diagnostics import UnsupportedNode
from dycl.frontends.exported.sizes import Sizes, expression_of
from dycl.ir.schema import element_type
from dycl.ir.types import DTYPE_NAMES
from dycl.runtime.signature import Input, Signature, Size


@dataclass(frozen=True)
class UserInput:
    """One leaf of what the user passes: a tensor, or a constant that the export has taken as fixed."""

    name: str
    accessor: str
    """Where torch's guards find it: `L['pair'][0]`."""
    node: fx.Node
    tensor: torch.Tensor | None
    constant: object = None


@dataclass(frozen=True)
class Inputs:
    signature: Signature
    sizes: Sizes
    leaves: tuple[UserInput, ...]
    """In the order in which the user passes them, constants too."""


def read_inputs(exported: ExportedProgram, given: Signature | None = None) -> Inputs:
    """Return the inputs of an exported program.

    `given` may set dynamic sizes to numbers, or rename them.

    Raises:
        UsageError: `given` is not a signature that the program has
        UnsupportedNode: an input is no tensor
    """
    leaves = tuple(user_inputs(exported))
    namer = _Namer(exported)
    inputs = [_input(leaf, leaf.tensor, namer) for leaf in leaves if leaf.tensor is not None]
    signature = Signature(tuple(inputs), namer.bounds)
    if given is None:
        return Inputs(signature, Sizes(), leaves)
    renamed, numbers = _fit(signature, given)
    symbols = _solve({namer.expressions[name]: number for name, number in numbers.items()})
    return Inputs(renamed, Sizes(symbols), leaves)


def user_inputs(exported: ExportedProgram) -> Iterator[UserInput]:
    """Yield the leaves of what the user passes, in order.

    Raises:
        UnsupportedNode: one is known only at run time and no tensor
    """
    nodes = [node for node in exported.graph.nodes if node.op == "placeholder"]
    pairs = zip(nodes, exported.graph_signature.input_specs, strict=True)
    users = [(node, spec.arg) for node, spec in pairs if spec.kind is InputKind.USER_INPUT]
    accessors = _accessors(exported, len(users))
    for (node, argument), (name, accessor) in zip(users, accessors, strict=True):
        match argument:
            case TensorArgument():
                yield UserInput(name or argument.name, accessor, node, node.meta["val"])
            case ConstantArgument(value=value):
                yield UserInput(name or argument.name, accessor, node, None, value)
            case _:
                raise UnsupportedNode(
                    f"the input `{name or argument.name}`, a number known only at run time",
                    node.name,
                    reason="a program takes tensors",
                    advice="pass it as a tensor and take its `.item()`, or export it as a constant",
                )


def _accessors(exported: ExportedProgram, count: int) -> Iterator[tuple[str, str]]:
    """Yield for each leaf its argument's name, where it is the whole argument, and where guards find it."""
    entry = exported.module_call_graph[0].signature
    names = (entry.forward_arg_names if entry is not None else None) or []
    spec = exported.call_spec.in_spec
    assert spec is not None
    args, kwargs = pytree.tree_unflatten(list(range(count)), spec)
    values: list[Any] = [*args, *kwargs.values()]
    names = [*names, *(f"arg{index}" for index in range(len(names), len(values)))]
    for name, value in zip(names, values, strict=False):
        for path, _ in pytree.tree_flatten_with_path(value)[0]:
            yield ("" if path else name), f"L['{name}']{pytree.keystr(path)}"


@dataclass
class _Namer:
    """Gives names to dynamic sizes."""

    exported: ExportedProgram
    bounds: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    expressions: dict[str, sympy.Expr] = field(default_factory=dict[str, sympy.Expr])
    _names: dict[sympy.Expr, str] = field(default_factory=dict[sympy.Expr, str])

    def size(self, leaf: UserInput, axis: int, size: int | torch.SymInt) -> Size:
        expression = expression_of(size)
        if expression.is_Integer:
            return int(str(expression))
        if expression not in self._names:
            name = self._users_name(leaf, axis, size)
            if name is None:
                name = str(expression) if isinstance(expression, sympy.Symbol) else f"{leaf.name}_{axis}"
            self._names[expression] = name
            self.expressions[name] = expression
            bounds = _bounds(self.exported.range_constraints.get(expression))  # pyright: ignore[reportArgumentType]: keys are expressions too
            if bounds is not None:
                self.bounds[name] = bounds
        return self._names[expression]

    def _users_name(self, leaf: UserInput, axis: int, size: Any) -> str | None:
        """Return the `Dim`'s name: torch forgets it when it saves the program."""
        names: Mapping[str, str] = getattr(size.node.shape_env, "source_name_to_debug_name", {})
        found = names.get(f"{leaf.accessor}.size()[{axis}]", "")
        return found if found.isidentifier() and found not in self.expressions else None


def _bounds(values: Any) -> tuple[int, int] | None:
    """Return what torch checks of a size, None for nothing.

    It takes 2 as the least size where it has seen no smaller one, and does not insist on it.
    """
    if values is None:
        return None
    low, high = (int(bound) if bound.is_Integer else None for bound in (values.lower, values.upper))
    least = 0 if low is None or low <= 2 else low
    if high is None:
        return (least, sys.maxsize) if least else None
    return least, high


def _input(leaf: UserInput, tensor: torch.Tensor, namer: _Namer) -> Input:
    try:
        dtype = DTYPE_NAMES[element_type(tensor.dtype)]
    except DyclError as error:
        raise UnsupportedNode(f"the input `{leaf.name}`: {error}", leaf.node.name) from None
    return Input(leaf.name, dtype, tuple(namer.size(leaf, axis, size) for axis, size in enumerate(tensor.size())))


def _fit(own: Signature, given: Signature) -> tuple[Signature, dict[str, int]]:
    """Return the given signature with the program's bounds, and the numbers that it gives to the program's names.

    Raises:
        UsageError: the program does not have that signature
    """
    shown = f"the exported program takes {own}"
    if [(input.name, input.dtype) for input in given.inputs] != [(input.name, input.dtype) for input in own.inputs]:
        raise UsageError(f"the signature is {given}, but {shown}")
    found: dict[str, Size] = {}
    for mine, yours in zip(own.inputs, given.inputs, strict=True):
        if len(mine.shape) != len(yours.shape):
            raise UsageError(f"the signature has {yours}, but {shown}")
        for size, wanted in zip(mine.shape, yours.shape, strict=True):
            if found.setdefault(size, wanted) != wanted if isinstance(size, str) else size != wanted:
                raise UsageError(f"the signature has {yours}, but {shown}")
    names = {new: old for old, new in found.items() if isinstance(new, str)}
    if len(names) != sum(isinstance(new, str) for new in found.values()):
        raise UsageError(f"the signature gives two sizes one name: {shown}")
    bounds: dict[str, tuple[int, int]] = {}
    numbers: dict[str, int] = {}
    for old, new in found.items():
        low, high = own.bounds.get(old, (0, sys.maxsize))
        if isinstance(new, int):
            if not low <= new <= high:
                raise UsageError(f"{new} is no size {old}: {shown}")
            numbers[old] = new
            continue
        stated = given.bounds.get(new, (low, high))
        low, high = max(low, stated[0]), min(high, stated[1])
        if (low, high) != (0, sys.maxsize):
            bounds[new] = (low, high)
    return Signature(given.inputs, bounds), numbers


def _solve(numbers: Mapping[sympy.Expr, int]) -> dict[sympy.Symbol, int]:
    """Return the symbols for which expressions, linear ones of one symbol, have these values.

    Raises:
        UsageError: there are none
    """
    solved: dict[sympy.Symbol, int] = {}
    for expression, number in numbers.items():
        for symbol in expression.free_symbols:
            assert isinstance(symbol, sympy.Symbol)
            solutions: list[Any] = sympy.solve(expression - number, symbol)
            if len(solutions) != 1 or not solutions[0].is_Integer:
                raise UsageError(f"{number} is no size {expression}")
            value = int(solutions[0])
            if solved.setdefault(symbol, value) != value:
                raise UsageError(f"the sizes given disagree: {symbol} cannot be both {solved[symbol]} and {value}")
    return solved
