"""Which results of a call stay where the callee left them.

A function's results are in its own buffers, until it is called again. The caller copies them to buffers of its own, but
for a result that
1. the callee always computes by a launch, so that it is in no buffer that the caller handed over;
2. is needed no longer than until the next call of any function, which might call that one again;
3. no branch or loop hands on, so that it is known where it is needed.
"""

from collections import Counter
from collections.abc import Sequence

from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import SSAValue
from xdsl.traits import SymbolTable

from dycl.backends.host.lifetimes import Lifetimes, Write
from dycl.ir.ops import LaunchOp, ReturnOp


def leave_in_place(found: Lifetimes) -> None:
    """Take the results of calls that need no copy out of what is written to buffers."""
    if not any(isinstance(write.op, CallOp) for write in found.writes):
        return
    members = Counter(found.family(value) for value in found.start)
    writes: list[Write] = []
    for write in found.writes:
        if not isinstance(write.op, CallOp):
            writes.append(write)
            continue
        computed = _computed(write.op)
        values = [
            value
            for value in write.values
            if value not in computed
            or members[found.family(value)] > 1
            or any(write.position < call <= found.end.get(value, 0) for call in found.calls)
        ]
        if values:
            writes.append(write._replace(values=values))
    found.writes[:] = writes


def _computed(call: CallOp) -> set[SSAValue]:
    """Return the results of a call that the callee always computes by a launch."""
    callee = SymbolTable.lookup_symbol(call, call.callee)
    if not isinstance(callee, FuncOp):
        return set()
    ends: Sequence[ReturnOp] = [op for op in callee.walk() if isinstance(op, ReturnOp)]
    return {
        result for result in call.results if all(isinstance(end.values[result.index].owner, LaunchOp) for end in ends)
    }
