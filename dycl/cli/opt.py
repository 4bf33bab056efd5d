"""`dycl-opt`: run passes on a program's text.

Exit codes: 0 done; 1 the program is invalid or a pass refused it; 2 the request is wrong (arguments, pipeline, files).
"""

import os
import sys
from argparse import SUPPRESS, ArgumentParser, BooleanOptionalAction, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from dycl.errors import DyclError, UsageError
from dycl.files import write_text

if TYPE_CHECKING:
    from dycl.ir.weights import WeightStore
    from dycl.passes.manager import PassManager, PassRun

SEPARATOR = "// -----"

DESCRIPTION = """\
Run passes on a dycl program and print the result.

A pipeline is what MLIR writes: 'builtin.module(func.func(canonicalize,cse),outline-regions)'. Without an anchor it
runs on the module; 'default' is the compiler's own pipeline."""

EPILOGUE = """\
exit codes: 0 done; 1 the program is invalid, or a pass refused it; 2 wrong arguments or pipeline, a file that
cannot be read or written"""


class InvalidText(DyclError):
    """The text is not a program."""


def main(argv: Sequence[str] | None = None, stdin: TextIO | None = None, stdout: TextIO | None = None) -> int:
    """Run the command and return its exit code; `stdin` and `stdout` default to the process's own."""
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    output = stdout or sys.stdout
    try:
        _run(arguments, stdin or sys.stdin, output)
        output.flush()
        return 0
    except BrokenPipeError:
        # The reader left: Python would complain once more when it flushes standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except InvalidText as error:
        print(error, file=sys.stderr)
        return 1
    except DyclError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        return 130


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "dycl-opt", description=DESCRIPTION, epilog=EPILOGUE, formatter_class=RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("input", nargs="?", default="-", help="the program's text; '-', the default, is standard input")
    add("-o", "--output", type=Path, metavar="FILE", help="write here, all or nothing, instead of to standard output")
    add("--pass-pipeline", default="", metavar="PIPELINE", help="the passes to run; none by default")
    add("--list-passes", action="store_true", help="print the passes with their options, and the named pipelines")
    add("--markdown", action="store_true", help=SUPPRESS)
    add("--weights", type=Path, metavar="FILE", help="the program's weights, a safetensors file")
    add("--verify-each", action=BooleanOptionalAction, default=True, help="verify after each pass (default: on)")
    add("--verify-diagnostics", action="store_true", help="print errors in place of the program they are in, exit 0")
    add("--split-input-file", action="store_true", help=f"the input is several programs, between lines '{SEPARATOR}'")
    add(
        "--print-locations", action=BooleanOptionalAction, help="print source locations (default: if the input has any)"
    )
    add("--print-ir-after-all", action="store_true", help="print the IR after each pass to standard error")
    add("--print-ir-after-change", action="store_true", help="the same, after passes that changed it")
    add("--time-passes", action="store_true", help="print the seconds that each pass took to standard error")
    add("--version", action="store_true", help="print the version")
    return parser


def _run(arguments: Namespace, stdin: TextIO, stdout: TextIO) -> None:
    if arguments.version:
        from importlib.metadata import version

        print(f"dycl-opt {version('dycl')}", file=stdout)
        return
    if arguments.list_passes:
        from dycl.passes.catalogue import as_markdown, as_text

        stdout.write(as_markdown() if arguments.markdown else as_text())
        return
    if arguments.output is not None and not arguments.output.parent.is_dir():
        raise UsageError(f"cannot write {arguments.output}: the folder {arguments.output.parent} does not exist")
    driver = _Driver.of(arguments)
    name, text = _read(arguments.input, stdin)
    chunks = list(_split(text)) if arguments.split_input_file else [text]
    printed = f"{SEPARATOR}\n".join(driver.process(chunk, name) for chunk in chunks)
    driver.report()
    if arguments.output is None:
        stdout.write(printed)
    elif arguments.output.exists() and not arguments.output.is_file() and not arguments.output.is_dir():
        arguments.output.write_text(printed)  # a device, such as /dev/null
    else:
        write_text(arguments.output, printed)


@dataclass
class _Driver:
    """What `dycl-opt` does to each program of its input."""

    pipeline: "PassManager | None"
    weights: "WeightStore"
    verify_each: bool
    show_errors: bool
    locations: bool | None
    on_pass: "Callable[[PassRun], None] | None"
    report: Callable[[], None]

    @classmethod
    def of(cls, arguments: Namespace) -> "_Driver":
        from dycl.cli.pass_reports import observers
        from dycl.ir.weights import WeightStore

        pipeline = None
        if arguments.pass_pipeline.strip():
            from dycl.passes.pipeline import parse_pipeline

            pipeline = parse_pipeline(arguments.pass_pipeline)
        weights = WeightStore()
        if arguments.weights is not None:
            try:
                weights = WeightStore.open(arguments.weights)
            except OSError as error:
                raise UsageError(f"cannot read {arguments.weights}: {error.strerror or error}") from error
        on_pass, report = observers(
            print_all=arguments.print_ir_after_all,
            print_changed=arguments.print_ir_after_change,
            time=arguments.time_passes,
        )
        return cls(
            pipeline,
            weights,
            arguments.verify_each,
            arguments.verify_diagnostics,
            arguments.print_locations,
            on_pass,
            report,
        )

    def process(self, text: str, name: str) -> str:
        """Return the text of a program after the passes."""
        try:
            return self._transformed(text, name)
        except DyclError as error:
            if not self.show_errors:
                raise
            return f"{error}\n"

    def _transformed(self, text: str, name: str) -> str:
        from dycl.ir.text import print_module, read_module
        from dycl.ir.verify import verify
        from dycl.program import Program

        module = read_module(text, name)
        verify(module)
        if self.pipeline is not None:
            program = Program(module, self.weights)
            self.pipeline.run(program, verify_each=self.verify_each, on_pass=self.on_pass)
            if self.verify_each:
                # A pass that wrongly says it changed nothing has not been verified.
                verify(module)
        locations = "loc(" in text if self.locations is None else self.locations
        return print_module(module, locations)


def _read(path: str, stdin: TextIO) -> tuple[str, str]:
    try:
        if path == "-":
            return "<stdin>", stdin.read()
        return path, Path(path).read_text()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read {path}: it is not text ({error.reason} at byte {error.start})") from error


def _split(text: str) -> Iterator[str]:
    """Give the programs between separators, each after as many empty lines as put it on its lines of the file."""
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if line.startswith(SEPARATOR) and not line[len(SEPARATOR) :].strip():
            yield "".join(lines)
            lines = ["\n"] * number
        else:
            lines.append(line)
    yield "".join(lines)


if __name__ == "__main__":
    sys.exit(main())
