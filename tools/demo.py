"""Compile, verify and time SkipNet38: what `make demo` shows."""

import sys
import tempfile
from pathlib import Path

from dycl.cli.main import main

SOURCE = "examples/skipnet.py:SkipNet38"
SIGNATURE = "x: f32[1, 3, 32, 32]"


def step(*arguments: str) -> None:
    quoted = " ".join(f"'{argument}'" if " " in argument else argument for argument in arguments)
    print(f"$ dycl {quoted}", flush=True)
    if code := main(arguments):
        sys.exit(code)
    print(flush=True)


def demo() -> None:
    with tempfile.TemporaryDirectory() as folder:
        artifact = str(Path(folder) / "skipnet.dycl")
        step("compile", SOURCE, "--input", SIGNATURE, "-o", artifact)
        step("verify", artifact, "--samples", "50")
        step("bench", artifact, "--samples", "10")


if __name__ == "__main__":
    demo()
