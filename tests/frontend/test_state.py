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
        output = build(captured.structure, results)
        output, now = output if held else (output, ())
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


def test_state_that_the_first_call_makes():
    def forward(self, x):
        if self.h is None:
            self.h = torch.zeros_like(x)
        self.h = self.h * 0.5 + x
        return self.h

    captured = carried(forward, ["h"], h=None)
    assert names(captured) == ["h[which]: bool[]", "h: f32[1, 3]"]

    def written(self, x):
        if self.h is None:
            self.h = torch.ones_like(x)
        else:
            self.h.mul_(0.5).add_(x)
        return self.h.clone()

    carried(written, ["h"], h=None)

    def given_back(self, x):
        h = torch.tanh(x if self.h is None else x + self.h)
        self.h = h
        return h, self.h is not None

    carried(given_back, ["h"], h=None)


def test_state_that_some_call_makes_or_forgets():
    def forward(self, x):
        if x.sum() > 0:
            self.h = x if self.h is None else self.h + x
        elif x.min() < -1.5:
            self.h = None
        if self.h is None:
            return x * 0
        return self.h * 2

    captured = carried(forward, ["h"], h=None)
    assert len(names(captured)) == 2
    carried(forward, ["h"], h=SMALL.clone())

    def best(self, x):
        score = x.sum().item()
        if self.best is None or score > self.best:
            self.best, self.at = score, x
        return self.at * self.best

    captured = carried(best, ["best", "at"], best=None, at=None)
    assert names(captured) == ["best[which]: bool[]", "best: f64[]", "at[which]: bool[]", "at: f32[1, 3]"]


def test_state_of_recurrent_layers_made_by_the_first_call():
    def forward(self, x):
        y, self.past = self.rnn(x[:, None], self.past)
        return y

    torch.manual_seed(0)
    captured = carried(forward, ["past"], rnn=nn.LSTM(3, 4, batch_first=True), past=None)
    assert len(names(captured)) == 3

    def streaming(self, x):
        if self.past is None:
            self.past = (torch.zeros(1, 4), torch.zeros(1, 4))
        self.past = self.rnn(x, self.past)
        h, c = self.past
        if c.sum() > 0.3:
            self.past = None
        return h

    carried(streaming, ["past"], rnn=nn.LSTMCell(3, 4), past=None)


def test_caches_that_the_first_call_makes():
    def forward(self, x):
        keys = x[:, None]
        if self.cache["k"] is not None:
            keys = torch.cat([self.cache["k"], keys], 1)
        self.cache["k"] = keys
        return (keys @ x[:, :, None]).sum(1), keys.shape[1]

    captured = carried(forward, ["cache"], cache={"k": None})
    assert names(captured) == ["cache[which]: bool[]", "cache['k']: f32[1, cache['k']_1, 3]"]

    def of_layers(self, x):
        for layer in range(2):
            past = self.cache[layer]
            self.cache[layer] = x if past is None else torch.cat([past, x])
            x = x + self.cache[layer].mean(0)
        return x

    carried(of_layers, ["cache"], cache={0: None, 1: None})

    def of_keys(self, x):
        if "k" in self.cache:
            self.cache["k"], self.cache["v"] = torch.cat([self.cache["k"], x]), self.cache["v"] + x
        else:
            self.cache["k"] = self.cache["v"] = x
        return self.cache["k"].sum(0) * self.cache["v"]

    carried(of_keys, ["cache"], cache={})

    def listed(self, x):
        if not self.past:
            self.past = [torch.zeros(1, 3) for _ in range(2)]
        for i, past in enumerate(self.past):
            self.past[i] = past * 0.5 + x
            x = self.past[i].tanh()
        return x

    carried(listed, ["past"], past=[])


def test_buffer_that_the_first_call_fills():
    class Average(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", None)

        def forward(self, x):
            self.mean = x.mean(0) if self.mean is None else 0.9 * self.mean + 0.1 * x.mean(0)
            return x - self.mean

    carried(Average().eval(), ["mean"])


def test_state_that_stays_none():
    def forward(self, x):
        return x if self.mask is None else x * self.mask

    assert names(carried(forward, ["mask"], mask=None)) == []


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
        ("mode", "it is a str when the model is compiled"),
    ):
        refused(forward, [name], message, layer=nn.Linear(3, 3), mode="fast")


def test_state_that_changes_its_type():
    def rank(self, x):
        self.hidden = x[0]
        return x

    def kind(self, x):
        self.count = self.count + 0.5
        return x

    def length(self, x):
        self.parts.append(x)
        return x

    text = refused(rank, ["hidden"], "`hidden` is a tensor of torch.float32 and rank 2", "return x", hidden=POS)
    assert "and a tensor of torch.float32 and rank 1 after this call" in text
    assert "instead: keep tensors of one dtype and rank" in text
    refused(kind, ["count"], "`count` is an int when the model is compiled, and a float", "return x", count=0)
    text = refused(length, ["parts"], "is a list of 1 when the model is compiled", "return x", parts=[POS])
    assert "and a list of 2 after this call" in text and "as one tensor that `torch.cat` makes longer" in text


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


def test_refuses_a_list_that_each_call_makes_longer():
    def forward(self, x):
        self.seen.append(x)
        return torch.cat(self.seen).sum()

    text = refused(
        forward, ["seen"], "the state `seen` is a list whose length is", "return torch.cat(self.seen).sum()", seen=[]
    )
    assert "keep what grows as one tensor that `torch.cat` makes longer" in text
