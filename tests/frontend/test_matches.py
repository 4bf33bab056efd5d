"""`match`: patterns against Python values, and literals against numbers known only at run time."""

# The programs are as people write them.

import enum
from dataclasses import dataclass

import torch

from dycl.ir.ops import IfOp
from tests.frontend.capturing import NEG, POS, SMALL, check, count, refuse


@dataclass
class Pair:
    a: torch.Tensor
    b: int = 3


class Mode(enum.Enum):
    FAST = 1
    SLOW = 2


def test_values_alternatives_and_guards():
    def forward(self, x):
        match x.dim():
            case 1:
                y = x
            case 2 | 3 if x.shape[0] == 7:
                y = x * 2
            case 2 | 3:
                y = x * 3
            case _:
                y = x * 4
        return y

    assert count(check(forward, POS), IfOp) == 0


def test_no_case_that_fits():
    def forward(self, x):
        match x.dim():
            case 5:
                x = x * 2
        return x

    check(forward, POS)


def test_sequences_and_stars():
    def forward(self, x):
        match self.mode:
            case ("b", n):
                return x
            case ("a", n, *rest, last):
                return x * n + last + len(rest)
        return -x

    check(forward, POS, mode=("a", 2, 3, 4, 5))


def test_mappings():
    def forward(self, x):
        match self.mode:
            case {"k": 2}:
                return x
            case {"k": 1, "z": [a, *_], **rest}:
                return x * a + len(rest)
        return -x

    check(forward, POS, mode={"k": 1, "z": [4, 2], "more": 1})


def test_classes_and_captures():
    def forward(self, x):
        match Pair(x, 4):
            case Pair(b=5):
                return x
            case Pair(v, b=4 | 6 as n) if n < 6:
                y = v * n
        match 3:
            case str():
                return x
            case int(n):
                return y + n

    check(forward, POS)


def test_enums_and_none():
    def forward(self, x):
        match self.mode:
            case Mode.FAST:
                return x
            case Mode.SLOW:
                x = x * 2
        match None:
            case True:
                return x
            case None:
                return x + 1

    check(forward, POS, mode=Mode.SLOW)


def test_numbers_known_only_at_run_time():
    def forward(self, x):
        match int(x.argmax()):
            case 0:
                return x
            case 1 | 5:
                y = x * 2
            case n:
                y = x * n
        return y + 1

    check(forward, *(torch.eye(3)[i : i + 1] for i in range(3)), all_sides=False)


def test_guards_on_tensors():
    def forward(self, x):
        match x.shape:
            case (_, 3) if x.sum() > 2:
                return x
            case (n, 3) if x.sum() > 0:
                return x * n + 1
            case _:
                return -x

    check(forward, POS, NEG, SMALL)


def test_tuples_of_run_time_numbers():
    def forward(self, x):
        match (int(x.argmax()), bool(x.sum() > 1)):
            case (0, True):
                y = x
            case (0, False):
                y = x * 2
            case (_, True):
                y = x * 3
            case _:
                y = x * 4
        return y

    inputs = [sign * scale * torch.eye(3)[i : i + 1] for i in range(3) for scale in (0.5, 2.0) for sign in (1, -1)]
    check(forward, *inputs, all_sides=False)


def test_tensors_as_subjects_are_refused():
    def forward(self, x):
        match x.sum():
            case 0:
                return x
        return -x

    refuse(forward, POS, "`match` of a tensor with a value", "0")
