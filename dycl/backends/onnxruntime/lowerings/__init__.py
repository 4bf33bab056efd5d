"""dycl's own lowerings of ATen overloads, for what torchlib does not have or writes with more nodes than it takes."""

from dycl.backends.onnxruntime.lowerings import (
    comparisons,
    convolutions,
    creation,
    elementwise,
    layers,
    pools,
    recurrent,
    reductions,
    selections,
    shapes,
)
from dycl.backends.onnxruntime.lowerings.table import LOWERINGS, Argument, Call, Lowered, Lowering

__all__ = [
    "LOWERINGS",
    "Argument",
    "Call",
    "Lowered",
    "Lowering",
    "comparisons",
    "convolutions",
    "creation",
    "elementwise",
    "layers",
    "pools",
    "recurrent",
    "reductions",
    "selections",
    "shapes",
]
