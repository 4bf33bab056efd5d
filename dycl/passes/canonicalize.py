"""Canonicalization: each op in its simplest form, by local rewrites until none applies."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from xdsl.ir import Operation
from xdsl.pattern_rewriter import RewritePattern
from xdsl.traits import HasCanonicalizationPatternsTrait

from dycl.ir.canonicalization import SCALAR_PATTERNS
from dycl.ir.greedy import rewrite_greedily
from dycl.passes.base import Pass
from dycl.program import Program


def canonicalization_patterns(op: Operation) -> Sequence[RewritePattern]:
    """Return the rewrites of an op: those of its traits, then those that dycl has for ops of other dialects."""
    return _patterns_of(type(op))


@cache
def _patterns_of(kind: type[Operation]) -> Sequence[RewritePattern]:
    traits = kind.get_traits_of_type(HasCanonicalizationPatternsTrait)
    own = [pattern for trait in traits for pattern in trait.get_canonicalization_patterns()]
    return (*own, *SCALAR_PATTERNS.get(kind, ()))


@dataclass(frozen=True)
class CanonicalizePass(Pass):
    """Bring each op into its simplest form: fold constants, branches that are decided or do nothing, and ATen ops that
    give their input back.

    ```mlir before
    func.func @main(%x: tensor<4xf32>, %c: i1) -> (tensor<4xf32>, i1) {
      %true = arith.constant true
      %y = dycl.aten dropout.default(%x, 0.5, false) : (tensor<4xf32>) -> tensor<4xf32>
      %r, %not = dycl.if %c -> (tensor<4xf32>, i1) {
        %false = arith.constant false
        dycl.yield %y, %false : tensor<4xf32>, i1
      } else {
        dycl.yield %y, %true : tensor<4xf32>, i1
      }
      dycl.return %r, %not : tensor<4xf32>, i1
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<4xf32>, %c: i1) -> (tensor<4xf32>, i1) {
      %true = arith.constant true
      %not = arith.xori %c, %true : i1
      dycl.return %x, %not : tensor<4xf32>, i1
    }
    ```

    Each rewrite looks at one op and what is next to it: a constant that arrives through a branch or a loop is the work
    of `propagate-constants`. It never runs an op on a path where it did not run, and never copies one.
    """

    name = "canonicalize"
    anchor = "any"

    def apply(self, op: Operation, program: Program) -> bool:
        changed = False
        for region in op.regions:
            changed |= rewrite_greedily(region, canonicalization_patterns)
        return changed
