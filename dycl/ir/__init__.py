"""What a program is: its ops and types, its text, its weights, its verifier and its meaning."""

from dycl.ir.hcfg import Hcfg, build_hcfg
from dycl.ir.interpret import interpret
from dycl.ir.text import InvalidText, parse_module, print_module, read_module
from dycl.ir.verify import InvalidProgram, verify
from dycl.ir.weights import Weight, WeightStore

__all__ = [
    "Hcfg",
    "InvalidProgram",
    "InvalidText",
    "Weight",
    "WeightStore",
    "build_hcfg",
    "interpret",
    "parse_module",
    "print_module",
    "read_module",
    "verify",
]
