"""What the runtime asks of an engine: to load a compiled kernel, and to call it on numpy arrays.

A kernel's values are arrays. A host scalar crosses its boundary as an array without dimensions: i1 as bool, i64 as
int64, f64 as float64.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dycl.errors import DyclError
from dycl.runtime.signature import ARRAY_DTYPES, DTYPES, Json

Array: TypeAlias = NDArray[Any]


class EngineError(DyclError):
    """A kernel that cannot be loaded, or arrays that do not fit it."""


@dataclass(frozen=True)
class ValueSpec:
    """One input or output of a kernel: its dtype (a name of `DTYPES`), its sizes, None where known only at run time,
    and whether it is a host scalar."""

    dtype: str
    shape: tuple[int | None, ...]
    scalar: bool = False

    @property
    def is_static(self) -> bool:
        return None not in self.shape

    def numpy_dtype(self) -> np.dtype[Any]:
        """The dtype of the arrays that carry this value.

        Raises:
            EngineError: numpy has none
        """
        if self.dtype == "bf16":
            raise EngineError("numpy has no bf16")
        return np.dtype(ARRAY_DTYPES[self.dtype])

    def allocate(self) -> Array:
        """Return an array for this value, all of whose sizes must be known."""
        assert self.is_static
        return np.zeros([size or 0 for size in self.shape], self.numpy_dtype())

    def misfit(self, array: Array) -> str | None:
        """Return why `array` cannot carry this value, None where it can."""
        if array.dtype != self.numpy_dtype():
            return f"expected {self}, got {array.dtype}"
        same_rank = array.ndim == len(self.shape)
        if same_rank and all(size in (None, n) for size, n in zip(self.shape, array.shape, strict=True)):
            return None
        return f"expected {self}, got shape {list(array.shape)}"

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join('?' if size is None else str(size) for size in self.shape)}]"


@dataclass(frozen=True)
class KernelSpec:
    """A kernel's name, inputs and outputs."""

    name: str
    inputs: tuple[ValueSpec, ...]
    outputs: tuple[ValueSpec, ...]

    @property
    def is_static(self) -> bool:
        """Whether every size is known, so that the kernel can be bound to arrays once."""
        return all(value.is_static for value in (*self.inputs, *self.outputs))


class Kernel(Protocol):
    """A loaded kernel. Calls from several threads are safe, but for those of one bound call."""

    @property
    def spec(self) -> KernelSpec: ...

    def bind(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> Callable[[], None]:
        """Return a call that runs the kernel from and to exactly these arrays, which must be C-contiguous and stay
        alive with it. Building it is slow, calling it is fast; it is for static kernels.

        Raises:
            EngineError: an array has another dtype or shape than the spec, or is not contiguous
        """
        ...

    def run(self, inputs: Sequence[Array]) -> Sequence[Array]:
        """Run the kernel on arrays of any sizes that the spec allows, and return fresh arrays."""
        ...


@runtime_checkable
class PartlyBindable(Protocol):
    """A kernel that can be bound to some of its arrays, while the others differ from call to call.

    An engine need not offer this: kernels with sizes known only at run time are then run unbound.
    """

    def bind_part(
        self, inputs: Sequence[Array | None], outputs: Sequence[Array | None]
    ) -> Callable[..., Sequence[Array]]:
        """Return a call that takes an array for each input that is None here, C-contiguous and of the kernel's dtype,
        and returns a fresh one for each output that is None; the others are read and written where they are.

        Raises:
            EngineError: an array has another dtype or shape than the spec, or is not contiguous
        """
        ...


Loader: TypeAlias = Callable[[bytes, KernelSpec, int], Kernel]
"""`load(payload, spec, threads)`; raises EngineError where the payload is not a kernel with that spec."""


def check_arrays(spec: KernelSpec, role: str, expected: Sequence[ValueSpec], arrays: Sequence[Array | None]) -> None:
    """Check that `arrays` can carry a kernel's inputs or outputs; None stands for one that is not known yet.

    Raises:
        EngineError: their number, a dtype, a shape or a memory layout is wrong
    """
    if len(arrays) != len(expected):
        raise EngineError(f"kernel {spec.name} has {len(expected)} {role}s, not {len(arrays)}")
    for index, (value, array) in enumerate(zip(expected, arrays, strict=True)):
        if array is None:
            continue
        misfit = value.misfit(array)
        if misfit is None and not array.flags.c_contiguous:
            misfit = "expected a C-contiguous array"
        if misfit:
            raise EngineError(f"{role} {index} of kernel {spec.name}: {misfit}")


def spec_to_json(spec: KernelSpec) -> Json:
    return {
        "name": spec.name,
        "inputs": [_value_to_json(value) for value in spec.inputs],
        "outputs": [_value_to_json(value) for value in spec.outputs],
    }


def spec_from_json(data: Json) -> KernelSpec:
    """Return the spec that `spec_to_json` wrote.

    Raises:
        ValueError: it did not write this
    """
    match data:
        case {"name": str(name), "inputs": [*inputs], "outputs": [*outputs]}:
            return KernelSpec(name, tuple(map(_value_from_json, inputs)), tuple(map(_value_from_json, outputs)))
        case _:
            raise ValueError(f"not a kernel's spec: {data}")


def _value_to_json(value: ValueSpec) -> Mapping[str, Json]:
    return {"dtype": value.dtype, "shape": list(value.shape), "scalar": value.scalar}


def _value_from_json(data: Json) -> ValueSpec:
    match data:
        case {"dtype": str(dtype), "shape": [*shape], "scalar": bool(scalar)} if dtype in DTYPES:
            sizes: list[int | None] = []
            for size in shape:
                if not (size is None or (isinstance(size, int) and size >= 0)):
                    raise ValueError(f"not a size: {size}")
                sizes.append(size)
            return ValueSpec(dtype, tuple(sizes), scalar)
        case _:
            raise ValueError(f"not a value's spec: {data}")
