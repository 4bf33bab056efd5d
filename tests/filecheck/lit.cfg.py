"""Lit's configuration: `lit tests/filecheck`. pytest runs the same files in process, see test_filecheck.py."""

import os
import sys
from pathlib import Path

import lit.formats

config.name = "dycl"  # type: ignore[name-defined]  # noqa: F821
config.test_format = lit.formats.ShTest(execute_external=False)  # type: ignore[name-defined]  # noqa: F821
config.suffixes = [".mlir"]  # type: ignore[name-defined]  # noqa: F821
config.environment["PATH"] = os.pathsep.join(  # type: ignore[name-defined]  # noqa: F821
    [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
)
