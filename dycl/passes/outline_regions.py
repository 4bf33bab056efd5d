"""Outlining: a region becomes a kernel, a symbol of the module, and a launch of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from xdsl.dialects.builtin import FunctionType, ModuleOp, StringAttr
from xdsl.ir import Operation, Region

from dycl.ir.ops import KernelOp, LaunchOp, RegionOp
from dycl.ir.rewriting import replace
from dycl.passes.base import Pass
from dycl.program import Program


def outline_regions(module: ModuleOp, prefix: str) -> bool:
    """Outline all regions in the order of the text; return whether there were any.

    The kernels stand at the end of the module, called `prefix0`, `prefix1`, ...; names that are taken are left out.
    """
    regions = [op for op in module.walk() if isinstance(op, RegionOp)]
    for region, name in zip(regions, _free_names(module, prefix), strict=False):
        module.body.block.add_op(_outline(region, name))
    return bool(regions)


def _outline(region: RegionOp, name: str) -> KernelOp:
    type = FunctionType.from_lists(region.operand_types, region.result_types)
    content = Region()
    region.body.move_blocks(content)
    kernel = KernelOp(name, type, content)
    kernel.location = region.location
    launch = LaunchOp(name, region.inputs, region.result_types)
    launch.attributes = region.attributes.copy()
    replace(region, [launch])
    return kernel


def _free_names(module: ModuleOp, prefix: str) -> Iterator[str]:
    taken = {name.data for op in module.body.block.ops if isinstance(name := op.properties.get("sym_name"), StringAttr)}
    return (name for index in count() if (name := f"{prefix}{index}") not in taken)


@dataclass(frozen=True)
class OutlineRegionsPass(Pass):
    """Turn each `dycl.region` into a `dycl.kernel` and a `dycl.launch` of it.

    ```mlir before
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = dycl.region (%a = %x : tensor<4xf32>) -> (tensor<4xf32>) {
        %b = dycl.aten relu.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
        dycl.yield %b : tensor<4xf32>
      }
      dycl.return %y : tensor<4xf32>
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = dycl.launch @k0(%x) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.return %y : tensor<4xf32>
    }
    dycl.kernel @k0(%a: tensor<4xf32>) -> tensor<4xf32> {
      %b = dycl.aten relu.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.yield %b : tensor<4xf32>
    }
    ```

    Kernels are called `prefix` and a number, in the order in which the text launches them. It does not merge equal
    kernels: `share-kernels` does.
    """

    name = "outline-regions"
    anchor = "builtin.module"

    prefix: str = "k"

    def apply(self, op: Operation, program: Program) -> bool:
        assert isinstance(op, ModuleOp)
        return outline_regions(op, self.prefix)
