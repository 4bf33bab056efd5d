"""What an artifact says of itself: `manifest.json`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from dycl.runtime import signature, structure
from dycl.runtime.engines.protocol import KernelSpec, spec_from_json, spec_to_json
from dycl.runtime.signature import Input, Json, Signature
from dycl.runtime.structure import Group, Structure

T = TypeVar("T")

BRANCH_KINDS = ("if", "switch", "while")


@dataclass(frozen=True)
class Branch:
    """A run-time decision of the host program."""

    kind: str
    """One of `BRANCH_KINDS`."""
    source: str
    """Where the program's source decides it, as `file:line`; empty where that is not known."""
    line: int
    """The line of `host.py` that tests it."""
    negated: bool = False
    """Whether that line tests the opposite."""
    cases: tuple[int, ...] = ()
    """Of a switch: the values that have a case."""


@dataclass(frozen=True)
class KernelEntry:
    """A compiled kernel: the engine that loads it, and the file that holds it."""

    spec: KernelSpec
    engine: str
    file: str
    launches: int = 1
    """How many places of the host program launch it."""


@dataclass(frozen=True)
class ConstantEntry:
    """A constant of the host program: the bytes of a contiguous little-endian array."""

    dtype: str
    shape: tuple[int, ...]
    file: str


@dataclass(frozen=True)
class StateEntry:
    """An input that is carried from call to call: its name, and the constant that is its first value."""

    input: str
    constant: str

    @property
    def attribute(self) -> str:
        """The attribute of the source's module that it is, or is a part of."""
        return self.input.partition("[")[0]


