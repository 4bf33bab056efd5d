"""Artifacts on disk: what is read is what was written, and nothing that is damaged runs."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dycl.errors import UsageError
from dycl.runtime import artifact as artifacts
from dycl.runtime import folders, load
from dycl.runtime.artifact import ArtifactError, check_writable, file_name, read_artifact, write_artifact
from dycl.runtime.signature import Input, Signature
from tests.unit.runtime.small_artifacts import small_artifact

X = np.arange(4, dtype="f")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "net.dycl"
    write_artifact(small_artifact(), path)
    return path


def test_what_is_read_is_what_was_written(folder: Path) -> None:
    written = small_artifact()
    assert replace(read_artifact(folder), path=None) == written
    files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    assert files == [
        "constants/one.bin",
        "host.py",
        "kernels/add.onnx",
        "kernels/double.onnx",
        "manifest.json",
        "program.mlir",
    ]


def test_sizes_with_names_and_bounds_survive(tmp_path: Path) -> None:
    written = small_artifact()
    signature = Signature((Input("x", "f32", ("n", 4)), Input("m", "bool", ())), {"n": (1, 64)})
    written = replace(written, manifest=replace(written.manifest, signature=signature, threads=2))
    write_artifact(written, tmp_path / "net.dycl")
    assert read_artifact(tmp_path / "net.dycl").manifest == written.manifest


def _edit(file: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda folder: (folder / file).write_bytes(change((folder / file).read_bytes())) and None


def _remove(file: str) -> Callable[[Path], None]:
    return lambda folder: (folder / file).unlink()


def _flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


FILES = ["host.py", "kernels/double.onnx", "kernels/add.onnx", "constants/one.bin", "program.mlir", "manifest.json"]
CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "flipped": _flip,
    "truncated": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "longer": lambda content: content + b"1",
    "not text": lambda content: b"\xff\xfe" + content,
}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("change", CHANGES)
def test_an_altered_file_is_named_and_nothing_runs(folder: Path, file: str, change: str) -> None:
    (folder / "kernels" / "ran").mkdir()
    _edit(file, CHANGES[change])(folder)
    with pytest.raises(ArtifactError, match=file):
        load(folder)


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    _remove(file)(folder)
    with pytest.raises(ArtifactError, match=file):
        load(folder)


def test_the_host_program_does_not_run_where_another_file_is_damaged(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _resign(folder, host=b"print('ran')\n" + (folder / "host.py").read_bytes())
    load(folder)
    assert capsys.readouterr().out == "ran\n"
    _edit("program.mlir", _flip)(folder)
    with pytest.raises(ArtifactError):
        load(folder)
    assert capsys.readouterr().out == ""


def _resign(folder: Path, host: bytes | None = None, **changes: object) -> None:
    """Change an artifact as one who knows how to state its digests."""
    data = json.loads((folder / "manifest.json").read_text())
    if host is not None:
        (folder / "host.py").write_bytes(host)
        data["files"]["host.py"] = artifacts._digest(host)
    data.update(changes)
    del data["digest"]
    data["digest"] = artifacts._digest(artifacts._canonical(data))
    (folder / "manifest.json").write_text(json.dumps(data))


def test_a_newer_format_says_to_update(folder: Path) -> None:
    _resign(folder, format=3, unheard_of=True)
    with pytest.raises(ArtifactError, match=r"has format 3, and this dycl reads up to 2: update dycl"):
        load(folder)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "kernels/../../x", "a//b", "./a", "~/x", "a\\b", ""]
)
def test_a_file_outside_the_folder_is_refused(folder: Path, name: str) -> None:
    data = json.loads((folder / "manifest.json").read_text())
    _resign(folder, files={**data["files"], name: "0" * 64})
    with pytest.raises(ArtifactError, match="not inside the folder"):
        load(folder)


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    shutil.move(folder / "host.py", outside)
    (folder / "host.py").symlink_to(outside)
    with pytest.raises(ArtifactError, match="not inside the folder"):
        load(folder)


def test_an_older_format_is_read(folder: Path) -> None:
    _resign(folder, format=1)
    assert load(folder).signature == small_artifact().manifest.signature


def test_a_file_without_a_digest_is_refused(folder: Path) -> None:
    data = json.loads((folder / "manifest.json").read_text())
    files = {name: digest for name, digest in data["files"].items() if name != "kernels/add.onnx"}
    _resign(folder, files=files)
    with pytest.raises(ArtifactError, match=r"no digest of kernels/add.onnx"):
        load(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"kernels": []},
        {"threads": 0},
        {"threads": "1"},
        {"signature": {"inputs": [{"name": "x", "dtype": "f33", "shape": [4]}], "bounds": {}}},
        {"structure": {"set": []}},
        {"branches": [{"kind": "goto"}]},
    ],
)
def test_a_manifest_of_another_form_is_damaged(folder: Path, changes: dict[str, object]) -> None:
    _resign(folder, **changes)
    with pytest.raises(ArtifactError, match=r"manifest.json is damaged"):
        load(folder)


def test_what_is_no_artifact_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        load(tmp_path / "nothing")
    with pytest.raises(ArtifactError, match=r"has no manifest.json"):
        load(tmp_path)
    file = tmp_path / "file.dycl"
    file.write_text("{}")
    with pytest.raises(UsageError, match="no such folder"):
        load(file)


def test_a_host_program_that_is_none_is_refused(folder: Path) -> None:
    _resign(folder, host=b"x = 1\n")
    with pytest.raises(ArtifactError, match="defines no prepare"):
        load(folder)
    _resign(folder, host=b"def main(:\n")
    with pytest.raises(ArtifactError, match="not a host program"):
        load(folder)


def test_an_unknown_engine_offers_the_nearest(folder: Path) -> None:
    kernels = json.loads((folder / "manifest.json").read_text())["kernels"]
    kernels["add"]["engine"] = "onnxruntim"
    _resign(folder, kernels=kernels)
    with pytest.raises(Exception, match="did you mean onnxruntime"):
        load(folder)


def test_a_kernel_that_its_engine_refuses_is_named(folder: Path) -> None:
    files = json.loads((folder / "manifest.json").read_text())["files"]
    (folder / "kernels/add.onnx").write_bytes(b"nothing")
    _resign(folder, files={**files, "kernels/add.onnx": artifacts._digest(b"nothing")})
    with pytest.raises(ArtifactError, match=r"cannot load .*kernels/add.onnx"):
        load(folder)


def _left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writing_replaces_an_artifact_and_leaves_nothing_else(folder: Path) -> None:
    (folder / "old").write_text("")
    write_artifact(small_artifact(), folder)
    assert not (folder / "old").exists()
    assert _left_behind(folder.parent) == ["net.dycl"]
    load(folder)


def test_writing_fills_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "net.dycl").mkdir()
    write_artifact(small_artifact(), tmp_path / "net.dycl")
    load(tmp_path / "net.dycl")


@pytest.mark.parametrize("function", [check_writable, lambda path: write_artifact(small_artifact(), path)])
def test_another_folder_or_file_is_not_overwritten(tmp_path: Path, function: Callable[[Path], None]) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="dycl did not write"):
        function(mine)
    with pytest.raises(UsageError, match="a file of that name"):
        function(mine / "thesis.tex")
    with pytest.raises(UsageError, match="there is no folder"):
        function(tmp_path / "none" / "net.dycl")
    assert (mine / "thesis.tex").read_text() == "years of work"
    assert _left_behind(tmp_path) == ["mine"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("step", ["write_bytes", "rename"])
def test_a_write_that_fails_leaves_what_was_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], step: str
) -> None:
    before = {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    count = 0
    original = getattr(Path, step)

    def fail(self: Path, *args: object) -> object:
        nonlocal count
        count += 1
        # The second rename puts the new folder in place; the third is the way back.
        if count == 2:
            raise error("no space left")
        return original(self, *args)

    monkeypatch.setattr(Path, step, fail)
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else UsageError):
        write_artifact(small_artifact(), folder)
    monkeypatch.undo()
    assert {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
    assert _left_behind(folder.parent) == ["net.dycl"]


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders.os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match="is not writable"):
        check_writable(tmp_path / "net.dycl")


def test_file_names_of_kernels_are_plain_and_distinct() -> None:
    names = ["k0", "net$1", "net.1", "net_1", "-x", "Ünï"]
    files = [file_name("kernels", name, ".onnx") for name in names]
    assert len(set(files)) == len(names)
    assert all(artifacts._FILE.fullmatch(file) for file in files)
    assert files[0] == "kernels/k0.onnx"
