"""Output structures: built for callers, and as JSON."""

import pytest

from dycl.runtime.structure import Fixed, Group, Leaf, Structure, arranger, build, from_json, to_json

PAIR = Group("namedtuple", (Leaf(1), Leaf(0)), ("y", "x"), "Pair")
STRUCTURES: list[tuple[Structure, object]] = [
    (Leaf(1), "b"),
    (Fixed(None), None),
    (Group("tuple", ()), ()),
    (Group("list", (Leaf(0),)), ["a"]),
    (Group("tuple", (Leaf(2), Leaf(0))), ("c", "a")),
    (Group("list", (Leaf(0), Group("tuple", (Fixed(1.5), Leaf(0))))), ["a", (1.5, "a")]),
    (Group("dict", (Leaf(0), Leaf(2)), ("k", 3)), {"k": "a", 3: "c"}),
]


@pytest.mark.parametrize(("structure", "expected"), STRUCTURES)
def test_results_are_arranged(structure: Structure, expected: object) -> None:
    found = build(structure, ["a", "b", "c"])
    assert found == expected
    assert type(found) is type(expected)
    assert from_json(to_json(structure)) == structure


def test_a_named_tuple_keeps_its_type_from_call_to_call() -> None:
    arrange = arranger(PAIR)
    first, second = arrange(["a", "b"]), arrange(["c", "d"])
    assert (first.y, first.x) == ("b", "a")
    assert type(first) is type(second)
    assert type(first).__name__ == "Pair"
    assert from_json(to_json(PAIR)) == PAIR
