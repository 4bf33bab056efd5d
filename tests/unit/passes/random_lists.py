"""Random programs of loops over lists: tensors that grow and shrink by sizes that only run time tells."""

import random
from collections.abc import Sequence

import torch

from dycl.ir.text import parse_module
from dycl.ir.weights import WeightStore
from dycl.program import Program

V, L, S = "tensor<4xf32>", "tensor<?x4xf32>", "i64"
"""A vector, a list of vectors, a number."""


class _Writer:
    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.count = 0
        self.budget = 30

    def name(self) -> str:
        self.count += 1
        return f"%v{self.count}"

    def define(self, text: str, type: str, scope: dict[str, list[str]]) -> str:
        name = self.name()
        self.lines.append(f"{name} = {text}")
        scope.setdefault(type, []).append(name)
        return name

    def some(self, type: str, scope: dict[str, list[str]]) -> str:
        values = scope[type]
        return self.random.choice(values[-2:] if self.random.random() < 0.7 else values)

    def flag(self, scope: dict[str, list[str]]) -> str:
        """Return a condition: on a vector, a list, a length or a count."""
        kind = self.random.randrange(3)
        if kind == 0:
            total = self.define(f"dycl.aten sum.default({self.some(V, scope)}, none) : ({V}) -> tensor<f32>", "", scope)
            bound = self.random.choice(["-1.5", "0.3", "1.0"])
            test = self.define(f"dycl.aten gt.Scalar({total}, {bound}) : (tensor<f32>) -> tensor<i1>", "", scope)
            return self.define(f"dycl.item {test} : tensor<i1> -> i1", "", scope)
        if kind == 1:
            length = self.define(f"dycl.dim {self.some(L, scope)}, 0 : {L}", S, scope)
        else:
            length = self.some(S, scope)
        limit = self.define(f"arith.constant {self.random.randrange(5)} : i64", "", scope)
        predicate = self.random.choice(["slt", "eq", "sgt"])
        return self.define(f"arith.cmpi {predicate}, {length}, {limit} : i64", "", scope)

    def straight(self, scope: dict[str, list[str]]) -> None:
        v, items = self.some(V, scope), self.some(L, scope)
        match self.random.randrange(9):
            case 0:
                self.define(f"dycl.aten tanh.default({v}) : ({V}) -> {V}", V, scope)
            case 1:
                self.define(f"dycl.aten sub.Tensor({v}, {self.some(V, scope)}, 1) : ({V}, {V}) -> {V}", V, scope)
            case 2 | 3:
                row = self.define(f"dycl.aten unsqueeze.default({v}, 0) : ({V}) -> tensor<1x4xf32>", "", scope)
                types = f"({L}, tensor<1x4xf32>) -> {L}"
                self.define(f"dycl.aten cat.default([{items}, {row}], 0) : {types}", L, scope)
            case 4:
                self.define(f"dycl.aten relu.default({items}) : ({L}) -> {L}", L, scope)
            case 5:
                sums = self.define(
                    f"dycl.aten sum.dim_IntList({items}, [1], false, none) : ({L}) -> tensor<?xf32>", "", scope
                )
                kept = self.define(f"dycl.aten gt.Scalar({sums}, 0.1) : (tensor<?xf32>) -> tensor<?xi1>", "", scope)
                self.define(f"dycl.aten index.Tensor({items}, [{kept}]) : ({L}, tensor<?xi1>) -> {L}", L, scope)
            case 6:
                self.define(f"dycl.aten sum.dim_IntList({items}, [0], false, none) : ({L}) -> {V}", V, scope)
            case 7:
                one = self.define("arith.constant 1 : i64", "", scope)
                self.define(f"arith.addi {self.some(S, scope)}, {one} : i64", S, scope)
            case _:
                other = self.some(L, scope)
                self.define(f"dycl.aten cat.default([{items}, {other}], 0) : ({L}, {L}) -> {L}", L, scope)

    def block(self, scope: dict[str, list[str]], depth: int, loop: Sequence[str] | None) -> None:
        for _ in range(self.random.randint(1, 4)):
            self.budget -= 1
            draw = self.random.random()
            if draw < 0.55 or depth > 2 or self.budget < 0:
                self.straight(scope)
            elif draw < 0.7:
                self.branch(scope, depth, loop)
            elif draw < 0.8:
                self.leave(scope, depth, loop)
            else:
                self.repeat(scope, depth)

    def values(self, types: Sequence[str], scope: dict[str, list[str]]) -> str:
        return f"{', '.join(self.some(type, scope) for type in types)} : {', '.join(types)}"

    def branch(self, scope: dict[str, list[str]], depth: int, loop: Sequence[str] | None) -> None:
        condition, types = self.flag(scope), [V, L]
        names = [self.name() for _ in types]
        self.lines.append(f"{', '.join(names)} = dycl.if {condition} -> ({', '.join(types)}) {{")
        for between in ("} else {", "}"):
            inner = {type: list(values) for type, values in scope.items()}
            self.block(inner, depth + 1, loop)
            self.lines += [f"dycl.yield {self.values(types, inner)}", between]
        for name, type in zip(names, types, strict=True):
            scope[type].append(name)

    def leave(self, scope: dict[str, list[str]], depth: int, loop: Sequence[str] | None) -> None:
        self.lines.append(f"dycl.if {self.flag(scope)} {{")
        inner = {type: list(values) for type, values in scope.items()}
        self.block(inner, depth + 1, None)
        ends = [f"dycl.return {self.values([V, L, S], inner)}"]
        if loop is not None:
            ends += [f"dycl.{end} {self.values(loop, inner)}" for end in ("break", "break", "continue")]
        self.lines += [self.random.choice(ends), "}"]

    def repeat(self, scope: dict[str, list[str]], depth: int) -> None:
        types = [V, L, S]
        results, arguments, handed = ([self.name() for _ in types] for _ in range(3))
        inits = [self.some(type, scope) for type in types]
        carried = ", ".join(f"{a} = {b} : {t}" for a, b, t in zip(arguments, inits, types, strict=True))
        inner = {type: list(values) for type, values in scope.items()}
        if self.random.random() < 0.5:
            bounds = [self.define(f"arith.constant {n} : i64", "", scope) for n in (0, self.random.randrange(5), 1)]
            stop = bounds[1] if self.random.random() < 0.3 else self.some(S, scope)
            index = self.name()
            head = f"dycl.for {index} = {bounds[0]} to {stop} step {bounds[2]} iter_args({carried}) {{"
            self.lines.append(f"{', '.join(results)} = {head}")
            inner[S].append(index)
            inner_arguments = arguments
        else:
            # The count is the last value handed on, and goes up in each iteration, so that the loop ends.
            self.lines.append(f"{', '.join(results)} = dycl.while ({carried}) -> ({', '.join(types)}) {{")
            before = {type: list(values) for type, values in scope.items()}
            for type, argument in zip(types, arguments, strict=True):
                before[type].append(argument)
            if self.random.random() < 0.4:
                self.straight(before)
            test = self.flag(before)
            few = self.define(f"arith.constant {self.random.randrange(5)} : i64", "", before)
            less = self.define(f"arith.cmpi slt, {arguments[2]}, {few} : i64", "", before)
            go = self.define(
                f"arith.andi {test}, {less} : i1" if self.random.random() < 0.7 else f"arith.ori {less}, {less} : i1",
                "",
                before,
            )
            passed = [self.some(V, before), self.some(L, before), arguments[2]]
            self.lines.append(f"dycl.condition({go}) {', '.join(passed)} : {', '.join(types)}")
            self.lines.append(f"}} do ({', '.join(f'{a}: {t}' for a, t in zip(handed, types, strict=True))}) {{")
            inner_arguments = handed
        for type, argument in zip(types, inner_arguments, strict=True):
            inner[type].append(argument)
        self.block(inner, depth + 1, None)
        if inner_arguments is arguments:
            if self.random.random() < 0.5:
                self.leave(inner, depth + 1, types)
                self.block(inner, depth + 1, types)
            self.lines += [f"dycl.yield {self.values(types, inner)}", "}"]
        else:
            one = self.define("arith.constant 1 : i64", "", inner)
            following = self.define(f"arith.addi {handed[2]}, {one} : i64", "", inner)
            self.lines.append(f"dycl.yield {self.values([V, L], inner).replace(' : ', f', {following} : ')}, {S}")
            self.lines.append("}")
        for type, result in zip(types, results, strict=True):
            scope[type].append(result)


