"""Random dynamic neural networks, as the source of a PyTorch module; a seed always gives the same program."""

import ast
import random

from tools.fuzz.blocks import block, body
from tools.fuzz.compounds import COMPOUNDS
from tools.fuzz.writer import Scope, Writer

PRELUDE = """\
import contextlib
import functools
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

B = {batch}

class Stop(Exception):
    pass

@dataclass
class Out:
    y: torch.Tensor
    n: int

class Box:
    def __init__(self, h, n=0):
        self.h = h
        self.n = n
"""

MODULE = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.layers = nn.ModuleList([nn.Linear(3, 3) for _ in range(3)])
        self.gate = nn.Linear(3, 1)
        self.act = nn.ReLU()
        self.register_buffer('bias', torch.randn(3))
        self.depth = 2
        self.scale = 0.7

    def get(self, flag):
        if flag:
            return self.layers[0]
        return torch.tanh

    def pair(self, t, count):
        if t.sum() > {limit}:
            return t * 0.5, count + 1
        return t, count
"""

ATTEMPTS = 20


def random_source(seed: int) -> str:
    """Return the source of a program: a module `Net` whose forward takes x: f32[B, 3] and n: i64[2]."""
    for attempt in range(ATTEMPTS):
        text = _source(random.Random(f"{seed}.{attempt}"))
        try:
            tree = ast.parse(text)
            compile(tree, "<program>", "exec")
        except SyntaxError:
            # Where a template may stand is decided by its kind: Python refuses a few of the places.
            continue
        return ast.unparse(tree) + "\n"
    raise AssertionError(f"no program in {ATTEMPTS} attempts of seed {seed}")


def _source(draw: random.Random) -> str:
    writer = Writer(draw, Scope({}), budget=0, compounds=COMPOUNDS)
    writer.lines += PRELUDE.format(batch=draw.choice((1, 1, 2))).splitlines()
    writer.lines += MODULE.format(limit=draw.choice(("-0.5", "0.4", "1.5"))).splitlines()
    writer.indent = 1
    writer.budget = 4
    writer.emit("def step(self, t, count=1):")
    scope = Scope({"self": "self", "t": "T", "count": "i"}, returns="T")
    if not block(writer, scope, draw.randint(1, 3)):
        with writer.within(scope):
            writer.emit(f"return {writer.expression('T')}")
    writer.budget = draw.choice((5, 8, 12, 18, 25))
    writer.emit("def forward(self, x, n):")
    scope = Scope({"self": "self", "n": "n", "x": "T"}, frozen=frozenset(("self", "n")), returns="result")
    with writer.within(scope):
        if draw.random() < 0.7:
            writer.emit(draw.choice(("x = self.layers[0](x)", "x = x + 0", "x = x.clone()", "x = torch.tanh(x) * 2")))
        writer.emit("self.h = x * 0.5")
        writer.emit("self.memory = []")
        for line, name, kind in OPENINGS:
            if draw.random() < 0.35:
                writer.emit(line)
                writer.declare(kind, name)
        leaves = False
        while writer.budget > 0 and not leaves:
            leaves = body(writer, 1)
        if not leaves:
            _final_return(writer)
    return "\n".join(writer.lines) + "\n"


OPENINGS = (
    ("outs = []", "outs", "LE"),
    ("parts = [x, x * 0.5]", "parts", "LT"),
    ("total = 0", "total", "i"),
    ("level = 0.5", "level", "f"),
    ("state = None", "state", "OT"),
    ("done = False", "done", "b"),
    ("both = {'a': x, 'b': x + 1}", "both", "DT"),
    ("pair = (x, 0)", "pair", "P"),
    ("y = x", "y", "T"),
    ("name = 'none'", "name", "t"),
    ("ids = []", "ids", "Li"),
    ("buffer = torch.zeros(B, 3)", "buffer", "W"),
    ("f = torch.tanh", "f", "FT"),
    ("box = Box(x)", "box", "O"),
    ("steps = [(x, 0)]", "steps", "LP"),
)
"""Variables that a program may begin with."""

RETURNABLE = ("T", "W", "V", "S", "M", "I", "R", "i", "f", "b", "LT", "LE", "Li", "P", "DT", "OT", "t", "LP", "w")


def _final_return(writer: Writer) -> None:
    """Return variables, so that what was done to them shows."""
    names = [name for name, kind in writer.scope.kinds.items() if kind in RETURNABLE and name != "n"]
    chosen = writer.random.sample(names, min(len(names), writer.random.choice((1, 2, 3, 4, 6))))
    if writer.chance(0.2):
        chosen.append("self.h")
    writer.emit(f"return {', '.join(chosen)}" if writer.chance(0.7) else f"return {writer.expression('result')}")
