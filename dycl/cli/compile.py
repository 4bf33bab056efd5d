"""`dycl compile`: a model to an artifact that runs without torch."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dycl.cli.command import Commands
from dycl.cli.console import OnProgress, milliseconds, note, print_json, progress, size
from dycl.cli.sources import add_source, is_exported, load_program
from dycl.errors import UsageError

if TYPE_CHECKING:
    from dycl.backends.report import CompileReport
    from dycl.program import Program


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("compile", help="compile a model to an artifact", description=__doc__)
    add_source(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="PATH", help="the artifact's folder (default: NAME.dycl)")
    parser.add_argument(
        "--backend",
        default="onnxruntime",
        metavar="NAME[,NAME]",
        help="backends in order of preference: a kernel that one cannot take goes to the next (default: onnxruntime)",
    )
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of a kernel (default: 1)")
    parser.add_argument(
        "--pass-pipeline", default="default", metavar="PIPELINE", help="passes to run (default: the pipeline `default`)"
    )
    parser.add_argument(
        "--emit",
        choices=("artifact", "host", "mlir"),
        default="artifact",
        help="what to write: the artifact, or the host program or the optimised IR as text",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from dycl.compiler import compile_program

    if options.threads < 1:
        raise UsageError(f"--threads must be at least 1, not {options.threads}")
    output = options.output or Path(_default_name(options.model, options.emit))
    if options.emit == "artifact":
        from dycl.runtime.artifact import check_writable

        check_writable(output)
    with progress() as on_progress:
        program, seconds = _timed_import(options, on_progress)
        if options.emit == "mlir":
            return _emit_ir(program, options)
        model = compile_program(
            program,
            backend=options.backend,
            threads=options.threads,
            pipeline=options.pass_pipeline,
            source=options.model,
            constructor_arguments=options.kwargs,
            loops=options.loops,
            on_progress=on_progress,
        )
    model.report.stages = {"import": seconds, **model.report.stages}
    if options.emit == "host":
        _emit(model.host_source, options.output)
        return 0
    model.save(output)
    if options.json:
        print_json({**model.report.to_json(), "output": str(output)})
    else:
        _print_summary(model.report, output)
    return 0


def _timed_import(options: argparse.Namespace, on_progress: OnProgress) -> "tuple[Program, float]":
    from time import perf_counter

    start = perf_counter()
    on_progress("import", 0, 1)
    program = load_program(options)
    on_progress("import", 1, 1)
    return program, perf_counter() - start


def _emit_ir(program: "Program", options: argparse.Namespace) -> int:
    from dycl.ir.text import print_module
    from dycl.passes import parse_pipeline

    parse_pipeline(options.pass_pipeline).run(program)
    _emit(print_module(program.module, locations=True), options.output)
    return 0


def _emit(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
    else:
        from dycl.files import write_text

        write_text(output, text)


def _default_name(model: str, emit: str) -> str:
    is_file = model.endswith(".mlir") or is_exported(model)
    stem = Path(model).stem if is_file else model.rpartition(":")[2].rpartition(".")[2]
    return f"{stem.lower() or 'model'}.dycl"


def _print_summary(report: "CompileReport", output: Path) -> None:
    engines = ", ".join(f"{count} by {engine}" for engine, count in report.engines.items())
    print(f"{output}: {report.kernels} kernels ({engines}), {size(report.bytes)}")
    print(f"  {report.branches} run-time branches, {report.loops} loops, {report.launches} launch sites")
    print("  " + ", ".join(f"{stage} {milliseconds(seconds)}" for stage, seconds in report.stages.items()))
    for line in report.fallbacks:
        note(f"  {line}")
