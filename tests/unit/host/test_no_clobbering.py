"""Random structured programs: no buffer is overwritten while a value in it is still needed."""

from collections.abc import Callable, Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dycl.ir.decisions import decisions
from dycl.ir.ops import WhileOp
from dycl.runtime.engines import Array, Kernel, KernelSpec
from dycl.runtime.engines.protocol import check_arrays
from dycl.runtime.model import Model
from tests.unit.host.host_models import artifact_of, assert_same, flat, interpreted, program_of

T = "tensor<1x2xf32>"
V = "tensor<2xf32>"

KERNELS = f"""
dycl.kernel @one(%x: {T}) -> {T} {{
  %y = dycl.aten add.Scalar(%x, 1.0, 1) : ({T}) -> {T}
  %z = dycl.aten remainder.Scalar(%y, 97.0) : ({T}) -> {T}
  dycl.yield %z : {T}
}}
dycl.kernel @two(%x: {T}, %y: {T}) -> ({T}, i1, {T}) {{
  %a = dycl.aten add.Tensor(%x, %y, 2) : ({T}, {T}) -> {T}
  %b = dycl.aten remainder.Scalar(%a, 89.0) : ({T}) -> {T}
  %c = dycl.aten add.Tensor(%y, %x, 3) : ({T}, {T}) -> {T}
  %d = dycl.aten remainder.Scalar(%c, 83.0) : ({T}) -> {T}
  %s = dycl.aten sum.default(%b, none) : ({T}) -> tensor<f32>
  %m = dycl.aten remainder.Scalar(%s, 2.0) : (tensor<f32>) -> tensor<f32>
  %o = dycl.aten gt.Scalar(%m, 0.5) : (tensor<f32>) -> tensor<i1>
  %g = dycl.item %o : tensor<i1> -> i1
  dycl.yield %b, %g, %d : {T}, i1, {T}
}}
func.func @helper(%x: {T}, %y: {T}) -> ({T}, {T}) {{
  %a, %g, %b = dycl.launch @two(%x, %y) : ({T}, {T}) -> ({T}, i1, {T})
  dycl.if %g {{
    dycl.return %x, %a : {T}, {T}
  }}
  dycl.return %a, %b : {T}, {T}
}}
"""


def _one(x: Array) -> Sequence[Array]:
    return [np.remainder(x + np.float32(1), np.float32(97))]


def _two(x: Array, y: Array) -> Sequence[Array]:
    b = np.remainder(x + 2 * y, np.float32(89))
    d = np.remainder(y + 3 * x, np.float32(83))
    return [b, np.remainder(b.sum(), 2) > 0.5, d]


