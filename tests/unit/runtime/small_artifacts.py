"""Artifacts written by hand: a host program with one branch over two kernels of ONNX Runtime."""

import onnx
from onnx import TensorProto, helper

from dycl.runtime.artifact import Artifact
from dycl.runtime.engines import KernelSpec, ValueSpec
from dycl.runtime.manifest import Branch, ConstantEntry, KernelEntry, Manifest
from dycl.runtime.signature import Input, Signature
from dycl.runtime.structure import Fixed, Group, Leaf

HOST = '''"""Doubles what is positive.

Takes x: f32[4]
"""

from dycl.runtime.host import usage


def main(k, x):
    y, positive = k.double(x)
    # net.py:3: if y.sum() > 0:
    if not positive:
        return x, positive
    z = k.add(y, k.one)
    return z, positive


def prepare(frame, k):
    a = frame.buffer("f32", (4,))
    b = frame.buffer("f32", (4,))
    flag = frame.buffer("bool", ())
    k.double = frame.launch("double", a, flag)
    k.add = frame.launch("add", b)
    k.one = frame.stored("one")


if __name__ == "__main__":
    usage(__file__, __doc__)
'''

F32 = ValueSpec("f32", (4,))


def _model(nodes: list[onnx.NodeProto], inputs: list[str], outputs: list[onnx.ValueInfoProto]) -> bytes:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in inputs]
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0])
    graph = helper.make_graph(nodes, "kernel", values, outputs, [zero])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def double() -> bytes:
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])
    p = helper.make_tensor_value_info("p", TensorProto.BOOL, [])
    return _model(
        [
            helper.make_node("Add", ["x", "x"], ["y"]),
            helper.make_node("ReduceSum", ["y"], ["s"], keepdims=0),
            helper.make_node("Greater", ["s", "zero"], ["p"]),
        ],
        ["x"],
        [y, p],
    )


def add() -> bytes:
    z = helper.make_tensor_value_info("z", TensorProto.FLOAT, [4])
    return _model([helper.make_node("Add", ["x", "y"], ["z"])], ["x", "y"], [z])


def small_artifact() -> Artifact:
    manifest = Manifest(
        Signature((Input("x", "f32", (4,)),)),
        Group("dict", (Leaf(0), Leaf(1), Fixed(None)), ("y", "positive", "rest")),
        {
            "double": KernelEntry(
                KernelSpec("double", (F32,), (F32, ValueSpec("bool", (), True))), "onnxruntime", "kernels/double.onnx"
            ),
            "add": KernelEntry(KernelSpec("add", (F32, F32), (F32,)), "onnxruntime", "kernels/add.onnx"),
        },
        (Branch("if", "net.py:3", HOST.splitlines().index("    if not positive:") + 1, negated=True),),
        {"one": ConstantEntry("f32", (4,), "constants/one.bin")},
        source="net.py:Net",
        versions={"dycl": "0.1.0"},
    )
    payloads = {"double": double(), "add": add()}
    return Artifact(manifest, HOST, payloads, "builtin.module {\n}\n", {"one": b"\0\0\x80?" * 4})
