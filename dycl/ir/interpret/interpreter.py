"""`interpret`: a call of one function of a module."""

from collections.abc import Sequence

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation
from xdsl.traits import SymbolOpInterface

from dycl.errors import DyclError, UsageError
from dycl.ir.interpret.control import CONTROL_SEMANTICS
from dycl.ir.interpret.execution import (
    Activation,
    Decide,
    Machine,
    Observe,
    Semantics,
    Value,
    check,
    describe_value,
    has_type,
    run_block,
)
from dycl.ir.interpret.scalars import SCALAR_SEMANTICS
from dycl.ir.interpret.tensors import TENSOR_SEMANTICS
from dycl.ir.weights import WeightStore

SEMANTICS: Semantics = {**CONTROL_SEMANTICS, **SCALAR_SEMANTICS, **TENSOR_SEMANTICS}
"""Every op that can run inside a function, with what it does."""


def interpret(
    module: ModuleOp,
    weights: WeightStore,
    inputs: Sequence[Value],
    *,
    function: str = "main",
    decide: Decide | None = None,
    observe: Observe | None = None,
) -> tuple[Value, ...]:
    """Run a function of a module, at any stage of compilation, and return its results: tensors and Python scalars.

    Every value is checked against the type that the program gives it. `decide` is called at each `dycl.if` (a bool),
    `dycl.switch` (an int) and condition of a `dycl.while` (a bool) with the op and the side it would take, and returns
    the side to take. `observe` is called after each op that completes, with the values of its operands and results.
    Tensors are not copied: a result may share memory with an input or a weight.

    Raises:
        UsageError: there is no such function, or the inputs are not what it takes
        DyclError: an op fails, or gives a value that is not of its result's type
        AssertionError: the condition of a `dycl.assert` does not hold, or an index is out of range
        ZeroDivisionError, ValueError, OverflowError: as Python, of a division by zero, a loop's step of zero, or a
            float that is no integer
    """
    symbols = {name: op for op in module.body.block.ops if (name := _symbol(op)) is not None}
    entry = symbols.get(function)
    if not isinstance(entry, FuncOp):
        raise UsageError(f"the module has no func.func @{function}")
    machine = Machine(SEMANTICS, symbols, weights, decide, observe)
    _check_inputs(entry, inputs, machine)
    results = _run(entry, inputs, machine)
    outputs = entry.function_type.outputs.data
    if len(results) != len(outputs):
        raise DyclError(f"@{function} gave {len(results)} values, not {len(outputs)}")
    for value, type in zip(results, outputs, strict=True):
        check(value, type, machine, entry)
    return tuple(results)


def _run(entry: FuncOp, inputs: Sequence[Value], machine: Machine) -> Sequence[Value]:
    import torch

    with torch.no_grad():
        return run_block(entry.body.block, inputs, Activation(machine)).values


def _check_inputs(entry: FuncOp, inputs: Sequence[Value], machine: Machine) -> None:
    name, arguments = entry.sym_name.data, entry.args
    if len(inputs) != len(arguments):
        raise UsageError(f"@{name} takes {len(arguments)} inputs, not {len(inputs)}")
    for index, (value, argument) in enumerate(zip(inputs, arguments, strict=True)):
        if not has_type(value, argument.type, machine):
            which = argument.name_hint or index
            raise UsageError(f"input {which} of @{name} must be {argument.type}, not {describe_value(value)}")


def _symbol(op: Operation) -> str | None:
    trait = op.get_trait(SymbolOpInterface)
    name = trait.get_sym_attr_name(op) if trait else None
    return name.data if name else None
