"""`dycl run`: an artifact on inputs from .npy or .npz files."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from dycl.cli.command import Commands
from dycl.cli.console import print_json
from dycl.cli.sources import check_artifact
from dycl.errors import DyclError, UsageError

_BEGINNINGS = (b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06")
"""What a .npy and a .npz file begin with."""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("run", help="run an artifact on inputs", description=__doc__)
    parser.add_argument("artifact", type=Path, metavar="ARTIFACT")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help="an input as .npy (NAME= may be left out where the model has one input), or several as .npz; repeatable",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the outputs there, as .npz or .npy")
    parser.add_argument("--threads", type=int, metavar="N", help="threads of a kernel (default: as compiled)")
    parser.add_argument("--json", action="store_true", help="print the outputs as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from dycl.runtime import load

    check_artifact(options.artifact, "run")
    model = load(options.artifact, threads=options.threads)
    inputs = read_inputs(options.input, [input.name for input in model.signature.inputs])
    try:
        output = model(**inputs)
    except (AssertionError, IndexError, ZeroDivisionError) as error:
        raise DyclError(f"the program raised {_shown(error)}") from error
    except (TypeError, ValueError) as error:
        raise UsageError(str(error)) from error
    named = named_outputs(output)
    if options.output is not None:
        save_outputs(options.output, named)
    if options.json:
        print_json({name: value.tolist() if hasattr(value, "tolist") else value for name, value in named.items()})
    elif options.output is None:
        for name, value in named.items():
            kind = f"{value.dtype}{list(value.shape)}" if hasattr(value, "shape") else type(value).__name__
            print(f"{name}: {kind} = {value}")
    return 0


def _shown(error: Exception) -> str:
    """Return what the program raised; an assertion's text may begin with the class of another exception."""
    text = str(error)
    first = text.partition(" ")[0]
    is_named = first.endswith(":") or first == type(error).__name__.removeprefix("Source")
    return text if is_named else f"{type(error).__name__}: {text}" if text else type(error).__name__


def read_inputs(arguments: list[str], names: list[str]) -> dict[str, Any]:
    """Return the arrays that `--input` options name.

    Raises:
        UsageError: a file is missing or is not .npy or .npz, or a name is given twice
    """
    found: dict[str, Any] = {}
    for argument in arguments:
        name, separator, path = argument.rpartition("=")
        for key, array in _read(Path(path), name if separator else None, names):
            if key in found:
                raise UsageError(f"the input {key} is given twice")
            found[key] = array
    return found


def _read(path: Path, name: str | None, names: list[str]) -> Iterator[tuple[str, Any]]:
    from zipfile import BadZipFile

    import numpy as np

    try:
        with path.open("rb") as file:
            if not file.read(6).startswith(_BEGINNINGS):
                raise UsageError(f"{path} is not a .npy or .npz file: write one with `numpy.save` or `numpy.savez`")
            file.seek(0)
            content = np.load(file, allow_pickle=False)
            if isinstance(content, Mapping):
                yield from content.items()
                return
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, EOFError, BadZipFile) as error:
        why = "it holds Python objects" if "allow_pickle" in str(error) else error
        raise UsageError(f"{path} is not a .npy or .npz file of plain arrays: {why}") from error
    if name is None and len(names) != 1:
        raise UsageError(f"say which input {path} is, as NAME={path}; the model has {', '.join(names)}")
    yield (names[0] if name is None else name), content


def named_outputs(output: Any) -> dict[str, Any]:
    """Return the leaves of an output by their places: `output`, `output.0`, `output.logits`.

    Where two keys read the same, as 1 and "1" do, the second place ends in `#2`.
    """
    found: dict[str, Any] = {}
    for place, leaf in _leaves(output, "output"):
        name, number = place, 1
        while name in found:
            number += 1
            name = f"{place}#{number}"
        found[name] = leaf
    return found


def _leaves(output: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(output, Mapping):
        parts = list(output.items())
    elif isinstance(output, tuple | list):
        parts = list(zip(getattr(output, "_fields", range(len(output))), output, strict=True))
    elif is_dataclass(output):
        parts = [(field.name, getattr(output, field.name)) for field in fields(output)]
    else:
        yield place, output
        return
    for key, part in parts:
        yield from _leaves(part, f"{place}.{key}")


def save_outputs(path: Path, named: Mapping[str, Any]) -> None:
    """Write outputs as .npz, or as .npy where there is one; an output that is None is left out.

    Raises:
        UsageError: the file's name or place does not do
    """
    from io import BytesIO

    import numpy as np

    from dycl.files import write_bytes

    arrays = {name: np.asarray(value) for name, value in named.items() if value is not None}
    buffer = BytesIO()
    if path.suffix == ".npy" and len(arrays) == 1:
        np.save(buffer, next(iter(arrays.values())))
    elif path.suffix == ".npz":
        np.savez(buffer, **arrays)  # pyright: ignore[reportArgumentType] (its flags share the names' space)
    else:
        raise UsageError(f"{path}: {len(arrays)} outputs go into a .npz file (a single one also into .npy)")
    write_bytes(path, buffer.getvalue())
