"""Small programs of the shapes that dynamic networks have: early exits, gated skips, a policy that drops blocks.

Each is written as the torch frontend leaves it after canonicalization: flat, weights behind `dycl.param`, conditions as
the item of a comparison.
"""

from dataclasses import dataclass, field

import torch

from dycl.ir.text import parse_module
from dycl.ir.weights import WeightStore
from dycl.program import Program

CHANNELS = 2
IMAGE = f"tensor<1x{CHANNELS}x4x4xf32>"


@dataclass
class Writer:
    """Text of a function, and the weights that it uses."""

    weights: WeightStore = field(default_factory=WeightStore)
    lines: list[str] = field(default_factory=list[str])
    count: int = 0

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(0)

    def line(self, text: str) -> None:
        self.lines.append(text)

    def fresh(self, name: str) -> str:
        self.count += 1
        return f"%{name}_{self.count}"

    def weight(self, *sizes: int) -> tuple[str, str]:
        """Write a new weight; return the value and its type."""
        type = f"tensor<{'x'.join(map(str, sizes))}xf32>"
        value = self.fresh("w")
        key = self.weights.add(value[1:], torch.randn(*sizes, generator=self.generator))
        self.line(f'{value} = dycl.param "{key}" : {type}')
        return value, type

    def aten(self, name: str, overload: str, arguments: str, types: str, result: str) -> str:
        value = self.fresh(name)
        self.line(f"{value} = dycl.aten {overload}({arguments}) : ({types}) -> {result}")
        return value

    def relu(self, x: str, type: str = IMAGE) -> str:
        return self.aten("relu", "relu.default", x, type, type)

    def conv(self, x: str) -> str:
        w, type = self.weight(CHANNELS, CHANNELS, 3, 3)
        return self.aten(
            "conv", "conv2d.default", f"{x}, {w}, none, [1, 1], [1, 1], [1, 1], 1", f"{IMAGE}, {type}", IMAGE
        )

    def add(self, a: str, b: str, type: str = IMAGE) -> str:
        return self.aten("add", "add.Tensor", f"{a}, {b}, 1", f"{type}, {type}", type)

    def block(self, x: str) -> str:
        return self.relu(self.add(self.conv(self.relu(self.conv(x))), x))

    def classifier(self, x: str, classes: int = 3) -> str:
        features = self.aten("pooled", "mean.dim", f"{x}, [2, 3], false, none", IMAGE, f"tensor<1x{CHANNELS}xf32>")
        w, type = self.weight(classes, CHANNELS)
        return self.aten(
            "logits",
            "linear.default",
            f"{features}, {w}, none",
            f"tensor<1x{CHANNELS}xf32>, {type}",
            f"tensor<1x{classes}xf32>",
        )

    def holds(self, test: str, x: str, type: str, bound: str) -> str:
        outcome = type.replace("f32", "i1")
        compared = self.aten("test", f"{test}.Scalar", f"{x}, {bound}", type, outcome)
        value = self.fresh("c")
        self.line(f"{value} = dycl.item {compared} : {outcome} -> i1")
        return value

    def program(self, arguments: str, results: str) -> Program:
        body = "\n".join(self.lines)
        return Program(
            parse_module(f"builtin.module {{ func.func @main({arguments}) -> ({results}) {{\n{body}\n}} }}"),
            self.weights,
        )


def early_exits(exits: int) -> Program:
    """Return a network with a classifier after each block, that returns the first confident answer, or the most
    confident one: (logits, exit, whether it was early)."""
    to = Writer()
    x = to.relu(to.conv("%x"))
    outputs: list[str] = []
    confidences: list[str] = []

    def classify(x: str) -> None:
        outputs.append(to.classifier(x))
        row = to.aten("row", "select.int", f"{outputs[-1]}, 0, 0", "tensor<1x3xf32>", "tensor<3xf32>")
        probabilities = to.aten("p", "softmax.int", f"{row}, 0, none", "tensor<3xf32>", "tensor<3xf32>")
        confidences.append(to.aten("confidence", "max.default", probabilities, "tensor<3xf32>", "tensor<f32>"))

    for index in range(exits):
        x = to.block(x)
        classify(x)
        confident = to.holds("ge", confidences[-1], "tensor<f32>", "0.5")
        to.line(f"dycl.if {confident} {{")
        to.line(f"%exit_{index} = arith.constant {index} : i64")
        to.line(f"%early_{index} = arith.constant true")
        to.line(f"dycl.return {outputs[-1]}, %exit_{index}, %early_{index} : tensor<1x3xf32>, i64, i1")
        to.line("}")
    classify(x)
    n = len(confidences)
    types = ", ".join(["tensor<f32>"] * n)
    stacked = to.aten("stacked", "stack.default", f"[{', '.join(confidences)}], 0", types, f"tensor<{n}xf32>")
    best = to.aten("best", "argmax.default", f"{stacked}, none, false", f"tensor<{n}xf32>", "tensor<i64>")
    to.line(f"%best = dycl.item {best} : tensor<i64> -> i64")
    cases = " ".join(
        f"case {index} {{ dycl.yield {output} : tensor<1x3xf32> }}" for index, output in enumerate(outputs[:-1])
    )
    to.line(f"%answer = dycl.switch %best -> (tensor<1x3xf32>) {cases} default {{")
    to.line(f"dycl.yield {outputs[-1]} : tensor<1x3xf32>")
    to.line("}")
    to.line("%late = arith.constant false")
    to.line("dycl.return %answer, %best, %late : tensor<1x3xf32>, i64, i1")
    return to.program(f"%x: {IMAGE}", "tensor<1x3xf32>, i64, i1")


