"""Rewrites of tensors that are put together from others, by `stack` and `cat`."""

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern

from dycl.ir.ops import AtenOp
from dycl.ir.rewriting import can_stand_for
from dycl.ir.types import element_of, shape_of


class StackOfOne(RewritePattern):
    """The stack of one tensor is a view of that tensor."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if isinstance(op, AtenOp) and op.overload.data == "stack.default" and len(op.inputs) == 1:
            axis = _constant(op, 1)
            if axis is not None:
                rewriter.replace(op, AtenOp("unsqueeze.default", [op.inputs[0], axis], op.result_types))


class SelectOfPiece(RewritePattern):
    """What is selected of a `cat`, along its axis, is selected of the piece that holds it, where the sizes of those
    before or behind that are known; what is selected of an `unsqueeze`, along its axis, is the tensor."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, AtenOp) or op.overload.data != "select.int" or len(op.inputs) != 1:
            return
        source, result = op.inputs[0].owner, op.results[0]
        axis, index = _constant(op, 1), _constant(op, 2)
        if not isinstance(source, AtenOp) or source.overload.data not in ("unsqueeze.default", "cat.default"):
            return
        rank = len(shape_of(op.inputs[0].type))
        along = _constant(source, 1)
        if axis is None or index is None or along is None or along % rank != axis % rank:
            return
        match source.overload.data:
            case "unsqueeze.default" if index in (0, -1) and can_stand_for(source.inputs[0], result):
                rewriter.replace(op, (), (source.inputs[0],))
            case "cat.default":
                found = _piece(source.inputs, axis % rank, rank, index)
                if found is None or element_of(found[0].type) != element_of(result.type):
                    return
                piece, place = found
                rewriter.replace(op, AtenOp("select.int", [piece, axis, place], [result.type]))
            case _:
                pass


def _piece(pieces: Sequence[SSAValue], axis: int, rank: int, index: int) -> tuple[SSAValue, int] | None:
    """Return the one of the pieces along an axis that holds an index, and the index in it."""
    left = index if index >= 0 else -index - 1
    for piece in pieces if index >= 0 else reversed(pieces):
        sizes = shape_of(piece.type)
        if len(sizes) != rank:
            # An empty tensor of one dimension goes with tensors of any rank.
            return None
        size = sizes[axis]
        if size is None:
            return None
        if left < size:
            return piece, left if index >= 0 else -left - 1
        left -= size
    return None


def _constant(op: AtenOp, place: int) -> int | None:
    """Return an integer argument, None where it is not known."""
    argument = op.arguments.data[place]
    return argument.value.data if isinstance(argument, IntegerAttr) else None


PIECES_PATTERNS: tuple[RewritePattern, ...] = (StackOfOne(), SelectOfPiece())
