"""The graphs that ONNX Runtime runs have no node too many: each costs half a microsecond."""

import platform
from collections import Counter

import onnx
import onnxruntime
import pytest
import torch

from dycl.backends.onnxruntime import OnnxRuntimeBackend
from dycl.ir.ops import KernelOp, ParamOp
from dycl.ir.types import shape_of
from dycl.ir.weights import WeightStore
from dycl.runtime.engines.onnxruntime import session_options
from tests.unit.backends.kernel_building import compile_with, parse_kernel

IMAGE = "tensor<1x16x8x8xf32>"
CHANNELS = "tensor<16xf32>"


def conv(result: str, source: str, stride: int = 1, out: str = IMAGE, of: str = IMAGE) -> str:
    """A convolution and its batch norm."""
    return f"""
  %{result}_w = dycl.param "{result}.w" : tensor<16x16x3x3xf32>
  %{result}_c = dycl.aten conv2d.default(%{source}, %{result}_w, none, [{stride}, {stride}], [1, 1], [1, 1], 1)
    : ({of}, tensor<16x16x3x3xf32>) -> {out}
  %{result}_p = dycl.param "{result}.p" : {CHANNELS}
  %{result} = dycl.aten batch_norm.default(
    %{result}_c, %{result}_p, %{result}_p, %{result}_p, %{result}_p, false, 0.1, 1.0e-05, true)
    : ({out}, {CHANNELS}, {CHANNELS}, {CHANNELS}, {CHANNELS}) -> {out}
"""


def relu(result: str, source: str, of: str = IMAGE) -> str:
    return f"  %{result} = dycl.aten relu.default(%{source}) : ({of}) -> {of}\n"


def random_weights(kernel: KernelOp) -> WeightStore:
    weights = WeightStore()
    for op in kernel.walk():
        if isinstance(op, ParamOp):
            weights.add(op.key.data, torch.rand([size or 0 for size in shape_of(op.value.type)]))
    return weights


def emitted(text: str) -> list[str]:
    """The op types of the model that the backend makes."""
    kernel = parse_kernel(text)
    compiled = compile_with(OnnxRuntimeBackend(), kernel, random_weights(kernel))
    return [node.op_type for node in onnx.load_model_from_string(compiled.payload).graph.node]


def optimised(text: str, tmp_path) -> Counter[str]:
    """The op types that ONNX Runtime is left with."""
    kernel = parse_kernel(text)
    compiled = compile_with(OnnxRuntimeBackend(), kernel, random_weights(kernel))
    options = session_options(1)
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(compiled.payload, options, providers=["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node)


def test_batch_norm_and_relu_disappear_in_the_convolutions(tmp_path) -> None:
    text = f"dycl.kernel @k(%x: {IMAGE}) -> {IMAGE} {{{conv('a', 'x')}{relu('b', 'a')}{conv('c', 'b')}"
    text += f"  %d = dycl.aten add.Tensor(%c, %x, 1) : ({IMAGE}, {IMAGE}) -> {IMAGE}\n{relu('e', 'd')}"
    text += f"  dycl.yield %e : {IMAGE}\n}}"
    found = optimised(text, tmp_path)
    assert found["Conv"] == 2
    assert not found["BatchNormalization"]
    # On x86 the addition disappears too: a pool of one pixel brings the input into the convolutions' layout.
    assert found.total() <= 6
    assert not found["Add"] or platform.machine().lower() not in ("x86_64", "amd64")


def test_convolutions_without_a_residual_get_no_entry_to_their_layout() -> None:
    text = f"dycl.kernel @k(%x: {IMAGE}) -> {IMAGE} {{{conv('a', 'x')}{relu('b', 'a')}  dycl.yield %b : {IMAGE}\n}}"
    assert emitted(text) == ["Conv", "BatchNormalization", "Relu"]


def test_gate_gives_its_decision_without_casts_or_identities() -> None:
    small = "tensor<1x16x2x2xf32>"
    text = f"""dycl.kernel @k(%x: {IMAGE}) -> (tensor<f32>, i1) {{
  %m = dycl.aten max_pool2d.default(%x, [2, 2], [2, 2], [0, 0], [1, 1], false) : ({IMAGE}) -> tensor<1x16x4x4xf32>
  {conv("a", "m", 2, small, "tensor<1x16x4x4xf32>")}{relu("b", "a", small)}
  %p = dycl.aten avg_pool2d.default(%b, [2, 2], [], [0, 0], false, true, none) : ({small}) -> tensor<1x16x1x1xf32>
  %f = dycl.aten flatten.using_ints(%p, 1, -1) : (tensor<1x16x1x1xf32>) -> tensor<1x16xf32>
  %w = dycl.param "w" : tensor<2x16xf32>
  %v = dycl.param "v" : tensor<2xf32>
  %l = dycl.aten linear.default(%f, %w, %v) : (tensor<1x16xf32>, tensor<2x16xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %s = dycl.aten softmax.int(%l, 1, none) : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %o = dycl.aten select.int(%s, 1, 1) : (tensor<1x2xf32>) -> tensor<1xf32>
  %g = dycl.aten view.default(%o, [1, 1, 1, 1]) : (tensor<1xf32>) -> tensor<1x1x1x1xf32>
  %c = dycl.aten gt.Scalar(%g, 0.5) : (tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xi1>
  %i = dycl.item %c : tensor<1x1x1x1xi1> -> i1
  %q = dycl.aten squeeze.default(%g) : (tensor<1x1x1x1xf32>) -> tensor<f32>
  dycl.yield %q, %i : tensor<f32>, i1
}}"""
    expected = "MaxPool Conv BatchNormalization Relu GlobalAveragePool Reshape Gemm Softmax Gather Greater"
    assert emitted(text) == expected.split()


def test_confidence_is_compared_in_f32() -> None:
    text = """dycl.kernel @k(%x: tensor<1x10xf32>) -> i1 {
  %o = dycl.aten select.int(%x, 0, 0) : (tensor<1x10xf32>) -> tensor<10xf32>
  %s = dycl.aten softmax.int(%o, 0, none) : (tensor<10xf32>) -> tensor<10xf32>
  %m = dycl.aten max.default(%s) : (tensor<10xf32>) -> tensor<f32>
  %v = dycl.item %m : tensor<f32> -> f64
  %t = arith.constant 0.9 : f64
  %c = arith.cmpf oge, %v, %t : f64
  dycl.yield %c : i1
}"""
    assert emitted(text) == ["Softmax", "ReduceMax", "Greater"]


@pytest.mark.parametrize("result", ["tensor<f32>", "tensor<1x1xf32>"])
def test_views_at_the_border_of_a_kernel_are_free(result: str) -> None:
    sizes = "" if result == "tensor<f32>" else "1, 1"
    text = f"""dycl.kernel @k(%x: tensor<4xf32>) -> {result} {{
  %v = dycl.aten view.default(%x, [2, 2]) : (tensor<4xf32>) -> tensor<2x2xf32>
  %m = dycl.aten mm.default(%v, %v) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %s = dycl.aten sum.dim_IntList(%m, [0, 1], true, none) : (tensor<2x2xf32>) -> tensor<1x1xf32>
  %r = dycl.aten reshape.default(%s, [{sizes}]) : (tensor<1x1xf32>) -> {result}
  dycl.yield %r : {result}
}}"""
    assert emitted(text) == ["MatMul", "ReduceSum"]
