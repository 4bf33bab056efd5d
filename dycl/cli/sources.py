"""Arguments that several commands share: the source program and how to import it."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dycl.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from dycl.program import Program

MODEL_HELP = "a module class, a factory or an instance: path/to/file.py:NAME or package.module:NAME (put in eval mode)"
INPUT_HELP = (
    "the inputs, e.g. 'x: f32[1, 3, 32, 32]', 'ids: i64[1, t], mask: bool[1, t] where 1 <= t <= 128' or "
    "'x: f32[1, 3, h, w] where 16 <= h <= 48 and 16 <= w <= 48'"
)
CONSTRUCTED = "--kwargs goes with a model that is constructed; an exported program is one already"


def add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", help=f"{MODEL_HELP}; an exported program as .pt2; or a program as .mlir"
    )
    parser.add_argument("--input", metavar="SIGNATURE", help=INPUT_HELP)
    add_kwargs(parser)
    parser.add_argument(
        "--loops",
        choices=("unroll", "keep", "auto"),
        default="auto",
        help="which loops that Python alone decides stay loops: none, all whose variables keep their types, or those"
        " that are long and whose iterations are alike (default: auto)",
    )
    parser.add_argument(
        "--state",
        action="append",
        default=[],
        metavar="ATTR[,ATTR]",
        help="attributes that calls carry on to each other, such as `hidden` or `encoder.cache`",
    )
    parser.add_argument("--weights", type=Path, metavar="FILE", help="the .safetensors weights of a .mlir program")


def add_kwargs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kwargs", metavar="JSON", default="{}", help="arguments for the model's constructor, as a JSON object"
    )


def constructor_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Return the JSON object behind `--kwargs`.

    Raises:
        UsageError: it is not one
    """
    try:
        found = json.loads(options.kwargs)
    except json.JSONDecodeError as error:
        raise UsageError(f"--kwargs is not JSON: {error.msg} at column {error.colno}: {options.kwargs}") from error
    if not isinstance(found, dict):
        raise UsageError(f"--kwargs must be a JSON object such as '{{\"depth\": 38}}', not {options.kwargs}")
    return found


def load_model(reference: str, options: argparse.Namespace) -> "nn.Module":
    """Return the module behind a reference, in eval mode: what the commands make is for inference."""
    from dycl.frontends.torch import load_reference

    return load_reference(reference, constructor_arguments(options)).eval()


def is_exported(reference: str) -> bool:
    """Whether a reference is the file of an exported program."""
    return reference.endswith(".pt2")


def check_artifact(path: Path, command: str) -> None:
    """Check that a command that takes an artifact is not given what one is compiled from.

    Raises:
        UsageError: it is
    """
    model = str(path)
    file, _, name = model.rpartition(":")
    is_reference = bool(file and name.isidentifier())
    if path.is_dir() or not (is_reference or path.suffix in (".py", ".pt2", ".mlir")):
        return
    stem = name if is_reference else path.stem
    given = model if path.suffix != ".py" else f"{model}:NAME"
    inputs = "" if path.suffix in (".pt2", ".mlir") else " --input SIGNATURE"
    output = f"{stem.lower()}.dycl"
    raise UsageError(
        f"{model} is what an artifact is compiled from: compile it first, "
        f"`dycl compile {given}{inputs} -o {output}`, then `dycl {command} {output}`"
    )


def load_program(options: argparse.Namespace) -> "Program":
    """Return the program behind MODEL: imported from PyTorch or from what it exported, or read from IR text."""
    if options.model.endswith(".mlir") or options.model == "-":
        if options.input is not None or options.kwargs != "{}" or options.state:
            raise UsageError(
                "--input, --kwargs and --state go with a PyTorch model; a .mlir program has its own inputs"
            )
        return read_program(options.model, options.weights)
    if options.weights is not None:
        raise UsageError("--weights goes with a .mlir program; a PyTorch model brings its own")
    if is_exported(options.model):
        return _import_exported(options)
    if options.input is None:
        raise UsageError("say what the model takes, e.g. --input 'x: f32[1, 3, 32, 32]'")
    from dycl.frontends.signature import parse_signature
    from dycl.frontends.torch import import_module

    signature = parse_signature(options.input)
    state = [name for part in options.state for name in part.split(",") if name]
    return import_module(load_model(options.model, options), signature, loops=options.loops, state=state)


def _import_exported(options: argparse.Namespace) -> "Program":
    if options.state:
        raise UsageError("--state goes with a module; an exported program has no attributes")
    from dycl.frontends.exported import import_exported, load_exported
    from dycl.frontends.signature import parse_signature

    if options.kwargs != "{}":
        raise UsageError(CONSTRUCTED)
    signature = parse_signature(options.input) if options.input is not None else None
    return import_exported(load_exported(options.model), signature)


def read_program(path: str, weights: Path | None) -> "Program":
    """Read a program from a file of IR text, `-` for standard input.

    Raises:
        UsageError: a file is missing
        DyclError: the text is not a valid program
    """
    import sys

    from dycl.ir.text import read_module
    from dycl.ir.verify import verify
    from dycl.ir.weights import WeightStore
    from dycl.program import Program

    if path == "-":
        module = read_module(sys.stdin.read(), "<stdin>")
    else:
        try:
            text = Path(path).read_text()
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"cannot read {path}: it is not text") from error
        module = read_module(text, path)
    verify(module)
    return Program(module, WeightStore.open(weights) if weights is not None else WeightStore())
