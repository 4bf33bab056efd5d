"""The rules of a well-formed program as tables: what may be where, and what each terminator must carry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Attribute, Operation

from dycl.ir.dialect import Dycl
from dycl.ir.interpret.scalars import is_scalar_op
from dycl.ir.ops import (
    AssertOp,
    BreakOp,
    ConditionOp,
    ContinueOp,
    ForOp,
    IfOp,
    KernelOp,
    LaunchOp,
    RegionOp,
    ReturnOp,
    SwitchOp,
    WhileOp,
    YieldOp,
)
from dycl.ir.types import DTYPE_NAMES, is_scalar, shape_of

Terminator: TypeAlias = type[Operation]

TERMINATORS: tuple[Terminator, ...] = (YieldOp, ReturnOp, BreakOp, ContinueOp, ConditionOp)

SIDES: tuple[Terminator, ...] = (YieldOp, ReturnOp, BreakOp, ContinueOp)

ENDINGS: Mapping[tuple[type[Operation], int], tuple[Terminator, ...]] = {
    (FuncOp, 0): (ReturnOp,),
    (KernelOp, 0): (YieldOp,),
    (RegionOp, 0): (YieldOp,),
    (ForOp, 0): SIDES,
    (WhileOp, 0): (ConditionOp,),
    (WhileOp, 1): SIDES,
    (IfOp, 0): SIDES,
    (IfOp, 1): SIDES,
}
"""By op type and number of its region, the terminators that may end it; every region of a `switch` is as an `if`'s."""

NOT_IN_KERNELS = (AssertOp, CallOp, LaunchOp, RegionOp)

MODULE_OPS = (FuncOp, KernelOp)

_HINTS: Mapping[str, str] = {
    "func.return": "; a function ends in dycl.return",
    "builtin.unrealized_conversion_cast": "; values do not change their types",
}

_KNOWN_OPS = frozenset([*Dycl.operations, CallOp])


@dataclass(frozen=True)
class Scope:
    """What surrounds a block: where `return`, `break` and `continue` lead, None where they must not be."""

    function: FuncOp | None = None
    loop: ForOp | WhileOp | None = None
    kernel: KernelOp | RegionOp | None = None

    def inside(self, op: Operation, region: int) -> "Scope":
        """Return the scope of a region of an op in this scope."""
        match op:
            case FuncOp():
                return Scope(function=op)
            case KernelOp() | RegionOp():
                return Scope(kernel=op)
            case WhileOp() if region == 0:
                # Whether a break here would leave this loop or the one around it, a reader could not tell.
                return Scope(self.function, None, self.kernel)
            case ForOp() | WhileOp():
                return Scope(self.function, op, self.kernel)
            case _:
                return self


def endings(op: Operation, region: int) -> tuple[Terminator, ...]:
    return SIDES if isinstance(op, SwitchOp) else ENDINGS[type(op), region]


def misplaced(op: Operation, scope: Scope, parent: Operation) -> str | None:
    """Return why an op must not be where it is."""
    match op:
        case ReturnOp() if scope.function is None:
            return "dycl.return inside a region or kernel: only dycl.yield leaves it"
        case BreakOp() | ContinueOp() if scope.loop is None:
            return f"{op.name} outside of a loop's body"
        case FuncOp() | KernelOp() if not isinstance(parent, ModuleOp):
            return f"{op.name} inside {parent.name}; it must be in the module"
        case AssertOp() | CallOp() | LaunchOp() | RegionOp() if scope.kernel is not None:
            return f"{op.name} inside {scope.kernel.name}, which must be one computation"
        case _:
            if isinstance(parent, ModuleOp):
                return None if isinstance(op, MODULE_OPS) else f"{op.name} outside of a function"
            if type(op) in _KNOWN_OPS or is_scalar_op(op):
                return None
            return f"{op.name} is not an op of a program{_HINTS.get(op.name, '')}"


def is_value_type(type: Attribute) -> bool:
    """Whether values may have the type: a host scalar, or a tensor whose sizes are numbers or `?`."""
    if isinstance(type, TensorType):
        return type.get_element_type() in DTYPE_NAMES and all(size is None or size >= 0 for size in shape_of(type))
    return is_scalar(type)


@dataclass(frozen=True)
class Target:
    """What a terminator's values become."""

    what: str
    types: Sequence[Attribute]


def target(terminator: Operation, scope: Scope, parent: Operation) -> Target:
    """Return what the values of a terminator, allowed in its place, become."""
    return _TARGETS[type(terminator)](scope, parent)


def _yield_target(scope: Scope, parent: Operation) -> Target:
    match parent:
        case ForOp() | WhileOp():
            return _next_iteration(parent)
        case KernelOp():
            return Target(f"result of @{parent.symbol}", parent.function_type.outputs.data)
        case _:
            return Target(f"result of {parent.name}", parent.result_types)


def _return_target(scope: Scope, parent: Operation) -> Target:
    assert scope.function is not None
    return Target(f"result of @{scope.function.sym_name.data}", scope.function.function_type.outputs.data)


def _break_target(scope: Scope, parent: Operation) -> Target:
    assert scope.loop is not None
    return Target(f"result of {scope.loop.name}", scope.loop.result_types)


def _continue_target(scope: Scope, parent: Operation) -> Target:
    assert scope.loop is not None
    return _next_iteration(scope.loop)


def _condition_target(scope: Scope, parent: Operation) -> Target:
    return Target(f"result of {parent.name}", parent.result_types)


def _next_iteration(loop: ForOp | WhileOp) -> Target:
    arguments = loop.body.block.args[1:] if isinstance(loop, ForOp) else loop.before.block.args
    return Target(f"carried value of {loop.name}", [argument.type for argument in arguments])


_TARGETS: Mapping[type[Operation], Callable[[Scope, Operation], Target]] = {
    YieldOp: _yield_target,
    ReturnOp: _return_target,
    BreakOp: _break_target,
    ContinueOp: _continue_target,
    ConditionOp: _condition_target,
}
