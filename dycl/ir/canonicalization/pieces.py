"""Rewrites of tensors that are put together from others, by `stack` and `cat`."""

from collections.abc import Iterator, Sequence

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Block, Operation, SSAValue
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


class CatOfPieces(RewritePattern):
    """A `cat` takes the pieces of those of its pieces that are made for it alone, and leaves out those that are empty;
    tensors that have all been given an axis of size 1 it stacks. So a list that grows item by item is made at once."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        axis = _cat_axis(op)
        if axis is None or _is_inner(op, axis):
            return
        assert isinstance(op, AtenOp)
        whole = op.results[0]
        leaves = list(_leaves(op, axis))
        items = [_without_axis(leaf, axis) for leaf in leaves]
        first = items[0] if len(items) > 1 else None
        if first is not None and all(item is not None and item.type == first.type for item in items):
            rewriter.replace(op, AtenOp("stack.default", [items, axis], [whole.type]))
        elif leaves and len(leaves) != len(op.inputs):
            rewriter.replace(op, AtenOp("cat.default", [leaves, axis], [whole.type]))


def _cat_axis(op: Operation | Block) -> int | None:
    """Return the axis of a `cat` of tensors of one rank and element type, counted from 0."""
    if not isinstance(op, AtenOp) or op.overload.data != "cat.default":
        return None
    axis, rank = _constant(op, 1), len(shape_of(op.results[0].type))
    element = element_of(op.results[0].type)
    alike = all(len(shape_of(piece.type)) == rank and element_of(piece.type) == element for piece in op.inputs)
    return axis % rank if axis is not None and alike else None


def _is_inner(op: Operation, axis: int) -> bool:
    """Whether only another `cat` along that axis takes a `cat`, beside it."""
    uses = list(op.results[0].uses)
    return len(uses) == 1 and uses[0].operation.parent is op.parent and _cat_axis(uses[0].operation) == axis


def _leaves(op: AtenOp, axis: int) -> Iterator[SSAValue]:
    """Yield what a `cat` puts together in the end, in order; an open stack of iterators, as lists grow long."""
    todo = [iter(op.inputs)]
    while todo:
        piece = next(todo[-1], None)
        if piece is None:
            todo.pop()
        elif _cat_axis(piece.owner) == axis and isinstance(piece.owner, AtenOp) and _is_inner(piece.owner, axis):
            todo.append(iter(piece.owner.inputs))
        elif shape_of(piece.type)[axis] != 0:
            yield piece


def _without_axis(piece: SSAValue, axis: int) -> SSAValue | None:
    """Return the tensor that has been given an axis of size 1."""
    source = piece.owner
    if not isinstance(source, AtenOp) or source.overload.data != "unsqueeze.default":
        return None
    along = _constant(source, 1)
    return source.inputs[0] if along is not None and along % len(shape_of(piece.type)) == axis else None


_MADE_OF_PIECES = ("unsqueeze.default", "cat.default", "stack.default")


class SelectOfPiece(RewritePattern):
    """What is selected of a `cat`, along its axis, is selected of the piece that holds it, where the sizes of those
    before or behind that are known; what is selected of a `stack` or an `unsqueeze`, along its axis, is a tensor of
    those it is made of."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, AtenOp) or op.overload.data != "select.int" or len(op.inputs) != 1:
            return
        source, result = op.inputs[0].owner, op.results[0]
        axis, index = _constant(op, 1), _constant(op, 2)
        if not isinstance(source, AtenOp) or source.overload.data not in _MADE_OF_PIECES:
            return
        rank = len(shape_of(op.inputs[0].type))
        along = _constant(source, 1)
        if axis is None or index is None or along is None or along % rank != axis % rank:
            return
        match source.overload.data:
            case "unsqueeze.default" if index in (0, -1) and can_stand_for(source.inputs[0], result):
                rewriter.replace(op, (), (source.inputs[0],))
            case "stack.default" if -len(source.inputs) <= index < len(source.inputs):
                if can_stand_for(source.inputs[index], result):
                    rewriter.replace(op, (), (source.inputs[index],))
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


PIECES_PATTERNS: tuple[RewritePattern, ...] = (StackOfOne(), CatOfPieces(), SelectOfPiece())
