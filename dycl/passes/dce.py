"""Dead code elimination: an op is dead when no op uses its results and running it has no other effect."""

from dataclasses import dataclass

from xdsl.ir import Block, Operation

from dycl.ir.effects import is_dead
from dycl.passes.base import Pass
from dycl.program import Program


def erase_dead_ops(block: Block) -> bool:
    """Erase the dead ops of a block and of the regions in it; return whether there were any."""
    changed = False
    op = block.last_op
    while op is not None:
        before = op.prev_op
        if is_dead(op):
            op.detach()
            op.erase()
            changed = True
        else:
            for region in op.regions:
                changed |= erase_dead_ops(region.block)
        op = before
    return changed


@dataclass(frozen=True)
class DcePass(Pass):
    """Erase the ops whose results nobody uses and that have no other effect.

    ```mlir before
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %unused = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.return %x : tensor<4xf32>
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      dycl.return %x : tensor<4xf32>
    }
    ```

    It does not erase ops that draw random numbers, assertions, calls, or an `if` that may leave the function; nor the
    unused results of an op that has used ones (`canonicalize` does), nor kernels that nobody launches.
    """

    name = "dce"
    anchor = "any"

    def apply(self, op: Operation, program: Program) -> bool:
        changed = False
        for region in op.regions:
            changed |= erase_dead_ops(region.block)
        return changed
