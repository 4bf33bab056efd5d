"""The calls of kernels in a host program, made once and as thin as they can be."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from dycl.runtime.engines.protocol import Array, Kernel, PartlyBindable
from dycl.runtime.memory import allocate

Scalar: TypeAlias = bool | int | float

Choice: TypeAlias = Array | tuple[Array, ...] | None
"""Where a result goes: a buffer, one of several, or None for a fresh array."""

Site: TypeAlias = Callable[..., Any]
"""One call in a host program."""

Targets: TypeAlias = Callable[[Iterable[Choice], Iterable[Array]], Sequence[Array]]
"""Chooses a buffer for each result, none of them in use by the given arrays."""

Result: TypeAlias = "Array | Scalar | Sequence[Array | Scalar]"

Binding: TypeAlias = tuple[Callable[[], None], Callable[[], Result]]
"""Runs a kernel, and reads what it gave."""


PartBinding: TypeAlias = tuple[Callable[..., Sequence[Array]], list[Any], Sequence[tuple[int, Callable[[], Scalar]]]]
"""Runs a kernel on what differs, its results that are in buffers, and the readers of those that are numbers."""


def bound_launch(kernel: Kernel, outputs: Sequence[Choice], kept: int, targets: Targets) -> Site:
    """Return the launch of a kernel whose sizes are all known, on arrays that stay where they are.

    It takes the kernel's inputs and `kept` arrays that it must not overwrite.
    """
    spec = kernel.spec
    cells = [(index, allocate(value.dtype, ())) for index, value in enumerate(spec.inputs) if value.scalar]
    scalars = [index for index, value in enumerate(spec.outputs) if value.scalar]
    bindings: dict[int | tuple[int, ...], Binding] = {}

    def bind(arguments: Sequence[Array | Scalar]) -> Binding:
        found = targets(outputs, [value for value in arguments if isinstance(value, np.ndarray)])
        inputs = list(arguments[: len(spec.inputs)])
        for index, cell in cells:
            inputs[index] = cell
        run = kernel.bind([value for value in inputs if isinstance(value, np.ndarray)], found)
        return run, _reader(found, scalars)

    # This is the host's share of a launch's time, so the common cases have code of their own.
    if cells:

        def launch(*arguments: Any) -> Result:
            for index, cell in cells:
                cell[()] = arguments[index]
            key = tuple([id(value) for value in arguments if type(value) is np.ndarray])
            if key not in bindings:
                bindings[key] = bind(arguments)
            run, read = bindings[key]
            run()
            return read()

        return launch

    def launch_one(array: Array) -> Result:
        key = id(array)
        if key not in bindings:
            bindings[key] = bind((array,))
        run, read = bindings[key]
        run()
        return read()

    def launch_many(*arrays: Array) -> Result:
        key = tuple(map(id, arrays))
        if key not in bindings:
            bindings[key] = bind(arrays)
        run, read = bindings[key]
        run()
        return read()

    return launch_one if len(spec.inputs) + kept == 1 else launch_many


def _reader(outputs: Sequence[Array], scalars: Sequence[int]) -> Callable[[], Result]:
    """Return what reads a launch's results: its arrays as they are, and the elements of those at `scalars`."""
    if len(outputs) == 1:
        (output,) = outputs
        return output.item if scalars else lambda: output
    result = tuple(outputs)
    if not scalars:
        return lambda: result
    if scalars == [len(outputs) - 1]:
        *arrays, last = outputs
        item = last.item
        return lambda: (*arrays, item())
    items = [(index, outputs[index].item) for index in scalars]

    def read() -> Result:
        values: list[Array | Scalar] = list(result)
        for index, item in items:
            values[index] = item()
        return values

    return read


def part_launch(kernel: Kernel, outputs: Sequence[Choice], kept: int, targets: Targets) -> Site:
    """Return the launch of a kernel with some sizes known only at run time; results without a buffer are fresh arrays.

    It takes the kernel's inputs and `kept` arrays that it must not overwrite. What has a known size is bound once, as
    in `bound_launch`, where the engine can do that.
    """
    if not isinstance(kernel, PartlyBindable):
        return _unbound_launch(kernel, outputs, kept, targets)
    spec, bind_part = kernel.spec, kernel.bind_part
    count = len(spec.inputs)
    cells = [(index, allocate(value.dtype, ())) for index, value in enumerate(spec.inputs) if value.scalar]
    differing = [index for index, value in enumerate(spec.inputs) if not value.is_static]
    fixed = [index for index, value in enumerate(spec.inputs) if value.is_static and not value.scalar]
    fixed += range(count, count + kept)
    held = [index for index, choice in enumerate(outputs) if choice is not None]
    fresh = [index for index, choice in enumerate(outputs) if choice is None]
    scalars = [index for index, value in enumerate(spec.outputs) if value.scalar]
    bindings: dict[tuple[int, ...], PartBinding] = {}

    def bind(arguments: Sequence[Any]) -> PartBinding:
        found: list[Any] = [None] * len(outputs)
        chosen = targets([outputs[index] for index in held], [arguments[index] for index in fixed])
        for index, target in zip(held, chosen, strict=True):
            found[index] = target
        inputs = [arguments[index] if index in fixed else None for index in range(count)]
        for index, cell in cells:
            inputs[index] = cell
        return bind_part(inputs, found), found, [(index, found[index].item) for index in scalars]

    if not cells and not fixed and not held:
        run, _, _ = bind(())
        return run if len(outputs) > 1 else lambda *arrays: run(*arrays)[0]

    def launch(*arguments: Any) -> Result:
        for index, cell in cells:
            cell[()] = arguments[index]
        key = tuple([id(arguments[index]) for index in fixed])
        if key not in bindings:
            bindings[key] = bind(arguments)
        run, results, items = bindings[key]
        values = results.copy()
        for index, array in zip(fresh, run(*[arguments[index] for index in differing]), strict=True):
            values[index] = array
        for index, item in items:
            values[index] = item()
        return values[0] if len(values) == 1 else values

    return launch


def _unbound_launch(kernel: Kernel, outputs: Sequence[Choice], kept: int, targets: Targets) -> Site:
    spec = kernel.spec
    count = len(spec.inputs)
    dtypes = [value.numpy_dtype() for value in spec.inputs]
    held = [index for index, choice in enumerate(outputs) if choice is not None and not spec.outputs[index].scalar]

    def launch(*arguments: Any) -> Result:
        inputs = [np.asarray(value, dtype) for value, dtype in zip(arguments[:count], dtypes, strict=True)]
        found: list[Any] = list(kernel.run(inputs))
        for index, value in enumerate(spec.outputs):
            if value.scalar:
                found[index] = found[index].item()
        used = [value for value in arguments if isinstance(value, np.ndarray)]
        for index, target in zip(held, targets([outputs[index] for index in held], used), strict=True):
            target[...] = found[index]
            found[index] = target
        return found[0] if len(found) == 1 else found

    return launch
