"""Region formation: the tensor ops of a segment (see `dycl.passes.segments`) become one `dycl.region`.

Each op of a segment has a *place*. Place 2k is the host before the segment's k-th region, place 2k + 1 is that region.
1. A tensor op (`dycl.aten`, `dycl.scalar_tensor`) is in the first region that is not before any of its operands.
2. A scalar op (`dycl.item`, `dycl.dim`, arithmetic) is at the last place of its operands: in a region where that
   computes one of them, else on the host.
3. Any other op (an assertion, a launch, a region that is there already) is on the host, behind its operands. So is an
   append to a list (`dycl.ir.host_ops.is_host_append`) that no tensor op of the segment reads.
4. An op that must keep its order, among assertions or among ops that draw random numbers, is not before the last such.

So a segment has a second region only where a host op needs the first and is needed by the second.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import UNKNOWN_LOC
from xdsl.ir import Block, Operation, SSAValue

from dycl.ir.host_ops import is_host_append, is_kernel_arithmetic
from dycl.ir.ops import AssertOp, AtenOp, DimOp, ItemOp, RegionOp, ScalarTensorOp, YieldOp
from dycl.passes.base import Pass
from dycl.passes.lifting import lift_computation
from dycl.passes.segments import Segment, blocks_inside, erase_unused_constants, is_free, is_movable, segments
from dycl.passes.sink import sink_ops
from dycl.program import Program


def form_regions(op: Operation) -> bool:
    """Sink the ops inside `op`, lift small ones past the exits of loops, then group tensor ops into regions; return
    whether anything changed."""
    changed = sink_ops(op)
    blocks = blocks_inside(op)
    changed |= lift_computation(blocks)
    for block in blocks:
        for segment in segments(block):
            changed |= _form_in(segment)
    return erase_unused_constants(blocks) or changed


def places(ops: Sequence[Operation]) -> dict[Operation, int]:
    """Return the place of each op of a segment, in the order of the ops; free ops have none."""
    appends = _appends_of_host(ops)
    place_of: dict[Operation | Block, int] = {}
    placed: dict[Operation, int] = {}
    last_assertion = last_fixed = 0
    for op in ops:
        if is_free(op):
            continue
        place = max((place_of.get(operand.owner, 0) for operand in op.operands), default=0)
        if isinstance(op, AssertOp):
            place = last_assertion = max(_host_from(place), last_assertion)
        elif not is_movable(op):
            place = max(place, last_fixed)
            place = last_fixed = _region_from(place) if isinstance(op, AtenOp) else _host_from(place)
        elif isinstance(op, AtenOp | ScalarTensorOp):
            place = _host_from(place) if op in appends else _region_from(place)
        elif not (isinstance(op, ItemOp | DimOp) or is_kernel_arithmetic(op)):
            place = _host_from(place)
        place_of[op] = placed[op] = place
    return placed


def _appends_of_host(ops: Sequence[Operation]) -> set[Operation]:
    """Return the appends among the ops of a segment whose results no tensor op of it reads."""
    inside = set(ops)
    found = set[Operation]()
    for op in reversed(ops):
        users = [use.operation for result in op.results for use in result.uses if use.operation in inside]
        if is_host_append(op) and all(isinstance(user, DimOp) or user in found for user in users):
            found.add(op)
    return found


def _region_from(place: int) -> int:
    return place | 1


def _host_from(place: int) -> int:
    return (place + 1) // 2 * 2


def _form_in(segment: Segment) -> bool:
    groups: dict[int, list[Operation]] = defaultdict(list)
    for op, place in places(segment.ops).items():
        groups[place].append(op)
    if not any(place % 2 for place in groups):
        return False
    block = segment.after.parent
    assert block is not None
    for place, ops in sorted(groups.items()):
        if place % 2:
            block.insert_op_before(region_of(ops), segment.after)
        else:
            for op in ops:
                op.detach()
                block.insert_op_before(op, segment.after)
    return True


def region_of(ops: Sequence[Operation]) -> RegionOp:
    """Take ops, given in order, out of their block and return a region of them whose results have taken their uses.

    The region brings its own copies of the constants and weights that the ops use. What else they use is its input,
    what is used of theirs elsewhere its result; both are in the order of the ops.
    """
    inside = set(ops)
    outcome: list[SSAValue] = []
    uses_of: list[list[tuple[Operation, int]]] = []
    for op in ops:
        for value in op.results:
            uses = [(use.operation, use.index) for use in value.uses if use.operation not in inside]
            if uses:
                outcome.append(value)
                uses_of.append(uses)
    body = Block()
    inputs: list[SSAValue] = []
    given = {result for op in ops for result in op.results}
    local: dict[SSAValue, SSAValue] = {result: result for result in given}
    for op in ops:
        for operand in op.operands:
            if operand in local:
                continue
            owner = operand.owner
            if isinstance(owner, Operation) and is_free(owner):
                body.add_op(owner.clone(local))
            else:
                argument = body.insert_arg(operand.type, len(body.args))
                argument.name_hint = operand.name_hint
                local[operand] = argument
                inputs.append(operand)
        if not given.issuperset(op.operands):
            op.operands = [local[operand] for operand in op.operands]
        op.detach()
        body.add_op(op)
    body.add_op(YieldOp(outcome))
    region = RegionOp(inputs, [value.type for value in outcome], body)
    region.location = next((op.location for op in ops if op.location != UNKNOWN_LOC), UNKNOWN_LOC)
    for value, uses, result in zip(outcome, uses_of, region.results, strict=True):
        result.name_hint = value.name_hint
        for user, index in uses:
            user.operands[index] = result
    return region


@dataclass(frozen=True)
class FormRegionsPass(Pass):
    """Group the tensor ops between one control-flow op and the next, and the scalar ops that depend on them, into as
    few `dycl.region`s as dependences allow.

    Ops first move to where their results are needed, as by `sink`. Conditions are computed inside and come out as
    scalars; constants and weights are copied into each region that uses them.

    ```mlir before
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %w = dycl.param "w" : tensor<4xf32>
      %h = dycl.aten mul.Tensor(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      %answer = dycl.aten sigmoid.default(%h) : (tensor<4xf32>) -> tensor<4xf32>
      %any = dycl.aten any.default(%h) : (tensor<4xf32>) -> tensor<i1>
      %stop = dycl.item %any : tensor<i1> -> i1
      dycl.if %stop {
        dycl.return %answer : tensor<4xf32>
      }
      %next = dycl.aten mul.Tensor(%h, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      dycl.return %next : tensor<4xf32>
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %h, %stop = dycl.region (%x_1 = %x : tensor<4xf32>) -> (tensor<4xf32>, i1) {
        %w = dycl.param "w" : tensor<4xf32>
        %h_1 = dycl.aten mul.Tensor(%x_1, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
        %any = dycl.aten any.default(%h_1) : (tensor<4xf32>) -> tensor<i1>
        %stop_1 = dycl.item %any : tensor<i1> -> i1
        dycl.yield %h_1, %stop_1 : tensor<4xf32>, i1
      }
      dycl.if %stop {
        %answer = dycl.region (%h_2 = %h : tensor<4xf32>) -> (tensor<4xf32>) {
          %answer_1 = dycl.aten sigmoid.default(%h_2) : (tensor<4xf32>) -> tensor<4xf32>
          dycl.yield %answer_1 : tensor<4xf32>
        }
        dycl.return %answer : tensor<4xf32>
      }
      %next = dycl.region (%h_3 = %h : tensor<4xf32>) -> (tensor<4xf32>) {
        %w_1 = dycl.param "w" : tensor<4xf32>
        %next_1 = dycl.aten mul.Tensor(%h_3, %w_1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
        dycl.yield %next_1 : tensor<4xf32>
      }
      dycl.return %next : tensor<4xf32>
    }
    ```

    Computation behind a branch or loop that does not depend on it joins the region before, where one is there. Behind
    an `if` that may leave, this is done only in loops, and with what is small and cannot fail: it then runs in vain
    once, when the loop is left. But for that, no path computes more than it did. The pass leaves scalars that do not
    depend on a region's tensors to the host, and does not look into regions that are there.
    """

    name = "form-regions"

    def apply(self, op: Operation, program: Program) -> bool:
        return form_regions(op)
