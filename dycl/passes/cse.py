"""Common subexpression elimination.

Two ops are equal when they have the same name, operands, attributes, result types and regions. An op is redundant when
an equal op dominates it, and neither has an effect.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TypeAlias

from xdsl.ir import Block, Operation
from xdsl.traits import IsolatedFromAbove

from dycl.ir.effects import is_effect_free
from dycl.passes.base import Pass
from dycl.program import Program

Key: TypeAlias = tuple[Hashable, ...]


def eliminate_common_subexpressions(op: Operation) -> bool:
    """Replace the redundant ops inside `op`; return whether there were any."""
    scope = _Scope()
    changed = False
    for region in op.regions:
        changed |= scope.visit(region.block)
    return changed


@dataclass
class _Scope:
    """The ops that dominate the current one, by what makes them equal.

    One table serves all the nested blocks: a block takes out at its end what it put in, so that its cost is that of
    its own ops.
    """

    known: dict[Key, list[Operation]] = field(default_factory=dict[Key, list[Operation]])

    def visit(self, block: Block) -> bool:
        changed = False
        added: list[Key] = []
        for op in list(block.ops):
            inner = _Scope() if op.has_trait(IsolatedFromAbove) else self
            for region in op.regions:
                changed |= inner.visit(region.block)
            # Whether a region has effects is asked once there is an op to compare with: its whole content is looked at.
            if not op.regions and not is_effect_free(op):
                continue
            key = _key(op)
            same = next((other for other in self.known.get(key, ()) if _same_regions(op, other)), None)
            if same is not None and op.regions and not is_effect_free(op):
                continue
            if same is None:
                self.known.setdefault(key, []).append(op)
                added.append(key)
                continue
            for mine, theirs in zip(op.results, same.results, strict=True):
                theirs.name_hint = theirs.name_hint or mine.name_hint
                mine.replace_all_uses_with(theirs)
            op.detach()
            op.erase()
            changed = True
        for key in added:
            self.known[key].pop()
        return changed


def _key(op: Operation) -> Key:
    return (
        op.name,
        tuple(op.operands),
        tuple(op.result_types),
        frozenset(op.properties.items()),
        frozenset(op.attributes.items()),
    )


def _same_regions(op: Operation, other: Operation) -> bool:
    return all(a.is_structurally_equivalent(b) for a, b in zip(op.regions, other.regions, strict=True))


@dataclass(frozen=True)
class CsePass(Pass):
    """Replace an op by an equal one that always runs before it.

    ```mlir before
    func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
      %a = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
      %b = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.return %a, %b : tensor<4xf32>, tensor<4xf32>
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
      %a = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.return %a, %a : tensor<4xf32>, tensor<4xf32>
    }
    ```

    It does not merge ops on two sides of a branch, ops with effects, nor an op inside a `dycl.region` or kernel with
    one outside.
    """

    name = "cse"
    anchor = "any"

    def apply(self, op: Operation, program: Program) -> bool:
        return eliminate_common_subexpressions(op)
