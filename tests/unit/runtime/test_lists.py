"""Lists that grow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dycl.runtime.lists import appender


@given(st.lists(st.tuples(st.integers(0, 6), st.lists(st.integers(0, 5), min_size=1, max_size=3)), max_size=30))
def test_what_was_given_out_never_changes(steps: list[tuple[int, list[int]]]) -> None:
    """Each step continues one of the arrays so far by arrays of some lengths."""
    append = appender(0)
    arrays = [np.zeros((2, 3), np.int32)]
    expected = [arrays[0].copy()]
    for number, (which, lengths) in enumerate(steps):
        which %= len(arrays)
        others = [np.full((length, 3), number + 1, np.int32) for length in lengths]
        arrays.append(append(arrays[which], *others))
        expected.append(np.concatenate([expected[which], *others]))
        for array, wanted in zip(arrays, expected, strict=True):
            np.testing.assert_array_equal(array, wanted)


def test_a_list_that_grows_is_copied_now_and_then_only() -> None:
    append = appender(0)
    array = np.zeros(1, np.int64)
    memories: set[int] = set()
    for number in range(1000):
        array = append(array, np.array([number]))
        memories.add(array.__array_interface__["data"][0])
    assert len(memories) < 12
    np.testing.assert_array_equal(array[1:], np.arange(1000))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_result_is_contiguous_along_any_axis(axis: int) -> None:
    append = appender(axis)
    array = np.ones((1,) * axis + (2, 3), np.float32)
    for _ in range(3):
        array = append(array, array)
    assert array.shape == (1,) * axis + (16, 3)
    assert array.flags.c_contiguous
    assert (array == 1).all()
