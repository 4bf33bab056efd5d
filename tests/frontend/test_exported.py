"""Exported programs without dynamic sizes: operators, weights, branches, loops, inputs and outputs."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from torch import nn
from torch._higher_order_ops.map import map as torch_map
from torch._higher_order_ops.scan import scan
from torch._higher_order_ops.while_loop import while_loop

import dycl
from dycl.frontends.exported import eager_function, import_exported
from dycl.ir.interpret import interpret
from dycl.ir.ops import AtenOp, ForOp, IfOp, ParamOp, WhileOp
from dycl.runtime.arrangement import build
from tests.frontend.capturing import assert_same
from tests.frontend.exporting import check, export

POS = torch.tensor([[1.0, 2.0, 0.5]])
NEG = -POS
BIG = 10 * POS
MIXED = torch.tensor([[-1.0, 2.0, -0.25]])


def kinds(program, kind):
    return [op for op in program.module.walk() if isinstance(op, kind)]


class Layers(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4, 2)
        self.register_buffer("scale", torch.tensor([2.0, 3.0]))
        self.offset = torch.tensor([0.5, 0.25])

    def forward(self, x):
        x = torch.relu_(self.norm(self.conv(x)))
        x = self.drop(torch.nn.functional.max_pool2d(x, 2))
        x = x.mean((2, 3))
        with torch.no_grad():
            y = self.head(x) * self.scale
        y += self.offset
        return y.softmax(-1), y.argmax(-1)


def test_layers_weights_and_in_place_operations():
    program = check(Layers(), (torch.randn(2, 3, 8, 8),))
    assert {"conv.weight", "norm.running_mean", "head.bias", "scale"} <= set(program.weights)
    assert "norm.num_batches_tracked" not in program.weights


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x))


def test_a_tied_weight_is_one_weight():
    program = check(Tied(), (POS,))
    assert len([op for op in kinds(program, ParamOp) if "weight" in op.key.data]) == 1


class Cond(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(3, 3)
        self.register_buffer("shift", torch.ones(3))

    def forward(self, x):
        def heavy(a):
            return self.linear(a), torch.ones((), dtype=torch.int64)

        def light(a):
            return torch.relu(a) + self.shift, torch.zeros((), dtype=torch.int64)

        return torch.cond(x.sum() > 0, heavy, light, (x,))


def test_cond_is_an_if():
    program = check(Cond(), (POS,), (NEG,))
    assert len(kinds(program, IfOp)) == 1


class Nested(nn.Module):
    def forward(self, x):
        def inner(a):
            return torch.cond(a.sum() > 20, lambda b: b * 2, lambda b: b - 1, (a,))

        y = torch.cond(x.sum() > 0, inner, lambda a: a.sin(), (x,))
        return torch.cond(y[0, 0] > 1, lambda a: a.cos(), lambda a: a.clone(), (y,))


def test_conds_nest_and_follow_each_other():
    program = check(Nested(), (POS,), (NEG,), (BIG,))
    assert len(kinds(program, IfOp)) == 3


class WritesInBranch(nn.Module):
    def forward(self, x):
        def side(a):
            b = a * 2
            b[:, 0].add_(5)
            return b + 1

        return torch.cond(x.sum() > 0, side, lambda a: a.abs(), (x,))


def test_writes_in_a_branch_become_values():
    check(WritesInBranch(), (POS,), (NEG,))


class PlainWrites(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(3, 3)
        self.shift = torch.tensor([1.0, 2.0, 3.0])

    def forward(self, x):
        y = self.linear(x)
        same = y.detach()
        y.relu_()
        y += x
        y.pow_(2)

        def side(a):
            b = a * 2
            c = b.sub_(1)
            return b + c + torch.tensor([1.0, 2.0, 3.0])

        z = torch.cond(y.sum() > 10, side, lambda a: a.sin(), (y,))
        y.mul_(z)
        with torch.no_grad():
            shifted = z + self.shift
        z = z + shifted
        return y, same, z.tanh_()


def test_plain_writes_need_no_functionalisation_of_torch():
    """torch's own fails on a branch that holds a tensor."""
    program = check(PlainWrites(), (POS,), (BIG,), forms="training")
    assert not [op for op in program.module.walk() if isinstance(op, AtenOp) and "copy" in op.overload.data]


class OtherWrites(nn.Module):
    def forward(self, x):
        a = x * 2
        view = a[0]
        a.add_(1)
        b = x.round().long()
        b.add_(2)
        c = x + 1
        flat = c.reshape(-1)
        flat.mul_(3)
        d = torch.nn.functional.dropout(x + 2, 0.5, False)
        kept = d.type_as(x)
        d.sub_(0.5)
        e, f = (x * 5).chunk(2)
        e.add_(f)
        return view, b, c, kept, e, torch.stack([x[0], x[1]]).exp_()


def test_writes_through_other_names_reach_all_of_them():
    check(OtherWrites(), (torch.cat([POS, NEG]),))


