// RUN: dycl-opt %s | dycl-opt | filecheck %s

// CHECK-LABEL: func.func @tensors
func.func @tensors(%t: tensor<?x3xf32>, %one: tensor<1x?xi32>, %s: f64) -> (i64, i64, tensor<f16>) {
  // CHECK-NEXT: %w = dycl.param "layer \22a\22.weight" : tensor<4x3xf32>
  %w = dycl.param "layer \22a\22.weight" : tensor<4x3xf32>
  // CHECK-NEXT: dycl.param "gr\C3\B6\C3\9Fe" : tensor<f32>
  %g = dycl.param "größe" : tensor<f32>
  // CHECK-NEXT: dycl.constant dense<[true, false]> : tensor<2xi1>
  %c0 = dycl.constant dense<[true, false]> : tensor<2xi1>
  // CHECK-NEXT: dycl.constant dense<> : tensor<0x3xf32>
  %c1 = dycl.constant dense<> : tensor<0x3xf32>
  // CHECK-NEXT: dycl.constant dense<255> : tensor<4xui8>
  %c2 = dycl.constant dense<255> : tensor<4xui8>
  // Bits of what is not finite: 1.0, -inf.
  // CHECK-NEXT: dycl.constant dense<"0x0000803F000080FF"> : tensor<2xf32>
  %c3 = dycl.constant dense<"0x0000803F000080FF"> : tensor<2xf32>
  // CHECK-NEXT: %n = dycl.dim %t, 0 : tensor<?x3xf32>
  %n = dycl.dim %t, 0 : tensor<?x3xf32>
  // CHECK-NEXT: %v = dycl.item %one : tensor<1x?xi32> -> i64
  %v = dycl.item %one : tensor<1x?xi32> -> i64
  // CHECK-NEXT: dycl.scalar_tensor %s : f64 -> tensor<f16>
  %h = dycl.scalar_tensor %s : f64 -> tensor<f16>
  dycl.return %n, %v, %h : i64, i64, tensor<f16>
}

// Attributes that no op knows are kept.
// CHECK-LABEL: func.func @attributes
// CHECK-NEXT:    dycl.item %t : tensor<f32> -> f64 attributes {note = "kept"}
// CHECK-NEXT:    dycl.param "w" attributes {note = "kept"} : tensor<f32>
// CHECK-NEXT:    dycl.if %c {
// CHECK-NEXT:    } attributes {note = "kept"}
// CHECK-NEXT:    dycl.return attributes {note = "kept"}
func.func @attributes(%t: tensor<f32>, %c: i1) {
  %0 = dycl.item %t : tensor<f32> -> f64 attributes {note = "kept"}
  %1 = dycl.param "w" attributes {note = "kept"} : tensor<f32>
  dycl.if %c {
  } attributes {note = "kept"}
  dycl.return attributes {note = "kept"}
}
