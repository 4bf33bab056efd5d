"""What a compilation made, for people and scripts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from xdsl.dialects.builtin import ModuleOp

from dycl.backends.protocol import CompiledKernel
from dycl.ir.ops import ForOp, IfOp, KernelOp, LaunchOp, SwitchOp, WhileOp


@dataclass
class CompileReport:
    """Counts over the host program, and seconds per stage."""

    kernels: int = 0
    branches: int = 0
    """Run-time branches in the host program: each `if`, each `switch`."""
    loops: int = 0
    launches: int = 0
    """Launch sites in the host program."""
    bytes: int = 0
    """Of all compiled kernels."""
    stages: dict[str, float] = field(default_factory=dict[str, float])
    engines: dict[str, int] = field(default_factory=dict[str, int])
    """Kernels by engine."""
    fallbacks: list[str] = field(default_factory=list[str])
    """In words, each kernel that the preferred backend could not take."""

    def to_json(self) -> dict[str, object]:
        return dict(vars(self))


def count(module: ModuleOp, kernels: Mapping[str, CompiledKernel]) -> CompileReport:
    """Return the counts of a module after its passes, and of its compiled kernels."""
    report = CompileReport(
        bytes=sum(len(kernel.payload) for kernel in kernels.values()),
        engines=dict(Counter(kernel.engine for kernel in kernels.values())),
    )
    for op in module.walk():
        report.kernels += isinstance(op, KernelOp)
        report.branches += isinstance(op, IfOp | SwitchOp)
        report.loops += isinstance(op, ForOp | WhileOp)
        report.launches += isinstance(op, LaunchOp)
    return report
