"""How a block runs: its ops in order, each by the semantics of its type, until the one that leaves it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from xdsl.dialects.builtin import TensorType, f64, i1, i64
from xdsl.ir import Attribute, Block, Operation, SSAValue

from dycl.errors import DyclError, an
from dycl.ir.locations import describe
from dycl.ir.schema import torch_dtype
from dycl.ir.types import element_of, shape_of
from dycl.ir.weights import WeightStore

if TYPE_CHECKING:
    import torch

Value: TypeAlias = "torch.Tensor | bool | int | float"

Decide: TypeAlias = Callable[[Operation, bool | int], bool | int]
"""Given an op that branches and the side it would take, returns the side to take."""

Observe: TypeAlias = Callable[[Operation, Sequence[Value], Sequence[Value]], None]
"""Is shown each op that completes, with the values of its operands and of its results (none of a terminator)."""


@dataclass(frozen=True, slots=True)
class Exit:
    """The terminator that ended a block, and the values it carries."""

    op: Operation
    values: Sequence[Value]
    condition: bool = True
    """Of a `dycl.condition`, whether the loop goes on."""


Outcome: TypeAlias = Sequence[Value] | Exit
"""What running an op gives: its results, or where it leaves its block, the exit."""

Semantics: TypeAlias = Mapping[type[Operation], Callable[..., Outcome]]
"""By op type: a function of the op and the activation."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What all activations of one call share."""

    semantics: Semantics
    symbols: Mapping[str, Operation]
    weights: WeightStore
    decide: Decide | None
    observe: Observe | None
    expectations: "dict[Attribute, tuple[torch.dtype, tuple[int | None, ...]]]" = field(
        default_factory=dict[Attribute, "tuple[torch.dtype, tuple[int | None, ...]]"]
    )


@dataclass(frozen=True, slots=True)
class Activation:
    """One running call of a function or a kernel: the machine, and the values so far."""

    machine: Machine
    values: dict[SSAValue, Value] = field(default_factory=dict[SSAValue, Value])

    def __getitem__(self, value: SSAValue) -> Value:
        return self.values[value]

    def all(self, values: Sequence[SSAValue]) -> list[Value]:
        return [self.values[value] for value in values]

    def fresh(self) -> "Activation":
        return replace(self, values={})

    def decision(self, op: Operation, natural: bool | int) -> bool | int:
        decide = self.machine.decide
        return natural if decide is None else decide(op, natural)


def run_block(block: Block, arguments: Sequence[Value], activation: Activation) -> Exit:
    """Run a block on `arguments` and return how it was left: by its own terminator, or by one nested in it."""
    machine, values = activation.machine, activation.values
    semantics, observe = machine.semantics, machine.observe
    if len(arguments) != len(block.args):
        raise DyclError(f"a block takes {len(block.args)} values, not {len(arguments)}, at {_place_of(block)}")
    for parameter, value in zip(block.args, arguments, strict=True):
        check(value, parameter.type, machine, block.parent_op(), "took")
        values[parameter] = value
    for op in block.ops:
        run = semantics.get(type(op))
        if run is None:
            raise DyclError(f"{op.name} cannot be run, at {describe(op)}")
        outcome = run(op, activation)
        if isinstance(outcome, Exit):
            if observe is not None and outcome.op is op:
                observe(op, activation.all(op.operands), ())
            return outcome
        if len(outcome) != len(op.results):
            raise DyclError(f"{title(op)} gave {len(outcome)} values, not {len(op.results)}, at {describe(op)}")
        for result, value in zip(op.results, outcome, strict=True):
            check(value, result.type, machine, op)
            values[result] = value
        if observe is not None:
            observe(op, activation.all(op.operands), outcome)
    raise DyclError(f"a block ends without a terminator, at {_place_of(block)}")


def check(value: Value, type: Attribute, machine: Machine, op: Operation | None, verb: str = "gave") -> None:
    """Check that a value is of a type: a wrong one betrays a wrong pass or a wrong frontend.

    Raises:
        DyclError: it is not
    """
    if not has_type(value, type, machine):
        subject, place = (title(op), describe(op)) if op else ("a block", "an unknown place")
        raise DyclError(f"{subject} {verb} {describe_value(value)} where the program says {type}, at {place}")


def has_type(value: Value, type: Attribute, machine: Machine) -> bool:
    if isinstance(value, bool):
        return type == i1
    if isinstance(value, int):
        return type == i64
    if isinstance(value, float):
        return type == f64
    if not isinstance(type, TensorType):
        return False
    expected = machine.expectations.get(type)
    if expected is None:
        expected = machine.expectations[type] = (torch_dtype(element_of(type)), shape_of(type))
    dtype, sizes = expected
    shape = value.shape
    if value.dtype is not dtype or len(shape) != len(sizes):
        return False
    return all(general is None or size == general for size, general in zip(shape, sizes, strict=True))


def title(op: Operation) -> str:
    """Return the op's name, with what it calls: `dycl.aten relu.default`, `dycl.launch @k0`."""
    for key in ("overload", "callee", "sym_name", "key"):
        named = op.properties.get(key)
        if named is not None:
            return f"{op.name} {named}".replace('"', "")
    return op.name


def describe_value(value: Value) -> str:
    if isinstance(value, bool | int | float):
        return f"the {type(value).__name__} {value}"
    return f"{an(str(value.dtype).removeprefix('torch.'))} tensor of shape {list(value.shape)}"


def _place_of(block: Block) -> str:
    op = block.parent_op()
    return describe(op) if op else "an unknown place"
