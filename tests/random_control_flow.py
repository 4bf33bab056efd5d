"""Random programs on host scalars and small tensors, with every kind of control flow, for differential tests."""

import random

_INTEGER_OPS = ("addi", "subi", "muli", "maxsi", "minsi")
_PREDICATES = ("eq", "ne", "slt", "sle", "sgt", "sge")
_TENSOR = "tensor<2xf32>"


class _Writer:
    """Writes one function; `scope` holds the names of the visible values by type."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.count = 0
        self.budget = 40

    def name(self) -> str:
        self.count += 1
        return f"%v{self.count}"

    def pick(self, scope: dict[str, list[str]], type: str) -> str:
        return self.random.choice(scope[type])

    def emit(self, depth: int, line: str) -> None:
        self.lines.append("  " * depth + line)

    def constant(self, scope: dict[str, list[str]], depth: int) -> None:
        name = self.name()
        if self.random.random() < 0.4:
            self.emit(depth, f"{name} = arith.constant {self.random.choice(['true', 'false'])}")
            scope["i1"].append(name)
        else:
            self.emit(depth, f"{name} = arith.constant {self.random.randint(-2, 3)} : i64")
            scope["i64"].append(name)

    def simple(self, scope: dict[str, list[str]], depth: int) -> None:
        name, draw = self.name(), self.random.random()
        if draw < 0.4:
            a, b = self.pick(scope, "i64"), self.pick(scope, "i64")
            self.emit(depth, f"{name} = arith.{self.random.choice(_INTEGER_OPS)} {a}, {b} : i64")
            scope["i64"].append(name)
        elif draw < 0.6:
            a, b = self.pick(scope, "i64"), self.pick(scope, "i64")
            self.emit(depth, f"{name} = arith.cmpi {self.random.choice(_PREDICATES)}, {a}, {b} : i64")
            scope["i1"].append(name)
        elif draw < 0.75:
            a, b = self.pick(scope, "i1"), self.pick(scope, "i1")
            self.emit(depth, f"{name} = arith.{self.random.choice(['andi', 'ori', 'xori'])} {a}, {b} : i1")
            scope["i1"].append(name)
        elif draw < 0.85:
            c, a, b = self.pick(scope, "i1"), self.pick(scope, "i64"), self.pick(scope, "i64")
            self.emit(depth, f"{name} = arith.select {c}, {a}, {b} : i64")
            scope["i64"].append(name)
        elif draw < 0.95:
            a, b = self.pick(scope, _TENSOR), self.pick(scope, "i64")
            op = self.random.choice(["add.Scalar", "sub.Scalar"])
            self.emit(depth, f"{name} = dycl.aten {op}({a}, {b}, 1) : ({_TENSOR}, i64) -> {_TENSOR}")
            scope[_TENSOR].append(name)
        else:
            a = self.pick(scope, _TENSOR)
            op = self.random.choice(["alias.default", "detach.default", "neg.default"])
            self.emit(depth, f"{name} = dycl.aten {op}({a}) : ({_TENSOR}) -> {_TENSOR}")
            scope[_TENSOR].append(name)

    def values(self, scope: dict[str, list[str]], types: list[str]) -> str:
        if not types:
            return ""
        return " " + ", ".join(self.pick(scope, type) for type in types) + " : " + ", ".join(types)

    def block(
        self, scope: dict[str, list[str]], depth: int, results: list[str], loop: list[str] | None, ends: str = "yield"
    ) -> bool:
        """Write ops, then a terminator that carries values of the types `results`; `loop` holds a loop's types.

        Returns whether control never goes on behind the block.
        """
        scope = {type: list(names) for type, names in scope.items()}
        leaves = False
        for _ in range(self.random.randint(0, 4)):
            if leaves:
                break  # the verifier refuses code that cannot run
            self.budget -= 1
            draw = self.random.random()
            if draw < 0.15:
                self.constant(scope, depth)
            elif draw < 0.6 or self.budget < 0 or depth > 5:
                self.simple(scope, depth)
            elif draw < 0.82:
                leaves = self.branch(scope, depth, loop)
            elif draw < 0.88:
                leaves = self.switch(scope, depth, loop)
            else:
                self.loop(scope, depth)
        if ends == "yield" and self.random.random() < 0.2:
            ends = self.random.choice(["return", "break", "continue"] if loop is not None else ["return"])
        types = {"yield": results, "return": ["i64", _TENSOR], "break": loop, "continue": loop}[ends]
        self.emit(depth, f"dycl.{ends}{self.values(scope, types or [])}")
        return leaves or ends != "yield"

    def results(self, scope: dict[str, list[str]], types: list[str]) -> str:
        names = [self.name() for _ in types]
        for name, type in zip(names, types, strict=True):
            scope[type].append(name)
        return ", ".join(names) + " = " if names else ""

    def types(self) -> list[str]:
        return [self.random.choice(["i1", "i64", _TENSOR]) for _ in range(self.random.randint(0, 2))]

    def branch(self, scope: dict[str, list[str]], depth: int, loop: list[str] | None) -> bool:
        types, condition, before = self.types(), self.pick(scope, "i1"), scope
        inner = {type: list(names) for type, names in before.items()}
        results = self.results(scope, types)
        self.emit(depth, f"{results}dycl.if {condition}{' -> (' + ', '.join(types) + ')' if types else ''} {{")
        yes = self.block(inner, depth + 1, types, loop)
        self.emit(depth, "} else {")
        no = self.block(inner, depth + 1, types, loop)
        self.emit(depth, "}")
        return yes and no

    def switch(self, scope: dict[str, list[str]], depth: int, loop: list[str] | None) -> bool:
        types, index = self.types(), self.pick(scope, "i64")
        inner = {type: list(names) for type, names in scope.items()}
        results = self.results(scope, types)
        self.emit(depth, f"{results}dycl.switch {index}{' -> (' + ', '.join(types) + ')' if types else ''} case 0 {{")
        zero = self.block(inner, depth + 1, types, loop)
        self.emit(depth, "} case 2 {")
        two = self.block(inner, depth + 1, types, loop)
        self.emit(depth, "} default {")
        default = self.block(inner, depth + 1, types, loop)
        self.emit(depth, "}")
        return zero and two and default

    def loop(self, scope: dict[str, list[str]], depth: int) -> None:
        types = self.types()
        start, stop, step = self.name(), self.name(), self.name()
        self.emit(depth, f"{start} = arith.constant {self.random.randint(-1, 2)} : i64")
        self.emit(depth, f"{stop} = arith.constant {self.random.randint(-1, 4)} : i64")
        self.emit(depth, f"{step} = arith.constant {self.random.choice([-1, 1, 1, 2])} : i64")
        inner = {type: list(names) for type, names in scope.items()}
        inits = [self.pick(scope, type) for type in types]
        results = self.results(scope, types)
        index, arguments = self.name(), [self.name() for _ in types]
        carried = ", ".join(f"{a} = {b} : {t}" for a, b, t in zip(arguments, inits, types, strict=True))
        inner["i64"].append(index)
        for argument, type in zip(arguments, types, strict=True):
            inner[type].append(argument)
        head = f"dycl.for {index} = {start} to {stop} step {step}"
        self.emit(depth, f"{results}{head}{f' iter_args({carried})' if types else ''} {{")
        self.block(inner, depth + 1, types, types)
        self.emit(depth, "}")


def random_program(seed: int) -> str:
    """Return the text of a program whose `@main` takes an i64, an i1 and a tensor."""
    writer = _Writer(seed)
    writer.emit(0, f"func.func @main(%a: i64, %b: i1, %t: {_TENSOR}) -> (i64, {_TENSOR}) {{")
    scope = {"i64": ["%a"], "i1": ["%b"], _TENSOR: ["%t"]}
    writer.constant(scope, 1)
    writer.block(scope, 1, [], None, ends="return")
    writer.emit(0, "}")
    return "\n".join(writer.lines) + "\n"
