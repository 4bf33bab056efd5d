"""Objects of the user's classes: methods, attributes, operators, dataclasses, named tuples, inheritance."""

# ruff: noqa: B010
# The programs are as people write them.

import copy
import dataclasses
import functools
import operator
from collections import namedtuple
from dataclasses import InitVar, dataclass, field
from typing import NamedTuple

import torch
from torch import nn

from tests.frontend.capturing import ALL, NEG, POS, SMALL, check, refuse


def plus_one(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs) + 1

    return wrapper


class Thing:
    k = 2

    def __init__(self, x):
        self.x = x

    @plus_one
    def decorated(self):
        return self.x * 2 if self.x.sum() > 0 else self.x

    @staticmethod
    @plus_one
    def static(y):
        return y * 3

    @classmethod
    def of_class(cls, y):
        return y * cls.k

    @property
    def shifted(self):
        return self.x + 5

    @shifted.setter
    def shifted(self, value):
        self.x = value * 2 if value.sum() > 0 else value

    @functools.cached_property
    def cached(self):
        return self.x * 9 if self.x.sum() > 0 else self.x

    def __getattr__(self, name):
        if name == "dynamic":
            return self.x * 7 if self.x.sum() > 0 else self.x
        raise AttributeError(name)

    def __len__(self):
        return 3

    def __iter__(self):
        for i in range(3):
            yield self.x * i

    def __contains__(self, key):
        return key == "a"

    def __getitem__(self, index):
        return self.x[index] if self.x.sum() > 0 else self.x[index] * 2

    def __call__(self, y):
        return self.x + y

    def __eq__(self, other):
        return isinstance(other, Thing)

    def __hash__(self):
        return 1


class Scaled:
    def __init__(self, x):
        self.x = x

    @functools.cache  # noqa: B019
    def scaled(self, n):
        return self.x * n


def test_methods_of_all_kinds():
    def forward(self, x):
        a = Thing(x)
        return a.decorated(), Thing.static(x), a.static(x), Thing.of_class(x), a.of_class(x), a(x), Scaled(x).scaled(3)

    check(forward, POS, NEG)


def test_properties_and_cached_properties():
    def forward(self, x):
        a = Thing(x)
        a.shifted = x + 1
        y = a.cached
        return a.shifted, y, a.cached

    check(forward, POS, NEG, SMALL, all_sides=False)


def test_dynamic_attributes():
    def forward(self, x):
        a = Thing(x)
        return a.dynamic, hasattr(a, "nothing"), getattr(a, "nothing", 4), hasattr(a, "dynamic"), hasattr(a, "x")

    check(forward, POS, NEG)


def test_containers_of_the_user():
    def forward(self, x):
        a = Thing(x)
        return len(a), [*a], "a" in a, "b" not in a, a[0], a == Thing(x), a != 3, sum(v.sum() for v in a)

    check(forward, POS, NEG)


def test_attributes_written_through_setattr_of_the_class():
    class Checked:
        def __init__(self, x):
            self.x = x

        def __setattr__(self, name, value):
            object.__setattr__(self, name, value * 2)

    class Watched(nn.Module):
        def __setattr__(self, name, value):
            if name == "hidden":
                value = value + 1
            super().__setattr__(name, value)

        def forward(self, x):
            self.hidden = x
            return self.hidden

    def forward(self, x):
        c = Checked(x)
        if x.sum() > 0:
            c.x = x + 1
        return c.x, self.watched(x)

    check(forward, POS, NEG, watched=Watched().eval())


def test_slots():
    class Slotted:
        __slots__ = ("value",)

        def __init__(self, value):
            self.value = value

    def forward(self, x):
        box = Slotted(x)
        if x.sum() > 0:
            box.value = x * 2
        y = box.value
        del box.value
        return y, hasattr(box, "value")

    check(forward, POS, NEG)


def test_module_attributes_written_and_read_in_one_call():
    def forward(self, x):
        self.kept = x
        setattr(self, "scale", 3)
        if x.sum() > 0:
            self.kept = self.kept * self.scale
        result = self.kept
        del self.kept
        delattr(self, "scale")
        return result, hasattr(self, "kept"), getattr(self, "scale", 7)

    check(forward, POS, NEG)


@dataclass
class Pair:
    a: torch.Tensor
    b: int = 3
    seen: list = field(default_factory=list)
    scale: InitVar[int] = 2

    def __post_init__(self, scale):
        self.total = self.a * self.b if self.a.sum() > 0 else self.a * scale


@dataclass(frozen=True)
class Frozen:
    a: torch.Tensor
    k: int = 2

    def __post_init__(self):
        object.__setattr__(self, "b", self.a + 1)


