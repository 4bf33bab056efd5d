"""What running an op does besides giving its results."""

from xdsl.ir import Operation
from xdsl.traits import IsTerminator, MemoryEffectKind, RecursiveMemoryEffect, SymbolOpInterface, get_effects

from dycl.ir.ops import BreakOp, ConditionOp, ContinueOp, ForOp, WhileOp, YieldOp


def is_effect_free(op: Operation) -> bool:
    """Whether nothing but the op's results tells that it ran: an op whose results nobody uses may then be erased.

    An op that draws random numbers, fails an assertion, calls a function or leaves the function or a loop around it is
    not. A loop is, even where it might not end.
    """
    return not op.has_trait(IsTerminator) and not op.has_trait(SymbolOpInterface) and _stays_inside(op, in_loop=False)


def _stays_inside(op: Operation, in_loop: bool) -> bool:
    match op:
        case YieldOp() | ConditionOp():
            return True
        case BreakOp() | ContinueOp():
            return in_loop
        case _ if op.has_trait(RecursiveMemoryEffect):
            in_loop = in_loop or isinstance(op, ForOp | WhileOp)
            return all(
                _stays_inside(inner, in_loop) for region in op.regions for block in region.blocks for inner in block.ops
            )
        case _:
            effects = get_effects(op)
            return effects is not None and all(effect.kind is MemoryEffectKind.READ for effect in effects)


def is_unused(op: Operation) -> bool:
    return all(result.first_use is None for result in op.results)


def is_dead(op: Operation) -> bool:
    """Whether the op's results have no use and nothing else tells that it ran."""
    return is_unused(op) and is_effect_free(op)
