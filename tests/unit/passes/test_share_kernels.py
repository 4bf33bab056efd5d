"""Kernels are compared by the content of their weights where the program has them."""

import torch

from dycl.ir.ops import KernelOp
from dycl.ir.text import parse_module
from dycl.ir.weights import WeightStore
from dycl.passes import parse_pipeline
from dycl.program import Program


def kernels_left(**weights: torch.Tensor) -> list[str]:
    store = WeightStore()
    for key, tensor in weights.items():
        store.add(key, tensor)
    bodies = "\n".join(
        f"""
        dycl.kernel @of_{key}(%x: tensor<4xf32>) -> tensor<4xf32> {{
          %w = dycl.param "{key}" : tensor<4xf32>
          %y = dycl.aten mul.Tensor(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
          dycl.yield %y : tensor<4xf32>
        }}"""
        for key in ("a", "b", "c")
    )
    calls = "\n".join(f"%{key} = dycl.launch @of_{key}(%x) : (tensor<4xf32>) -> tensor<4xf32>" for key in "abc")
    main = f"func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {{ {calls}\n dycl.return %c : tensor<4xf32> }}"
    program = Program(parse_module(f"builtin.module {{ {main} {bodies} }}"), store)
    parse_pipeline("share-kernels").run(program)
    return [op.symbol for op in program.module.body.block.ops if isinstance(op, KernelOp)]


def test_equal_weights_under_two_keys_are_shared() -> None:
    ones = torch.ones(4)
    assert kernels_left(a=ones, b=ones.clone(), c=torch.zeros(4)) == ["of_a", "of_c"]


def test_zeros_of_two_signs_are_not_equal() -> None:
    assert kernels_left(a=torch.zeros(4), b=-torch.zeros(4), c=torch.zeros(4)) == ["of_a", "of_b"]


def test_without_weights_the_keys_count() -> None:
    assert kernels_left() == ["of_a", "of_b", "of_c"]
