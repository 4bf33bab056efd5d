"""Branches and loops of an exported graph, whose sides and bodies are graphs of their own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import fx
from xdsl.dialects.builtin import i64
from xdsl.ir import Attribute, Block, SSAValue

from dycl.errors import an
from dycl.frontends.builder import MAX_DEPTH
from dycl.frontends.exported.arithmetic import as_ssa, type_of
from dycl.frontends.exported.graphs import Held, Reader, Rule
from dycl.frontends.exported.guards import size_of
from dycl.frontends.exported.truth import truth
from dycl.frontends.refusal import Refusal
from dycl.ir.ops import AtenOp, ConditionOp, ForOp, IfOp, WhileOp, YieldOp
from dycl.ir.types import element_of, is_tensor, join, shape_of, tensor_type


def _cond(reader: Reader, node: fx.Node) -> Held:
    """Read `cond(predicate, true_graph, false_graph, operands)`."""
    predicate, graphs = reader.held(node.args[0]), [reader.graph(argument) for argument in node.args[1:3]]
    operands = _values(reader, node.args[3] if len(node.args) > 3 else ())
    if isinstance(predicate, bool):
        return reader.read(graphs[0] if predicate else graphs[1], operands)
    condition = truth(reader, predicate)
    sides: list[tuple[Block, Sequence[Held]]] = []
    for graph in graphs:
        with _Region(reader) as block:
            sides.append((block, reader.read(graph, operands)))
    merged = [_Merged.of(pair) for pair in zip(*(results for _, results in sides), strict=True)]
    for index, (block, _) in enumerate(sides):
        with _Region(reader, block):
            reader.builder.emit(YieldOp([result.side(reader, index) for result in merged if result.type]))
    types = [result.type for result in merged if result.type]
    op = reader.builder.emit(IfOp(condition, types, sides[0][0], sides[1][0]))
    given = iter(op.res)
    return tuple(next(given) if result.type else result.sides[0] for result in merged)


@dataclass(frozen=True)
class _Merged:
    """What two sides give in one place; `type` is None where both give the same constant."""

    sides: tuple[Held, ...]
    type: Attribute | None

    @staticmethod
    def of(sides: tuple[Held, ...]) -> "_Merged":
        if not any(isinstance(side, SSAValue) for side in sides) and sides[0] == sides[1]:
            return _Merged(sides, None)
        return _Merged(sides, _joined(*(type_of(_number(side)) for side in sides)))

    def side(self, reader: Reader, index: int) -> SSAValue:
        assert self.type is not None
        return _as(reader, self.sides[index], self.type)


def _while(reader: Reader, node: fx.Node) -> Held:
    """Read `while_loop(condition_graph, body_graph, carried, others)`."""
    before, body = (reader.graph(argument) for argument in node.args[:2])
    inits = _values(reader, node.args[2])
    others = _values(reader, node.args[3] if len(node.args) > 3 else ())

    def attempt(types: Sequence[Attribute]) -> _Loop:
        with _Region(reader, Block(arg_types=types)) as head:
            (goes_on,) = reader.read(before, [*head.args, *others])
            reader.builder.emit(ConditionOp(truth(reader, goes_on), head.args))
        with _Region(reader, Block(arg_types=types)) as block:
            results = reader.read(body, [*block.args, *others])
        return _Loop((head, block), results)

    loop = _settle(inits, attempt)
    with _Region(reader, loop.blocks[1]):
        reader.builder.emit(YieldOp(loop.yielded(reader)))
    op = WhileOp(loop.initial(reader, inits), loop.types, *loop.blocks)
    return tuple(reader.builder.emit(op).res)


def _map(reader: Reader, node: fx.Node) -> Held:
    """Read `map_impl(body_graph, stacked, others)`."""
    graph = reader.graph(node.args[0])
    return _steps(reader, node, graph, [], _values(reader, node.args[1]), _values(reader, node.args[2]))


def _scan(reader: Reader, node: fx.Node) -> Held:
    """Read `scan(body_graph, carried, stacked, others)`."""
    graph = reader.graph(node.args[0])
    inits, stacked = _values(reader, node.args[1]), _values(reader, node.args[2])
    return _steps(reader, node, graph, inits, stacked, _values(reader, node.args[3] if len(node.args) > 3 else ()))


def _steps(
    reader: Reader, node: fx.Node, graph: fx.Graph, inits: list[Held], stacked: list[Held], others: list[Held]
) -> Held:
    """Emit a loop over the axis 0 of what is stacked, which carries values and stacks others that each step gives.

    Those are written into tensors that are carried too.
    """
    emit, constant = reader.builder.emit, reader.builder.constant
    tensors = [reader.tensor(value) for value in stacked]
    if not tensors:
        raise Refusal("a loop over nothing", "its number of steps is the size of what it goes over")
    count = size_of(reader.builder, tensors[0], 0)
    outputs: Sequence[Any] = node.meta["val"][len(inits) :]
    totals: list[Held] = []
    for output in outputs:
        type = reader.sizes.type_of(output)
        sizes = [count, *shape_of(type)[1:]]
        if None in sizes:
            raise Refusal(
                f"`{node.target}` whose steps give {an(str(type))}",
                "only the number of steps may be known only at run time",
            )
        arguments = [sizes, element_of(type), None, None, None]
        totals.append(emit(AtenOp("zeros.default", arguments, [type])).res[0])  # pyright: ignore[reportArgumentType]: None is not in it

    def attempt(types: Sequence[Attribute]) -> _Loop:
        with _Region(reader, Block(arg_types=[i64, *types])) as block:
            step, *carried = block.args
            items: list[Held] = []
            for tensor in tensors:
                item = tensor_type(shape_of(tensor.type)[1:], element_of(tensor.type))
                items.append(emit(AtenOp("select.int", [tensor, 0, step], [item])).res[0])
            results = reader.read(graph, [*carried[: len(inits)], *items, *others])
            stacks: list[Held] = []
            for total, result in zip(carried[len(inits) :], results[len(inits) :], strict=True):
                written = AtenOp("select_scatter.default", [total, reader.tensor(result), 0, step], [total.type])
                stacks.append(emit(written).res[0])
        return _Loop((block,), [*results[: len(inits)], *stacks], first=1)

    loop = _settle([*inits, *totals], attempt)
    with _Region(reader, loop.blocks[0]):
        emit(YieldOp(loop.yielded(reader)))
    stop = count if isinstance(count, SSAValue) else constant(count)
    initial = loop.initial(reader, [*inits, *totals])
    return tuple(emit(ForOp(constant(0), stop, constant(1), initial, loop.blocks[0])).res)


@dataclass(frozen=True)
class _Loop:
    """The blocks of a loop, and what its body gives to the next iteration.

    The carried values are the last block's arguments from number `first` on.
    """

    blocks: tuple[Block, ...]
    results: Sequence[Held]
    first: int = 0

    @property
    def types(self) -> list[Attribute]:
        return [argument.type for argument in self.blocks[-1].args[self.first :]]

    def yielded(self, reader: Reader) -> list[SSAValue]:
        return [_as(reader, result, type) for result, type in zip(self.results, self.types, strict=True)]

    def initial(self, reader: Reader, inits: Sequence[Held]) -> list[SSAValue]:
        return [_as(reader, init, type) for init, type in zip(inits, self.types, strict=True)]


def _settle(inits: Sequence[Held], attempt: Callable[[Sequence[Attribute]], _Loop]) -> _Loop:
    """Return a loop whose carried values have types that hold in every iteration: sizes that change become `?`."""
    types = [type_of(_number(init)) for init in inits]
    while True:
        loop = attempt(types)
        found = [_joined(type, type_of(_number(result))) for type, result in zip(types, loop.results, strict=True)]
        if found == types:
            return loop
        types = found
        for block in reversed(loop.blocks):
            block.erase(safe_erase=False)


def _inline(start: int) -> Rule:
    """Return what reads a call of a graph that is run as it is; its operands are the arguments from `start` on."""

    def rule(reader: Reader, node: fx.Node) -> Held:
        graph = next(argument for argument in node.args if isinstance(reader.held(argument), fx.GraphModule))
        return tuple(reader.read(reader.graph(graph), _values(reader, node.args[start:])))

    return rule


class _Region:
    """A block that is open while the context lasts."""

    def __init__(self, reader: Reader, block: Block | None = None) -> None:
        self._builder = reader.builder
        self._block = Block() if block is None else block

    def __enter__(self) -> Block:
        if self._builder.depth > MAX_DEPTH:
            raise Refusal(f"branches and loops nested more than {MAX_DEPTH} deep")
        self._builder.push(self._block)
        return self._block

    def __exit__(self, *_: object) -> None:
        self._builder.pop()


def _values(reader: Reader, arguments: Any) -> list[Held]:
    held = reader.held(arguments)
    assert isinstance(held, tuple)
    return list(held)


def _number(value: Held) -> "SSAValue | bool | int | float":
    if isinstance(value, SSAValue | bool | int | float):
        return value
    raise Refusal(f"{an(type(value).__name__)} as a result of a branch or loop", "only tensors and numbers are taken")


def _as(reader: Reader, value: Held, type: Attribute) -> SSAValue:
    number = _number(value)
    if isinstance(number, SSAValue) and is_tensor(number.type):
        return number
    return as_ssa(reader.builder, number, type)


def _joined(left: Attribute, right: Attribute) -> Attribute:
    """Return the type of what is one or the other: numbers widen, sizes that differ become `?`.

    Raises:
        Refusal: there is none
    """
    found = join(left, right)
    if found is None:
        raise Refusal(
            f"a value that is {an(str(left))} on one way and {an(str(right))} on another", "the IR has no type for both"
        )
    return found


CONTROL_FLOW: Mapping[str, Rule] = {
    "cond": _cond,
    "invoke_subgraph": _inline(2),
    "map_impl": _map,
    "scan": _scan,
    "while_loop": _while,
    "wrap_with_set_grad_enabled": _inline(2),
}
"""By name of the higher-order operator, what reads its calls. Whether gradients are kept is nothing to a program."""
