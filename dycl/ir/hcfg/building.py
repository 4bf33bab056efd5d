"""`build_hcfg`: one walk over each function, in the order of its text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Block, Operation, Region, SSAValue

from dycl.ir.hcfg.graph import ControlEdge, DataEdge, Hcfg, Kind, Node
from dycl.ir.host_ops import is_host_append, is_host_view
from dycl.ir.locations import frames
from dycl.ir.ops import (
    AssertOp,
    AtenOp,
    BreakOp,
    ConditionOp,
    ConstantOp,
    ContinueOp,
    ForOp,
    IfOp,
    KernelOp,
    LaunchOp,
    ParamOp,
    RegionOp,
    ReturnOp,
    SwitchOp,
    WhileOp,
    YieldOp,
)


def build_hcfg(module: ModuleOp) -> Hcfg:
    """Return the graph of a module's functions."""
    kernels = {op.symbol: op for op in module.body.block.ops if isinstance(op, KernelOp)}
    builder = _Builder(kernels)
    for op in module.body.block.ops:
        if isinstance(op, FuncOp) and op.body.blocks:
            builder.function_graph(op)
    return Hcfg(tuple(builder.nodes), tuple(builder.control), tuple(builder.data))


@dataclass(frozen=True)
class _End:
    """A way out of the step `source` that leads to whatever comes next."""

    source: int
    label: str = ""


@dataclass
class _Loop:
    """A loop being walked: the step that an iteration begins with, and the breaks out of it."""

    head: int
    breaks: list[_End] = field(default_factory=list[_End])
    broken_from: list[Operation] = field(default_factory=list[Operation])


