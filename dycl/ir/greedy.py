"""Applying local rewrites until none applies, on xDSL's worklist driver.

What xDSL's driver lacks: new ops take the location of the op that they replace, and rewrites that undo each other end
in an error that names them.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from xdsl.ir import Operation, Region
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriterListener, PatternRewriteWalker, RewritePattern

from dycl.ir.effects import is_dead
from dycl.ir.rewriting import adopt

REWRITES_PER_OP = 64
"""How many rewrites a region may take for each of its ops: far more than rewrites that make progress need."""

PatternsOf: TypeAlias = Callable[[Operation], Sequence[RewritePattern]]


class EndlessRewriting(Exception):
    """Rewrites kept applying: at least two of them undo each other."""


def rewrite_greedily(region: Region, patterns_of: PatternsOf) -> bool:
    """Apply to each op in `region` the patterns that `patterns_of` gives for it, and erase dead ops, until nothing
    changes; return whether anything did.

    Raises:
        EndlessRewriting: the rewrites do not come to an end
    """
    budget = REWRITES_PER_OP * (1 + sum(1 for _ in region.walk()))
    driver = _Driver(patterns_of, budget)
    listener = PatternRewriterListener(operation_insertion_handler=[driver.place])
    changed = PatternRewriteWalker(driver, listener=listener).rewrite_region(region)
    if driver.exhausted:
        names = ", ".join(f"{name} ({times} times)" for name, times in driver.applied.most_common(3))
        raise EndlessRewriting(f"rewrites do not come to an end: {names}")
    return changed


@dataclass(eq=False)
class _Driver(RewritePattern):
    patterns_of: PatternsOf
    budget: int
    applied: Counter[str] = field(default_factory=Counter[str])
    current: Operation | None = None
    rewrites: int = 0

    @property
    def exhausted(self) -> bool:
        return self.rewrites > self.budget

    def place(self, op: Operation) -> None:
        if self.current is not None:
            adopt(op, self.current)

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        # The driver wraps what a pattern raises in a print of the whole module, so this only stops rewriting.
        if self.exhausted:
            return
        if is_dead(op):
            rewriter.erase(op)
            return
        self.current = op
        for pattern in self.patterns_of(op):
            pattern.match_and_rewrite(op, rewriter)
            if rewriter.has_done_action:
                self.rewrites += 1
                self.applied[type(pattern).__name__] += 1
                return
