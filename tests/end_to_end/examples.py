"""The example programs, compiled once for all tests of a worker."""

from functools import cache

from torch import nn

from dycl.compiled import CompiledModel
from dycl.compiler import compile_program, import_program
from dycl.frontends.torch import load_reference

SIGNATURE = "x: f32[1, 3, 32, 32]"

REFERENCES = {
    "ShallowDeepResNet56": "examples/shallow_deep_resnet.py:ShallowDeepResNet56",
    "SkipNet38": "examples/skipnet.py:SkipNet38",
    "SkipNet74": "examples/skipnet.py:SkipNet74",
    "RecurrentSkipNet38": "examples/skipnet.py:RecurrentSkipNet38",
    "BlockDrop": "examples/blockdrop.py:BlockDrop",
}


@cache
def module(name: str) -> nn.Module:
    return load_reference(REFERENCES[name], {})


@cache
def compiled(name: str) -> CompiledModel:
    return compile_program(import_program(module(name), SIGNATURE), source=REFERENCES[name])
