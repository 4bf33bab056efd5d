"""The artifact: a folder that holds a compiled program, and all that is needed to run it.

    manifest.json     what the program takes and gives, its kernels, and the digest of each file
    host.py           the host program
    kernels/          the compiled kernels
    constants/        tensors that the host program uses itself, where there are any
    program.mlir      the IR that all this was made from, for people

It is written whole or not at all. Before anything of it runs, every digest is checked; they guard against accidents,
not against an author who means ill: an artifact is a program, so load only those that you trust.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dycl.errors import DyclError, UsageError
from dycl.runtime import folders
from dycl.runtime.manifest import Manifest, from_json, to_json
from dycl.runtime.signature import Json

FORMAT = 2
"""Raised whenever an older dycl could not read what this one writes."""

MANIFEST = "manifest.json"
HOST = "host.py"
PROGRAM = "program.mlir"

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")


class ArtifactError(DyclError):
    """A folder that is not an artifact, or that is damaged or too new."""


@dataclass(frozen=True)
class Artifact:
    """A compiled program.

    `kernels` and `constants` hold the bytes of the files that the manifest's entries of these names have.
    """

    manifest: Manifest
    host_source: str
    kernels: Mapping[str, bytes]
    program_text: str = ""
    constants: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    path: Path | None = None
    """The folder it was read from."""

    @property
    def host_file(self) -> str:
        """The host program's file, for tracebacks."""
        return str(self.path / HOST) if self.path else "<host.py>"


def file_name(folder: str, name: str, suffix: str) -> str:
    """Return the path in an artifact of a file for a kernel or constant of any name."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    mark = "" if plain == name else "-" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{folder}/{plain if plain[0].isalnum() or plain[0] == '_' else '_' + plain}{mark}{suffix}"


def write_artifact(artifact: Artifact, path: Path) -> None:
    """Write an artifact to the folder `path`, in the place of one that is there.

    Raises:
        UsageError: there is something else at `path`, or it cannot be written
    """
    manifest = artifact.manifest
    files = {HOST: artifact.host_source.encode(), PROGRAM: artifact.program_text.encode()}
    files |= {manifest.kernels[name].file: payload for name, payload in artifact.kernels.items()}
    files |= {manifest.constants[name].file: payload for name, payload in artifact.constants.items()}
    head: dict[str, Json] = {
        "format": FORMAT,
        **to_json(manifest),
        "files": {name: _digest(content) for name, content in sorted(files.items())},
    }
    text = json.dumps({**head, "digest": _digest(_canonical(head))}, indent=1)
    folders.write({MANIFEST: text.encode() + b"\n", **files}, path, is_artifact)


def check_writable(path: Path) -> None:
    """Check, before the work of a compilation, that an artifact can be written to `path`.

    Raises:
        UsageError: it cannot
    """
    folders.check(path, is_artifact)


def is_artifact(path: Path) -> bool:
    """Whether a folder was written as an artifact, of any format, damaged or not."""
    try:
        return '"format"' in (path / MANIFEST).read_text(errors="replace")[:100]
    except OSError:
        return False


def read_artifact(path: str | Path) -> Artifact:
    """Read an artifact, and check every digest.

    Raises:
        UsageError: there is no such folder
        ArtifactError: it is not an artifact, it is damaged, or it is of a newer format; the message names the file
    """
    path = Path(path)
    manifest, digests = _read_manifest(path)
    contents = {name: _read_checked(path, name, digest) for name, digest in digests.items()}
    entries = (*manifest.kernels.values(), *manifest.constants.values())
    for name in (HOST, PROGRAM, *(entry.file for entry in entries)):
        if name not in contents:
            raise ArtifactError(f"{path / MANIFEST} is damaged: it has no digest of {name}")
    return Artifact(
        manifest,
        contents[HOST].decode(),
        {name: contents[entry.file] for name, entry in manifest.kernels.items()},
        contents[PROGRAM].decode(),
        {name: contents[entry.file] for name, entry in manifest.constants.items()},
        path.absolute(),
    )


def _read_manifest(path: Path) -> tuple[Manifest, dict[str, str]]:
    """Return the manifest and the digest of each file."""
    file = path / MANIFEST
    if not path.is_dir():
        raise UsageError(f"{path} is not a compiled program: there is no such folder")
    if not file.is_file():
        raise ArtifactError(f"{path} is not a compiled program: it has no {MANIFEST}")
    try:
        data: Json = json.loads(_read(file))
    except ValueError as error:
        raise ArtifactError(f"{file} is damaged: {error}") from error
    if not isinstance(data, Mapping) or not isinstance(data.get("format"), int):
        raise ArtifactError(f"{file} is damaged: it does not state its format")
    found = data["format"]
    if isinstance(found, int) and found > FORMAT:
        raise ArtifactError(
            f"{path} has format {found}, and this dycl reads up to {FORMAT}: update dycl, or compile it again"
        )
    head = {key: value for key, value in data.items() if key != "digest"}
    if data.get("digest") != _digest(_canonical(head)):
        raise ArtifactError(f"{file} is damaged: its content does not have the digest that it states")
    try:
        manifest = from_json(data)
    except ValueError as error:
        raise ArtifactError(f"{file} is damaged: {error}") from error
    files = data.get("files")
    digests = {k: v for k, v in files.items() if isinstance(v, str)} if isinstance(files, Mapping) else {}
    return manifest, digests


def _read_checked(path: Path, name: str, digest: str) -> bytes:
    if not _FILE.fullmatch(name) or not (path / name).resolve().is_relative_to(path.resolve()):
        raise ArtifactError(f"{path / MANIFEST} is damaged: it names the file {name!r}, which is not inside the folder")
    content = _read(path / name)
    if _digest(content) != digest:
        raise ArtifactError(f"{path / name} is damaged: it does not have the digest that {MANIFEST} states")
    return content


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ArtifactError(f"cannot read {file}: {error.strerror}") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _canonical(data: Json) -> bytes:
    return json.dumps(data, sort_keys=True).encode()
