"""An artifact beside its source: what `verify` and `bench` compare."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dycl.cli.run import read_inputs
from dycl.cli.sources import MODEL_HELP, load_model
from dycl.errors import DyclError, UsageError

if TYPE_CHECKING:
    from torch import nn

    from dycl.runtime.model import Model
    from dycl.runtime.signature import Signature


def add_arguments(parser: argparse.ArgumentParser, samples: int) -> None:
    parser.add_argument("artifact", type=Path, metavar="ARTIFACT")
    parser.add_argument("--against", metavar="MODEL", help=f"{MODEL_HELP} (default: the one it was compiled from)")
    parser.add_argument("--kwargs", metavar="JSON", help="arguments for the model's constructor (default: as compiled)")
    parser.add_argument("--samples", type=int, default=samples, metavar="N", help=f"random inputs (default: {samples})")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the random inputs (default: 0)")
    parser.add_argument(
        "--data", metavar="FILE", help="take the inputs from this .npz instead: per input, samples on the first axis"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


@dataclass
class Pair:
    """A loaded artifact and the module it was compiled from."""

    model: "Model"
    module: "nn.Module"


def load_pair(options: argparse.Namespace, threads: int | None = None) -> Pair:
    from dycl.runtime import load

    model = load(options.artifact, threads=threads)
    reference = options.against or model.artifact.manifest.source
    if not reference or reference.endswith(".mlir") or reference == "-":
        raise UsageError(f"say what {options.artifact} was compiled from: --against path/to/file.py:NAME")
    if options.kwargs is None:
        options.kwargs = model.artifact.manifest.constructor_arguments or "{}"
    try:
        module = load_model(reference, options)
    except UsageError as error:
        if options.against is not None:
            raise
        raise UsageError(
            f"{error} ({options.artifact} was compiled from {reference}: "
            "work in the folder where it was compiled, or name the model with --against)"
        ) from error
    return Pair(model, module)


def samples(options: argparse.Namespace, signature: "Signature") -> list[Mapping[str, Any]]:
    """Return the inputs to compare on: from `--data`, else drawn at random.

    Raises:
        UsageError: the data lacks an input, or its inputs have different numbers of samples
    """
    from dycl.verification import sample_inputs

    if options.samples < 1:
        raise UsageError(f"--samples must be at least 1, not {options.samples}")
    if options.data is None:
        return list(sample_inputs(signature, options.samples, options.seed))
    names = [input.name for input in signature.inputs]
    data = read_inputs([options.data], names)
    if missing := [name for name in names if name not in data]:
        raise UsageError(f"{options.data} lacks the input {', '.join(missing)}")
    counts = {len(np.atleast_1d(data[name])) for name in names}
    if len(counts) != 1:
        raise UsageError(f"the inputs in {options.data} have different numbers of samples: {sorted(counts)}")
    count = min(counts.pop(), options.samples)
    for input in signature.inputs:
        if data[input.name].shape[1:] != input.shape:
            raise UsageError(f"{options.data}: {input.name} must be [samples, {', '.join(map(str, input.shape))}]")
    return [{name: data[name][index] for name in names} for index in range(count)]


def optimised_program(pair: Pair) -> Any:
    """Import the module again and run the artifact's pipeline on it.

    Raises:
        DyclError: the result is not the program that the artifact was made from, or has other weights
    """
    from dycl.backends.packaging import weights_digest
    from dycl.frontends.torch import import_module
    from dycl.ir.text import print_module
    from dycl.passes import parse_pipeline

    manifest = pair.model.artifact.manifest
    program = import_module(pair.module, pair.model.signature)
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