@dataclass
class _Builder:
    kernels: dict[str, KernelOp]
    nodes: list[Node] = field(default_factory=list[Node])
    control: list[ControlEdge] = field(default_factory=list[ControlEdge])
    data: list[DataEdge] = field(default_factory=list[DataEdge])
    function: str = ""
    depth: int = 0
    loops: list[_Loop] = field(default_factory=list[_Loop])
    source_of: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    names: dict[SSAValue, str] = field(default_factory=dict[SSAValue, str])
    op_counts: dict[Operation, int] = field(default_factory=dict[Operation, int])
    edges_seen: set[tuple[int, int, SSAValue]] = field(default_factory=set[tuple[int, int, SSAValue]])

    def function_graph(self, op: FuncOp) -> None:
        self.function = op.sym_name.data
        entry = self.node(Kind.ENTRY, f"@{self.function}", [op], [])
        self.give(op.args, entry)
        self.block(op.body.block, [_End(entry)])

    def node(self, kind: Kind, label: str, ops: Sequence[Operation], ends: Iterable[_End]) -> int:
        """Add a step that follows `ends`, and return it."""
        place = next((str(chain[0]) for op in ops if (chain := frames(op.location))), "")
        index = len(self.nodes)
        self.nodes.append(Node(index, kind, label, self.function, self.depth, place, tuple(ops)))
        self.lead(ends, index)
        return index

    def lead(self, ends: Iterable[_End], target: int) -> None:
        self.control.extend(ControlEdge(end.source, target, end.label) for end in ends)

    def give(self, values: Iterable[SSAValue], node: int) -> None:
        self.source_of.update(dict.fromkeys(values, node))

    def use(self, values: Iterable[SSAValue], node: int) -> None:
        for value in values:
            source = self.source_of.get(value)
            if source is None or source == node or (source, node, value) in self.edges_seen:
                continue
            self.edges_seen.add((source, node, value))
            self.data.append(DataEdge(source, node, self.name(value), str(value.type)))

    def name(self, value: SSAValue) -> str:
        name = self.names.get(value)
        if name is None:
            name = self.names[value] = f"%{value.name_hint or len(self.names)}"
        return name

    def block(self, block: Block, ends: list[_End]) -> list[_End]:
        """Add the steps of a block that is reached by `ends`; return the ways by which it ends in a yield."""
        group: list[Operation] = []
        kind = Kind.HOST
        for op in block.ops:
            if isinstance(op, arith.ConstantOp | ConstantOp | ParamOp):
                continue
            own = _kind_in_group(op, kind)
            if own is not None and (own is kind or not group):
                kind = own
                group.append(op)
                continue
            if group:
                ends = [_End(self.group(kind, group, ends))]
                group = []
            if own is not None:
                kind = own
                group.append(op)
            else:
                ends = self.control_op(op, ends)
        return ends

    def group(self, kind: Kind, ops: Sequence[Operation], ends: Iterable[_End]) -> int:
        node = self.node(kind, _summary(ops), ops, ends)
        for op in ops:
            self.use(op.operands, node)
            self.give(op.results, node)
        return node

    def control_op(self, op: Operation, ends: list[_End]) -> list[_End]:
        match op:
            case LaunchOp() | RegionOp():
                node = self.node(Kind.KERNEL, self.kernel_label(op), [op], ends)
                self.use(op.inputs, node)
                self.give(op.res, node)
                return [_End(node)]
            case IfOp():
                sides = [("true", op.then_region), ("false", op.else_region)]
                return self.branch(op, f"if {self.name(op.condition)}", sides, ends)
            case SwitchOp():
                cases = zip(map(str, op.case_values), op.case_regions, strict=True)
                sides = [*cases, ("default", op.default_region)]
                return self.branch(op, f"switch {self.name(op.index)}", sides, ends)
            case ForOp():
                return self.for_loop(op, ends)
            case WhileOp():
                return self.while_loop(op, ends)
            case ReturnOp():
                self.use(op.values, self.node(Kind.EXIT, "return", [op], ends))
                return []
            case BreakOp():
                self.loops[-1].breaks.extend(ends)
                self.loops[-1].broken_from.append(op)
                return []
            case ContinueOp():
                self.next_iteration(op.values, ends)
                return []
            case _:
                return ends

    def branch(
        self, op: IfOp | SwitchOp, label: str, sides: Sequence[tuple[str, Region]], ends: list[_End]
    ) -> list[_End]:
        node = self.node(Kind.BRANCH, label, [op], ends)
        self.use(op.operands, node)
        going_on: list[YieldOp] = []
        after: list[_End] = []
        self.depth += 1
        for side, region in sides:
            ways = self.block(region.block, [_End(node, side)])
            if ways and isinstance(end := region.block.last_op, YieldOp):
                after.extend(ways)
                going_on.append(end)
        self.depth -= 1
        if not op.results or not going_on:
            return after
        if len(going_on) == 1:
            for result, value in zip(op.results, going_on[0].values, strict=True):
                if value in self.source_of:
                    self.source_of[result] = self.source_of[value]
            return after
        join = self.node(Kind.JOIN, f"join {', '.join(map(self.name, op.results))}", [op], after)
        for end in going_on:
            self.use(end.values, join)
        self.give(op.results, join)
        return [_End(join)]

    def for_loop(self, op: ForOp, ends: list[_End]) -> list[_End]:
        node = self.node(Kind.LOOP, f"for {self.name(op.body.block.args[0])}", [op], ends)
        self.use(op.operands, node)
        self.give(op.body.block.args, node)
        loop = _Loop(node)
        self.body(loop, op.body.block, [_End(node, "body")])
        return self.leave_loop(op, loop, node)

    def while_loop(self, op: WhileOp, ends: list[_End]) -> list[_End]:
        head = self.node(Kind.JOIN, "repeat", [op], ends)
        self.use(op.inits, head)
        self.give(op.before.block.args, head)
        self.depth += 1
        ends = self.block(op.before.block, [_End(head)])
        self.depth -= 1
        end = op.before.block.last_op
        condition = end.condition if isinstance(end, ConditionOp) else None
        node = self.node(Kind.LOOP, f"while {self.name(condition) if condition else '?'}", [op], ends)
        self.use(end.operands if end else (), node)
        self.give(op.body.block.args, node)
        loop = _Loop(head)
        self.body(loop, op.body.block, [_End(node, "body")])
        return self.leave_loop(op, loop, node)

    def body(self, loop: _Loop, block: Block, ends: list[_End]) -> None:
        self.loops.append(loop)
        self.depth += 1
        ways = self.block(block, ends)
        if isinstance(end := block.last_op, YieldOp):
            self.next_iteration(end.values, ways)
        self.depth -= 1
        self.loops.pop()

    def next_iteration(self, values: Sequence[SSAValue], ends: Iterable[_End]) -> None:
        head = self.loops[-1].head
        self.lead((_End(end.source, end.label or "next") for end in ends), head)
        self.use(values, head)

    def leave_loop(self, op: ForOp | WhileOp, loop: _Loop, node: int) -> list[_End]:
        ends = [_End(node, "done"), *loop.breaks]
        if not loop.breaks or not op.results:
            self.give(op.results, node)
            return ends
        join = self.node(Kind.JOIN, f"join {', '.join(map(self.name, op.results))}", [op], ends)
        for end in loop.broken_from:
            self.use(end.operands, join)
        given = op.body.block.args
        self.use(given[1:] if isinstance(op, ForOp) else given, join)
        self.give(op.results, join)
        return [_End(join)]

    def kernel_label(self, op: LaunchOp | RegionOp) -> str:
        holder = self.kernels.get(op.kernel) if isinstance(op, LaunchOp) else op
        name = f"@{op.kernel}" if isinstance(op, LaunchOp) else "region"
        if holder is None:
            return name
        count = self.op_counts.get(holder)
        if count is None:
            count = self.op_counts[holder] = sum(isinstance(inner, AtenOp) for inner in holder.walk())
        return f"{name} ({count} op{'' if count == 1 else 's'})"


def _kind_in_group(op: Operation, current: Kind) -> Kind | None:
    """Return the kind of group that an op goes into, None where it is a step of its own; a view joins either."""
    if isinstance(op, _NOT_GROUPED):
        return None
    if isinstance(op, AtenOp):
        return current if is_host_view(op) or is_host_append(op) else Kind.TENSOR
    return Kind.HOST


_NOT_GROUPED = (
    BreakOp,
    ConditionOp,
    ContinueOp,
    ForOp,
    IfOp,
    LaunchOp,
    RegionOp,
    ReturnOp,
    SwitchOp,
    WhileOp,
    YieldOp,
)


def _summary(ops: Sequence[Operation], shown: int = 4) -> str:
    """Name the ops of a group: `conv2d, relu, item`, and how many more there are."""
    names = [_short_name(op) for op in ops]
    rest = f", {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + rest


def _short_name(op: Operation) -> str:
    match op:
        case AtenOp():
            return op.packet
        case CallOp():
            return f"call @{op.callee.string_value()}"
        case AssertOp():
            return f"assert {op.message.data!r}"
        case _:
            return op.name.partition(".")[2]
