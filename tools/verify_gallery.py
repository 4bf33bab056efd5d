"""Compile every example and verify it: eager against interpreter against compiled, on inputs and on forced paths.

Run as `python -m tools.verify_gallery`; `--full` takes the sizes that the papers give. Exits with 1 where a program
fails. For each loop, the fewest and most trips that the samples make it run are shown.
"""

import argparse
import resource
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Sequence

import torch
from rich.console import Console
from xdsl.ir import Operation

from dycl.compiler import compile_program
from dycl.errors import DyclError
from dycl.frontends.signature import parse_signature
from dycl.frontends.torch import import_module, load_reference
from dycl.ir.interpret import interpret
from dycl.ir.ops import ForOp, WhileOp
from dycl.program import Program
from dycl.verification import verify
from dycl.verification.sampling import sample_inputs
from tools.gallery import GALLERY, Example

HEADER = (
    "| program | capture s | compile s | kernels | branches | loops: trips | error | sides (by samples) | verdict |"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100, help="inputs per program (default: 100)")
    parser.add_argument("--full", action="store_true", help="at the sizes that the papers give")
    parser.add_argument("--only", default="", help="only the programs whose name contains this")
    parser.add_argument("--loops", choices=("unroll", "keep", "auto"), default="auto")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(HEADER)
    print("|---" * HEADER.count(" | ") + "|---|")
    failed = 0
    console = Console(stderr=True)
    examples = [example for example in GALLERY if options.only in example.name]
    for example in examples:
        with console.status(example.name):
            row, ok = _checked(example.at_full_size if options.full else example, options.samples, options.loops)
        failed += not ok
        print(row, flush=True)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{len(examples)} programs, failures {failed}; {memory:.1f} GiB at most")
    return 1 if failed else 0


def _checked(example: Example, samples: int, loops: str) -> tuple[str, bool]:
    module = load_reference(example.reference, example.arguments).eval()
    signature = parse_signature(example.signature)
    try:
        start = time.perf_counter()
        program = import_module(module, signature, loops=loops, state=example.state)
        captured = time.perf_counter()
        trips = _trips(program, samples) if not example.state else ""
        begin = time.perf_counter()
        model = compile_program(program)
        compiled = time.perf_counter()
        report = verify(model, program, module, list(sample_inputs(signature, samples)), tolerance=example.tolerance)
    except DyclError as error:
        return f"| {example.name} | FAILED: {str(error).splitlines()[0]} |", False
    for fault in report.faults:
        print(f"  {fault}", file=sys.stderr)
    ties = f", {report.near_ties} near ties" if report.near_ties else ""
    row = (
        f"| {example.name} | {captured - start:.1f} | {compiled - begin:.1f} | {model.report.kernels} "
        f"| {report.branches} | {trips} | {report.max_abs_error:.1e} "
        f"| {report.sides_covered}/{report.sides} ({report.sides_covered_by_samples}) "
        f"| {'ok' if report.ok else 'FAULT'}{ties} |"
    )
    return row, report.ok


def _trips(program: Program, samples: int) -> str:
    """Return the fewest and most trips of each loop over the samples, as the source's loops are imported."""
    loops = [op for op in program.module.walk() if isinstance(op, ForOp | WhileOp)]
    first = {op.body.block.first_op: op for op in loops}
    counts: dict[Operation, int] = defaultdict(int)
    seen: dict[Operation, list[int]] = {op: [] for op in loops}

    def observe(op: Operation, operands: Sequence[object], results: Sequence[object]) -> None:
        if op in first:
            counts[first[op]] += 1
        if op in seen:
            seen[op].append(counts.pop(op, 0))

    if loops:
        for inputs in sample_inputs(program.signature, min(samples, 20)):
            tensors = [torch.from_numpy(inputs[name]) for name in inputs]
            interpret(program.module, program.weights, tensors, observe=observe)
    return ", ".join(f"{min(found)}-{max(found)}" if found else "never reached" for found in seen.values())


if __name__ == "__main__":
    sys.exit(main())