class NumpyKernel:
    """Computes the kernels of these programs; refuses an output that is an input."""

    binds = 0

    def __init__(self, spec: KernelSpec) -> None:
        self.spec = spec
        self._function = {"one": _one, "two": _two}[spec.name]

    def bind(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> Callable[[], None]:
        NumpyKernel.binds += 1
        check_arrays(self.spec, "input", self.spec.inputs, inputs)
        check_arrays(self.spec, "output", self.spec.outputs, outputs)
        for index, output in enumerate(outputs):
            assert not any(np.shares_memory(output, other) for other in (*inputs, *outputs[:index]))

        def run() -> None:
            for output in outputs:
                output.fill(1)
            for output, result in zip(outputs, self._function(*inputs), strict=True):
                output[...] = result

        return run

    def run(self, inputs: Sequence[Array]) -> Sequence[Array]:
        raise AssertionError("a kernel of static shapes is bound, never run unbound")


class Writer:
    """Writes a random program, whose values are all of one type, line by line."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines: list[str] = []
        self.count = 0
        self.budget = 25

    def name(self) -> str:
        self.count += 1
        return f"%v{self.count}"

    def pick(self, scope: list[str]) -> str:
        return self.random.choice(scope[-4:] if self.random.random() < 0.7 else scope)

    def flag(self, scope: list[str]) -> str:
        a, g, b = self.name(), self.name(), self.name()
        self.lines.append(
            f"{a}, {g}, {b} = dycl.launch @two({self.pick(scope)}, {self.pick(scope)}) : ({T}, {T}) -> ({T}, i1, {T})"
        )
        scope.append(a)
        return g

    def block(self, scope: list[str], depth: int, loop: str | None) -> None:
        """Add steps; new values go to `scope`. `loop` holds the terminators that leave the loop around, if any."""
        for _ in range(self.random.randint(1, 4)):
            if self.budget <= 0:
                return
            self.budget -= 1
            self.step(scope, depth, loop)

    def step(self, scope: list[str], depth: int, loop: str | None) -> None:
        kinds = ["one", "two", "view", "call"]
        if depth < 3:
            kinds += ["if", "if", "skip", "skip", "switch", "for", "while", "leave"]
        getattr(self, f"_{self.random.choice(kinds)}")(scope, depth, loop)

    def _one(self, scope: list[str], depth: int, loop: str | None) -> None:
        y = self.name()
        self.lines.append(f"{y} = dycl.launch @one({self.pick(scope)}) : ({T}) -> {T}")
        scope.append(y)

    def _two(self, scope: list[str], depth: int, loop: str | None) -> None:
        self.flag(scope)

    def _call(self, scope: list[str], depth: int, loop: str | None) -> None:
        a, b = self.name(), self.name()
        self.lines.append(
            f"{a}, {b} = func.call @helper({self.pick(scope)}, {self.pick(scope)}) : ({T}, {T}) -> ({T}, {T})"
        )
        scope += [a, b]

    def _view(self, scope: list[str], depth: int, loop: str | None) -> None:
        a, b = self.name(), self.name()
        self.lines.append(f"{a} = dycl.aten view.default({self.pick(scope)}, [2]) : ({T}) -> {V}")
        self.lines.append(f"{b} = dycl.aten view.default({a}, [1, 2]) : ({V}) -> {T}")
        scope.append(b)

    def side(self, scope: list[str], depth: int, loop: str | None, results: int) -> None:
        inner = list(scope)
        self.block(inner, depth + 1, loop)
        values = [self.pick(inner) for _ in range(results)]
        self.lines.append(f"dycl.yield {', '.join(values)} : {', '.join([T] * results)}")

    def _if(self, scope: list[str], depth: int, loop: str | None) -> None:
        g, a, b = self.flag(scope), self.name(), self.name()
        self.lines.append(f"{a}, {b} = dycl.if {g} -> ({T}, {T}) {{")
        self.side(scope, depth, loop, 2)
        self.lines.append("} else {")
        self.side(scope, depth, loop, 2)
        self.lines.append("}")
        scope += [a, b]

    def _skip(self, scope: list[str], depth: int, loop: str | None) -> None:
        x, g, a = self.pick(scope), self.flag(scope), self.name()
        self.lines.append(f"{a} = dycl.if {g} -> ({T}) {{")
        self.side([x], depth, loop, 1)
        self.lines.append(f"}} else {{\ndycl.yield {x} : {T}\n}}")
        scope.append(a)

    def _switch(self, scope: list[str], depth: int, loop: str | None) -> None:
        g, i, a = self.flag(scope), self.name(), self.name()
        self.lines.append(f"{i} = arith.extui {g} : i1 to i64")
        self.lines.append(f"{a} = dycl.switch {i} -> ({T}) case 1 {{")
        self.side(scope, depth, loop, 1)
        self.lines.append("} case 5 {")
        self.side(scope, depth, loop, 1)
        self.lines.append("} default {")
        self.side(scope, depth, loop, 1)
        self.lines.append("}")
        scope.append(a)

    def _leave(self, scope: list[str], depth: int, loop: str | None) -> None:
        g = self.flag(scope)
        x, y = self.pick(scope), self.pick(scope)
        kinds = [f"dycl.return {x}, {y} : {T}, {T}"]
        if loop:
            values = loop.format(x, y)
            kinds += [f"dycl.break {values}"] * 2 + [f"dycl.continue {values}"] * 2
        inner = list(scope)
        self.lines.append(f"dycl.if {g} {{")
        self.block(inner, depth + 1, loop)
        self.lines.append(self.random.choice(kinds))
        self.lines.append("}")

    def _for(self, scope: list[str], depth: int, loop: str | None) -> None:
        p, q, a, b, i = (self.name() for _ in range(5))
        x, y = self.pick(scope), self.pick(scope)
        self.lines.append(
            f"{a}, {b} = dycl.for {i} = %zero to %three step %one_ iter_args({p} = {x} : {T}, {q} = {y} : {T}) {{"
        )
        inner = [*scope, p, q]
        self.block(inner, depth + 1, f"{{}}, {{}} : {T}, {T}")
        # Often a swap: what one iteration carries on is what the next one overwrites.
        values = [q, p] if self.random.random() < 0.3 else [self.pick(inner), self.pick(inner)]
        self.lines.append(f"dycl.yield {', '.join(values)} : {T}, {T}\n}}")
        scope += [a, b]

    def _while(self, scope: list[str], depth: int, loop: str | None) -> None:
        p, n, a, m, c, q, k, h, b = (self.name() for _ in range(9))
        self.lines.append(
            f"{a}, {b}, {m} = dycl.while ({p} = {self.pick(scope)} : {T}, {q} = {self.pick(scope)} : {T}, "
            f"{n} = %zero : i64) -> ({T}, {T}, i64) {{"
        )
        before = [*scope, p, q]
        if self.random.random() < 0.5:
            self._one(before, depth, None)
        next_n = self.name()
        self.lines.append(f"{next_n} = arith.addi {n}, %one_ : i64")
        self.lines.append(f"{c} = arith.cmpi slt, {n}, %three : i64")
        r, s = (p, q) if self.random.random() < 0.4 else (self.pick(before), self.pick(before))
        self.lines.append(
            f"dycl.condition({c}) {r}, {s}, {next_n} : {T}, {T}, i64\n}} do ({k} : {T}, {h} : {T}, %n{c[1:]} : i64) {{"
        )
        inner = [*scope, k, h]
        self.block(inner, depth + 1, f"{{}}, {{}}, %n{c[1:]} : {T}, {T}, i64")
        self.lines.append(f"dycl.yield {self.pick(inner)}, {self.pick(inner)}, %n{c[1:]} : {T}, {T}, i64\n}}")
        scope += [a, b]


def random_program(random: Random) -> str:
    writer = Writer(random)
    scope = ["%x", "%y"]
    for _ in range(random.randint(1, 4)):
        writer.block(scope, 0, None)
    body = "\n".join(writer.lines)
    return f"""{KERNELS}
func.func @main(%x: {T}, %y: {T}) -> ({T}, {T}) {{
  %zero = arith.constant 0 : i64
  %one_ = arith.constant 1 : i64
  %three = arith.constant 3 : i64
{body}
  dycl.return {writer.pick(scope)}, {writer.pick(scope)} : {T}, {T}
}}"""


@pytest.mark.usefixtures("numpy_engine")
@given(random=st.randoms(use_true_random=False), number=st.integers(0, 96))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_every_path_gives_what_the_interpreter_gives(random: Random, number: int) -> None:
    program = program_of(random_program(random))
    model = Model(artifact_of(program))
    x = np.array([[number, 3]], "f")
    y = np.array([[5, number // 2]], "f")
    for given_inputs in ([x, y], [y, x]):
        assert_same(flat(model(*given_inputs), program), interpreted(program, given_inputs))
    binds = NumpyKernel.binds
    model(x, y)
    assert NumpyKernel.binds == binds, "a call on the same path binds nothing"
    ops = decisions(program.module)
    for seed in range(4):
        expected_steps: list[tuple[int, bool | int]] = []
        force = _forcer(seed, [isinstance(op, WhileOp) for op in ops], expected_steps)
        expected = interpreted(program, [x, y], lambda op, value: force(ops.index(op), value))  # noqa: B023
        steps: list[tuple[int, bool | int]] = []
        traced = model.traced(_forcer(seed, [isinstance(op, WhileOp) for op in ops], steps))
        assert_same(flat(traced(x, y), program), expected)
        assert steps == expected_steps


def _forcer(
    seed: int, loops: list[bool], steps: list[tuple[int, bool | int]]
) -> Callable[[int, bool | int], bool | int]:
    random = Random(seed)

    def force(index: int, value: bool | int) -> bool | int:
        steps.append((index, value))
        if loops[index]:
            return value and random.random() < 0.8
        return random.choice([value, 1 - value]) if type(value) is int else random.random() < 0.5

    return force


@pytest.fixture
def numpy_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(payload: bytes, spec: KernelSpec, threads: int) -> Kernel:
        return NumpyKernel(spec)

    monkeypatch.setattr("dycl.runtime.model.engine_named", lambda name: load)
