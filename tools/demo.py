"""Compile, verify and time SkipNet38: what `make demo` shows. The artifact stays, to run and to look at."""

import sys
from pathlib import Path

from dycl.cli.main import main

SOURCE = "examples/skipnet.py:SkipNet38"
SIGNATURE = "x: f32[1, 3, 32, 32]"
ARTIFACT = "build/skipnet.dycl"


def step(*arguments: str) -> None:
    quoted = " ".join(f"'{argument}'" if " " in argument else argument for argument in arguments)
    print(f"$ dycl {quoted}", flush=True)
    if code := main(arguments):
        sys.exit(code)
    print(flush=True)


def demo() -> None:
    Path(ARTIFACT).parent.mkdir(exist_ok=True)
    step("compile", SOURCE, "--input", SIGNATURE, "-o", ARTIFACT)
    step("verify", ARTIFACT, "--samples", "50")
    step("bench", ARTIFACT, "--samples", "10")


if __name__ == "__main__":
    demo()
