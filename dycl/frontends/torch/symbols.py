"""Numbers that torch knows as symbols, and the SSA values that they are.

Native code takes a run-time number as a torch `SymInt`, `SymFloat` or `SymBool`; sizes that depend on data are
`SymInt`s that torch makes. Both ways lead through the symbols of one `ShapeEnv`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import sympy
import torch
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from xdsl.dialects import arith
from xdsl.ir import SSAValue

from dycl.frontends.torch.builder import Builder
from dycl.frontends.torch.diagnostics import Refusal
from dycl.frontends.torch.values import Scalar, Value
from dycl.ir.ops import DimOp

SYMBOLIC = (torch.SymInt, torch.SymFloat, torch.SymBool)


@dataclass
class Symbols:
    builder: Builder
    shapes: ShapeEnv
    values: dict[sympy.Basic, Callable[[], SSAValue]] = field(default_factory=dict[sympy.Basic, Callable[[], SSAValue]])
    lowered: dict[SSAValue, Value] = field(default_factory=dict[SSAValue, Value])

    def lower(self, scalar: Scalar) -> Value:
        """Return the torch symbol that stands for a run-time number in native code."""
        known = self.lowered.get(scalar.ssa)
        if known is not None:
            return known
        if scalar.kind is int:
            symbol = self.shapes.create_unbacked_symint()
            expression = symbol.node.expr
        elif scalar.kind is float:
            symbol = self.shapes.create_unbacked_symfloat()
            expression = symbol.node.expr
        else:
            symbol = self.shapes.create_unbacked_symbool()
            expression = symbol.node.expr
        self.lowered[scalar.ssa] = symbol
        self.values[expression] = lambda: scalar.ssa
        return symbol

    def learn_sizes(self, tensor: torch.Tensor, ssa: SSAValue) -> None:
        """Note that the new symbols among a tensor's sizes are those of `ssa`."""
        for axis, size in enumerate(tensor.size()):
            if isinstance(size, torch.SymInt) and size.node.expr not in self.values:
                self.values[size.node.expr] = self._dim(ssa, axis)

    def learn(self, symbol: Value, ssa: SSAValue) -> None:
        self.values[symbol.node.expr] = lambda: ssa

    def raised(self, symbol: Value) -> Value:
        """Return the number that a torch symbol is."""
        expression = symbol.node.expr
        if expression.is_number:
            return int(expression) if isinstance(symbol, torch.SymInt) else float(expression)
        return Scalar(self.value(symbol))

    def value(self, symbol: Value) -> SSAValue:
        """Return the SSA value of a torch symbol.

        Raises:
            Refusal: it comes from arithmetic that is not taken
        """
        return self._value(symbol.node.expr)

    def _value(self, expression: sympy.Basic) -> SSAValue:
        known = self.values.get(expression)
        if known is not None:
            return known()
        if isinstance(expression, sympy.Integer):
            return self.builder.constant(int(expression))
        if isinstance(expression, sympy.Add | sympy.Mul):
            op = arith.AddiOp if isinstance(expression, sympy.Add) else arith.MuliOp
            first, *rest = map(self._value, expression.args)
            for operand in rest:
                first = self.builder.emit(op(first, operand)).result
            return first
        raise Refusal(f"a size computed as {expression}", "only sums and products of sizes are taken inside torch code")

    def _dim(self, ssa: SSAValue, axis: int) -> Callable[[], SSAValue]:
        return lambda: self.builder.emit(DimOp(ssa, axis)).size
