"""The sizes that an operation is tried at, where it has sizes known only at run time."""

import pytest
import sympy
from torch.utils._sympy.functions import FloorDiv, Mod

from dycl.ir.size_env import SizeEnv


@pytest.mark.parametrize(
    ("condition", "size"),
    [
        (lambda n: sympy.Eq(n, 771), 771),
        (lambda n: sympy.Eq(FloorDiv(n, 16), 14), 224),
        (lambda n: sympy.Eq(Mod(n, 97) * FloorDiv(n, 97), 95), 192),
        (lambda n: sympy.Eq(sympy.Max(n, 30) * 2, n + 700), 700),
    ],
)
def test_sizes_that_meet_what_is_asked_are_among_those_tried(condition, size):
    env = SizeEnv()
    n = env.size().node.expr
    assert size in [assignment[n] for assignment in env.assignments([n], [condition(n)])]


def test_no_size_is_made_up_for_what_none_meets():
    env = SizeEnv()
    n = env.size().node.expr
    impossible = sympy.Eq(3 * n + 3, 6 * n)
    tried = list(env.assignments([n], [impossible]))
    assert tried == list(env.assignments([n]))
