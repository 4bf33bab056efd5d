"""The example programs, compiled once for all tests of a worker."""

from functools import cache

from torch import nn

from dycl.compiled import CompiledModel
from dycl.compiler import compile_program, import_program
from dycl.frontends.torch import load_reference
from tools.gallery import IMAGE, TIMED

REFERENCES = {example.name: example.reference for example in TIMED}


@cache
def module(name: str) -> nn.Module:
    return load_reference(REFERENCES[name], {})


@cache
def compiled(name: str) -> CompiledModel:
    return compile_program(import_program(module(name), IMAGE), source=REFERENCES[name])
