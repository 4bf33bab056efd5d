"""Random structured programs: branches that join or leave, switches, loops with breaks, assertions, random numbers."""

import random
from dataclasses import dataclass, field

import torch

from dycl.ir.text import parse_module
from dycl.ir.weights import WeightStore
from dycl.program import Program

VECTOR, MATRIX, POINT = "tensor<4xf32>", "tensor<2x2xf32>", "tensor<f32>"
RESULTS = (VECTOR, MATRIX, "f64")


@dataclass
class Generator:
    """Writes a program; `known` holds the values in scope by type."""

    rng: random.Random
    weights: WeightStore = field(default_factory=WeightStore)
    lines: list[str] = field(default_factory=list[str])
    known: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    count: int = 0

    def write(self, text: str) -> None:
        self.lines.append(text)

    def define(self, text: str, type: str) -> str:
        self.count += 1
        value = f"%v{self.count}"
        self.write(f"{value} = {text}")
        self.known.setdefault(type, []).append(value)
        return value

    def aten(self, call: str, types: str, result: str) -> str:
        return self.define(f"dycl.aten {call} : ({types}) -> {result}", result)

    def some(self, type: str) -> str:
        """Return a value of the type, often a late one."""
        values = self.known.get(type)
        if values:
            return values[-1] if self.rng.random() < 0.5 else self.rng.choice(values)
        if type == MATRIX:
            return self.aten(f"view.default({self.some(VECTOR)}, [2, 2])", VECTOR, MATRIX)
        if type == POINT:
            return self.aten(f"select.int({self.some(VECTOR)}, 0, {self.rng.randrange(4)})", VECTOR, POINT)
        if type == "f64":
            return self.define(f"dycl.item {self.some(POINT)} : {POINT} -> f64", "f64")
        if type == "i64":
            index = self.aten(f"argmax.default({self.some(VECTOR)}, none, false)", VECTOR, "tensor<i64>")
            return self.define(f"dycl.item {index} : tensor<i64> -> i64", "i64")
        return self.condition()

    def condition(self) -> str:
        bound = f"{self.rng.uniform(-0.5, 0.5):.3f}"
        if self.rng.random() < 0.6:
            test = self.rng.choice(["gt", "le", "ne"])
            compared = self.aten(f"{test}.Scalar({self.some(POINT)}, {bound})", POINT, "tensor<i1>")
            return self.define(f"dycl.item {compared} : tensor<i1> -> i1", "i1")
        limit = self.define(f"arith.constant {bound} : f64", "f64")
        return self.define(f"arith.cmpf olt, {self.some('f64')}, {limit} : f64", "i1")

    def straight(self) -> None:
        x, rng = self.some(VECTOR), self.rng
        kind = rng.randrange(11)
        if kind == 0:
            self.aten(f"relu.default({x})", VECTOR, VECTOR)
        elif kind == 1:
            self.aten(f"sub.Tensor({x}, {self.some(VECTOR)}, 1)", f"{VECTOR}, {VECTOR}", VECTOR)
        elif kind == 2:
            key = self.weights.add_unique("w", torch.randn(4, generator=torch.Generator().manual_seed(self.count)))
            weight = self.define(f'dycl.param "{key}" : {VECTOR}', VECTOR)
            self.aten(f"mul.Tensor({x}, {weight})", f"{VECTOR}, {VECTOR}", VECTOR)
        elif kind == 3:
            self.aten(f"view.default({x}, [2, 2])", VECTOR, MATRIX)
        elif kind == 4:
            self.aten(f"flatten.using_ints({self.some(MATRIX)}, 0, -1)", MATRIX, VECTOR)
        elif kind == 5:
            self.aten(f"mean.default({x}, none)", VECTOR, POINT)
        elif kind == 6:
            self.aten(f"mul.Scalar({x}, {self.some('f64')})", f"{VECTOR}, f64", VECTOR)
        elif kind == 7:
            point = self.define(f"dycl.scalar_tensor {self.some('f64')} : f64 -> {POINT}", POINT)
            self.aten(f"add.Tensor({x}, {point}, 1)", f"{VECTOR}, {POINT}", VECTOR)
        elif kind == 8:
            self.define(f"arith.addf {self.some('f64')}, {self.some('f64')} : f64", "f64")
        elif kind == 9:
            self.aten(f"rand_like.default({x}, none, none, none, none, none)", VECTOR, VECTOR)
        else:
            above = self.aten(f"gt.Scalar({self.some(POINT)}, -2.0)", POINT, "tensor<i1>")
            ok = self.define(f"dycl.item {above} : tensor<i1> -> i1", "i1")
            self.write(f'dycl.assert {ok}, "assertion {self.count}"')

    def body(self, depth: int, end: str, types: tuple[str, ...], size: int) -> None:
        """Write ops, then a terminator `end` with values of `types`."""
        for _ in range(self.rng.randrange(size)):
            if depth and self.rng.random() < 0.3:
                self.rng.choice([self.branch, self.branch, self.branch, self.switch, self.count_up, self.repeat])(
                    depth - 1
                )
            else:
                self.straight()
        values = [self.some(type) for type in types]
        listed = f" {', '.join(values)} : {', '.join(types)}" if values else ""
        self.write(f"{end}{listed}")

    def nested(self, depth: int, end: str, types: tuple[str, ...], size: int = 5) -> None:
        scope = {type: list(values) for type, values in self.known.items()}
        self.body(depth, end, types, size)
        self.known = scope

    def results(self, types: tuple[str, ...]) -> str:
        """Open a definition of values of `types`; they are known once `close` is called."""
        self.count += 1
        names = [f"%v{self.count}_{index}" for index in range(len(types))]
        if names:
            self.lines.append(", ".join(names) + " = ")
        else:
            self.lines.append("")
        self.pending = list(zip(types, names, strict=True))
        return f" -> ({', '.join(types)})" if types else ""

    def branch(self, depth: int) -> None:
        condition = self.some("i1") if self.rng.random() < 0.2 else self.condition()
        types = tuple(self.rng.sample([VECTOR, MATRIX, "f64", "i1"], self.rng.randrange(3)))
        arrow = self.results(types)
        defined = self.pending
        self.lines[-1] += f"dycl.if {condition}{arrow} {{"
        leaving = self.rng.choice([None, None, None, 0, 1])
        for side in range(2):
            if leaving == side:
                self.nested(depth, "dycl.return", RESULTS)
            else:
                self.nested(depth, "dycl.yield", types)
            self.write("} else {" if side == 0 else "}")
        for type, name in defined:
            self.known.setdefault(type, []).append(name)

    def switch(self, depth: int) -> None:
        index = self.some("i64")
        arrow = self.results((VECTOR,))
        defined = self.pending
        self.lines[-1] += f"dycl.switch {index}{arrow}"
        for case in ("case 0", "case 2", "default"):
            self.write(f"{case} {{")
            self.nested(depth, "dycl.yield", (VECTOR,))
            self.write("}")
        for type, name in defined:
            self.known.setdefault(type, []).append(name)

    def count_up(self, depth: int) -> None:
        zero, two, one = (self.define(f"arith.constant {number} : i64", "i64") for number in (0, 2, 1))
        init = self.some(VECTOR)
        self.results((VECTOR,))
        defined = self.pending
        self.count += 1
        induction, carried = f"%i{self.count}", f"%c{self.count}"
        self.lines[-1] += (
            f"dycl.for {induction} = {zero} to {two} step {one} iter_args({carried} = {init} : {VECTOR}) {{"
        )
        scope = {type: list(values) for type, values in self.known.items()}
        self.known[VECTOR].append(carried)
        self.known["i64"].append(induction)
        if self.rng.random() < 0.5:
            self.straight()
            self.write(f"dycl.if {self.condition()} {{")
            self.nested(depth, self.rng.choice(["dycl.break", "dycl.continue"]), (VECTOR,))
            self.write("}")
        self.body(depth, "dycl.yield", (VECTOR,), 5)
        self.known = scope
        self.write("}")
        for type, name in defined:
            self.known.setdefault(type, []).append(name)

    def repeat(self, depth: int) -> None:
        """Write a `while` that ends after two rounds at the latest."""
        zero, limit, one = (self.define(f"arith.constant {number} : i64", "i64") for number in (0, 2, 1))
        init = self.some(VECTOR)
        self.results((VECTOR, "i64"))
        defined = self.pending
        self.count += 1
        n = self.count
        types = f"{VECTOR}, i64"
        self.lines[-1] += f"dycl.while (%p{n} = {init} : {VECTOR}, %q{n} = {zero} : i64) -> ({types}) {{"
        scope = {type: list(values) for type, values in self.known.items()}
        self.known[VECTOR].append(f"%p{n}")
        for _ in range(self.rng.randrange(3)):
            self.straight()
        more = self.define(f"arith.cmpi slt, %q{n}, {limit} : i64", "i1")
        both = self.define(f"arith.andi {more}, {self.condition()} : i1", "i1")
        self.write(f"dycl.condition({both}) {self.some(VECTOR)}, %q{n} : {types}")
        self.known = {type: list(values) for type, values in scope.items()}
        self.write(f"}} do (%s{n} : {VECTOR}, %t{n} : i64) {{")
        self.known[VECTOR].append(f"%s{n}")
        self.write(f"%u{n} = arith.addi %t{n}, {one} : i64")
        if self.rng.random() < 0.5:
            self.write(f"dycl.if {self.condition()} {{")
            leave = self.rng.choice(["dycl.break", "dycl.continue"])
            self.known["i64"] = [f"%u{n}"]
            self.nested(depth, leave, (VECTOR,))
            self.lines[-1] = self.lines[-1].replace(" : ", f", %u{n} : ") + ", i64"
            self.write("}")
        self.body(depth, "dycl.yield", (VECTOR,), 5)
        self.lines[-1] = self.lines[-1].replace(" : ", f", %u{n} : ") + ", i64"
        self.known = scope
        self.write("}")
        for type, name in defined:
            self.known.setdefault(type, []).append(name)


def random_program(seed: int, depth: int = 3, size: int = 14) -> Program:
    """Return a program that takes two vectors f32[4] and gives a vector, a matrix f32[2, 2] and a number."""
    to = Generator(random.Random(seed), known={VECTOR: ["%a", "%b"]})
    to.body(depth, "dycl.return", RESULTS, size)
    text = "\n".join(to.lines)
    header = f"func.func @main(%a: {VECTOR}, %b: {VECTOR}) -> ({', '.join(RESULTS)})"
    return Program(parse_module(f"builtin.module {{ {header} {{\n{text}\n}} }}"), to.weights)
