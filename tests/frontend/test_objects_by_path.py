"""Objects and lists that one side of a branch makes: attributes, names, and what is written to them afterwards."""

from dataclasses import dataclass, field
from typing import Any

from tests.frontend.capturing import MIXED, NEG, POS, SMALL, check, refuse


class State:
    def __init__(self, x, n=0):
        self.x, self.n = x, n

    def __eq__(self, other):
        raise TypeError("states are not compared")


@dataclass
class Node:
    x: Any
    parent: Any = None
    kids: list = field(default_factory=list)


class Slotted:
    __slots__ = ("x", "y")

    def __init__(self, x):
        self.x = x


def same(forward):
    check(forward, POS, NEG, MIXED, SMALL, all_sides=False)


def test_object_made_on_each_side():
    for kind in (State, Node, Slotted):

        def forward(self, x, kind=kind):
            if x.sum() > 0:
                state = other = kind(x * 2)
                state.y = 4
            else:
                state = other = kind(x * 3)
                state.y = 5
            state.x = state.x + 1
            return state.x, state.y, other.x, state is other

        same(forward)

    def chosen(self, x):
        state = State(x * 2) if x.sum() > 0 else State(x * 3, 1)
        return state.x, state.n

    same(chosen)


def test_object_made_on_one_side():
    def forward(self, x):
        state = None
        if x.sum() > 0:
            state = State(x * 2)
        return x if state is None else state.x

    same(forward)

    def another(self, x):
        state = other = State(x)
        if x.sum() > 0:
            state = State(x * 2, 5)
        state.x = state.x + 1
        return state.x, other.x, state.n, state is other

    same(another)

    def replaced(self, x):
        state = State(x)
        for i in range(3):
            if x.sum() > i:
                state = State(state.x + i, state.n + 1)
        return state.x, state.n

    same(replaced)

    def attribute(self, x):
        if x.sum() > 0:
            state = Slotted(x + 1)
            state.y = x
        else:
            state = Slotted(x - 1)
        return state.x, state.y if x.sum() > 0 else x

    same(attribute)


def test_object_that_a_function_returns_on_each_path():
    def made(x):
        if x.sum() > 0:
            return State(x * 2)
        return State(x * 3, 7)

    def forward(self, x):
        state = made(x)
        return state.x, state.n

    same(forward)


def test_objects_in_lists_and_in_each_other():
    def forward(self, x):
        root = Node(x)
        if x.sum() > 0:
            kid = Node(x * 2, root)
            root.kids.append(kid)
            kid.me = kid
        else:
            kid = Node(x * 3, root)
            root.kids.append(kid)
            kid.me = kid
        kid.me.x = kid.x + 5
        return root.kids[0].x, kid.parent.x, root.kids[0] is kid, kid.parent is root

    same(forward)

    def sometimes(self, x):
        root = Node(x)
        if x.sum() > 0:
            root.kids.append(Node(x * 2, root))
        total = x
        for kid in root.kids:
            total = total + kid.x
            kid.x = kid.x * 2
        return total, [kid.x for kid in root.kids]

    same(sometimes)


def test_list_of_two_names_made_on_each_side():
    def forward(self, x):
        if x.sum() > 0:
            a = b = [x]
        else:
            a = b = [x * 2]
        a[0] = a[0] + 1
        return a, b, a is b

    same(forward)

    def of_one_path(self, x):
        if x.sum() > 0:
            a = [x]
            kept = a
        else:
            a = [x * 2]
        a[0] = a[0] + 1
        return kept[0] if x.sum() > 0 else a[0]

    same(of_one_path)


def test_names_of_one_object_on_some_paths_only_are_refused():
    def lists(self, x):
        if x.sum() > 0:
            a = b = [x]
        else:
            a, b = [x * 2], [x * 3]
        a[0] = a[0] + 1
        return a[0], b[0]

    text = refuse(lists, POS, "`b`, an object that has several names on some paths only, is used", "b")
    assert "instead: make the paths agree before it" in text

    def objects(self, x):
        if x.sum() > 0:
            a = b = State(x)
        else:
            a, b = State(x * 2), State(x * 3)
        a.x = a.x + 1
        return a.x, b.x

    refuse(objects, POS, "`b`, an object that has several names on some paths only, is used", "b")


def test_another_object_in_each_iteration_is_refused():
    def forward(self, x):
        state = State(x)
        while state.x.sum() < 5:
            state = State(state.x * 2 + 1, state.n + 1)
        return state.x

    text = refuse(forward, POS, "`state`, which is another State in each iteration, is used", "state")
    assert "instead: make the object before the loop, and write to its attributes in it" in text

    def written(self, x):
        state = State(x)
        while state.x.sum() < 5:
            state.x, state.n = state.x * 2 + 1, state.n + 1
        return state.x, state.n

    check(written, POS, SMALL)
