// RUN: dycl-opt %s --pass-pipeline='share-kernels' | filecheck %s

// k1 is k0 but for its name and those of its values; the others differ in a weight, a constant, an attribute, the order
// of the operands, the types, and the results.
// CHECK-LABEL: func.func @main
// CHECK-NEXT:    dycl.launch @k0
// CHECK-NEXT:    dycl.launch @k0
// CHECK-NEXT:    dycl.if
// CHECK-NEXT:      dycl.launch @k0
// CHECK:         dycl.launch @k2
// CHECK-NEXT:    dycl.launch @k3
// CHECK-NEXT:    dycl.launch @k4
// CHECK-NEXT:    dycl.launch @k5
// CHECK-NEXT:    dycl.launch @k6
// CHECK-NEXT:    dycl.launch @k7
// CHECK:       dycl.kernel @k0
// CHECK-NOT:   dycl.kernel @k1
// CHECK:       dycl.kernel @k2
// CHECK:       dycl.kernel @k3
// CHECK:       dycl.kernel @k4
// CHECK:       dycl.kernel @k5
// CHECK:       dycl.kernel @k6
// CHECK:       dycl.kernel @k7
func.func @main(%x: tensor<4xf32>, %c: i1, %z: tensor<2xf32>) {
  %0 = dycl.launch @k0(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = dycl.launch @k1(%0) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.if %c {
    %2 = dycl.launch @k1(%1) : (tensor<4xf32>) -> tensor<4xf32>
  }
  %3 = dycl.launch @k2(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %4 = dycl.launch @k3(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %5 = dycl.launch @k4(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %6 = dycl.launch @k5(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %7 = dycl.launch @k6(%z) : (tensor<2xf32>) -> tensor<2xf32>
  %8 = dycl.launch @k7(%x) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.return
}
dycl.kernel @k0(%a: tensor<4xf32>) -> tensor<4xf32> {
  %w = dycl.param "w" : tensor<4xf32>
  %b = dycl.aten sub.Tensor(%a, %w, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %c = dycl.aten add.Scalar(%b, 0.0, 1) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.yield %c : tensor<4xf32>
}
dycl.kernel @k1(%x: tensor<4xf32>) -> tensor<4xf32> {
  %v = dycl.param "w" : tensor<4xf32>
  %y = dycl.aten sub.Tensor(%x, %v, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %z = dycl.aten add.Scalar(%y, 0.0, 1) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.yield %z : tensor<4xf32>
}
dycl.kernel @k2(%a: tensor<4xf32>) -> tensor<4xf32> {
  %w = dycl.param "v" : tensor<4xf32>
  %b = dycl.aten sub.Tensor(%a, %w, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %c = dycl.aten add.Scalar(%b, 0.0, 1) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.yield %c : tensor<4xf32>
}
dycl.kernel @k3(%a: tensor<4xf32>) -> tensor<4xf32> {
  %w = dycl.param "w" : tensor<4xf32>
  %b = dycl.aten sub.Tensor(%a, %w, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %c = dycl.aten add.Scalar(%b, -0.0, 1) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.yield %c : tensor<4xf32>
}
dycl.kernel @k4(%a: tensor<4xf32>) -> tensor<4xf32> {
  %w = dycl.param "w" : tensor<4xf32>
  %b = dycl.aten sub.Tensor(%a, %w, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> attributes {"fast"}
  %c = dycl.aten add.Scalar(%b, 0.0, 1) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.yield %c : tensor<4xf32>
}
dycl.kernel @k5(%a: tensor<4xf32>) -> tensor<4xf32> {
  %w = dycl.param "w" : tensor<4xf32>
  %b = dycl.aten sub.Tensor(%w, %a, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %c = dycl.aten add.Scalar(%b, 0.0, 1) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.yield %c : tensor<4xf32>
}
dycl.kernel @k6(%a: tensor<2xf32>) -> tensor<2xf32> {
  %w = dycl.param "u" : tensor<2xf32>
  %b = dycl.aten sub.Tensor(%a, %w, 1) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %c = dycl.aten add.Scalar(%b, 0.0, 1) : (tensor<2xf32>) -> tensor<2xf32>
  dycl.yield %c : tensor<2xf32>
}
dycl.kernel @k7(%a: tensor<4xf32>) -> tensor<4xf32> {
  %w = dycl.param "w" : tensor<4xf32>
  %b = dycl.aten sub.Tensor(%a, %w, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %c = dycl.aten add.Scalar(%b, 0.0, 1) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.yield %b : tensor<4xf32>
}
