"""Rewrites of host scalars: arithmetic, tensors' sizes and items, assertions."""

from collections.abc import Mapping

from xdsl.dialects import arith
from xdsl.dialects.builtin import f64, i1, i64
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern

from dycl.ir.interpret.scalars import ELEMENTARY_OPS
from dycl.ir.ops import AssertOp, AtenOp, ConstantOp, DimOp, ItemOp, ScalarTensorOp
from dycl.ir.scalars import constant_scalar, evaluate, is_false, is_true, scalar_constant
from dycl.ir.types import element_of, is_static, shape_of


class FoldArithmetic(RewritePattern):
    """Arithmetic on constants is a constant."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        operands = [value for operand in op.operands if (value := constant_scalar(operand)) is not None]
        if len(operands) == len(op.operands) and (result := evaluate(op, operands)) is not None:
            rewriter.replace(op, scalar_constant(result))


class SimplifyLogic(RewritePattern):
    """`x and true`, `x or false`, `x xor false`, `x and x`, `x or x` are x; `x and false` is false, `x or true` true,
    `x xor x` false, and `(x xor true) xor true` is x."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, arith.AndIOp | arith.OrIOp | arith.XOrIOp) or op.result.type != i1:
            return
        for value, other in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
            found = _logic(op, value, other)
            if isinstance(found, SSAValue):
                rewriter.replace(op, (), (found,))
                return
            if found is not None:
                rewriter.replace(op, scalar_constant(found))
                return


def _logic(op: Operation, value: SSAValue, other: SSAValue) -> SSAValue | bool | None:
    match op:
        case arith.AndIOp():
            if value is other or is_true(other):
                return value
            return False if is_false(other) else None
        case arith.OrIOp():
            if value is other or is_false(other):
                return value
            return True if is_true(other) else None
        case _:
            if value is other:
                return False
            if is_false(other):
                return value
            if is_true(other) and isinstance(inner := value.owner, arith.XOrIOp) and is_true(inner.rhs):
                return inner.lhs
            return None


class FoldSize(RewritePattern):
    """A size that the tensor's type states is a constant."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if isinstance(op, DimOp) and (size := shape_of(op.tensor.type)[op.axis.value.data]) is not None:
            rewriter.replace(op, scalar_constant(size))


class FoldItem(RewritePattern):
    """The item of a scalar's tensor is the scalar, where the tensor's elements hold all its values; the item of a
    constant is a constant."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, ItemOp):
            return
        match op.tensor.owner:
            case ScalarTensorOp() as source:
                if source.scalar.type == element_of(source.tensor.type) and source.scalar.type in (i1, i64, f64):
                    rewriter.replace(op, (), (source.scalar,))
            case ConstantOp() as source:
                (value,) = source.value.get_values()
                if op.scalar.type == i1:
                    rewriter.replace(op, scalar_constant(bool(value)))
                elif isinstance(value, int | float):
                    rewriter.replace(op, scalar_constant(value))
            case _:
                pass


class FoldScalarTensor(RewritePattern):
    """The tensor of a tensor's item is that tensor without dimensions, where it has the same elements."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, ScalarTensorOp) or not isinstance(source := op.scalar.owner, ItemOp):
            return
        if source.tensor.type == op.tensor.type:
            rewriter.replace(op, (), (source.tensor,))
        elif is_static(source.tensor.type) and element_of(source.tensor.type) == element_of(op.tensor.type):
            rewriter.replace(op, AtenOp("reshape.default", [source.tensor, []], op.result_types))


class EraseHeldAssertion(RewritePattern):
    """An assertion of true is nothing."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if isinstance(op, AssertOp) and is_true(op.condition):
            rewriter.erase(op)


_ARITHMETIC: tuple[type[Operation], ...] = (
    *(op for op in arith.Arith.operations if op is not arith.ConstantOp),
    *ELEMENTARY_OPS,
)

SCALAR_PATTERNS: Mapping[type[Operation], tuple[RewritePattern, ...]] = {
    **dict.fromkeys(_ARITHMETIC, (FoldArithmetic(), SimplifyLogic())),
    DimOp: (FoldSize(),),
    ItemOp: (FoldItem(),),
    ScalarTensorOp: (FoldScalarTensor(),),
    AssertOp: (EraseHeldAssertion(),),
}
"""By op: these are ops of other dialects, or have no patterns of their own."""
