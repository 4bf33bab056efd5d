"""A program: the one thing that frontends make, passes change and backends take."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, BlockArgument, Region
from xdsl.traits import SymbolTable

from dycl.errors import DyclError
from dycl.ir.types import DTYPE_NAMES, ELEMENT_TYPES, element_of, is_tensor, shape_of, tensor_type
from dycl.ir.weights import WeightStore
from dycl.runtime.signature import Input, Signature, Size
from dycl.runtime.structure import Structure, default_structure, from_json, to_json

ENTRY = "main"
"""The symbol of a program's entry function."""

_NAME = "dycl.name"
_SIZES = "dycl.sizes"
_BOUNDS = "dycl.bounds"
_STRUCTURE = "dycl.structure"
_STATE = "dycl.state"


@dataclass(frozen=True)
class StateInput:
    """An input that the runtime carries from call to call, not the caller's, and the weight that is its first value."""

    input: Input
    key: str


@dataclass
class Program:
    """A module whose function `main` is the entry, and the weights that its `dycl.param` ops name.

    The signature and the output structure are attributes of `main`, so that the module's text is the whole program
    but for the weights.
    """

    module: ModuleOp
    weights: WeightStore
    classes: Mapping[str, type] = field(default_factory=dict[str, type])
    """The classes of named tuples and dataclasses in the output structure, by the names that it has for them.

    They are known in the process that imported the program from a module, and are no part of its text.
    """

    @property
    def main(self) -> FuncOp:
        """The entry function.

        Raises:
            DyclError: the module has none
        """
        found = SymbolTable.lookup_symbol(self.module, ENTRY)
        if not isinstance(found, FuncOp):
            raise DyclError(f"the module has no func.func @{ENTRY}, the entry of a program")
        return found

    @property
    def signature(self) -> Signature:
        """The inputs, from the types and attributes of `main`; one that has no name there has its SSA name, or `argN`.

        Raises:
            DyclError: an argument is a host scalar
        """
        main = self.main
        bounds = main.attributes.get(_BOUNDS)
        attributes = main.arg_attrs.data if main.arg_attrs else [DictionaryAttr({})] * len(main.args)
        inputs = [
            _input(index, argument, found.data)
            for index, (argument, found) in enumerate(zip(main.args, attributes, strict=True))
        ]
        return Signature(tuple(inputs), _read_bounds(bounds))

    @property
    def state(self) -> Sequence[StateInput]:
        """The inputs that the program carries from call to call: the last ones of its signature."""
        attributes = self.main.arg_attrs.data if self.main.arg_attrs else []
        keys = [found.data.get(_STATE) for found in attributes]
        inputs = self.signature.inputs
        pairs = zip(inputs[len(inputs) - len(keys) :], keys, strict=True)
        return [StateInput(input, key.data) for input, key in pairs if isinstance(key, StringAttr)]

    @property
    def structure(self) -> Structure:
        """How `main`'s results are arranged: for the caller, or with state as a pair, the other part of which is the
        state's new values."""
        main = self.main
        text = main.attributes.get(_STRUCTURE)
        if isinstance(text, StringAttr):
            return from_json(json.loads(text.data))
        return default_structure(len(main.function_type.outputs))


def entry_function(
    signature: Signature,
    results: Sequence[Attribute],
    body: Region,
    structure: Structure,
    state: Sequence[StateInput] = (),
) -> FuncOp:
    """Return the function `main` of a program; `body`'s arguments are the signature's inputs in order, state last."""
    types = [argument_type(input) for input in signature.inputs]
    keys = {entry.input.name: entry.key for entry in state}
    attributes = [DictionaryAttr(_argument_attributes(input, keys.get(input.name))) for input in signature.inputs]
    function = FuncOp(ENTRY, (types, list(results)), body, arg_attrs=ArrayAttr(attributes))
    function.attributes[_STRUCTURE] = StringAttr(json.dumps(to_json(structure)))
    if signature.bounds:
        function.attributes[_BOUNDS] = DictionaryAttr(
            {
                name: ArrayAttr([IntegerAttr(low, i64), IntegerAttr(high, i64)])
                for name, (low, high) in signature.bounds.items()
            }
        )
    return function


def argument_type(input: Input) -> Attribute:
    """Return the tensor type of an input; a size with a name is `?`."""
    sizes = [size if isinstance(size, int) else None for size in input.shape]
    return tensor_type(sizes, ELEMENT_TYPES[input.dtype])


def _argument_attributes(input: Input, state: str | None) -> dict[str, Attribute]:
    attributes: dict[str, Attribute] = {_NAME: StringAttr(input.name)}
    if state is not None:
        attributes[_STATE] = StringAttr(state)
    if not all(isinstance(size, int) for size in input.shape):
        attributes[_SIZES] = ArrayAttr([StringAttr(str(size)) for size in input.shape])
    return attributes


def _input(index: int, argument: BlockArgument, attributes: Mapping[str, Attribute]) -> Input:
    type = argument.type
    if not is_tensor(type):
        raise DyclError(
            f"input {argument.name_hint or index} of @{ENTRY} is a host scalar, {type}: "
            "a program takes tensors; read it from one with dycl.item"
        )
    name = attributes.get(_NAME)
    names = attributes.get(_SIZES)
    sizes: list[Size] = []
    for axis, size in enumerate(shape_of(type)):
        if size is not None:
            sizes.append(size)
        elif isinstance(names, ArrayAttr) and isinstance(found := names.data[axis], StringAttr):
            sizes.append(found.data)
        else:
            sizes.append(f"n{index}_{axis}")
    return Input(
        name.data if isinstance(name, StringAttr) else argument.name_hint or f"arg{index}",
        DTYPE_NAMES[element_of(type)],
        tuple(sizes),
    )


def _read_bounds(attribute: Attribute | None) -> dict[str, tuple[int, int]]:
    bounds: dict[str, tuple[int, int]] = {}
    if isinstance(attribute, DictionaryAttr):
        for name, pair in attribute.data.items():
            match pair:
                case ArrayAttr(data=(IntegerAttr() as low, IntegerAttr() as high)):
                    bounds[name] = (low.value.data, high.value.data)
                case _:
                    raise ValueError(f"{_BOUNDS} of {name} must be two integers, not {pair}")
    return bounds
