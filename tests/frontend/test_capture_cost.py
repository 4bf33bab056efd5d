"""What capture does grows with the program's branches, not with what they have left behind."""

from collections import Counter
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from dycl.frontends.torch.capture import Capture
from dycl.frontends.torch.paths.merge import Merge
from dycl.frontends.torch.tensors.recorder import Recorder
from dycl.frontends.torch.tensors.trials import Trials
from tests.frontend.capturing import POS, capture, program


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the calls of what capture spends its time in."""
    counts = Counter[str]()

    def counted(owner: type, name: str) -> None:
        original = getattr(owner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            counts[name] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, call)

    for owner, name in ((Merge, "plan"), (Merge, "column"), (Capture, "new_tensor"), (Recorder, "record")):
        counted(owner, name)
    counted(Trials, "_outcome")
    return counts


def first_confident(layers: nn.ModuleList, x: torch.Tensor) -> torch.Tensor:
    seen: tuple[torch.Tensor, ...] = ()
    for layer in layers:
        x = layer(x)
        seen = (*seen, x)
        if x.mean() > 0:
            return x
    return seen[-1] * 2


def early_exits(self, x):
    return first_confident(self.layers, x) + 1


def blocks(self, x):
    for layer in self.layers:
        hidden = layer(x)
        if x.sum() > 0:
            hidden = hidden + 1
            x = x + hidden
        else:
            hidden = hidden * 2
    return x


@pytest.mark.parametrize("forward", [early_exits, blocks])
def test_the_work_grows_linearly_with_the_branches(work: Counter[str], forward: Any) -> None:
    found: list[Counter[str]] = []
    for length in (4, 8, 16):
        work.clear()
        capture(program(forward, layers=nn.ModuleList(nn.Linear(3, 3) for _ in range(length))), POS, "unroll")
        found.append(Counter(work))
    short, middle, long = found
    assert set(long) == {"plan", "column", "new_tensor", "record"}
    for name in long:
        assert long[name] - middle[name] == 2 * (middle[name] - short[name]) > 0, name


def test_alike_layers_of_run_time_sizes_are_tried_once(work: Counter[str]) -> None:
    def forward(self, x):
        for layer in self.layers:
            x = layer(x[x[:, 0] > 0])
        return x

    tries: list[int] = []
    for length in (2, 8):
        work.clear()
        capture(program(forward, layers=nn.ModuleList(nn.Linear(3, 3) for _ in range(length))), POS, "unroll")
        tries.append(work["_outcome"])
    assert tries[0] == tries[1] > 0


def test_alike_layers_ask_torch_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    dispatch = FakeTensorMode.dispatch

    def note(self: FakeTensorMode, func: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(func)
        return dispatch(self, func, *args, **kwargs)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x)) + x
        return x

    calls: list[int] = []
    monkeypatch.setattr(FakeTensorMode, "dispatch", note)
    for length in (3, 9):
        asked.clear()
        capture(program(forward, layers=nn.ModuleList(nn.Linear(3, 3) for _ in range(length))), POS, "unroll")
        calls.append(len(asked))
    assert calls[0] == calls[1] > 0
