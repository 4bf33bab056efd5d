"""Files of exported programs, `model.pt2`: what `torch.export.save` writes."""

import logging
import os
import warnings
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dycl.errors import DyclError, UsageError

if TYPE_CHECKING:
    from torch.export import ExportedProgram

SUFFIX = ".pt2"


def load_exported(path: str | os.PathLike[str]) -> "ExportedProgram":
    """Load an exported program. torch unpickles parts of such a file: it must come from a source that is trusted.

    Raises:
        UsageError: there is no such file
        DyclError: it is not a whole file of an exported program, or torch cannot read it
    """
    from torch import export

    file = Path(path)
    _check_archive(file)
    with _reasons() as reasons:
        try:
            return export.load(file)
        except Exception as error:
            # torch's error says only that there is a fault; which one it was is in its log.
            cause = reasons[0] if reasons else error
            reason = (str(cause).splitlines() or [""])[0]
            raise DyclError(
                f"torch cannot load {file}: {type(cause).__name__}: {reason}; it may be damaged, or saved by another "
                "version of torch: export it again with this one"
            ) from error


def _check_archive(file: Path) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            damaged = archive.testzip()
    except FileNotFoundError as error:
        raise UsageError(f"no file {file}") from error
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    except zipfile.BadZipFile as error:
        raise DyclError(
            f"{file} is not a whole {SUFFIX} file: {error}; save it again with torch.export.save"
        ) from error
    if damaged is not None:
        raise DyclError(f"{file} is damaged: its part {damaged} has changed; save it again with torch.export.save")
    # Inside of one folder, whatever its name: models/NAME.json.
    models = [name for name in names if name.count("/") == 2 and "/models/" in name and name.endswith(".json")]
    if not models and any("/aotinductor/" in name for name in names):
        raise DyclError(
            f"{file} holds code that AOTInductor has compiled, and no exported program: "
            "save what torch.export.export returns with torch.export.save"
        )
    if not models:
        raise DyclError(f"{file} holds no exported program: it is damaged, or torch.export.save has not written it")
    if not any(name.endswith("/models/model.json") for name in models):
        shown = ", ".join(Path(name).stem for name in models)
        raise DyclError(f"{file} holds several exported programs ({shown}): save the one to compile alone")


_LOGGERS = ("torch.export", "torch._export.serde.serialize")


@contextmanager
def _reasons() -> Generator[list[BaseException]]:
    """Collect the errors that torch logs, and keep what it logs and warns of from the user."""
    found: list[BaseException] = []

    def collect(record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1] is not None:
            found.append(record.exc_info[1])
        return False

    loggers = list(map(logging.getLogger, _LOGGERS))
    for logger in loggers:
        logger.addFilter(collect)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield found
    finally:
        for logger in loggers:
            logger.removeFilter(collect)
