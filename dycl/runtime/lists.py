"""Lists that grow: an array with room behind its elements, so that appending takes the time of what is appended.

Elements are never written again once they are there. So an array that was given out, of which a longer one is the
continuation, keeps its own elements, and both share one memory.
"""

from collections.abc import Callable

import numpy as np

from dycl.runtime.engines.protocol import Array

ROOM = 16
"""Elements along the axis for which the memory of a list has room at least."""


def appender(axis: int) -> Callable[..., Array]:
    """Return a function that puts arrays of one dtype behind each other along an axis, before which there are only axes
    of one element: the result is contiguous.

    Only what it gave last is continued in place, so each list, and each point from which one is continued twice, is
    copied once.
    """
    before = (None,) * axis
    latest: Array | None = None
    memory = np.empty(0)
    length = room = 0

    def append(array: Array, other: Array, *others: Array) -> Array:
        nonlocal latest, memory, length, room
        start = array.shape[axis]
        length = start + other.shape[axis]
        if array is not latest or length > room:
            room = max(2 * length, ROOM)
            memory = np.empty((room, *array.shape[axis + 1 :]), array.dtype)
            memory[:start] = array
        memory[start:length] = other
        latest = memory[(*before, slice(length))] if before else memory[:length]
        return append(latest, *others) if others else latest

    return append
