"""What control flow means: which block runs next, and with which values."""

from collections.abc import Sequence

from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation

from dycl.errors import DyclError, source_error
from dycl.ir.interpret.execution import Activation, Exit, Outcome, Semantics, Value, run_block
from dycl.ir.locations import describe
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


def _leave(op: YieldOp | ReturnOp | BreakOp | ContinueOp, now: Activation) -> Outcome:
    return Exit(op, now.all(op.values))


def _condition(op: ConditionOp, now: Activation) -> Outcome:
    return Exit(op, now.all(op.values), bool(now[op.condition]))


def _if(op: IfOp, now: Activation) -> Outcome:
    taken = now.decision(op, bool(now[op.condition]))
    return _results_of(run_block(op.then_block if taken else op.else_block, (), now))


def _switch(op: SwitchOp, now: Activation) -> Outcome:
    case = now.decision(op, integer(now[op.index]))
    regions = dict(zip(op.case_values, op.case_regions, strict=True))
    return _results_of(run_block(regions.get(case, op.default_region).block, (), now))


def _results_of(exit: Exit) -> Outcome:
    """Return what a branch yields, or where it leaves, its exit: the branching op then leaves its own block too."""
    return exit.values if isinstance(exit.op, YieldOp) else exit


def _for(op: ForOp, now: Activation) -> Outcome:
    start, stop, step = (integer(now[bound]) for bound in (op.start, op.stop, op.step))
    if step == 0:
        raise ValueError(f"the step of a loop is zero, at {describe(op)}")
    carried: Sequence[Value] = now.all(op.inits)
    for index in range(start, stop, step):
        exit = run_block(op.body.block, (index, *carried), now)
        if isinstance(exit.op, ReturnOp):
            return exit
        carried = exit.values
        if isinstance(exit.op, BreakOp):
            break
    return carried


def _while(op: WhileOp, now: Activation) -> Outcome:
    carried: Sequence[Value] = now.all(op.inits)
    while True:
        exit = run_block(op.before.block, carried, now)
        if not isinstance(exit.op, ConditionOp):
            return exit
        if not now.decision(op, exit.condition):
            return exit.values
        exit = run_block(op.body.block, exit.values, now)
        if isinstance(exit.op, ReturnOp):
            return exit
        if isinstance(exit.op, BreakOp):
            return exit.values
        carried = exit.values


def _assert(op: AssertOp, now: Activation) -> Outcome:
    if not now[op.condition]:
        raise source_error(op.message.data)
    return ()


def _region(op: RegionOp, now: Activation) -> Outcome:
    return run_block(op.body.block, now.all(op.inputs), now).values


def _launch(op: LaunchOp, now: Activation) -> Outcome:
    kernel = now.machine.symbols.get(op.kernel)
    if not isinstance(kernel, KernelOp):
        raise DyclError(f"the program has no kernel @{op.kernel}, launched at {describe(op)}")
    return run_block(kernel.body.block, now.all(op.inputs), now.fresh()).values


def _call(op: CallOp, now: Activation) -> Outcome:
    name = op.callee.string_value()
    return call_function(function_named(now, name, op), now.all(op.operands), now)


def call_function(function: FuncOp, arguments: Sequence[Value], now: Activation) -> Sequence[Value]:
    """Run a function of the module on arguments of its types, and return its results."""
    return run_block(function.body.block, arguments, now.fresh()).values


def function_named(now: Activation, name: str, user: Operation) -> FuncOp:
    function = now.machine.symbols.get(name)
    if not isinstance(function, FuncOp):
        raise DyclError(f"the program has no function @{name}, called at {describe(user)}")
    return function


def integer(value: Value) -> int:
    assert isinstance(value, int)
    return value


CONTROL_SEMANTICS: Semantics = {
    YieldOp: _leave,
    ReturnOp: _leave,
    BreakOp: _leave,
    ContinueOp: _leave,
    ConditionOp: _condition,
    IfOp: _if,
    SwitchOp: _switch,
    ForOp: _for,
    WhileOp: _while,
    AssertOp: _assert,
    RegionOp: _region,
    LaunchOp: _launch,
    CallOp: _call,
}
