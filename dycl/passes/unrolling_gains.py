"""What a loop gains by being unrolled.

A value is *decided* once the iteration is: the induction variable, constants, and what only decided values go into. A
loop gains
1. where a decided value chooses a side of a branch or bounds an inner loop: the copies have one side each;
2. where a decided value selects of a weight, or gives a size: the copies have weights and sizes that are known;
3. where nothing in its body waits for the host: all iterations become one kernel, and one launch;
4. where a carried value grows by known sizes: the copies' shapes are known. Each copy is then a kernel of its own,
   unless 3. holds too, so it must be small.

Else each iteration is launched as before, by kernels of which there are more.
"""

from xdsl.dialects.func import CallOp
from xdsl.ir import Operation, SSAValue

from dycl.ir.constants import Known, constant_of, fold
from dycl.ir.host_ops import is_host_arithmetic
from dycl.ir.ops import AssertOp, AtenOp, DimOp, ForOp, IfOp, ItemOp, ParamOp, ScalarTensorOp, SwitchOp, WhileOp
from dycl.ir.scalars import attribute_scalar
from dycl.ir.types import is_scalar, is_static
from dycl.passes.costs import LAUNCH, computes, cost, elements
from dycl.passes.segments import is_free, is_movable

MAX_FUSED_OPS = 512
"""ATen ops that one kernel of all iterations may have."""

MAX_KERNELS = 16
"""Iterations that may become kernels of their own for the sake of their shapes."""

MAX_WEIGHT_ELEMENTS = 1 << 18
"""Elements that all these kernels' copies of weights may have."""

WORTH_A_LAUNCH = 20 * LAUNCH
"""An iteration that takes longer than this does not gain by the launch that it saves."""


def known_range(op: ForOp) -> range | None:
    """Return the values of a loop's induction variable where they follow from constants; a step of zero has none."""
    found = [_evaluated(bound) for bound in (op.start, op.stop, op.step)]
    bounds = [bound for bound in found if isinstance(bound, int)]
    return range(*bounds) if len(bounds) == 3 and bounds[2] != 0 else None


def _evaluated(value: SSAValue) -> object:
    """Return the number that a value always is, where it follows from constants."""
    known: dict[SSAValue, Known | None] = {}
    pending = [value]
    while pending:
        last = pending[-1]
        if last in known:
            pending.pop()
            continue
        op = last.owner
        if not isinstance(op, Operation) or op.regions or not is_movable(op) or isinstance(op, ParamOp):
            known[last] = None
            continue
        missing = [operand for operand in op.operands if operand not in known]
        if missing:
            pending += missing
            continue
        operands = [found for operand in op.operands if (found := known[operand]) is not None]
        results = fold(op, operands) if len(operands) == len(op.operands) else None
        known.update(zip(op.results, results or [constant_of(op)] * len(op.results), strict=True))
    found = known[value]
    return None if found is None else attribute_scalar(found)


def gains(op: ForOp, bounds: range) -> bool:
    """Whether a loop that runs through `bounds` gains by being unrolled."""
    decided = _decided(op)
    inside = list(op.walk())[1:]
    if any(_is_settled(inner, decided) for inner in inside):
        return True
    tensor_ops = [inner for inner in inside if computes(inner)]
    fuses = len(bounds) * len(tensor_ops) <= MAX_FUSED_OPS and not any(map(_waits, inside))
    if tensor_ops and fuses and cost(tensor_ops) <= WORTH_A_LAUNCH:
        return True
    if not _grows(op):
        return False
    weights = {operand for inner in tensor_ops for operand in inner.operands if isinstance(operand.owner, ParamOp)}
    copied = len(bounds) * sum(elements(weight.type) for weight in weights)
    small = len(bounds) <= MAX_KERNELS and copied <= MAX_WEIGHT_ELEMENTS
    return (fuses or small) and _grows_by_known_sizes(op)


def _decided(op: ForOp) -> set[SSAValue]:
    """Return the values in a loop that are decided, but for constants."""
    decided: set[SSAValue] = {op.body.block.args[0]}
    for inner in op.body.walk():
        if isinstance(inner, AtenOp | ItemOp | DimOp | ScalarTensorOp) or is_host_arithmetic(inner):
            given = [operand for operand in inner.operands if not _is_constant(operand)]
            if given and decided.issuperset(given):
                decided.update(inner.results)
        elif isinstance(inner, ForOp) and decided.intersection((inner.start, inner.stop, inner.step)):
            decided.add(inner.body.block.args[0])
    return decided


def _is_constant(value: SSAValue) -> bool:
    return isinstance(value.owner, Operation) and is_free(value.owner) and not isinstance(value.owner, ParamOp)


def _is_settled(op: Operation, decided: set[SSAValue]) -> bool:
    """Whether an op is simpler in a copy of the body, where decided values are constants."""
    match op:
        case IfOp() | SwitchOp():
            return op.operands[0] in decided
        case ForOp():
            return not decided.isdisjoint((op.start, op.stop, op.step))
        case AtenOp():
            given = [operand for operand in op.operands if operand in decided]
            reads_weight = isinstance(op.operands[0].owner, ParamOp) if op.operands else False
            return any(is_scalar(operand.type) for operand in given) and (
                reads_weight or not all(map(is_static, op.result_types))
            )
        case _:
            return False


def _waits(op: Operation) -> bool:
    """Whether the host must act between what stands before an op and what stands behind it."""
    return isinstance(op, IfOp | SwitchOp | ForOp | WhileOp | AssertOp | CallOp)


def _grows(op: ForOp) -> bool:
    return any(init.type != argument.type for init, argument in zip(op.inits, op.body.block.args[1:], strict=True))


def _grows_by_known_sizes(op: ForOp) -> bool:
    """Whether an iteration that begins with values of known sizes ends with such."""
    from dycl.passes.infer_shapes import ShapeInference

    if not all(is_static(init.type) for init in op.inits):
        return False
    induction = op.body.block.args[0]
    found = ShapeInference().follow(op.body.block, [induction.type, *(init.type for init in op.inits)])
    ends = [types for types in (found.end, found.continues) if types is not None]
    return bool(ends) and all(is_static(type) for types in ends for type in types)