def test_dataclasses():
    def forward(self, x):
        p, q = Pair(x), Pair(x, b=5, scale=7)
        p.seen.append(x + 1)
        if x.sum() > 0:
            p.a = p.a * 2
        return p.total, q.total, p.a, len(q.seen), p.seen[0]

    check(forward, POS, NEG)


def test_frozen_dataclasses_and_replace():
    def forward(self, x):
        p = Frozen(x)
        q = dataclasses.replace(p, k=5)
        try:
            p.k = 3
        except dataclasses.FrozenInstanceError:
            x = x + 1
        return p.b * q.k, x, Frozen(1, 2) == Frozen(1, 2), [f.name for f in dataclasses.fields(p)]

    check(forward, POS)


def test_missing_arguments_of_a_dataclass():
    def forward(self, x):
        return Pair(b=2).a

    refuse(forward, POS, "the model raised TypeError: missing a required argument: 'a'", "Pair(b=2)")


class Result(NamedTuple):
    a: torch.Tensor
    b: int = 3

    def total(self):
        return self.a * self.b if self.a.sum() > 0 else self.a


Point = namedtuple("Point", "x y", defaults=[1])


def test_named_tuples():
    def forward(self, x):
        r = Result(x)
        s = r._replace(b=5)
        px, py = Point(x)
        return r.total() + s.b, s._asdict()["b"], px * py, r[0], Point(x, 3)._fields

    check(forward, POS, NEG)


class Base(nn.Module):
    def __init__(self, k=1):
        super().__init__()
        self.k = k

    def forward(self, x):
        return x * self.k if x.sum() > 0 else x


class Mixin:
    def forward(self, x):
        return super().forward(x) + 100


class Child(Mixin, Base):
    def forward(self, x):
        return super().forward(x) + Base.forward(self, x)


def test_super_in_all_forms():
    check(Child(3).eval(), POS, NEG)


def test_types_and_comparisons():
    def forward(self, x):
        n = x.sum().item()
        return (
            isinstance(x, torch.Tensor | int),
            isinstance(x, (torch.Tensor, nn.Module)),
            issubclass(Child, nn.Module),
            type(x) == torch.Tensor,  # noqa: E721
            int is int,
            isinstance(n, float),
            type(n) is float,
            callable(x.sum),
            1 < x.dim() <= 2 < 5,
            -10 < n < 3.4,
            Child.__name__,
        )

    check(forward, POS, NEG)


def test_copies():
    def forward(self, x):
        inner = [x]
        shallow, deep = copy.copy([inner]), copy.deepcopy({"a": inner, "b": (x, 1)})
        inner.append(x * 2)
        y = copy.deepcopy(x)
        y += 1
        return shallow, deep, x

    check(forward, POS)


def test_getters_of_operator():
    def forward(self, x):
        pairs = sorted([(x, 2), (x + 1, 1)], key=operator.itemgetter(1))
        return pairs[0][0], operator.attrgetter("shape")(x)[1], operator.itemgetter(0, 1)([x, x * 2])

    check(forward, POS)


def test_cached_functions():
    @functools.lru_cache
    def table(n):
        return torch.arange(n).float()

    def forward(self, x):
        @functools.cache
        def f(k):
            return x * k if x.sum() > 0 else x

        return f(2) + f(2) + table(3)

    check(forward, *ALL, all_sides=False)


def test_cached_property_of_the_model_from_its_input():
    class Model(nn.Module):
        @functools.cached_property
        def first(self):
            return self.x * 2

        def forward(self, x):
            self.x = x
            return self.first

    text = refuse(
        Model().eval(), POS, "the cached property `first` of a Model is computed from the call's inputs", "self.first"
    )
    assert "instead: make it a plain property" in text


def test_local_classes_are_refused():
    def forward(self, x):
        class Local:
            pass

        return x

    text = refuse(forward, POS, "the class `Local`, defined in a forward", "class Local:")
    assert "instead: define it at the top" in text


def test_writes_to_classes_are_refused():
    def forward(self, x):
        Thing.k = 5
        return x

    refuse(forward, POS, "a write to the attribute `k` of a type", "Thing.k")


def test_read_only_properties():
    class Fixed:
        @property
        def value(self):
            return 3

    def forward(self, x):
        f = Fixed()
        f.value = 4
        return x

    refuse(forward, POS, "the model raised AttributeError: property 'value' of 'Fixed' object has no setter", "f.value")


def test_writes_to_globals_are_refused():
    def forward(self, x):
        global Point
        Point = 3
        return x

    text = refuse(forward, POS, "a write to the global name `Point`", "Point = 3")
    assert "instead: pass the value in" in text


def test_global_names_are_read():
    def forward(self, x):
        global Point
        return Point(x, 2).y * x

    check(forward, POS)


def test_shallow_copies_of_tensors_share_memory():
    def forward(self, x):
        y = x * 2
        z = copy.copy(y)
        z += 1
        return y, z

    check(forward, POS)
