"""Indices out of range raise what eager execution raises; negative ones are taken only where torch takes them."""

import pickle
import re

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import dycl
from dycl.errors import source_error
from dycl.ir.interpret import interpret
from dycl.runtime.arrangement import build

torch.manual_seed(0)
TABLE = torch.randn(5, 3)
X = torch.arange(12.0).reshape(3, 4)
INDICES = (0, 1, 2, -1, -2, -3, -4, -5, -7, 3, 4, 5, 9, 100, -(2**63))

OPERATIONS = {
    "embedding": lambda x, i: F.embedding(i, TABLE),
    "embedding of i32": lambda x, i: F.embedding(i.clamp(-9, 9).int(), TABLE),
    "gather": lambda x, i: x.gather(0, i[None]),
    "gather along 1": lambda x, i: x.gather(1, i[:, None]),
    "take_along_dim": lambda x, i: x[:2].take_along_dim(i[:, None], 1),
    "take": lambda x, i: x.take(i),
    "index": lambda x, i: x[i],
    "index of two": lambda x, i: x[i, i],
    "index behind a slice": lambda x, i: x[:, i],
    "item": lambda x, i: x[int(i[1])],
    "index_put": lambda x, i: x.index_put((i,), torch.ones(4)),
    "index_select": lambda x, i: x.index_select(0, i),
    "index_select along 1": lambda x, i: x.index_select(1, i),
    "index_add": lambda x, i: x.index_add(0, i, torch.ones(2, 4)),
    "index_copy": lambda x, i: x.index_copy(0, i, torch.ones(2, 4)),
    "index_fill": lambda x, i: x.index_fill(0, i, 1.0),
    "scatter": lambda x, i: x.scatter(0, i[:, None], torch.ones(2, 4)),
    "scatter of a number": lambda x, i: x.scatter(0, i[:, None], 1.0),
    "scatter_add": lambda x, i: x.scatter_add(0, i[:, None], torch.ones(2, 4)),
    "scatter_reduce": lambda x, i: x.scatter_reduce(0, i[:, None], torch.ones(2, 4), "amax"),
    "nll_loss": lambda x, i: F.nll_loss(x[:2], i, ignore_index=-2),
    "cross_entropy": lambda x, i: F.cross_entropy(x[:2], i, ignore_index=-2),
    "one_hot": lambda x, i: F.one_hot(i, 4),
    "bincount": lambda x, i: torch.bincount(i.clamp(-9, 9), minlength=4),
    "repeat_interleave": lambda x, i: x[:2].repeat_interleave(i.clamp(-9, 9), 0),
    "write": lambda x, i: x.clone().index_fill_(0, i[1], 7.0),
}


class Applies(nn.Module):
    def __init__(self, operation):
        super().__init__()
        self.operation = operation

    def forward(self, x, i):
        return self.operation(x, i)


def outcome(run):
    """A result, or which of the exceptions that indices raise."""
    try:
        return run()
    except (IndexError, RuntimeError) as error:
        return next(kind for kind in (IndexError, RuntimeError) if isinstance(error, kind))


def check(module, inputs=INDICES):
    model = dycl.compile(module.eval(), "x: f32[3, 4], i: i64[2]")
    program = model.program
    seen = set()
    for number in inputs:
        i = torch.tensor([0, number])
        expected = outcome(lambda i=i: module(X.clone(), i))
        seen.add(isinstance(expected, type))
        for run in (
            lambda i=i: model(X.clone(), i),
            lambda i=i: build(program.structure, interpret(program.module, program.weights, [X.clone(), i])),
        ):
            found = outcome(run)
            if isinstance(expected, type):
                assert found is expected, number
            else:
                assert isinstance(found, torch.Tensor), (number, found)
                torch.testing.assert_close(found, expected)
    return seen


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_index_gives_or_raises_what_eager_execution_does(name):
    seen = check(Applies(OPERATIONS[name]))
    assert seen == {False, True} or name == "take_along_dim"


def test_the_part_that_narrow_gives_is_counted_from_the_end():
    class Narrows(nn.Module):
        def forward(self, x, i):
            return x.narrow(0, int(i[1]), 1)

    check(Narrows(), (0, 1, 2, -1, -2, -3))


def test_a_failure_names_the_operation_and_its_line():
    model = dycl.compile(Applies(lambda x, i: F.embedding(i, TABLE)).eval(), "x: f32[3, 4], i: i64[2]")
    with pytest.raises(IndexError, match=r"IndexError: `embedding`: index 5 is out of range for size 5 \(\w+.py:\d+\)"):
        model(X, torch.tensor([0, 5]))
    with pytest.raises(AssertionError, match="a negative index is out of range for size 5"):
        model(X, torch.tensor([0, -1]))
    torch.testing.assert_close(model(X, torch.tensor([4, 0])), TABLE[[4, 0]])


class FallsBack(nn.Module):
    def forward(self, x, i):
        try:
            y = F.embedding(i, TABLE)
        except IndexError:
            y = torch.zeros(2, 3)
        return y * 2


