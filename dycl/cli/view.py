"""`dycl view`: a program's heterogeneous control flow graph, as DOT, SVG or text."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dycl.cli.command import Commands
from dycl.cli.sources import add_source, load_program
from dycl.errors import UsageError

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

FORMATS = ("dot", "svg", "text")


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "view",
        help="draw a program's control flow and kernels",
        description=f"{__doc__} MODEL may also be an artifact.",
    )
    add_source(parser)
    parser.add_argument("--pass-pipeline", default="default", metavar="PIPELINE", help="passes to run first")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write there; .dot, .svg or .txt says what")
    parser.add_argument("--format", choices=FORMATS, help="what to write (default: by the output's name, else dot)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from dycl.files import write_text
    from dycl.ir.hcfg import build_hcfg

    suffix = options.output.suffix.lstrip(".") if options.output else "dot"
    wanted = options.format or {"txt": "text"}.get(suffix, suffix)
    if wanted not in FORMATS:
        raise UsageError(f"cannot tell what to write to {options.output}: name it .dot, .svg or .txt, or give --format")
    graph = build_hcfg(_module(options))
    if wanted == "text":
        text = graph.text()
    else:
        text = graph.dot() if wanted == "dot" else draw(graph.dot())
    if options.output is None:
        sys.stdout.write(text)
    else:
        write_text(options.output, text)
    return 0


def draw(dot: str) -> str:
    """Return DOT as SVG.

    Raises:
        UsageError: the library that draws is not installed
    """
    try:
        import pygraphviz
    except ImportError as error:
        raise UsageError("drawing SVG needs pygraphviz: pip install 'dycl[compiler]', or write .dot") from error
    svg = pygraphviz.AGraph(string=dot).draw(format="svg", prog="dot")
    assert svg is not None
    return svg.decode()


def _module(options: argparse.Namespace) -> "ModuleOp":
    path = Path(options.model)
    if path.is_dir():
        from dycl.ir.text import read_module
        from dycl.runtime.artifact import read_artifact

        return read_module(read_artifact(path).program_text, str(path / "program.mlir"))
    from dycl.passes import parse_pipeline

    program = load_program(options)
    parse_pipeline(options.pass_pipeline).run(program)
    return program.module
