"""Rewrites of `dycl.aten` ops: those that give one of their inputs back, and those that state a known size."""

from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern

from dycl.ir.ops import AtenOp
from dycl.ir.rewriting import can_stand_for
from dycl.ir.types import is_static, shape_of

COPIES = frozenset(
    ["_to_copy", "alias", "clone", "contiguous", "detach", "lift_fresh", "resolve_conj", "resolve_neg", "to", "type_as"]
)
"""Give their input back, but for the element type. (Values have no strides, and no storage that could be shared.)"""

VIEWS = frozenset(
    [
        "_reshape_alias",
        "_unsafe_view",
        "broadcast_to",
        "expand",
        "expand_as",
        "flatten",
        "narrow",
        "reshape",
        "reshape_as",
        "slice",
        "squeeze",
        "unflatten",
        "view",
        "view_as",
    ]
)
"""Give their input back where its shape is that of the result."""

DROPOUTS = frozenset(["alpha_dropout", "dropout", "feature_alpha_dropout", "feature_dropout"])
"""Give their input back where their last argument, `train`, is false."""


class GiveInputBack(RewritePattern):
    """A copy, a view to the same shape, a dropout outside training or the concatenation of one tensor is its input."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, AtenOp) or len(op.results) != 1:
            return
        source = identity_source(op)
        if source is not None and can_stand_for(source, op.results[0]):
            rewriter.replace(op, (), (source,))


class StateSizes(RewritePattern):
    """A reshape to sizes that are known states the one that it leaves to be found."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, AtenOp) or op.overload.data != "reshape.default" or not is_static(op.results[0].type):
            return
        arguments = op.bind(lambda value: value)
        if isinstance(sizes := arguments[1], list) and -1 in sizes:
            stated = [size for size in shape_of(op.results[0].type) if size is not None]
            rewriter.replace(op, AtenOp("reshape.default", [arguments[0], stated], op.result_types))


def identity_source(op: AtenOp) -> SSAValue | None:
    """Return the input whose elements the op gives in the same order, where its types show that there is one."""
    packet, arguments = op.packet, op.bind(lambda value: value)
    source = arguments[0] if arguments else None
    if packet == "cat" and isinstance(source, list) and len(source) == 1:
        (source,) = source
        return source if isinstance(source, SSAValue) else None
    if not isinstance(source, SSAValue):
        return None
    if packet in COPIES:
        return source
    if packet in DROPOUTS and arguments[-1] is False:
        return source
    if packet in VIEWS and source.type == op.results[0].type and is_static(source.type):
        # A slice of the same size takes every element in order: its step is positive.
        return source
    return None


ATEN_PATTERNS: tuple[RewritePattern, ...] = (GiveInputBack(), StateSizes())
