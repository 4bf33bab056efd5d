"""Folders written whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from dycl.errors import UsageError

MayReplace = Callable[[Path], bool]
"""Whether a folder is of the kind that may be replaced."""


def check(path: Path, may_replace: MayReplace) -> None:
    """Check that a folder could be written to `path`.

    Raises:
        UsageError: there is something else, there is no folder to put it in, or that cannot be written to
    """
    target = path.resolve()
    if target.is_dir():
        if any(target.iterdir()) and not may_replace(target):
            raise UsageError(f"cannot write {path}: there is a folder that dycl did not write; choose another name")
    elif target.exists():
        raise UsageError(f"cannot write {path}: there is a file of that name")
    if not target.parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write {path}: the folder {path.parent} is not writable")


def write(files: Mapping[str, bytes], path: Path, may_replace: MayReplace) -> None:
    """Write files to a new folder beside `path`, then rename it, away with what is there.

    Raises:
        UsageError: as `check`, or the system refuses
    """
    check(path, may_replace)
    target = path.resolve()
    beside: Path | None = None
    try:
        beside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        fresh = beside / "new"
        fresh.mkdir()
        for name, content in files.items():
            file = fresh / name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
        _exchange(fresh, target, beside / "old")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)


def _exchange(fresh: Path, target: Path, old: Path) -> None:
    """Put `fresh` in the place of `target`, which goes to `old`; where that fails, `target` is as it was."""
    if not target.exists():
        fresh.rename(target)
        return
    try:
        target.rename(old)
        fresh.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise
