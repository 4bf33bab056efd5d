"""Output structures: built for callers, and as JSON."""

import json
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, fields, is_dataclass
from timeit import repeat
from typing import Any

import numpy as np
import pytest

from dycl.runtime.arrangement import arranger, build
from dycl.runtime.structure import (
    Fixed,
    Group,
    Leaf,
    Number,
    Series,
    Structure,
    Variants,
    default_structure,
    from_json,
    indices_of,
    to_json,
)

PAIR = Group("namedtuple", (Leaf(1), Leaf(0)), ("y", "x"), "Pair")
OUTPUT = Group("dataclass", (Leaf(0), Fixed(None)), ("logits", "loss"), "Output")
MODEL_OUTPUT = Group("model_output", (Fixed(None), Leaf(0), Leaf(1)), ("loss", "logits", "exit"), "Output")

STRUCTURES: list[tuple[Structure, object]] = [
    (Leaf(1), "b"),
    (Fixed(None), None),
    (Group("tuple", ()), ()),
    (Group("dict", ()), {}),
    (Group("list", (Leaf(0),)), ["a"]),
    (Group("tuple", (Leaf(2), Leaf(0))), ("c", "a")),
    (Group("list", (Leaf(0), Group("tuple", (Fixed(1.5), Leaf(0))))), ["a", (1.5, "a")]),
    (Group("dict", (Leaf(0), Leaf(2)), ("k", 3)), {"k": "a", 3: "c"}),
    (Group("ordered_dict", (Leaf(1), Leaf(0)), ("b", "a")), OrderedDict(b="b", a="a")),
]


@pytest.mark.parametrize(("structure", "expected"), STRUCTURES)
def test_results_are_arranged(structure: Structure, expected: object) -> None:
    found = build(structure, ["a", "b", "c"])
    assert found == expected
    assert type(found) is type(expected)


NESTED = Group("tuple", (Variants(3, (PAIR, Fixed("no"), OUTPUT)), Series("tuple", Number(4)), MODEL_OUTPUT))


@pytest.mark.parametrize(
    "structure",
    [
        *(structure for structure, _ in STRUCTURES),
        PAIR,
        OUTPUT,
        MODEL_OUTPUT,
        NESTED,
        Group("namedtuple", (), (), "Empty"),
        Group("dataclass", (Leaf(0),), ("x",), "Output#2"),
        Group("dict", (Leaf(0), Fixed(2**70)), (True, "tuple")),
        Series("list", Fixed(None), 2),
        Series("list", Series("tuple", Variants(0, (Leaf(1), Number(2))))),
    ],
    ids=repr,
)
def test_structures_are_read_as_they_were_written(structure: Structure) -> None:
    assert from_json(json.loads(json.dumps(to_json(structure)))) == structure


@pytest.mark.parametrize(
    "node",
    [
        None,
        [],
        {},
        {"set": []},
        {"result": -1},
        {"result": "0"},
        {"value": []},
        {"tuple": {"result": 0}},
        {"tuple": [], "list": []},
        {"tuple": [{"result": 0}], "keys": ["a"]},
        {"dict": [{"result": 0}]},
        {"dict": [{"result": 0}], "keys": [1.5]},
        {"namedtuple": [{"result": 0}], "keys": ["x"]},
        {"dataclass": [{"result": 0}], "keys": ["x y"], "name": "Output"},
        {"dataclass": [{"result": 0}], "keys": ["class"], "name": "Output"},
        {"variants": [], "index": 0},
        {"variants": [{"result": 0}]},
        {"series": {"result": 0}, "kind": "dict"},
        {"series": {"value": 1}, "kind": "list"},
    ],
    ids=str,
)
def test_what_is_no_structure_is_refused(node: Any) -> None:
    with pytest.raises(ValueError, match="not an output structure"):
        from_json(node)


def test_results_without_a_structure_are_a_tuple_or_the_only_one() -> None:
    assert default_structure(1) == Leaf(0)
    assert default_structure(2) == Group("tuple", (Leaf(0), Leaf(1)))


def test_the_results_that_a_structure_takes() -> None:
    assert list(indices_of(NESTED)) == [3, 1, 0, 0, 4, 0, 1]
    assert list(indices_of(Series("list", Fixed(None), 2))) == [2]


# Records


def test_a_named_tuple_keeps_its_type_from_call_to_call() -> None:
    arrange = arranger(PAIR)
    first, second = arrange(["a", "b"]), arrange(["c", "d"])
    assert (first.y, first.x) == ("b", "a")
    assert type(first) is type(second)
    assert type(first).__name__ == "Pair"


