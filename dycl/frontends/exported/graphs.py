"""A graph of an exported program, read node by node into the block that is being built."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import fx
from xdsl.ir import SSAValue

from dycl.errors import DyclError, an
from dycl.frontends.builder import Builder
from dycl.frontends.exported.arithmetic import Number
from dycl.frontends.exported.diagnostics import UnsupportedNode
from dycl.frontends.exported.places import Place, places_of
from dycl.frontends.exported.sizes import Sizes
from dycl.frontends.exported.weights import Weights
from dycl.frontends.refusal import Refusal
from dycl.ir.types import is_scalar

Held: TypeAlias = "SSAValue | bool | int | float | str | fx.GraphModule | Sequence[Held] | None"
"""What a node gives: a value of the program, a constant, a graph for a branch or loop, or several of these."""

Rule: TypeAlias = "Callable[[Reader, fx.Node], Held]"


@dataclass
class Reader:
    """The state of an import.

    `rule` says what to do with a call. `places` lead to the node that is read; one that torch knows no place of has
    that of the node before it, or of the branch or loop around it.
    """

    rule: "Callable[[fx.Node], Rule]"
    builder: Builder
    weights: Weights
    sizes: Sizes
    values: dict[fx.Node, Held] = field(default_factory=dict[fx.Node, Held])
    places: tuple[Place, ...] = ()
    writes: dict[fx.Graph, Mapping[fx.Node, Sequence[fx.Node]]] = field(
        default_factory=dict[fx.Graph, Mapping[fx.Node, Sequence[fx.Node]]]
    )
    """The plain writes of the graphs that were read."""

    def read(self, graph: fx.Graph, arguments: Sequence[Held]) -> Sequence[Held]:
        """Emit a graph's nodes into the open block and return its outputs.

        Raises:
            UnsupportedNode: the IR has no counterpart of a node
        """
        given, around = iter(arguments), self.places
        for node in graph.nodes:
            with self._at(node):
                match node.op:
                    case "placeholder":
                        self.values[node] = next(given)
                    case "output":
                        self.places = around or self.places
                        results = self.held(node.args[0])
                        return results if isinstance(results, tuple) else (results,)
                    case "get_attr":
                        self.values[node] = self._attribute(node)
                    case "call_function":
                        self.values[node] = self.rule(node)(self, node)
                    case _:
                        raise Refusal(f"a node of kind `{node.op}`", "only what torch.export makes is taken")
        raise AssertionError("a graph ends in its outputs")

    def held(self, argument: Any) -> Held:
        """Return what an argument of a node holds; containers become tuples."""
        if isinstance(argument, fx.Node):
            return self.values[argument]
        if isinstance(argument, list | tuple):
            return tuple(self.held(item) for item in argument)
        return argument

    def number(self, argument: Any) -> Number:
        """Return an argument that is a number, known or not.

        Raises:
            Refusal: it is none
        """
        held = self.held(argument)
        if (isinstance(held, SSAValue) and is_scalar(held.type)) or isinstance(held, bool | int | float):
            return held
        raise Refusal(f"{an(type(held).__name__)} where a number must be")

    def tensor(self, argument: Any) -> SSAValue:
        held = self.held(argument)
        if not isinstance(held, SSAValue):
            raise Refusal(f"{an(type(held).__name__)} where a tensor must be")
        return held

    def graph(self, argument: Any) -> fx.Graph:
        held = self.held(argument)
        if not isinstance(held, fx.GraphModule):
            raise Refusal(f"{an(type(held).__name__)} where a graph must be")
        return held.graph

    def _attribute(self, node: fx.Node) -> Held:
        owner = node.graph.owning_module
        assert owner is not None and isinstance(node.target, str)
        found: object = owner
        for name in node.target.split("."):
            found = getattr(found, name)
        if isinstance(found, fx.GraphModule):
            return found
        if isinstance(found, torch.Tensor):
            return self.weights.constant(node.target, found)
        raise Refusal(f"{an(type(found).__name__)} in the graph", "only tensors and graphs are taken")

    @contextmanager
    def _at(self, node: fx.Node) -> Generator[None]:
        self.places = places_of(node) or self.places
        try:
            yield
        except Refusal as error:
            raise UnsupportedNode(error.message, node.name, self.places, error.reason, error.advice) from error
        except UnsupportedNode:
            raise
        except DyclError as error:
            raise UnsupportedNode(str(error), node.name, self.places) from error