def random_lists(seed: int) -> Program:
    """Return a program that takes two vectors, and gives a vector, a list and a number."""
    writer = _Writer(seed)
    weights = WeightStore()
    key = weights.add("start", torch.randn(4, generator=torch.Generator().manual_seed(seed)))
    scope: dict[str, list[str]] = {V: ["%x", "%y"], S: [], L: []}
    writer.define(f'dycl.param "{key}" : {V}', V, scope)
    writer.define("arith.constant 2 : i64", S, scope)
    row = writer.define(f"dycl.aten unsqueeze.default(%x, 0) : ({V}) -> tensor<1x4xf32>", "", scope)
    mask = writer.define("dycl.aten gt.Scalar(%y, 0.0) : (tensor<4xf32>) -> tensor<4xi1>", "", scope)
    rows = writer.define(
        f"dycl.aten expand.default({row}, [4, 4], false) : (tensor<1x4xf32>) -> tensor<4x4xf32>", "", scope
    )
    writer.define(f"dycl.aten index.Tensor({rows}, [{mask}]) : (tensor<4x4xf32>, tensor<4xi1>) -> {L}", L, scope)
    for _ in range(3):
        writer.block(scope, 0, None)
    body = "\n".join(writer.lines)
    end = f"dycl.return {writer.values([V, L, S], scope)}"
    return Program(parse_module(f"func.func @main(%x: {V}, %y: {V}) -> ({V}, {L}, {S}) {{\n{body}\n{end}\n}}"), weights)