def test_a_dataclass_is_made_with_its_name_and_fields() -> None:
    found = build(OUTPUT, ["a", "b"])
    assert is_dataclass(type(found))
    assert type(found).__name__ == "Output"
    assert [field.name for field in fields(found)] == ["logits", "loss"]
    assert (found.logits, found.loss) == ("a", None)


def test_a_model_output_has_fields_and_the_items_that_are_not_none() -> None:
    found = build(MODEL_OUTPUT, ["a", "b"])
    assert is_dataclass(type(found))
    assert (found.loss, found.logits, found.exit) == (None, "a", "b")
    assert list(found.items()) == [("logits", "a"), ("exit", "b")]
    assert found["logits"] == found[0] == "a"
    assert found.to_tuple() == found[:] == ("a", "b")


def test_the_number_behind_a_name_is_no_part_of_it() -> None:
    for structure in (PAIR, OUTPUT, MODEL_OUTPUT):
        numbered = Group(structure.kind, structure.items, structure.keys, structure.type_name + "#2")
        assert type(build(numbered, ["a", "b"])).__name__ == structure.type_name


def test_records_are_of_the_callers_classes_where_there_are_such() -> None:
    pair = namedtuple("pair", "y x")  # pyright: ignore[reportUntypedNamedTuple]: as people write it

    @dataclass
    class Output:
        logits: str
        loss: None

        def __post_init__(self) -> None:
            raise AssertionError("the record was made before")

    found = build(Group("list", (PAIR, OUTPUT)), ["a", "b"], {"Pair": pair, "Output": Output})
    assert [type(item) for item in found] == [pair, Output]
    assert found[0] == ("b", "a")
    assert (found[1].logits, found[1].loss) == ("a", None)


# Variants and series


def test_a_result_says_which_variant_there_is() -> None:
    arrange = arranger(Group("tuple", (Leaf(0), Variants(1, (Fixed(None), Leaf(2), Group("list", (Leaf(2),)))))))
    assert arrange(["a", 0, "b"]) == ("a", None)
    assert arrange(["a", 1, "b"]) == ("a", "b")
    assert arrange(["a", 2, "b"]) == ("a", ["b"])


def test_a_bool_says_which_of_two_variants_there_is() -> None:
    assert [build(Variants(0, (Fixed("no"), Fixed("yes"))), [flag]) for flag in (False, True)] == ["no", "yes"]


def test_a_series_of_tensors_is_as_long_as_their_axis_0() -> None:
    stacked = np.arange(12.0).reshape(3, 2, 2)
    found = build(Series("list", Leaf(1)), [None, stacked])
    assert type(found) is list
    assert len(found) == 3
    for item, expected in zip(found, stacked, strict=True):
        np.testing.assert_array_equal(item, expected)
    assert build(Series("tuple", Leaf(0)), [stacked[:0]]) == ()


def test_tensors_without_dimensions_stay_arrays_in_a_series() -> None:
    found = build(Series("list", Leaf(0)), [np.array([1.0, 2.0])])
    assert [(type(item), item.shape) for item in found] == [(np.ndarray, ())] * 2


@pytest.mark.parametrize("values", [[1, 2, 3], [1.5, 2.5], [True, False], []])
def test_a_series_of_numbers_holds_pythons_numbers(values: list[Any]) -> None:
    found = build(Series("list", Number(0)), [np.array(values)])
    assert found == values
    assert [type(item) for item in found] == [type(item) for item in values]


def test_a_series_of_containers_with_constants_and_variants() -> None:
    item = Group("tuple", (Leaf(0), Number(1), Fixed("text"), Variants(2, (Fixed(None), Number(1)))))
    results = [np.ones((2, 3)), np.array([7, 8]), np.array([0, 1])]
    (a, *first), (b, *second) = build(Series("list", item), results)
    assert a.shape == b.shape == (3,)
    assert first == [7, "text", None]
    assert second == [8, "text", 8]
    assert type(second[0]) is int


def test_a_series_in_a_series() -> None:
    assert build(Series("list", Series("tuple", Number(0))), [np.array([[1, 2], [3, 4]])]) == [(1, 2), (3, 4)]


def test_a_series_of_constants_has_its_length_from_a_result() -> None:
    assert build(Series("list", Fixed("x"), 1), ["a", 3]) == ["x", "x", "x"]


def test_a_tuple_of_results_takes_one_pick() -> None:
    """The common case costs what `itemgetter` and `tuple` cost, and not a call for each part."""
    results = ["a", "b"]
    fast = arranger(Group("tuple", (Leaf(0), Leaf(1))))
    slow = arranger(Group("tuple", (Leaf(0), Fixed("b"))))
    seconds = [min(repeat(lambda arrange=arrange: arrange(results), number=2000, repeat=5)) for arrange in (fast, slow)]
    assert seconds[0] < seconds[1]
