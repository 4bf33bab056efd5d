"""Calls in an exported graph: ATen overloads, arithmetic on sizes, and control flow."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import fx
from torch._ops import HigherOrderOperator, OpOverload

from dycl.errors import an
from dycl.frontends.arguments import bind
from dycl.frontends.exported.arithmetic import compute
from dycl.frontends.exported.aten import emit_aten, flat
from dycl.frontends.exported.control_flow import CONTROL_FLOW
from dycl.frontends.exported.graphs import Held, Reader, Rule
from dycl.frontends.exported.guards import size_of
from dycl.frontends.exported.places import target_of
from dycl.frontends.exported.truth import truth
from dycl.frontends.exported.writes import DROPOUTS, HARMLESS, functional_name, plain_writes
from dycl.frontends.refusal import Refusal
from dycl.ir.ops import AssertOp, ItemOp
from dycl.ir.types import shape_of

_OF_LAYOUT = frozenset(["as_strided", "as_strided_copy", "as_strided_scatter", "sym_stride", "sym_storage_offset"])


def rule_of(node: fx.Node) -> Rule:
    """Return what reads a call.

    Raises:
        Refusal: nothing does
    """
    match target := target_of(node):
        case OpOverload():
            return _overload
        case HigherOrderOperator():
            name = target.name()
            if name not in CONTROL_FLOW:
                raise Refusal(
                    f"the higher-order operator `{name}`", f"only {', '.join(sorted(CONTROL_FLOW))} are taken"
                )
            return CONTROL_FLOW[name]
        case _ if target is operator.getitem:
            return _getitem
        case _:
            assert callable(target)
            return _arithmetic


def _getitem(reader: Reader, node: fx.Node) -> Held:
    source, index = reader.held(node.args[0]), node.args[1]
    if not isinstance(source, tuple) or not isinstance(index, int):
        raise Refusal(f"`[{index}]` of {an(type(source).__name__)}")
    return source[index]


def _arithmetic(reader: Reader, node: fx.Node) -> Held:
    assert callable(node.target)
    return compute(reader.builder, node.target, [reader.number(argument) for argument in flat(node.args)])


def _overload(reader: Reader, node: fx.Node) -> Held:
    func: Any = node.target
    name = f"{func._schema.name.removeprefix('aten::')}.{func._overloadname}"
    packet = name.partition(".")[0]
    if func.namespace != "aten":
        raise Refusal(
            f"the operator `{func}`",
            "only torch's own ATen operators are taken",
            "write it with torch's operations, or export the program with a decomposition of it",
        )
    if packet in _OF_LAYOUT:
        raise Refusal(f"`{packet}`", "it depends on how a tensor lies in memory, which values of the IR do not have")
    arguments = bind(func, node.args, node.kwargs)
    if packet in HARMLESS or packet == "lift_fresh":
        return reader.held(arguments[0])
    if packet in DROPOUTS and not arguments[DROPOUTS[packet]]:
        return reader.held(arguments[0])
    if func._schema.is_mutable:
        return _write(reader, node, func, arguments)
    special = _SPECIAL.get(packet)
    return special(reader, arguments) if special is not None else emit_aten(reader, node, name, arguments)


def _write(reader: Reader, node: fx.Node, func: Any, arguments: list[Any]) -> Held:
    """Read a plain write: its result is from now on what all names of the tensor mean."""
    if node.graph not in reader.writes:
        reader.writes[node.graph] = plain_writes(node.graph)
    name = functional_name(func)
    assert name is not None
    written = emit_aten(reader, node, name, arguments)
    for named in reader.writes[node.graph][node]:
        reader.values[named] = written
    return written


def _item(reader: Reader, arguments: Sequence[Any]) -> Held:
    return reader.builder.emit(ItemOp(reader.tensor(arguments[0]))).scalar


def _size(reader: Reader, arguments: Sequence[Any]) -> Held:
    tensor = reader.tensor(arguments[0])
    if len(arguments) == 2:
        return size_of(reader.builder, tensor, arguments[1])
    return tuple(size_of(reader.builder, tensor, axis) for axis in range(len(shape_of(tensor.type))))


def _count(reader: Reader, arguments: Sequence[Any]) -> Held:
    sizes = _size(reader, [arguments[0]])
    assert isinstance(sizes, tuple)
    count = 1
    for size in sizes:
        count = compute(reader.builder, operator.mul, (count, reader.number(size)))
    return count


def _assert(reader: Reader, arguments: Sequence[Any]) -> Held:
    """Read `_assert_scalar(condition, message)` and its kin for tensors."""
    condition = reader.held(arguments[0])
    message = next((text for text in arguments[1:] if isinstance(text, str)), "an assertion of the program failed")
    if condition is not True:
        reader.builder.emit(AssertOp(truth(reader, condition), message))
    return None


def _range(reader: Reader, arguments: Sequence[Any]) -> Held:
    """Read `sym_constrain_range(size, min, max)`."""
    size = reader.number(arguments[0])
    bounds = [(operator.ge, "least", arguments[1]), (operator.le, "largest", arguments[2])]
    for holds, what, bound in bounds:
        if bound is not None:
            condition = compute(reader.builder, holds, (size, bound))
            _assert(reader, [condition, f"a size is out of range: the {what} one is {bound}"])
    return None


def _nothing(reader: Reader, arguments: Sequence[Any]) -> Held:
    return None


_SPECIAL: Mapping[str, Callable[[Reader, Sequence[Any]], Held]] = {
    "_assert_async": _assert,
    "_assert_scalar": _assert,
    "_assert_tensor_metadata": _nothing,
    "_functional_assert_async": _assert,
    "_functional_assert_scalar": _assert,
    "_local_scalar_dense": _item,
    "_make_dep_token": _nothing,
    "item": _item,
    "sym_constrain_range": _range,
    "sym_constrain_range_for_size": _range,
    "sym_numel": _count,
    "sym_size": _size,
}
"""Overload packets that are no `dycl.aten`."""
