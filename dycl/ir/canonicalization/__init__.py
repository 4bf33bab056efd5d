"""Local rewrites that bring an op into its simplest form; `dycl.passes.canonicalize` applies them."""

from xdsl.pattern_rewriter import RewritePattern

from dycl.ir.canonicalization.aten import ATEN_PATTERNS as INPUT_PATTERNS
from dycl.ir.canonicalization.branches import BRANCH_PATTERNS
from dycl.ir.canonicalization.first_iterations import FIRST_ITERATION_PATTERNS
from dycl.ir.canonicalization.loops import LOOP_PATTERNS
from dycl.ir.canonicalization.pieces import PIECES_PATTERNS
from dycl.ir.canonicalization.scalars import SCALAR_PATTERNS

ATEN_PATTERNS: tuple[RewritePattern, ...] = (*INPUT_PATTERNS, *PIECES_PATTERNS)

CONTROL_FLOW_PATTERNS: tuple[RewritePattern, ...] = (*BRANCH_PATTERNS, *LOOP_PATTERNS, *FIRST_ITERATION_PATTERNS)

__all__ = ["ATEN_PATTERNS", "CONTROL_FLOW_PATTERNS", "SCALAR_PATTERNS"]
