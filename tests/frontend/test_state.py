"""State that is carried from call to call: attributes that `state` names become inputs and results of the program."""

# The programs are as people write them.

import copy

import pytest
import torch
from torch import nn

from dycl.errors import UsageError
from dycl.frontends.torch import CaptureError, import_module, signature_of
from dycl.ir.interpret import interpret
from dycl.ir.text import parse_module, print_module
from dycl.program import Program
from dycl.runtime.arrangement import build
from tests.frontend.capturing import MIXED, NEG, POS, SMALL, assert_same, program, refuse

CALLS = [POS, NEG, POS, SMALL, MIXED, NEG, 2 * POS, POS]


def carried(forward, state, calls=CALLS, **attributes):
    """Capture a program with state, and compare a sequence of calls with eager execution."""
    module = forward if isinstance(forward, nn.Module) else program(forward, **attributes)
    before = {name: copy.deepcopy(value) for name, value in vars(module).items() if not name.startswith("_")}
    captured = import_module(module, signature_of(module, (calls[0],)), state=state)
    for name, value in before.items():
        assert_same(getattr(module, name), value)
    assert print_module(parse_module(print_module(captured.module))) == print_module(captured.module)
    held = [captured.weights[entry.key].torch().clone() for entry in captured.state]
    for x in calls:
        with torch.no_grad():
            expected = module(x.clone())
        results = interpret(captured.module, captured.weights, [x.clone(), *held])
        output, now = build(captured.structure, results)
        assert_same(output, expected)
        held = [torch.as_tensor(value, dtype=old.dtype) for value, old in zip(now, held, strict=True)]
    return captured


def names(captured: Program):
    return [str(entry.input) for entry in captured.state]


def test_tensor():
    def forward(self, x):
        if x.sum() > 0:
            self.hidden = torch.tanh(self.hidden + x)
        return self.hidden * 2

    captured = carried(forward, ["hidden"], hidden=torch.zeros(1, 3))
    assert names(captured) == ["hidden: f32[1, 3]"]


def test_counter_and_flag():
    def forward(self, x):
        self.count += 1
        if self.count > 3 and not self.seen:
            self.seen = True
            return x * self.count, self.count
        self.total = self.total + x.max().item()
        return x * self.total, self.count

    captured = carried(forward, ["count", "seen", "total"], count=0, seen=False, total=0.5)
    assert names(captured) == ["count: i64[]", "seen: bool[]", "total: f64[]"]


def test_number_that_every_exit_sets_alike():
    def forward(self, x):
        y = x * self.mode
        self.mode = 3
        return y

    carried(forward, ["mode"], mode=1)


def test_state_that_is_only_read():
    def forward(self, x):
        return x * self.scale

    carried(forward, ["scale"], scale=torch.tensor([2.0]))


def test_buffer_written_in_place():
    class Average(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.zeros(3))

        def forward(self, x):
            self.mean.mul_(0.9).add_(x[0], alpha=0.1)
            if x.sum() < 0:
                self.mean[0] = 0
            return x - self.mean

    carried(Average().eval(), ["mean"])


def test_cache_that_grows():
    def forward(self, x):
        self.keys = torch.cat([self.keys, x[:, None]], 1)
        weights = (self.keys @ x[:, :, None]).softmax(1)
        return (weights * self.keys).sum(1), self.keys.shape[1]

    captured = carried(forward, ["keys"], keys=torch.zeros(1, 0, 3))
    assert names(captured) == ["keys: f32[1, keys_1, 3]"]


def test_nested_state():
    def forward(self, x):
        h, c = self.memory["rnn"]
        h = torch.tanh(h + x)
        if x.sum() > 0:
            c = c + h
        self.memory["rnn"] = (h, c)
        self.steps[0] += 1
        return h * c, self.steps[0]

    captured = carried(
        forward, ["memory", "steps"], memory={"rnn": (torch.zeros(1, 3), torch.ones(1, 3))}, steps=[0, torch.zeros(2)]
    )
    assert names(captured)[0] == "memory['rnn'][0]: f32[1, 3]"
    assert len(names(captured)) == 4


def test_state_of_a_submodule():
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 3)
            self.hidden = torch.zeros(1, 3)

        def forward(self, x):
            self.hidden = torch.tanh(self.fc(x) + self.hidden)
            return self.hidden

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cells = nn.ModuleList([Cell(), Cell()])

        def forward(self, x):
            for cell in self.cells:
                x = cell(x)
                if x.max() > 0.7:
                    return x, True
            return x, False

    torch.manual_seed(0)
    carried(Net().eval(), ["cells.0.hidden", "cells.1.hidden"], calls=[x * 3 for x in CALLS])


def test_state_in_a_loop_and_in_a_try():
    def forward(self, x):
        try:
            while self.total < 4:
                self.total = self.total + x.abs().max().item()
                if x.sum() < 0:
                    raise ValueError
        except ValueError:
            self.total = self.total * 0.5
        return x * self.total

    carried(forward, ["total"], total=0.0)


def refused(forward, state, message, at=None, **attributes):
    module = program(forward, **attributes)
    with pytest.raises(CaptureError if at else UsageError) as raised:
        import_module(module, signature_of(module, (POS,)), state=state)
    text = str(raised.value)
    assert message in text, text
    if at:
        _, source, carets = text.splitlines()[:3]
        assert source[carets.index("^") : carets.rindex("^") + 1] == at, text
    return text


def test_state_without_a_name_says_how_to_name_it():
    def forward(self, x):
        self.hidden = self.hidden + x
        return self.hidden

    text = refused(forward, [], "is state carried from call to call", "self.hidden", hidden=torch.zeros(1, 3))
    assert "name it with `--state hidden`" in text


def test_names_that_are_no_state():
    def forward(self, x):
        return self.layer(x)

    for name, message in (
        ("missing", "has no attribute 'missing' when it is compiled"),
        ("layer.missing", "has no attribute 'layer.missing'"),
        ("layer", "a Linear is no state"),
        ("layer.weight", "a Parameter is no state"),
        ("first", "it is None when the model is compiled"),
    ):
        refused(forward, [name], message, layer=nn.Linear(3, 3), first=None)


def test_state_that_changes_its_type():
    def rank(self, x):
        self.hidden = x[0]
        return x

    def kind(self, x):
        self.count = self.count + 0.5
        return x

    def nothing(self, x):
        self.hidden = None
        return x

    def length(self, x):
        self.parts.append(x)
        return x

    text = refused(rank, ["hidden"], "`hidden` is a tensor of torch.float32 and rank 2", "return x", hidden=POS)
    assert "and a tensor of torch.float32 and rank 1 after this call" in text
    assert "instead: keep tensors of one dtype and rank" in text
    refused(kind, ["count"], "`count` is a int when the model is compiled, and a float", "return x", count=0)
    refused(nothing, ["hidden"], "and None after this call", "return x", hidden=POS)
    refused(length, ["parts"], "and a list of 1 after this call", "return x", parts=[])


class Lazy(nn.Module):
    h = None
    n = 0

    def forward(self, x):
        if self.h is None:
            self.h = torch.zeros_like(x)
        self.h = self.h * 0.5 + x
        return self.h


class Counting(Lazy):
    def forward(self, x):
        if self.n == 0:
            self.n = 1
            return x
        return x * 3


def test_refuses_state_whose_first_value_is_the_classs():
    refuse(Lazy(), POS, "the attribute `h` of a Lazy is state carried from call to call", at="self.h")
    refuse(Counting(), POS, "the attribute `n` of a Counting is state carried from call to call", at="self.n")
    carried(Counting(), ["n"])
