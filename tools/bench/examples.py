"""Compile, verify and time examples beside eager, in the table that README.md shows.

Run as `python -m tools.bench.examples`.
"""

import argparse
import contextlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any

from dycl.cli.main import main as dycl
from tools.gallery import TIMED


def figures(*arguments: str) -> dict[str, Any]:
    """Return the JSON that a command prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = dycl([*arguments, "--json"])
    if not out.getvalue():
        raise SystemExit(code)
    return json.loads(out.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=30, help="inputs to time (default: 30)")
    parser.add_argument("--verify-samples", type=int, default=200, help="inputs to verify on (default: 200)")
    parser.add_argument("--only", default="", help="only the examples whose name contains this")
    options = parser.parse_args()
    print("| program | kernels | branches | launch sites | eager ms | dycl ms | ratio | over inputs | error | sides |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for example in TIMED:
            if options.only not in example.name:
                continue
            artifact = str(Path(folder) / f"{example.name}.dycl")
            made = figures("compile", example.reference, "--input", example.signature, "-o", artifact)
            checked = figures("verify", artifact, "--samples", str(options.verify_samples))
            timed = figures("bench", artifact, "--samples", str(options.samples))
            verdict = f"{checked['max_abs_error']:.1e}" if checked["ok"] else "FAULT"
            print(
                f"| {example.name} | {made['kernels']} | {made['branches']} | {made['launches']} "
                f"| {timed['eager_ms']:.1f} | {timed['dycl_ms']:.1f} | {timed['ratio']:.2f}x "
                f"| {timed['ratio_min']:.2f} to {timed['ratio_max']:.2f} | {verdict} "
                f"| {checked['sides_covered']}/{checked['sides']} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
