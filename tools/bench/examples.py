"""Compile, verify and time every example beside eager, in the table that docs/performance.md shows.

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

SIGNATURE = "x: f32[1, 3, 32, 32]"
EXAMPLES = {
    "early-exit ResNet-56": "examples/shallow_deep_resnet.py:ShallowDeepResNet56",
    "SkipNet-38": "examples/skipnet.py:SkipNet38",
    "SkipNet-74": "examples/skipnet.py:SkipNet74",
    "SkipNet-38, recurrent gate": "examples/skipnet.py:RecurrentSkipNet38",
    "BlockDrop ResNet-110": "examples/blockdrop.py:BlockDrop",
}


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
    parser.add_argument("--only", help="only the examples whose name contains this")
    options = parser.parse_args()
    print("| program | kernels | branches | launch sites | eager ms | dycl ms | ratio | over inputs | error | sides |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, reference in EXAMPLES.items():
            if options.only and options.only not in name:
                continue
            artifact = str(Path(folder) / f"{reference.rpartition(':')[2]}.dycl")
            made = figures("compile", reference, "--input", SIGNATURE, "-o", artifact)
            checked = figures("verify", artifact, "--samples", str(options.verify_samples))
            timed = figures("bench", artifact, "--samples", str(options.samples))
            verdict = f"{checked['max_abs_error']:.1e}" if checked["ok"] else "FAULT"
            print(
                f"| {name} | {made['kernels']} | {made['branches']} | {made['launches']} | {timed['eager_ms']:.1f} "
                f"| {timed['dycl_ms']:.1f} | {timed['ratio']:.2f}x | {timed['ratio_min']:.2f} to "
                f"{timed['ratio_max']:.2f} | {verdict} | {checked['sides_covered']}/{checked['sides']} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