def gated_skips(blocks: int, downsample_every: int = 0) -> Program:
    """Return a network whose gates decide, each on the value so far, whether to run the next block; where a block
    changes scale, the value is pooled if it is skipped. It returns the logits and the gates."""
    to = Writer()
    x = to.relu(to.conv("%x"))
    gate = "tensor<1x1x1x1xf32>"
    masks: list[str] = []
    for index in range(blocks):
        score = to.classifier(to.relu(to.conv(x)), 2)
        probabilities = to.aten("p", "softmax.int", f"{score}, 1, none", "tensor<1x2xf32>", "tensor<1x2xf32>")
        chosen = to.aten("chosen", "select.int", f"{probabilities}, 1, 1", "tensor<1x2xf32>", "tensor<1xf32>")
        mask = to.aten("gate", "view.default", f"{chosen}, [1, 1, 1, 1]", "tensor<1xf32>", gate)
        masks.append(to.aten("mask", "squeeze.default", mask, gate, "tensor<f32>"))
        taken = to.holds("gt", mask, gate, "0.5")
        joined = to.fresh("x")
        to.line(f"{joined} = dycl.if {taken} -> ({IMAGE}) {{")
        to.line(f"dycl.yield {to.block(x)} : {IMAGE}")
        to.line("} else {")
        skipped = to.conv(x) if downsample_every and index % downsample_every == downsample_every - 1 else x
        to.line(f"dycl.yield {skipped} : {IMAGE}")
        to.line("}")
        x = joined
    logits = to.classifier(x)
    types = ", ".join(["tensor<1x3xf32>"] + ["tensor<f32>"] * blocks)
    to.line(f"dycl.return {', '.join([logits, *masks])} : {types}")
    return to.program(f"%x: {IMAGE}", types)


def dropped_blocks(blocks: int, segments: int = 1) -> Program:
    """Return a network whose policy says at the start which blocks to run; each segment but the first begins with a
    downsampling that both sides need. It returns the logits and the policy."""
    to = Writer()
    total = blocks * segments
    policy_type = f"tensor<{total}xf32>"
    probabilities = to.aten(
        "p", "sigmoid.default", to.classifier(to.block("%x"), total), f"tensor<1x{total}xf32>", f"tensor<1x{total}xf32>"
    )
    kept = to.aten("kept", "ge.Scalar", f"{probabilities}, 0.5", f"tensor<1x{total}xf32>", f"tensor<1x{total}xi1>")
    ones = to.aten(
        "ones",
        "_to_copy.default",
        f"{kept}, f32, none, none, none, false, none",
        f"tensor<1x{total}xi1>",
        f"tensor<1x{total}xf32>",
    )
    policy = to.aten("policy", "squeeze.dim", f"{ones}, 0", f"tensor<1x{total}xf32>", policy_type)
    x = to.relu(to.conv("%x"))
    for index in range(total):
        residual = x
        if index and index % blocks == 0:
            residual = to.aten(
                "pooled", "avg_pool2d.default", f"{x}, [3, 3], [1, 1], [1, 1], false, true, none", IMAGE, IMAGE
            )
        bit = to.aten("bit", "select.int", f"{policy}, 0, {index}", policy_type, "tensor<f32>")
        taken = to.holds("eq", bit, "tensor<f32>", "1")
        joined = to.fresh("x")
        to.line(f"{joined} = dycl.if {taken} -> ({IMAGE}) {{")
        to.line(f"dycl.yield {to.relu(to.add(residual, to.conv(to.relu(to.conv(x)))))} : {IMAGE}")
        to.line("} else {")
        to.line(f"dycl.yield {residual} : {IMAGE}")
        to.line("}")
        x = joined
    logits = to.classifier(x)
    to.line(f"dycl.return {logits}, {policy} : tensor<1x3xf32>, {policy_type}")
    return to.program(f"%x: {IMAGE}", f"tensor<1x3xf32>, {policy_type}")
