// RUN: dycl-opt %s --pass-pipeline='outline-regions{prefix=net}' | filecheck %s

// Numbered in the order of the text, through all functions; net1 is taken.
// CHECK-LABEL: func.func @main
// CHECK-NEXT:    %y = dycl.launch @net0(%x)
// CHECK-NEXT:    dycl.if %c {
// CHECK-NEXT:      %z = dycl.launch @net2(%y)
// CHECK-NEXT:      dycl.return %z
// CHECK-NEXT:    }
// CHECK-NEXT:    %u, %v = dycl.launch @net3(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, i1)
// CHECK-LABEL: func.func @other
// CHECK-NEXT:    dycl.launch @net4()
// CHECK-LABEL: dycl.kernel @net1
// CHECK:       dycl.kernel @net0(%a: tensor<4xf32>) -> tensor<4xf32> {
// CHECK-NEXT:    %b = dycl.aten relu.default(%a)
// CHECK-NEXT:    dycl.yield %b
// CHECK-NEXT:  }
// CHECK-NEXT:  dycl.kernel @net2
// CHECK:       dycl.kernel @net3(%a: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<4xf32>, i1) {
// CHECK:       dycl.kernel @net4() -> tensor<1xf32> {
func.func @main(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  %y = dycl.region (%a = %x : tensor<4xf32>) -> (tensor<4xf32>) {
    %b = dycl.aten relu.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %b : tensor<4xf32>
  }
  dycl.if %c {
    %z = dycl.region (%a = %y : tensor<4xf32>) -> (tensor<4xf32>) {
      %b = dycl.aten sigmoid.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.yield %b : tensor<4xf32>
    }
    dycl.return %z : tensor<4xf32>
  }
  %u, %v = dycl.region (%a = %x : tensor<4xf32>, %b = %y : tensor<4xf32>) -> (tensor<4xf32>, i1) {
    %d = dycl.aten add.Tensor(%a, %b, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %e = dycl.aten any.default(%d) : (tensor<4xf32>) -> tensor<i1>
    %f = dycl.item %e : tensor<i1> -> i1
    dycl.yield %d, %f : tensor<4xf32>, i1
  }
  dycl.assert %v, "some"
  dycl.return %u : tensor<4xf32>
}
func.func @other() -> tensor<1xf32> {
  %y = dycl.region () -> (tensor<1xf32>) {
    %b = dycl.aten ones.default([1], none, none, none, none) : () -> tensor<1xf32>
    dycl.yield %b : tensor<1xf32>
  }
  dycl.return %y : tensor<1xf32>
}
dycl.kernel @net1(%a: tensor<4xf32>) -> tensor<4xf32> {
  dycl.yield %a : tensor<4xf32>
}
