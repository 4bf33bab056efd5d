"""An artifact beside its source: what `verify` and `bench` compare."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dycl.cli.data import Data, read_data
from dycl.cli.sources import CONSTRUCTED, MODEL_HELP, check_artifact, is_exported, load_model
from dycl.errors import DyclError, UsageError

if TYPE_CHECKING:
    from dycl.program import Program
    from dycl.runtime.model import Model
    from dycl.runtime.signature import Signature


def add_arguments(parser: argparse.ArgumentParser, samples: int) -> None:
    parser.add_argument("artifact", type=Path, metavar="ARTIFACT")
    parser.add_argument(
        "--against",
        metavar="MODEL",
        help=f"{MODEL_HELP}; or an exported program as .pt2 (default: the one it was compiled from)",
    )
    parser.add_argument("--kwargs", metavar="JSON", help="arguments for the model's constructor (default: as compiled)")
    parser.add_argument(
        "--samples", type=int, metavar="N", help=f"how many inputs (default: all of --data's, or {samples} random ones)"
    )
    parser.set_defaults(random_samples=samples)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the random inputs (default: 0)")
    parser.add_argument(
        "--data",
        metavar="FILE",
        help="take the inputs from this .npz instead: per input an array [samples, its own sizes], so that a size with"
        " a name is the same for all samples of a file; labels, if any, as `label`",
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


@dataclass
class Pair:
    """A loaded artifact and what it was compiled from."""

    model: "Model"
    eager: Callable[..., Any]
    """The source program as torch runs it."""
    imported: "Callable[[], Program]"
    """Imports the source program again."""


def load_pair(options: argparse.Namespace, threads: int | None = None) -> Pair:
    from dycl.runtime import load

    check_artifact(options.artifact, options.command)
    model = load(options.artifact, threads=threads)
    reference = options.against or model.artifact.manifest.source
    if not reference or reference.endswith(".mlir") or reference == "-":
        raise UsageError(f"say what {options.artifact} was compiled from: --against path/to/file.py:NAME")
    if options.kwargs is None:
        options.kwargs = model.artifact.manifest.constructor_arguments or "{}"
    load = _exported_pair if is_exported(reference) else _module_pair
    try:
        return load(model, reference, options)
    except UsageError as error:
        if options.against is not None:
            raise
        raise UsageError(
            f"{error} ({options.artifact} was compiled from {reference}: "
            "work in the folder where it was compiled, or name the model with --against)"
        ) from error


def _module_pair(model: "Model", reference: str, options: argparse.Namespace) -> Pair:
    from dycl.frontends.torch import import_module

    module = load_model(reference, options)
    state = list(dict.fromkeys(entry.attribute for entry in model.artifact.manifest.state))
    loops = model.artifact.manifest.loops
    return Pair(model, module, lambda: import_module(module, model.signature, loops=loops, state=state))


def _exported_pair(model: "Model", reference: str, options: argparse.Namespace) -> Pair:
    from dycl.frontends.exported import eager_function, import_exported, load_exported

    if options.kwargs != "{}":
        raise UsageError(CONSTRUCTED)
    exported = load_exported(reference)
    return Pair(model, eager_function(exported), lambda: import_exported(exported, model.signature))


def samples(options: argparse.Namespace, signature: "Signature") -> Data:
    """Return what to compare on: the samples of `--data`, else inputs drawn at random.

    Raises:
        UsageError: the data lack an input, or do not fit the signature
    """
    from dycl.verification import sample_inputs

    if options.samples is not None and options.samples < 1:
        raise UsageError(f"--samples must be at least 1, not {options.samples}")
    if options.data is not None:
        return read_data(options.data, signature, options.samples)
    return Data(list(sample_inputs(signature, options.samples or options.random_samples, options.seed)))


def optimised_program(pair: Pair) -> Any:
    """Import the module again and run the artifact's pipeline on it.

    Raises:
        DyclError: the result is not the program that the artifact was made from, or has other weights
    """
    from dycl.backends.packaging import weights_digest
    from dycl.ir.text import print_module
    from dycl.passes import parse_pipeline

    manifest = pair.model.artifact.manifest
    program = pair.imported()
    parse_pipeline(manifest.pipeline).run(program)
    if print_module(program.module) != pair.model.artifact.program_text:
        raise DyclError(
            "the artifact was compiled from another program than the one given: "
            "compile it again, or name its own source with --against"
        )
    if weights_digest(program) != manifest.weights:
        raise DyclError(
            "the model has other weights than the artifact was compiled with: seed or load them where it is made, "
            "so that each run makes the same model, and compile it again"
        )
    return program
