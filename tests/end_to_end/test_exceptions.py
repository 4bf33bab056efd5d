"""Exceptions that leave early, compiled: handlers run where they are raised, and what follows is joined."""

import pytest
import torch
from torch import nn

import dycl
from dycl.verification import sample_inputs, verify


class Highway(Exception):
    def __init__(self, message, layer):
        self.message = message
        self.layer = layer


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(4))
        self.heads = nn.ModuleList(nn.Linear(4, 2) for _ in range(4))

    def forward(self, x):
        for i, (layer, head) in enumerate(zip(self.layers, self.heads, strict=True)):
            x = torch.tanh(layer(x)) + x
            logits = head(x)
            if logits.softmax(-1).max() > 0.75:
                raise Highway((logits, x), i + 1)
        return x


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.encoder = Encoder()
        self.head = nn.Linear(4, 2)
        self.log = []

    def forward(self, x):
        self.log.clear()
        try:
            logits = self.head(self.encoder(x))
            layer = 5
        except Highway as e:
            logits, _ = e.message
            layer = e.layer
        finally:
            self.log.append(x.sum().item())
        return logits.softmax(-1), layer, self.log[0]


@pytest.mark.parametrize("loops", ["auto", "unroll", "keep"])
def test_every_exit_is_the_one_of_eager_execution(loops):
    module = Classifier().eval()
    model = dycl.compile(module, "x: f32[1, 4]", loops=loops)
    report = verify(model, model.program, module, sample_inputs(model.signature, 60))
    assert not report.inconsistent and not report.forced_faults and not report.beyond_tolerance, report
    assert report.sides_covered == report.sides
    layers = {model(torch.from_numpy(values["x"]))[1] for values in sample_inputs(model.signature, 60)}
    assert len(layers) >= 3
