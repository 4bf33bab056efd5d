"""The difference between two outputs."""

from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, make_dataclass

import numpy as np
import pytest
import torch

from dycl.verification.comparison import difference

Point = namedtuple("Point", "x y")


@dataclass
class Record:
    x: int
    y: int | None


@dataclass
class Other:
    x: int
    y: int


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("expected", "actual", "word"),
    [
        ((1, 2), [1, 2], "list"),
        ((1, 2), (1, 2, 3), "a tuple of 3"),
        ({"a": 1}, {"b": 1}, "['b']"),
        (None, 0, "0"),
        ("a", "b", "'b'"),
        (3, 4, "4"),
        (True, False, "False"),
        (True, 1, "int64"),
        (torch.tensor([1, 2]), np.array([1, 3]), "[1 3]"),
        (f32(1, 2), f32(1), "float32[1]"),
        (f32(1), np.array([1.0]), "float64[1]"),
        (f32(1), f32(np.nan), "nan"),
        ([{"a": (1, f32(1))}], [{"a": (2, f32(1))}], "output[0]['a'][0]"),
        (Point(1, 2), (1, 2), "tuple"),
        ((1, 2), 3, "3"),
        (None, (), "a tuple of 0"),
        ({"a": 1}, OrderedDict(a=1), "an OrderedDict of 1 instead of a dict of 1"),
        ({1: 0}, {True: 0}, "[True]"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "['b'], ['a']"),
        (Record(1, None), Record(1, 2), "output.y"),
        (Record(1, 2), Point(1, 2), "Point"),
        (Record(1, 2), Other(1, 2), "Other"),
        (np.float32(0.5), 1, "int64"),
    ],
)
def test_a_difference_that_is_not_one_of_degree(expected: object, actual: object, word: str) -> None:
    (found,) = difference(expected, actual, 1e-5, 0).discrete
    assert word in found


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (torch.Size([2, 3]), (2, 3)),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (Record(1, None), make_dataclass("Record", ["x", "y"])(1, None)),
        (torch.max(torch.ones(1, 2), 1), namedtuple("max", "values indices")(f32(1), np.array([0]))),
    ],
)
def test_what_a_deployed_program_has_no_class_for_is_the_same(expected: object, actual: object) -> None:
    assert not difference(expected, actual, 1e-5, 0).discrete


def test_errors_of_floats() -> None:
    found = difference({"a": torch.tensor([1.0, -4.0])}, {"a": f32(1.5, -4.0)}, 1e-5, 0)
    assert not found.discrete
    assert found.abs_error == pytest.approx(0.5)
    assert found.rel_error == pytest.approx(0.125)
    assert found.excess == pytest.approx(0.5 - 1e-5)


def test_equal_infinities_and_nans_are_no_error() -> None:
    found = difference(f32(np.inf, -np.inf, np.nan, 2), f32(np.inf, -np.inf, np.nan, 2), 1e-5, 1e-5)
    assert not found.discrete
    assert found.abs_error == 0
    assert found.excess < 0


def test_within_the_tolerance_there_is_no_excess() -> None:
    assert difference(f32(100.0), f32(100.0005), 1e-5, 1e-5).excess <= 0
    assert difference(f32(1.0), f32(1.0005), 1e-5, 1e-5).excess > 0
