"""The host program as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation

from dycl.backends.host.buffers import kind_of
from dycl.backends.host.function import OWN_NAMES, RUNTIME_NAMES, FunctionWriter
from dycl.backends.host.layout import Line, Text
from dycl.backends.host.names import Names
from dycl.backends.host.recursion import Levels, levels
from dycl.backends.host.sites import Sites
from dycl.backends.host.sources import place, shown
from dycl.backends.host.steps import Callee
from dycl.backends.host.summary import summary
from dycl.ir.decisions import DecisionOp, decisions
from dycl.ir.locations import describe
from dycl.ir.ops import IfOp, ParamOp, SwitchOp
from dycl.program import ENTRY, Program
from dycl.runtime.manifest import Branch


@dataclass(frozen=True)
class HostConstant:
    """A weight that the host program uses itself: the bytes of a contiguous little-endian array."""

    dtype: str
    shape: tuple[int, ...]
    content: bytes


@dataclass(frozen=True)
class HostProgram:
    """The source of a host program, and what the artifact must tell of it."""

    source: str
    branches: tuple[Branch, ...]
    """In the order of `dycl.ir.decisions.decisions`."""
    constants: Mapping[str, HostConstant]
    """By the weight's key."""
    buffers: int
    """Distinct arrays that launches write to."""


def write_host(program: Program, title: str = "A compiled program") -> HostProgram:
    """Write the host program of a program whose functions hold host ops only.

    Raises:
        DyclError: an op is not one that the host can do, or Python cannot nest as deep
    """
    functions = [op for op in program.module.ops if isinstance(op, FuncOp)]
    found_levels = levels(functions)
    found = decisions(program.module)
    indices: dict[Operation, int] = {op: index for index, op in enumerate(found)}
    names = _function_names(functions, program.main)
    sites = Sites()
    on_levels = Sites(sites.names, sites.buffer_names)
    text = Text([*summary(program, title), "", ""])
    place_of_import = len(text.lines) - 1
    for function in functions:
        is_entry = function is program.main
        wishes = [input.name for input in program.signature.inputs] if is_entry else []
        symbol = function.sym_name.data
        own = on_levels if symbol in found_levels.on_levels else sites
        callees = {
            callee: Callee(name, found_levels.between(symbol, callee), name == ENTRY) for callee, name in names.items()
        }
        parameters, suite = FunctionWriter(function, indices, callees, own).write(wishes, is_entry)
        text.lines += ["", "", f"def {names[symbol]}({parameters}):"]
        text.add(suite or [Line("pass")], f"{symbol} ({describe(function)})", 1)
    used = [name for name in RUNTIME_NAMES if any(f"{name}(" in line or f"{name}." in line for line in text.lines)]
    text.lines[place_of_import] = f"from dycl.runtime.host import {', '.join([*used, 'usage'])}"
    text.lines += _tail(sites, on_levels, found_levels, program.main)
    return HostProgram(
        "\n".join(text.lines) + "\n",
        tuple(_branch(op, *text.decisions[index]) for op, index in zip(found, indices.values(), strict=True)),
        {op.key.data: _constant(op, program) for f in functions for op in f.walk() if isinstance(op, ParamOp)},
        len(sites.buffer_lines) + len(on_levels.buffer_lines),
    )


def _function_names(functions: Sequence[FuncOp], main: FuncOp) -> dict[str, str]:
    """Return the Python name of each function."""
    free = Names(["k", ENTRY, *OWN_NAMES])
    return {f.sym_name.data: ENTRY if f is main else free.fresh(f.sym_name.data) for f in functions}


def _tail(sites: Sites, on_levels: Sites, found: Levels, main: FuncOp) -> list[str]:
    lines = [*sites.buffer_lines, *sites.lines]
    level: list[str] = []
    if found.circles:
        # A main that calls itself is the first level itself.
        first = ["prepare_level(frame, k)"] if main.sym_name.data in found.on_levels else []
        lines += [*first, "k.levels(frame, prepare_level)"]
        level = [
            "",
            "",
            "def prepare_level(frame, k):",
            '    """Prepare the functions that call themselves, and those that they call: once for each level."""',
            *(f"    {line}" for line in (*on_levels.buffer_lines, *on_levels.lines) or ("pass",)),
        ]
    return [
        *level,
        "",
        "",
        "def prepare(frame, k):",
        '    """Allocate the buffers that the launches write to, and make the calls: once, for many runs of `main`."""',
        *(f"    {line}" for line in lines),
        "",
        "",
        'if __name__ == "__main__":',
        "    usage(__file__, __doc__)",
    ]


def _branch(op: DecisionOp, line: int, negated: bool) -> Branch:
    frame = place(op)
    source = shown(frame) if frame else ""
    if isinstance(op, SwitchOp):
        return Branch("switch", source, line, negated, op.case_values)
    return Branch("if" if isinstance(op, IfOp) else "while", source, line, negated)


def _constant(op: ParamOp, program: Program) -> HostConstant:
    kind = kind_of(op.value.type)
    array = program.weights[op.key.data].numpy()
    return HostConstant(kind.dtype, kind.shape, array.astype(array.dtype.newbyteorder("<")).tobytes())
