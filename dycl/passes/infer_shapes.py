"""Shape inference: the sizes that follow from the inputs' types, by running each op on torch's fake tensors.

A fake tensor has a shape and a dtype but no elements. A size known only at run time is a symbol, so that sizes that
cancel or divide out become known again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from xdsl.dialects.builtin import FunctionType
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import Rewriter

from dycl.ir.ops import AtenOp, DimOp
from dycl.ir.types import is_static, is_tensor, join
from dycl.passes.base import Pass
from dycl.passes.dataflow import Dataflow
from dycl.passes.fake_tensors import Fake, FakeTracer, refined
from dycl.passes.result_types import check_result_types
from dycl.program import ENTRY, Program
from dycl.runtime.signature import Signature


def infer_shapes(function: FuncOp, signature: Signature | None = None) -> bool:
    """Refine the types of the values in a function, and of its results if nobody calls it; return whether any
    changed. Imports torch only where a size is unknown that an op may decide.

    `signature` is that of the function's arguments: sizes of one name are equal, and within their bounds.
    """
    if not any(map(_is_open, function.walk())):
        return False
    inference = ShapeInference()
    arguments = [argument.type for argument in function.args]
    if signature is not None and not signature.is_static:
        for argument, input in zip(function.args, signature.inputs, strict=True):
            inference.found[argument] = inference.tracer.input(argument.type, input.shape, signature.bounds)
    inference.follow(function.body.block, arguments)
    changed = False
    for value, type in inference.facts.items():
        if type != value.type:
            Rewriter.replace_value_with_new_type(value, type)
            changed = True
    results = inference.returned
    if results is not None and results != function.function_type.outputs.data and not _is_called(function):
        function.function_type = FunctionType.from_lists(arguments, results)
        changed = True
    return changed


def _is_open(op: Operation) -> bool:
    return not all(is_static(result.type) for result in op.results) or (
        isinstance(op, FuncOp) and not all(map(is_static, op.function_type.outputs))
    )


def _is_called(function: FuncOp) -> bool:
    module = function.parent_op()
    return module is not None and any(
        isinstance(op, CallOp) and op.callee.root_reference == function.sym_name for op in module.walk()
    )


@dataclass
class ShapeInference(Dataflow[Attribute]):
    """A fact is a type that refines the value's own."""

    results_are_carried: ClassVar[bool] = True

    tracer: FakeTracer = field(default_factory=FakeTracer)
    found: dict[SSAValue, Fake] = field(default_factory=dict[SSAValue, Fake])
    """Of the op that was run last, its results."""

    def top(self, value: SSAValue) -> Attribute:
        return value.type

    def join(self, left: Attribute, right: Attribute) -> Attribute:
        found = join(left, right)
        assert found is not None
        return found

    def assume(self, values: Sequence[SSAValue], facts: Sequence[Attribute]) -> None:
        super().assume(values, facts)
        for value, type in zip(values, facts, strict=True):
            # A value that comes over several paths, or in another iteration, has sizes of its own.
            self.tracer.set(value, type, self.found.pop(value, None))

    def transfer(self, op: Operation, operands: Sequence[Attribute]) -> Sequence[Attribute]:
        declared = [result.type for result in op.results]
        if isinstance(op, AtenOp):
            fakes = None if all(map(is_static, declared)) else self.tracer.run(op)
        elif isinstance(op, DimOp) and is_static(operands[0]):
            fakes = None
        else:
            fakes = self.tracer.scalar(op)
        if fakes is None or len(fakes) != len(declared):
            return declared
        self.found.update(zip(op.results, fakes, strict=True))
        return [refined(type, fake) for type, fake in zip(declared, fakes, strict=True)]


@dataclass(frozen=True)
class InferShapesPass(Pass):
    """Refine `?` to a size wherever it follows from the inputs' types.

    ```mlir before
    func.func @main(%x: tensor<2x4xf32>, %c: i1) -> tensor<?x?xf32> {
      %y = dycl.if %c -> (tensor<?x?xf32>) {
        %a = dycl.aten cat.default([%x, %x], 0) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<?x4xf32>
        dycl.yield %a : tensor<?x4xf32>
      } else {
        dycl.yield %x : tensor<2x4xf32>
      }
      dycl.return %y : tensor<?x?xf32>
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<2x4xf32>, %c: i1) -> tensor<?x4xf32> {
      %y = dycl.if %c -> (tensor<?x4xf32>) {
        %a = dycl.aten cat.default([%x, %x], 0) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<4x4xf32>
        dycl.yield %a : tensor<4x4xf32>
      } else {
        dycl.yield %x : tensor<2x4xf32>
      }
      dycl.return %y : tensor<?x4xf32>
    }
    ```

    It checks the results' types that the program states against those that torch gives. It never changes the inputs'
    types, nor the results' of kernels and of functions that are called. A size that
    depends on a tensor's elements, or that is not the same over all paths, stays `?`.
    """

    name = "infer-shapes"

    def apply(self, op: Operation, program: Program) -> bool:
        if not isinstance(op, FuncOp):
            return False
        check_result_types(op)
        has_signature = op.sym_name.data == ENTRY and all(is_tensor(argument.type) for argument in op.args)
        return infer_shapes(op, program.signature if has_signature else None)
