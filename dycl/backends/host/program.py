"""The host program as a file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation

from dycl.backends.host.buffers import kind_of
from dycl.backends.host.function import RUNTIME_NAMES, FunctionWriter
from dycl.backends.host.layout import Line, Text
from dycl.backends.host.names import Names
from dycl.backends.host.sites import Sites
from dycl.backends.host.sources import place, shown
from dycl.backends.host.summary import summary
from dycl.errors import DyclError
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
        DyclError: an op is not one that the host can do, functions call each other in a circle, or Python cannot nest
            as deep
    """
    functions = [op for op in program.module.ops if isinstance(op, FuncOp)]
    _refuse_recursion(functions)
    found = decisions(program.module)
    indices: dict[Operation, int] = {op: index for index, op in enumerate(found)}
    names = _function_names(functions, program.main)
    sites = Sites()
    text = Text([*summary(program, title), "", ""])
    place_of_import = len(text.lines) - 1
    for function in functions:
        is_entry = function is program.main
        wishes = [input.name for input in program.signature.inputs] if is_entry else []
        parameters, suite = FunctionWriter(function, indices, names, sites).write(wishes, is_entry)
        symbol = function.sym_name.data
        text.lines += ["", "", f"def {names[symbol]}({parameters}):"]
        text.add(suite or [Line("pass")], f"{symbol} ({describe(function)})", 1)
    used = [name for name in RUNTIME_NAMES if any(f"{name}(" in line for line in text.lines)]
    text.lines[place_of_import] = f"from dycl.runtime.host import {', '.join([*used, 'usage'])}"
    text.lines += _tail(sites)
    return HostProgram(
        "\n".join(text.lines) + "\n",
        tuple(_branch(op, *text.decisions[index]) for op, index in zip(found, indices.values(), strict=True)),
        {op.key.data: _constant(op, program) for f in functions for op in f.walk() if isinstance(op, ParamOp)},
        len(sites.buffer_lines),
    )


def _function_names(functions: Sequence[FuncOp], main: FuncOp) -> dict[str, str]:
    """Return the Python name of each function."""
    free = Names(["k", "prepare", "usage", "decide", ENTRY, *RUNTIME_NAMES])
    return {f.sym_name.data: ENTRY if f is main else free.fresh(f.sym_name.data) for f in functions}


def _tail(sites: Sites) -> list[str]:
    return [
        "",
        "",
        "def prepare(frame, k):",
        '    """Allocate the buffers that the launches write to, and make the calls: once, for many runs of `main`."""',
        *(f"    {line}" for line in (*sites.buffer_lines, *sites.lines)),
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


def _refuse_recursion(functions: Sequence[FuncOp]) -> None:
    """Refuse functions that call each other in a circle: a function's buffers serve one call at a time.

    Raises:
        DyclError: there are such
    """
    calls = {
        f.sym_name.data: {op.callee.string_value(): op for op in f.walk() if isinstance(op, CallOp)} for f in functions
    }
    done: set[str] = set()
    for start in calls:
        path: dict[str, Iterator[str]] = {start: iter(calls[start])}
        while path:
            name, following = next(reversed(path.items()))
            callee = next(following, None)
            if callee is None:
                done.add(name)
                del path[name]
            elif callee in path:
                raise DyclError(f"{callee} calls itself, at {describe(calls[name][callee])}: write it as a loop")
            elif callee not in done:
                path[callee] = iter(calls[callee])
