"""The `dycl` command."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence

from dycl import __version__
from dycl.cli import bench, compile, import_, run, verify, view
from dycl.cli.console import note
from dycl.errors import DyclError, ProgramWarning, UsageError

DESCRIPTION = "Compile dynamic neural networks: PyTorch programs that exit early, skip blocks or loop."
EPILOG = """\
exit codes:
  0  done
  1  it failed: a program that cannot be compiled, a verification that found a fault or did not get to
     every side of a branch, a broken artifact
  2  it was asked wrongly: arguments, signature, pipeline, a missing file, a place that cannot be written

DYCL_TRACEBACK=1 shows where an error arose."""

COMMANDS = (import_, compile, run, verify, bench, view)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="dycl", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"dycl {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    try:
        options, unknown = parser.parse_known_args(arguments)
        if unknown:
            # argparse itself would show the usage of `dycl`, which has none of the command's options.
            commands.choices[options.command].error(f"unrecognized arguments: {' '.join(unknown)}")
    except SystemExit as exit:
        return exit.code if isinstance(exit.code, int) else 2
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code: int = options.run(options)
        sys.stdout.flush()
    except DyclError as error:
        if os.environ.get("DYCL_TRACEBACK"):
            raise
        print(f"dycl: error: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            # The reader of a pipe has gone: Python would complain about it again while closing stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        if os.environ.get("DYCL_TRACEBACK"):
            raise
        print(f"dycl: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("dycl: interrupted", file=sys.stderr)
        return 130
    return code


def _show_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    """Show a warning of dycl's with the place that it names itself, and others as Python does."""
    if issubclass(category, ProgramWarning):
        note(f"dycl: warning: {message}")
    else:
        note(warnings.formatwarning(message, category, filename, lineno).rstrip())


if __name__ == "__main__":
    sys.exit(main())
