"""`dycl import`: a PyTorch program as IR."""

import argparse
from pathlib import Path

from dycl.cli.command import Commands
from dycl.cli.console import note, print_json
from dycl.cli.sources import add_source, load_program


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("import", help="print a model's program as IR", description=__doc__)
    add_source(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the IR there instead of to stdout")
    parser.add_argument("--save-weights", type=Path, metavar="FILE", help="write the weights there, as .safetensors")
    parser.add_argument("--no-locations", action="store_true", help="leave out where each op comes from")
    parser.add_argument("--json", action="store_true", help="print counts as JSON (with -o)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from dycl.files import write_text
    from dycl.ir.decisions import decisions
    from dycl.ir.ops import AtenOp
    from dycl.ir.text import print_module

    program = load_program(options)
    text = print_module(program.module, locations=not options.no_locations)
    if options.save_weights is not None:
        program.weights.save(options.save_weights)
    if options.output is None:
        print(text, end="")
        return 0
    write_text(options.output, text)
    counts = {
        "aten_ops": sum(isinstance(op, AtenOp) for op in program.module.walk()),
        "branches": len(decisions(program.module)),
        "weights": len(program.weights),
        "output": str(options.output),
    }
    if options.json:
        print_json(counts)
    else:
        sizes = f"{counts['aten_ops']} ATen ops, {counts['branches']} branches, {counts['weights']} weights"
        note(f"{options.output}: {sizes}")
    return 0
