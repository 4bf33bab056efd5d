"""The reference backend: a kernel is kept as its own text, beside its weights, in a safetensors file."""

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Region

from dycl.backends.protocol import CompiledKernel, Target
from dycl.ir.ops import KernelOp, LaunchOp, ParamOp, ReturnOp
from dycl.ir.text import print_module
from dycl.ir.weights import WeightStore

TEXT_KEY = "program"
"""The key of the program's text in the file's metadata."""


class ReferenceBackend:
    """Takes every kernel."""

    name = "reference"

    def supports(self, kernel: KernelOp) -> list[str]:
        return []

    def compile(self, kernel: KernelOp, weights: WeightStore, target: Target) -> CompiledKernel:
        from safetensors.torch import save

        keys = {op.key.data for op in kernel.walk() if isinstance(op, ParamOp)}
        tensors = {key: weights[key].torch() for key in sorted(keys)}
        text = print_module(_program(kernel), locations=True)
        return CompiledKernel("reference", save(tensors, {TEXT_KEY: text}), ".safetensors")


def _program(kernel: KernelOp) -> ModuleOp:
    """Return a module with a copy of the kernel, and a function `main` that launches it."""
    types = kernel.function_type
    block = Block(arg_types=types.inputs.data)
    launch = LaunchOp(kernel.symbol, block.args, types.outputs.data)
    block.add_ops([launch, ReturnOp(launch.results)])
    main = FuncOp("main", (types.inputs.data, types.outputs.data), Region(block))
    return ModuleOp([kernel.clone(), main])
