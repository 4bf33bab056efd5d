"""What `hoist-to-host` must not do for types' sake."""

from dycl.ir.ops import RegionOp
from dycl.ir.text import parse_module
from dycl.ir.verify import verify
from dycl.passes.hoist_to_host import hoist_to_host


def test_a_result_less_precise_than_its_value_stays() -> None:
    # Its user takes exactly what the region says that it gives.
    module = parse_module("""
    builtin.module {
      func.func @main(%x: tensor<4xf32>) -> tensor<?xf32> {
        %r = dycl.region (%a = %x : tensor<4xf32>) -> (tensor<?xf32>) {
          dycl.yield %a : tensor<4xf32>
        }
        %s = dycl.region (%a = %r : tensor<?xf32>) -> (tensor<?xf32>) {
          %b = dycl.aten relu.default(%a) : (tensor<?xf32>) -> tensor<?xf32>
          dycl.yield %b : tensor<?xf32>
        }
        dycl.return %s : tensor<?xf32>
      }
    }""")
    assert not hoist_to_host(module)
    verify(module)
    assert sum(isinstance(op, RegionOp) for op in module.walk()) == 2