@dataclass(frozen=True)
class Manifest:
    """All that an artifact says of itself but the digests of its files."""

    signature: Signature
    structure: Structure
    kernels: Mapping[str, KernelEntry]
    branches: tuple[Branch, ...] = ()
    constants: Mapping[str, ConstantEntry] = field(default_factory=dict[str, ConstantEntry])
    threads: int = 1
    """Threads that a kernel may use unless the caller says otherwise."""
    source: str = ""
    """The model that was compiled, as `path/to/file.py:NAME`."""
    constructor_arguments: str = "{}"
    """The arguments that made the model, as JSON."""
    pipeline: str = "default"
    weights: str = ""
    """A digest of the weights that the kernels hold."""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of dycl and of the packages that had a part in the compilation."""
    state: tuple[StateEntry, ...] = ()
    """The last inputs of the signature, which the caller does not give."""
    loops: str = "auto"
    """Which loops of the source were kept, as the frontend was asked."""

    @property
    def inputs(self) -> Signature:
        """What the caller gives."""
        count = len(self.signature.inputs) - len(self.state)
        inputs = self.signature.inputs[:count]
        named = {size for input in inputs for size in input.shape}
        return Signature(inputs, {name: pair for name, pair in self.signature.bounds.items() if name in named})

    @property
    def outputs(self) -> Structure:
        """What the caller is given."""
        return self._pair[0]

    @property
    def updates(self) -> Structure:
        """The new values of the state, in the order of its inputs."""
        return self._pair[1]

    @property
    def _pair(self) -> tuple[Structure, Structure]:
        match self.structure:
            case Group("tuple", (outputs, updates)) if self.state:
                return outputs, updates
            case _:
                return self.structure, Group("tuple", ())


def to_json(manifest: Manifest) -> dict[str, Json]:
    return {
        "source": manifest.source,
        "constructor_arguments": manifest.constructor_arguments,
        "signature": _signature_to_json(manifest.signature),
        "structure": structure.to_json(manifest.structure),
        "kernels": {
            name: {"engine": entry.engine, "file": entry.file, "launches": entry.launches} | {"spec": _spec(entry)}
            for name, entry in manifest.kernels.items()
        },
        "constants": {
            name: {"dtype": entry.dtype, "shape": entry.shape, "file": entry.file}
            for name, entry in manifest.constants.items()
        },
        "branches": [
            {"kind": b.kind, "source": b.source, "line": b.line, "negated": b.negated, "cases": b.cases}
            for b in manifest.branches
        ],
        "threads": manifest.threads,
        "pipeline": manifest.pipeline,
        "weights": manifest.weights,
        "versions": dict(manifest.versions),
        "state": [{"input": entry.input, "constant": entry.constant} for entry in manifest.state],
        "loops": manifest.loops,
    }


def from_json(data: Json) -> Manifest:
    """Read what `to_json` wrote.

    Raises:
        ValueError: it did not write this
    """
    match data:
        case {
            "source": str(source),
            "constructor_arguments": str(constructor_arguments),
            "signature": inputs,
            "structure": outputs,
            "kernels": kernels,
            "constants": constants,
            "branches": [*branches],
            "threads": int(threads),
            "pipeline": str(pipeline),
            "weights": str(weights),
            "versions": versions,
            **rest,
        } if threads >= 1:
            return Manifest(
                _signature_from_json(inputs),
                structure.from_json(outputs),
                _mapping(kernels, _kernel),
                tuple(map(_branch, branches)),
                _mapping(constants, _constant),
                threads,
                source,
                constructor_arguments,
                pipeline,
                weights,
                _mapping(versions, str),
                _state(rest.get("state", [])),
                str(rest.get("loops", "auto")),
            )
        case _:
            raise ValueError("it lacks a part, or a part is of another kind")


def _state(data: Json) -> tuple[StateEntry, ...]:
    entries: list[StateEntry] = []
    for entry in data if isinstance(data, list) else [None]:
        match entry:
            case {"input": str(input), "constant": str(constant)}:
                entries.append(StateEntry(input, constant))
            case _:
                raise ValueError("an entry of the state is of another kind")
    return tuple(entries)


def _spec(entry: KernelEntry) -> Json:
    return spec_to_json(entry.spec)


def _signature_to_json(found: Signature) -> Json:
    return {
        "inputs": [{"name": i.name, "dtype": i.dtype, "shape": i.shape} for i in found.inputs],
        "bounds": {name: list(pair) for name, pair in found.bounds.items()},
    }


def _signature_from_json(data: Json) -> Signature:
    match data:
        case {"inputs": [*inputs], "bounds": bounds}:
            return Signature(tuple(map(_input, inputs)), _mapping(bounds, _bounds))
        case _:
            raise ValueError(f"not a signature: {data}")


def _input(data: Json) -> Input:
    match data:
        case {"name": str(name), "dtype": str(dtype), "shape": [*shape]} if dtype in signature.DTYPES:
            sizes = [size for size in shape if isinstance(size, int | str)]
            if len(sizes) == len(shape):
                return Input(name, dtype, tuple(sizes))
        case _:
            pass
    raise ValueError(f"not an input: {data}")


def _bounds(data: Json) -> tuple[int, int]:
    match data:
        case [int(low), int(high)]:
            return low, high
        case _:
            raise ValueError(f"not bounds: {data}")


def _kernel(data: Json) -> KernelEntry:
    match data:
        case {"spec": spec, "engine": str(engine), "file": str(file), "launches": int(launches)}:
            return KernelEntry(spec_from_json(spec), engine, file, launches)
        case _:
            raise ValueError(f"not a kernel: {data}")


def _constant(data: Json) -> ConstantEntry:
    match data:
        case {"dtype": str(dtype), "shape": [*shape], "file": str(file)} if dtype in signature.DTYPES:
            return ConstantEntry(dtype, _integers(shape), file)
        case _:
            raise ValueError(f"not a constant: {data}")


def _branch(data: Json) -> Branch:
    match data:
        case {
            "kind": str(kind),
            "source": str(source),
            "line": int(line),
            "negated": bool(negated),
            "cases": [*cases],
        } if kind in BRANCH_KINDS:
            return Branch(kind, source, line, negated, _integers(cases))
        case _:
            raise ValueError(f"not a branch: {data}")


def _integers(items: Sequence[Json]) -> tuple[int, ...]:
    found = tuple(item for item in items if isinstance(item, int))
    if len(found) != len(items):
        raise ValueError(f"not integers: {items}")
    return found


def _mapping(data: Json, read: Callable[[Json], T]) -> dict[str, T]:
    if not isinstance(data, Mapping):
        raise ValueError(f"not a mapping: {data}")
    return {name: read(item) for name, item in data.items()}
