"""Hoisting to the host: what a region gives without computing it is given by the host.

The host *has* the inputs of a region, constants, and the results that the region computes. It has what it can do itself
(`dycl.ir.host_ops.is_host_value`, and tests of one element) with values that it has. A result that the host has without
the region's computing it need not come out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.ir import Block, Operation, Region, SSAValue

from dycl.ir.host_ops import is_host_value
from dycl.ir.ops import RegionOp
from dycl.ir.rewriting import adopt
from dycl.passes.base import Pass
from dycl.passes.dce import erase_dead_ops
from dycl.passes.element_tests import ElementTest, element_test
from dycl.passes.segments import blocks_inside, erase_unused_constants, is_free
from dycl.program import Program


def hoist_to_host(op: Operation) -> bool:
    """Hoist from all regions inside `op`; return whether anything changed."""
    # A region comes after those whose results it uses, so it sees what became of them.
    blocks = blocks_inside(op)
    regions = [inner for block in blocks for inner in block.ops if isinstance(inner, RegionOp)]
    changes = [hoist_from(region) for region in regions]
    return erase_unused_constants(blocks) or any(changes)


def hoist_from(region: RegionOp) -> bool:
    """Give on the host what `region` gives without computing it, and erase what of the region is then without use;
    return whether anything changed."""
    body = region.body.block
    changed = _settle_inputs(region)
    if any(value.type != result.type for value, result in zip(_yielded(body), region.results, strict=True)):
        # The value itself is more precise than the result, which another region may take as it is.
        return changed
    split = _split_results(region)
    host: dict[SSAValue, SSAValue] = dict(zip(body.args, region.inputs, strict=True))
    host.update((value, region.results[index]) for value, index in split.computed.items())
    block = region.parent
    assert block is not None
    for op in reversed(list(_on_host(split, host))):
        block.insert_op_after(op, region)
    for value, result in zip(_yielded(body), region.results, strict=True):
        if result.first_use is not None:
            result.replace_all_uses_with(host[value])
    end = body.last_op
    assert end is not None
    end.operands = list(split.computed)
    changed |= erase_dead_ops(body)
    if len(split.computed) < len(region.results) or any(argument.first_use is None for argument in body.args):
        _rebuild(region, list(split.computed.values()))
        changed = True
    return changed


@dataclass(frozen=True)
class _Split:
    computed: dict[SSAValue, int]
    """The values that must come out, and the result that each is first."""
    derived: dict[Operation, ElementTest | None]
    """The ops of the region, in order, that the host does instead; as a test of one element where one is given."""


def _split_results(region: RegionOp) -> _Split:
    body = region.body.block
    wanted: dict[SSAValue, int] = {}
    for index, (value, result) in enumerate(zip(_yielded(body), region.results, strict=True)):
        if result.first_use is not None:
            wanted.setdefault(value, index)
    had = set[SSAValue](body.args)
    possible: dict[Operation, ElementTest | None] = {}
    for op in body.ops:
        test = element_test(op)
        if is_host_value(op) and had.issuperset(op.operands):
            possible[op] = None
        elif test is not None and had.issuperset(test.operands):
            possible[op] = test
        else:
            had.update(result for result in op.results if result in wanted)
            continue
        had.update(op.results)
    needed = set(wanted)
    derived: list[Operation] = []
    for op in reversed(possible):
        if not needed.isdisjoint(op.results):
            test = possible[op]
            needed.update(op.operands if test is None else test.operands)
            derived.append(op)
    given = set[SSAValue](body.args).union(*(op.results for op in derived))
    return _Split(
        {value: index for value, index in wanted.items() if value not in given},
        {op: possible[op] for op in reversed(derived)},
    )


def _on_host(split: _Split, host: dict[SSAValue, SSAValue]) -> Iterator[Operation]:
    """Yield, in order, ops that do on the host what the derived ones do inside; `host` learns what stands for what."""
    for op, test in split.derived.items():
        if test is None:
            yield op.clone(host)
            continue
        ops = test.on_host(host)
        for new in ops:
            adopt(new, op)
        outcome = host[op.results[0]] = ops[-1].results[0]
        outcome.name_hint = op.results[0].name_hint
        yield from ops


def _settle_inputs(region: RegionOp) -> bool:
    """Have each value enter once, and constants and weights not at all; return whether anything changed."""
    body = region.body.block
    first: dict[SSAValue, SSAValue] = {}
    changed = False
    for operand, argument in zip(region.inputs, body.args, strict=True):
        if operand not in first:
            owner = operand.owner
            if not (isinstance(owner, Operation) and is_free(owner)):
                first[operand] = argument
                continue
            copy = owner.clone()
            start = body.first_op
            assert start is not None
            body.insert_op_before(copy, start)
            first[operand] = copy.results[0]
        argument.replace_all_uses_with(first[operand])
        changed = True
    return changed


def _rebuild(region: RegionOp, kept: list[int]) -> None:
    """Replace a region by one with its `kept` results and the inputs it uses; by none, if nothing is left in it."""
    body = region.body.block
    block = region.parent
    assert block is not None
    used = [argument.first_use is not None for argument in body.args]
    for argument in [argument for argument, is_used in zip(body.args, used, strict=True) if not is_used]:
        body.erase_arg(argument)
    if kept or body.first_op is not body.last_op:
        content = Region()
        inputs = [operand for operand, is_used in zip(region.inputs, used, strict=True) if is_used]
        old = [region.results[index] for index in kept]
        region.body.move_blocks(content)
        new = RegionOp(inputs, [result.type for result in old], content)
        new.location = region.location
        new.attributes = region.attributes.copy()
        block.insert_op_before(new, region)
        for result, value in zip(old, new.results, strict=True):
            value.name_hint = result.name_hint
            result.replace_all_uses_with(value)
    region.detach()
    region.erase()


def _yielded(body: Block) -> list[SSAValue]:
    end = body.last_op
    assert end is not None
    return list(end.operands)


@dataclass(frozen=True)
class HoistToHostPass(Pass):
    """Take out of each `dycl.region` the results that are no computation: inputs handed through, constants, the same
    value twice, re-views of what the host has, and numbers that it can read and compute itself.

    ```mlir before
    func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<2x2xf32>, f64, i1) {
      %a, %b, %c, %d = dycl.region (%i = %x : tensor<4xf32>) -> (tensor<4xf32>, tensor<2x2xf32>, f64, i1) {
        %r = dycl.aten relu.default(%i) : (tensor<4xf32>) -> tensor<4xf32>
        %v = dycl.aten view.default(%r, [2, 2]) : (tensor<4xf32>) -> tensor<2x2xf32>
        %one = arith.constant 1.0 : f64
        %e = dycl.aten select.int(%i, 0, 3) : (tensor<4xf32>) -> tensor<f32>
        %t = dycl.aten gt.Scalar(%e, 0.5) : (tensor<f32>) -> tensor<i1>
        %p = dycl.item %t : tensor<i1> -> i1
        dycl.yield %r, %v, %one, %p : tensor<4xf32>, tensor<2x2xf32>, f64, i1
      }
      dycl.return %a, %b, %c, %d : tensor<4xf32>, tensor<2x2xf32>, f64, i1
    }
    ```
    ```mlir after
    func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<2x2xf32>, f64, i1) {
      %a = dycl.region (%i = %x : tensor<4xf32>) -> (tensor<4xf32>) {
        %r = dycl.aten relu.default(%i) : (tensor<4xf32>) -> tensor<4xf32>
        dycl.yield %r : tensor<4xf32>
      }
      %v = dycl.aten view.default(%a, [2, 2]) : (tensor<4xf32>) -> tensor<2x2xf32>
      %one = arith.constant 1.0 : f64
      %e = dycl.aten select.int(%x, 0, 3) : (tensor<4xf32>) -> tensor<f32>
      %n = dycl.item %e : tensor<f32> -> f64
      %h = arith.constant 0.5 : f64
      %p = arith.cmpf ogt, %n, %h : f64
      dycl.return %a, %v, %one, %p : tensor<4xf32>, tensor<2x2xf32>, f64, i1
    }
    ```

    A region that is left without computation disappears. A test of one element, `item(t > c)`, moves only where the
    host has `t` anyway, and `c`; a constant is rounded to the type of `t` as torch does. A re-view in the middle of
    computation stays inside, and so does one whose sizes are not all known.
    """

    name = "hoist-to-host"

    def apply(self, op: Operation, program: Program) -> bool:
        return hoist_to_host(op)