class Collatz(nn.Module):
    def forward(self, n):
        def more(steps, value):
            return value != 1

        def step(steps, value):
            return steps + 1, torch.where(value % 2 == 0, value // 2, 3 * value + 1)

        return while_loop(more, step, (torch.tensor(0), n))


def test_while_loop_runs_0_1_and_many_times():
    program = check(Collatz(), *((torch.tensor(n),) for n in (1, 2, 27)))
    assert len(kinds(program, WhileOp)) == 1


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.cell = nn.Linear(3, 3)

    def forward(self, x, limit):
        def more(step, state, total):
            return (step < limit) & (total < 20)

        def body(step, state, total):
            state = torch.tanh(self.cell(state))
            total = torch.cond(state.sum() > 0, lambda t: t + 1, lambda t: t + 2, (total,))
            return step + 1, state, total

        step, state, total = while_loop(more, body, (torch.tensor(0), x, torch.tensor(0.0)))
        return {"state": state, "counts": (step, total)}


def test_a_loop_with_a_branch_weights_and_values_from_outside():
    module = Decoder()
    with torch.no_grad():
        module.cell.weight.copy_(-torch.eye(3) * 2)
    check(module, *((POS, torch.tensor(n)) for n in (5, 0, 1, 100)))


class CountedBySymbol(nn.Module):
    def forward(self, x, limit):
        return while_loop(lambda i, h: i < limit.item(), lambda i, h: (i + 1, h * i), (1, x))


def test_a_loop_carries_a_python_number():
    check(CountedBySymbol(), *((POS, torch.tensor(n)) for n in (4, 1, 2)), forms="training core")


class NestedLoops(nn.Module):
    def forward(self, x):
        def body(i, h):
            _, h = while_loop(lambda j, g: j < i, lambda j, g: (j + 1, g + 1), (torch.tensor(0), h))
            return i + 1, h

        return while_loop(lambda i, h: (i < 4) & (h.sum() < 8), body, (torch.tensor(0), x))


def test_loops_nest():
    # torch itself can neither decompose nor save a branch or body that holds a tensor.
    program = check(NestedLoops(), (POS,), (BIG,), (NEG,), forms="training")
    assert len(kinds(program, WhileOp)) == 2


class Scan(nn.Module):
    def forward(self, xs):
        def step(carry, x):
            carry = torch.cond(x.sum() > 0, lambda c, x: c + x, lambda c, x: c * x, (carry, x))
            return carry, carry.sum()

        return scan(step, torch.ones(3), xs)


def test_scan_is_a_for_loop():
    program = check(Scan(), (torch.cat([POS, NEG, BIG]),))
    assert len(kinds(program, ForOp)) == 1


class Map(nn.Module):
    def forward(self, xs, y):
        return torch_map(lambda x, y: (x * y).relu() + 1, xs, y)


def test_map_is_a_for_loop():
    program = check(Map(), (torch.randn(4, 3), torch.randn(3)), forms="training core")
    assert len(kinds(program, ForOp)) == 1


@torch.compiler.nested_compile_region
def block(x):
    return torch.relu(x) * 2


class Regions(nn.Module):
    def forward(self, x):
        return block(block(x))


class Autocast(nn.Module):
    def forward(self, x):
        with torch.autocast("cpu"):
            y = x @ x.T
        return y.float()


@pytest.mark.parametrize(
    ("module", "operator", "strict"), [(Regions, "invoke_subgraph", True), (Autocast, "wrap_with_autocast", False)]
)
def test_regions_and_autocast_are_inlined(module, operator, strict):
    exported = torch.export.export(module(), (MIXED,), strict=strict)
    assert any(getattr(node.target, "__name__", "") == operator for node in exported.graph.nodes)
    program = import_exported(exported)
    results = build(program.structure, interpret(program.module, program.weights, [MIXED]))
    assert_same(results, module()(MIXED))


class Structured(nn.Module):
    def forward(self, pair, batch, *rest, flag=True, **named):
        x = pair[0] * pair[1] + batch["mask"] + rest[0]
        return {"sum": x + named["bias"] if flag else x, "same": None, 3: [x.shape[0], 1.5, "text", True]}, pair[0]


def test_nested_inputs_are_flattened_to_names_and_constants_are_fixed():
    x = torch.ones(2, 3)
    exported = export(Structured(), ((x.clone(), 2), {"mask": x.clone()}, x.clone()), {"flag": True, "bias": x.clone()})
    program = import_exported(exported)
    assert [input.name for input in program.signature.inputs] == ["pair_0", "batch_mask", "rest_0", "bias"]
    values = [torch.randn(2, 3) for _ in range(4)]
    expected = Structured()((values[0], 2), {"mask": values[1]}, values[2], flag=True, bias=values[3])
    assert_same(build(program.structure, interpret(program.module, program.weights, values)), expected)
    assert_same(eager_function(exported)(*values), expected)


class Point(NamedTuple):
    x: torch.Tensor
    length: int


@dataclass
class Result:
    logits: torch.Tensor
    points: list[Point]
    hidden: torch.Tensor | None = None


torch.export.register_dataclass(Result, serialized_type_name="tests.Result")


class Records(nn.Module):
    def forward(self, x):
        return Result(x * 2, [Point(x + 1, 3)]), OrderedDict(b=x, a=x - 1)


def test_outputs_of_the_programs_own_classes():
    exported = export(Records(), (POS,))
    result, ordered = dycl.compile(exported)(POS)
    assert type(result) is Result and type(result.points[0]) is Point and type(ordered) is OrderedDict
    torch.testing.assert_close(result.points[0].x, POS + 1)
    assert result.hidden is None and result.points[0].length == 3 and list(ordered) == ["b", "a"]
