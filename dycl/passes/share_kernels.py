"""Kernel sharing: equal kernels are one.

Kernels are equal when they have the same types and the same ops with the same attributes, each op's operands are the
same inputs or the results of equal ops, and their weights are equal: by content where the program has them, else by
key. Names, locations and name hints do not count.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.dialects.builtin import ModuleOp, SymbolRefAttr
from xdsl.ir import Block, Operation, SSAValue

from dycl.ir.ops import KernelOp, LaunchOp, ParamOp
from dycl.ir.weights import WeightStore
from dycl.passes.base import Pass
from dycl.program import Program

Key: TypeAlias = tuple[Hashable, ...]


def share_kernels(module: ModuleOp, weights: WeightStore) -> bool:
    """Have every launch name the first of its kernel's equals, and erase the others; return whether there were any."""
    first: dict[Key, KernelOp] = {}
    same: dict[str, str] = {}
    for kernel in [op for op in module.body.block.ops if isinstance(op, KernelOp)]:
        kept = first.setdefault(structure_of(kernel, weights), kernel)
        if kept is not kernel:
            same[kernel.symbol] = kept.symbol
            kernel.detach()
            kernel.erase()
    if same:
        for op in module.walk():
            if isinstance(op, LaunchOp) and op.kernel in same:
                op.callee = SymbolRefAttr(same[op.kernel])
    return bool(same)


def structure_of(kernel: KernelOp, weights: WeightStore) -> Key:
    """Return what equal kernels have in common, and no others."""
    return (kernel.function_type, frozenset(kernel.attributes.items()), _block_key(kernel.body.block, {}, weights))


def _block_key(block: Block, numbers: dict[SSAValue, int], weights: WeightStore) -> Key:
    for argument in block.args:
        numbers[argument] = len(numbers)
    types = tuple(argument.type for argument in block.args)
    return (types, *(_op_key(op, numbers, weights) for op in block.ops))


def _op_key(op: Operation, numbers: dict[SSAValue, int], weights: WeightStore) -> Key:
    operands = tuple(numbers[operand] for operand in op.operands)
    nested = tuple(_block_key(block, numbers, weights) for region in op.regions for block in region.blocks)
    for result in op.results:
        numbers[result] = len(numbers)
    if isinstance(op, ParamOp) and op.key.data in weights:
        own: Hashable = weights[op.key.data].digest
    else:
        own = frozenset(op.properties.items())
    return (op.name, own, frozenset(op.attributes.items()), operands, tuple(op.result_types), nested)


@dataclass(frozen=True)
class ShareKernelsPass(Pass):
    """Merge kernels that are equal in structure and weights, so that they are compiled and stored once.

    ```mlir before
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = dycl.launch @k0(%x) : (tensor<4xf32>) -> tensor<4xf32>
      %z = dycl.launch @k1(%y) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.return %z : tensor<4xf32>
    }
    dycl.kernel @k0(%a: tensor<4xf32>) -> tensor<4xf32> {
      %b = dycl.aten relu.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.yield %b : tensor<4xf32>
    }
    dycl.kernel @k1(%a: tensor<4xf32>) -> tensor<4xf32> {
      %b = dycl.aten relu.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.yield %b : tensor<4xf32>
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = dycl.launch @k0(%x) : (tensor<4xf32>) -> tensor<4xf32>
      %z = dycl.launch @k0(%y) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.return %z : tensor<4xf32>
    }
    dycl.kernel @k0(%a: tensor<4xf32>) -> tensor<4xf32> {
      %b = dycl.aten relu.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.yield %b : tensor<4xf32>
    }
    ```

    It does not merge kernels whose weights differ, nor such as compute the same in another order.
    """

    name = "share-kernels"
    anchor = "builtin.module"

    def apply(self, op: Operation, program: Program) -> bool:
        assert isinstance(op, ModuleOp)
        return share_kernels(op, program.weights)
