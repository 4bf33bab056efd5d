"""Local rewrites that `canonicalize` applies to dycl ops."""

from xdsl.pattern_rewriter import RewritePattern

CONTROL_FLOW_PATTERNS: tuple[RewritePattern, ...] = ()
ATEN_PATTERNS: tuple[RewritePattern, ...] = ()
