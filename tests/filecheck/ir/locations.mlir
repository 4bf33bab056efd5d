// RUN: dycl-opt %s | dycl-opt | filecheck %s
// RUN: dycl-opt %s --no-print-locations | filecheck %s --check-prefix=WITHOUT

// Locations are kept on ops, on terminators that could be left out, and on the arguments of blocks.
// CHECK-LABEL: func.func @main
// CHECK-NEXT:    %y = dycl.aten relu.default(%x) : (tensor<2xf32>) -> tensor<2xf32> loc("net.py":12:4)
// CHECK-NEXT:    dycl.if %c {
// CHECK-NEXT:      dycl.assert %c, "no" loc(callsite("net.py":13:0 at callsite("net.py":9:0 at "main.py":2:0)))
// CHECK-NEXT:      dycl.yield loc("net.py":14:0)
// CHECK-NEXT:    } loc("net.py":12:0)
// CHECK-NEXT:    %r = dycl.for %i loc("net.py":15:8) = %n to %n step %n iter_args(%a loc("net.py":16:0) = %n : i64) {
// CHECK-NEXT:      dycl.yield %a : i64 loc(unknown)
// CHECK-NEXT:    } loc("net.py":15:0)
// CHECK-NEXT:    %s = dycl.while (%b loc("net.py":17:0) = %n : i64) -> (i64) {
// CHECK-NEXT:      dycl.condition(%c) %b : i64 loc(unknown)
// CHECK-NEXT:    } do (%d: i64 loc("net.py":18:0)) {
// CHECK-NEXT:      dycl.yield %d : i64 loc(unknown)
// CHECK-NEXT:    } loc("gr\C3\BC\C3\9Fe.py":17:0)
// CHECK-NEXT:    dycl.return %r : i64 loc(unknown)

// WITHOUT-NOT: loc(
func.func @main(%x: tensor<2xf32>, %n: i64, %c: i1) -> i64 {
  %y = dycl.aten relu.default(%x) : (tensor<2xf32>) -> tensor<2xf32> loc("net.py":12:4)
  dycl.if %c {
    dycl.assert %c, "no" loc(callsite("net.py":13:0 at callsite("net.py":9:0 at "main.py":2:0)))
    dycl.yield loc("net.py":14:0)
  } loc("net.py":12:0)
  %r = dycl.for %i loc("net.py":15:8) = %n to %n step %n iter_args(%a loc("net.py":16:0) = %n : i64) {
    dycl.yield %a : i64
  } loc("net.py":15:0)
  %s = dycl.while (%b loc("net.py":17:0) = %n : i64) -> (i64) {
    dycl.condition(%c) %b : i64
  } do (%d: i64 loc("net.py":18:0)) {
    dycl.yield %d : i64
  } loc("grüße.py":17:0)
  dycl.return %r : i64
}
