"""The heterogeneous control flow graph: a program as kernels, host steps, branches and loops, and what joins them.

It is an analysis, built on demand at any stage of compilation. A *control edge* leads from a step to one that may run
next, a *data edge* from the step that gives a value to each step that uses it. Constants and weights are no steps.
"""

from dycl.ir.hcfg.building import build_hcfg
from dycl.ir.hcfg.graph import ControlEdge, DataEdge, Hcfg, Kind, Node

__all__ = ["ControlEdge", "DataEdge", "Hcfg", "Kind", "Node", "build_hcfg"]
