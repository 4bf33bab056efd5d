"""Local rewrites that bring an op into its simplest form; `dycl.passes.canonicalize` applies them."""

from xdsl.pattern_rewriter import RewritePattern

from dycl.ir.canonicalization.aten import ATEN_PATTERNS
from dycl.ir.canonicalization.branches import BRANCH_PATTERNS
from dycl.ir.canonicalization.loops import LOOP_PATTERNS
from dycl.ir.canonicalization.scalars import SCALAR_PATTERNS

CONTROL_FLOW_PATTERNS: tuple[RewritePattern, ...] = (*BRANCH_PATTERNS, *LOOP_PATTERNS)

__all__ = ["ATEN_PATTERNS", "CONTROL_FLOW_PATTERNS", "SCALAR_PATTERNS"]