class LeavesTheWrongExceptionAlone(nn.Module):
    def forward(self, x, i):
        try:
            y = x.gather(0, i[None])
        except IndexError:
            y = x[:1, :2]
        return y * 2


class ReturnsFromTheHandler(nn.Module):
    def forward(self, x, i):
        try:
            y = x[i] + 1
            z = TABLE[i[1]]
        except IndexError:
            return x[:2] - 1
        return y + z.sum()


class HasSizesOfRunTime(nn.Module):
    def forward(self, x, i):
        rows = torch.cat([x, x])[: int(i[0]) + 1]
        try:
            return rows[i].sum()
        except IndexError:
            return x.sum() * 2


class HandlesANumber(nn.Module):
    def forward(self, x, i):
        try:
            return x[int(i[1])]
        except IndexError:
            return x[0] * 2


@pytest.mark.parametrize(
    "kind", [FallsBack, LeavesTheWrongExceptionAlone, ReturnsFromTheHandler, HasSizesOfRunTime, HandlesANumber]
)
def test_handlers_take_what_the_operation_raises(kind):
    check(kind())


def test_places_that_the_program_found_itself_are_not_checked():
    class Looks(nn.Module):
        def forward(self, x):
            try:
                return F.embedding(x.argmax(1), TABLE)
            except IndexError:
                return TABLE[:1]

    model = dycl.compile(Looks().eval(), "x: f32[3, 4]")
    assert "dycl.if" not in str(model.program.module)
    torch.testing.assert_close(model(X), TABLE[[3, 3, 3]])


def test_what_the_source_raises_is_of_its_class_and_an_assertion_error():
    class Raises(nn.Module):
        def forward(self, x):
            if x.sum() > 0:
                raise ValueError("too large")
            return x

    model = dycl.compile(Raises().eval(), "x: f32[3, 4]")
    for kind in (ValueError, AssertionError):
        with pytest.raises(kind, match="too large"):
            model(np.ones((3, 4), np.float32))
    error = source_error("KeyError: 'key' (net.py:3)")
    assert isinstance(error, KeyError) and str(error) == "KeyError: 'key' (net.py:3)"
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) and type(again) is type(error)
    assert type(source_error("Custom: of the program's own")) is AssertionError
    assert type(source_error("x must be positive")) is AssertionError


class Unsure(ValueError):
    pass


class Missing(KeyError, AttributeError):
    pass


class Unlike(UnicodeDecodeError):
    """No AssertionError can be one of these too."""

    def __init__(self):
        super().__init__("ascii", b"x", 0, 1, "unlike")


class Plain(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "bases", "text"),
    [
        (Unsure("too large: 3"), (ValueError,), "Unsure: too large: 3"),
        (Unsure(), (ValueError,), "Unsure"),
        (Missing("key"), (KeyError, AttributeError), "Missing: 'key'"),
        (Plain("so"), (Exception,), "Plain: so"),
        (Unlike(), (Exception,), "Unlike: 'ascii' codec can't decode byte 0x78 in position 0: unlike"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_exception_of_the_program_s_own_class_is_one_of_its_bases(error, bases, text):
    class Raises(nn.Module):
        def forward(self, x):
            if x.sum() > 0:
                raise error
            return x

    model = dycl.compile(Raises().eval(), "x: f32[3, 4]")
    x = torch.ones(3, 4)
    for run in (model, lambda x: interpret(model.program.module, model.program.weights, [x])):
        with pytest.raises(AssertionError) as raised:
            run(x)
        found = raised.value
        assert type(found).__name__ == type(error).__name__
        assert all(isinstance(found, base) for base in bases)
        assert re.sub(r" \(\S+:\d+\)$", "", str(found)) == text
        again = pickle.loads(pickle.dumps(found))
        assert str(again) == str(found) and type(again) is type(found)


class Decodes(nn.Module):
    """Feeds the place of the largest score back, beginning with a token of its own."""

    def __init__(self, first):
        super().__init__()
        self.first, self.table, self.scores = first, nn.Embedding(6, 4), nn.Linear(4, 6)

    def forward(self, x):
        token, steps = torch.full((1,), self.first), 0
        while steps < 5:
            x = torch.tanh(x + self.table(token))
            scores = self.scores(x)
            token = scores.argmax(-1)
            steps += 1
            if scores.max() > 100:
                break
        return x, token


def choices(model):
    """The nodes of all kernels that put another index in the place of a negative one."""
    kernels = [onnx.load_from_string(content) for content in model.artifact.kernels.values()]
    return sum(node.op_type == "Where" for kernel in kernels for node in kernel.graph.node)


def test_a_token_that_a_loop_feeds_back_is_not_checked_again_in_every_step():
    torch.manual_seed(0)
    module, x = Decodes(0).eval(), torch.zeros(1, 4)
    model = dycl.compile(module, (x,))
    assert choices(model) == 0
    for found, expected in zip(model(x), module(x), strict=True):
        torch.testing.assert_close(found, expected)


def test_a_first_token_that_is_negative_is():
    module, x = Decodes(-1).eval(), torch.zeros(1, 4)
    model = dycl.compile(module, (x,))
    for run in (module, model):
        with pytest.raises(IndexError):
            run(x)
