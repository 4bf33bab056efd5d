"""Programs that must mean the same before and after some passes, as the interpreter sees it."""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence

import torch
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation

from dycl.ir.decisions import is_decision
from dycl.ir.interpret import Value, interpret
from dycl.ir.locations import Frame, location
from dycl.ir.schema import torch_dtype
from dycl.ir.text import parse_module, print_module
from dycl.ir.types import element_of, shape_of
from dycl.ir.verify import verify
from dycl.ir.weights import WeightStore
from dycl.passes.pipeline import parse_pipeline
from dycl.program import Program


def assert_same(
    program: str | ModuleOp,
    pipeline: str,
    *,
    weights: WeightStore | None = None,
    samples: int = 12,
    tolerance: float = 0.0,
    size: int = 3,
    force: bool = True,
) -> ModuleOp:
    """Run the passes on a program and assert that each function gives the same results as before, on random inputs
    and with decisions forced at random; `size` stands for sizes known only at run time. Return the new module.

    Only decisions that are still there after the passes are forced: the others follow the data on both sides. Passes
    that copy a decision and decide some of the copies need `force=False`.
    """
    before = parse_module(program) if isinstance(program, str) else program
    verify(before)
    _number(before)
    after = before.clone()
    store = weights or WeightStore()
    changed = parse_pipeline(pipeline).run(Program(after, store))
    assert changed == (print_module(before) != print_module(after)), f"{pipeline} says changed={changed}"
    remaining: set[Attribute] = {op.location for op in after.walk() if is_decision(op)}
    for function in before.body.block.ops:
        if not isinstance(function, FuncOp):
            continue
        for seed in range(samples):
            inputs = random_inputs(function.function_type.inputs.data, seed, size)
            for decide in (_natural, _forced(remaining, seed)) if force else (_natural,):
                name = function.sym_name.data
                expected = _outcome(before, store, inputs, name, decide)
                found = _outcome(after, store, inputs, name, decide)
                _compare(expected, found, tolerance, f"@{name}, seed {seed}\n{print_module(after)}")
    return after


def random_inputs(types: Sequence[Attribute], seed: int, size: int = 3) -> list[Value]:
    """Return values of the types, drawn from small numbers so that comparisons go either way."""
    generator = random.Random(seed)
    torch.manual_seed(seed)
    values: list[Value] = []
    for type in types:
        match str(type):
            case "i1":
                values.append(generator.random() < 0.5)
            case "i64":
                values.append(generator.randint(-3, 5))
            case "f64":
                values.append(generator.gauss(0, 1))
            case _:
                dtype = torch_dtype(element_of(type))
                shape = [size if dimension is None else dimension for dimension in shape_of(type)]
                if dtype.is_floating_point:
                    values.append(torch.randn(shape).to(dtype))
                else:
                    values.append(torch.randint(0, 2 if dtype is torch.bool else 5, shape).to(dtype))
    return values


def _number(module: ModuleOp) -> None:
    numbers = itertools.count(1)
    for op in module.walk():
        op.location = location((Frame("program.py", next(numbers)),))


Decide = Callable[[Operation, bool | int], bool | int]

MAX_TRIPS = 100
"""Iterations of `while` loops after which a run is taken not to end."""


class Endless(Exception):
    """A run has gone through more iterations of `while` loops than a test waits for."""


def _natural() -> Decide:
    trips = 0

    def decide(op: Operation, natural: bool | int) -> bool | int:
        nonlocal trips
        trips += op.name == "dycl.while"
        if trips > MAX_TRIPS:
            raise Endless
        return natural

    return decide


def _forced(remaining: set[Attribute], seed: int) -> Callable[[], Decide]:
    def fresh() -> Decide:
        times: Counter[Attribute] = Counter()

        def decide(op: Operation, natural: bool | int) -> bool | int:
            place = op.location
            if place not in remaining:
                return natural
            times[place] += 1
            draw = random.Random(f"{seed} {place} {times[place]}").random()
            # A loop must end.
            if op.name == "dycl.while":
                return draw < 0.5 and times[place] < 4
            return draw < 0.5 if isinstance(natural, bool) else int(draw * 4)

        return decide

    return fresh


def _outcome(
    module: ModuleOp, weights: WeightStore, inputs: Sequence[Value], name: str, decide: Callable[[], Decide]
) -> tuple[Value, ...] | str:
    torch.manual_seed(0)
    copies = [value.clone() if isinstance(value, torch.Tensor) else value for value in inputs]
    try:
        return interpret(module, weights, copies, function=name, decide=decide())
    except AssertionError as error:
        return f"AssertionError: {error}"
    except Endless:
        return "does not end"


def _compare(expected: tuple[Value, ...] | str, found: tuple[Value, ...] | str, tolerance: float, where: str) -> None:
    if isinstance(expected, str) or isinstance(found, str):
        assert expected == found, where
        return
    assert len(expected) == len(found), where
    for a, b in zip(expected, found, strict=True):
        assert type(a) is type(b), where
        if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
            assert a.dtype == b.dtype and a.shape == b.shape, where
            assert torch.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True), where
        else:
            assert a == b or (a != a and b != b), f"{a} != {b}: {where}"
