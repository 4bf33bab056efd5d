"""Compile time against program size: N early exits, and N gated skips, of tiny blocks.

Run as `python -m tools.bench.scale`; prints seconds per stage and milliseconds per branch.
"""

import argparse
import json
from collections.abc import Callable
from time import perf_counter

import torch
from torch import Tensor, nn

from dycl.frontends.signature import parse_signature
from dycl.frontends.torch import import_module
from dycl.ir.decisions import decisions
from dycl.passes import PassRun, parse_pipeline

WIDTH = 8


class EarlyExits(nn.Module):
    """N tiny blocks with an exit after each."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(count))
        self.heads = nn.ModuleList(nn.Linear(WIDTH, 4) for _ in range(count))

    def forward(self, x: Tensor) -> tuple[Tensor, int]:
        for index, (block, head) in enumerate(zip(self.blocks, self.heads, strict=True)):
            x = torch.relu(block(x))
            logits = head(x)
            if logits.softmax(dim=-1).max() > 0.9:
                return logits, index
        return self.heads[-1](x), len(self.blocks)


class GatedSkips(nn.Module):
    """N tiny residual blocks, each behind a gate."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(count))
        self.gates = nn.ModuleList(nn.Linear(WIDTH, 1) for _ in range(count))

    def forward(self, x: Tensor) -> Tensor:
        for block, gate in zip(self.blocks, self.gates, strict=True):
            if torch.sigmoid(gate(x)).squeeze() > 0.5:
                x = x + torch.relu(block(x))
        return x


def measure(make: Callable[[int], nn.Module], count: int) -> dict[str, float]:
    """Return seconds per stage: `import`, each pass of the default pipeline, and `total`."""
    torch.manual_seed(0)
    module = make(count).eval()
    started = perf_counter()
    program = import_module(module, parse_signature(f"x: f32[1, {WIDTH}]"))
    stages = {"import": perf_counter() - started}

    def note(run: PassRun) -> None:
        stages[run.done.name] = stages.get(run.done.name, 0.0) + run.seconds
        stages["verify"] = stages.get("verify", 0.0) + run.verify_seconds

    parse_pipeline("default").run(program, on_pass=note)
    stages["total"] = perf_counter() - started
    found = len(decisions(program.module))
    assert found == count, f"{count} branches became {found}"
    return stages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    measure(EarlyExits, 3)
    figures = {
        make.__name__: {count: measure(make, count) for count in options.counts} for make in (EarlyExits, GatedSkips)
    }
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    for name, by_count in figures.items():
        print(f"{name}: seconds per stage")
        print(f"  {'stage':22}" + "".join(f"{count:>10}" for count in by_count))
        for stage in dict.fromkeys(stage for stages in by_count.values() for stage in stages):
            print(f"  {stage:22}" + "".join(f"{stages.get(stage, 0.0):10.3f}" for stages in by_count.values()))
        per_branch = "".join(f"{1e3 * stages['total'] / count:10.2f}" for count, stages in by_count.items())
        print(f"  {'ms per branch':22}{per_branch}")


if __name__ == "__main__":
    main()
