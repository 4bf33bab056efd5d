"""Loop-invariant code motion.

An op in a loop is *invariant* when all its operands are: values from outside the loop, and the results of invariant
ops. One that only weights and constants go into is left: a backend computes it once, when it compiles the kernel.

An invariant op moves to before the loop where it may run there: if it is pure, and either cannot fail or runs anyway,
since the loop certainly begins and nothing comes before it that might leave or fail. What moves must be worth it: where
no kernel runs before the loop that could take it in, the iterations it saves must outweigh the call of a new one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xdsl.ir import Block, Operation, SSAValue

from dycl.ir.canonicalization.loops import trip_count
from dycl.ir.ops import AssertOp, ForOp, WhileOp
from dycl.passes.base import Pass
from dycl.passes.costs import LAUNCH, computes, cost
from dycl.passes.segments import is_barrier, is_free, is_movable
from dycl.passes.speculation import is_speculable
from dycl.program import Program


def hoist_invariants(op: Operation, trip_estimate: int) -> bool:
    """Hoist the invariant ops of all loops inside `op` as far out as they go; return whether there were any."""
    changed = False
    # Inner loops first: what leaves one is then an op of the loop around it.
    for loop in reversed([inner for inner in op.walk() if isinstance(inner, ForOp | WhileOp)]):
        known = trip_count(loop) if isinstance(loop, ForOp) else None
        ops = invariants(loop)
        if pays(ops, loop, trip_estimate if known is None else known):
            _move_before(ops, loop)
            changed = True
    return changed


def invariants(loop: ForOp | WhileOp) -> list[Operation]:
    """Return, in order, the invariant ops that may run before the loop: those that compute, and those they need."""
    candidates: dict[Operation, None] = {}
    varying = set[SSAValue]()
    fixed = set[SSAValue]()
    for region in loop.regions:
        block = region.block
        varying.update(block.args)
        certain = _begins(loop, block)
        for op in block.ops:
            certain = certain and not is_barrier(op) and not isinstance(op, AssertOp)
            may_run = is_speculable(op) or (certain and is_movable(op))
            if not may_run or not varying.isdisjoint(op.operands):
                varying.update(op.results)
                continue
            candidates[op] = None
            if is_free(op) or (op.operands and all(_is_fixed(operand, fixed) for operand in op.operands)):
                fixed.update(op.results)
    needed = set[SSAValue]()
    chosen: list[Operation] = []
    for op in reversed(candidates):
        wanted = computes(op) and fixed.isdisjoint(op.results)
        if wanted or not needed.isdisjoint(op.results):
            needed.update(op.operands)
            chosen.append(op)
    return chosen[::-1]


def _begins(loop: ForOp | WhileOp, block: Block) -> bool:
    """Whether a block of a loop certainly runs."""
    if isinstance(loop, ForOp):
        return bool(trip_count(loop))
    return block is loop.before.block


def _is_fixed(value: SSAValue, fixed: set[SSAValue]) -> bool:
    owner = value.owner
    return value in fixed or (isinstance(owner, Operation) and is_free(owner))


def pays(ops: Sequence[Operation], loop: Operation, trips: int) -> bool:
    """Whether a loop that runs its body `trips` times is faster with these ops before it."""
    if not any(map(computes, ops)):
        return False
    saved = (trips - 1) * cost(ops)
    return saved > (0.0 if _joins_kernel(ops, loop) else LAUNCH)


def _joins_kernel(ops: Iterable[Operation], loop: Operation) -> bool:
    """Whether the segment before the loop has computation, so that a kernel runs there in any case."""
    op = loop.prev_op
    while op is not None and not is_barrier(op):
        if computes(op):
            return True
        op = op.prev_op
    return False


def _move_before(ops: Iterable[Operation], loop: Operation) -> None:
    block = loop.parent
    assert block is not None
    for op in ops:
        op.detach()
        block.insert_op_before(op, loop)


@dataclass(frozen=True)
class HoistInvariantsPass(Pass):
    """Move the ops that compute the same in each iteration of a loop to before the loop.

    ```mlir before
    func.func @main(%x: tensor<8x64xf32>, %w: tensor<64x64xf32>, %n: i64) -> tensor<8x64xf32> {
      %0 = arith.constant 0 : i64
      %1 = arith.constant 1 : i64
      %r = dycl.for %i = %0 to %n step %1 iter_args(%a = %x : tensor<8x64xf32>) {
        %p = dycl.aten mm.default(%x, %w) : (tensor<8x64xf32>, tensor<64x64xf32>) -> tensor<8x64xf32>
        %b = dycl.aten add.Tensor(%a, %p, 1) : (tensor<8x64xf32>, tensor<8x64xf32>) -> tensor<8x64xf32>
        dycl.yield %b : tensor<8x64xf32>
      }
      dycl.return %r : tensor<8x64xf32>
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<8x64xf32>, %w: tensor<64x64xf32>, %n: i64) -> tensor<8x64xf32> {
      %0 = arith.constant 0 : i64
      %1 = arith.constant 1 : i64
      %p = dycl.aten mm.default(%x, %w) : (tensor<8x64xf32>, tensor<64x64xf32>) -> tensor<8x64xf32>
      %r = dycl.for %i = %0 to %n step %1 iter_args(%a = %x : tensor<8x64xf32>) {
        %b = dycl.aten add.Tensor(%a, %p, 1) : (tensor<8x64xf32>, tensor<8x64xf32>) -> tensor<8x64xf32>
        dycl.yield %b : tensor<8x64xf32>
      }
      dycl.return %r : tensor<8x64xf32>
    }
    ```

    A loop whose number of iterations is not known is taken to run `trip-estimate` times. An op that might fail moves
    only where it certainly runs. The pass does not move what only one side of a branch in the loop computes, what
    depends on weights alone (a backend computes that once), nor ops with effects.
    """

    name = "hoist-invariants"

    trip_estimate: int = 8

    def apply(self, op: Operation, program: Program) -> bool:
        return hoist_invariants(op, self.trip_estimate)
