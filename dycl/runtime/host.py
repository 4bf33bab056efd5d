"""What a host program runs on: a frame, which holds the memory of one call at a time.

A launch writes to buffers that were allocated with the frame, and a kernel is bound to the arrays it reads and writes.
Which arrays a launch reads may differ from call to call, where branches meet; so each launch keeps its bindings by the
identity of its inputs. All arrays that a binding names live as long as the frame.

A launch may have several buffers to choose from for an output. It takes one that none of its arguments uses; a value
that is not an input, but that a later step still needs, is passed behind the inputs for this. An input and an output of
one launch thus never share memory, and two buffers are enough for a chain of blocks that may each be skipped.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from dycl.runtime import elementary
from dycl.runtime.arithmetic import divide, maximum, minimum, quotient, remainder
from dycl.runtime.engines.protocol import Array, Kernel
from dycl.runtime.launches import Choice, Scalar, Site, bound_launch, part_launch
from dycl.runtime.lists import appender
from dycl.runtime.memory import allocate
from dycl.runtime.usage import usage

__all__ = ["Frame", "Sites", "divide", "elementary", "maximum", "minimum", "quotient", "remainder", "usage"]


class Sites:
    """The calls and constants that a host program prepared, by name: the `k` of its functions.

    A function that calls itself has buffers and calls of its own at each level of the recursion, made when a call first
    gets there: what it prepares is then also in `deeper`, the `k` of the next level.
    """

    def levels(self, frame: "Frame", prepare: "Callable[[Frame, Sites], None]") -> None:
        """Have `prepare` make each further level."""
        self._prepare_level = prepare
        self._frame = frame

    @cached_property
    def deeper(self) -> "Sites":
        level = Sites()
        level.levels(self._frame, self._prepare_level)
        self._prepare_level(self._frame, level)
        return level


class Frame:
    """Makes the buffers and calls of a host program; see the module."""

    def __init__(self, kernels: Mapping[str, Kernel], constants: Mapping[str, Array]):
        self._kernels = kernels
        self._constants = constants
        self._owners: dict[int, Array] = {}
        """The buffer that an array's memory is, by the array's identity: of a buffer, itself."""
        self._views: list[Array] = []
        """Views live as long as the frame, so that no other array can take their identity."""

    def buffer(self, dtype: str, shape: Sequence[int]) -> Array:
        """Return a new buffer."""
        return self.hold(allocate(dtype, shape))

    def constant(self, dtype: str, shape: Sequence[int], values: object) -> Array:
        """Return a buffer with these values, listed without regard to the shape; a single one fills it."""
        array = self.buffer(dtype, shape)
        array.reshape(-1)[...] = np.asarray(values, array.dtype)
        return array

    def stored(self, name: str) -> Array:
        """Return a constant that the artifact holds in a file."""
        return self.hold(self._constants[name])

    def hold(self, array: Array) -> Array:
        """Take an array, which stays where it is, for a buffer."""
        self._owners[id(array)] = array
        return array

    def view(self, function: Callable[..., Array]) -> Site:
        """Return a call that looks at a held array in another shape, and gives the same object each time."""
        views: dict[tuple[int, ...], Array] = {}

        def look(array: Array, *index: int) -> Array:
            key = (id(array), *index)
            found = views.get(key)
            if found is None:
                found = views[key] = function(array, *index)
                self._views.append(found)
                self._owners[id(found)] = self._owners[id(array)]
            return found

        return look

    def store(self, choice: Choice) -> Site:
        """Return a call that copies an array or a number to a buffer, and returns that."""

        if isinstance(choice, np.ndarray):

            def store_there(value: Array | Scalar, *kept: Array) -> Array:
                choice[...] = value
                return choice

            return store_there

        def store(value: Array | Scalar, *kept: Array) -> Array:
            (target,) = self.targets((choice,), kept)
            target[...] = value
            return target

        return store

    def append(self, axis: int = 0) -> Site:
        """Return a call that puts arrays behind each other along an axis; all before it have one element.

        What the call gave last has room behind it. To append to that, as a loop does, copies only what is appended, and
        leaves the elements that other arrays share as they are.
        """
        return appender(axis)

    def launch(self, kernel: str, *outputs: Choice, kept: int = 0) -> Site:
        """Return a call of a kernel: it takes the inputs, and behind them `kept` values that it must not overwrite.

        It returns one output alone, several as a sequence; a host scalar as Python's.
        """
        found = self._kernels[kernel]
        make = bound_launch if found.spec.is_static and all(choice is not None for choice in outputs) else part_launch
        return make(found, outputs, kept, self.targets)

    def targets(self, choices: Iterable[Choice], used: Iterable[Array]) -> list[Array]:
        """Return a buffer for each choice: all different, and none of them the memory of an array in `used`.

        An array that is not held has memory of its own.
        """
        taken = {id(self._owners.get(id(array))) for array in used}
        found: list[Array] = []
        for choice in choices:
            candidates = choice if isinstance(choice, tuple) else (choice,)
            target = next((array for array in candidates if array is not None and id(array) not in taken), None)
            assert target is not None, "the host program left no free buffer for a result"
            taken.add(id(target))
            found.append(target)
        return found
