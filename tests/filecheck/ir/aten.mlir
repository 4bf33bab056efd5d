// RUN: dycl-opt %s | dycl-opt | filecheck %s

// Every kind of argument keeps its form: constants, lists, operands in lists, dtypes, text.
// CHECK-LABEL: func.func @arguments
func.func @arguments(%x: tensor<2x2xf32>, %b: tensor<2xf32>, %n: i64, %f: f64) -> tensor<2x2xf32> {
  // CHECK-NEXT: dycl.aten layer_norm.default(%x, [2], %b, none, 1.0e-05, false) : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %0 = dycl.aten layer_norm.default(%x, [2], %b, none, 1.0e-5, false) : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  // CHECK-NEXT: dycl.aten clamp.default(%x, -inf, inf)
  %1 = dycl.aten clamp.default(%x, -inf, inf) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  // CHECK-NEXT: dycl.aten full.default([], nan, ui8, none, none, none) : () -> tensor<ui8>
  %2 = dycl.aten full.default([], nan, ui8, none, none, none) : () -> tensor<ui8>
  // CHECK-NEXT: dycl.aten cat.default([%x, %x], -1)
  %3 = dycl.aten cat.default([%x, %x], -1) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x4xf32>
  // CHECK-NEXT: %i = dycl.constant dense<[0, 1]> : tensor<2xi64>
  %i = dycl.constant dense<[0, 1]> : tensor<2xi64>
  // CHECK-NEXT: dycl.aten index.Tensor(%x, [none, %i])
  %4 = dycl.aten index.Tensor(%x, [none, %i]) : (tensor<2x2xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  // CHECK-NEXT: dycl.aten slice.Tensor(%x, 0, none, 9223372036854775807, 1)
  %5 = dycl.aten slice.Tensor(%x, 0, none, 9223372036854775807, 1) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  // CHECK-NEXT: dycl.aten gelu.default(%x, "tanh")
  %6 = dycl.aten gelu.default(%x, "tanh") : (tensor<2x2xf32>) -> tensor<2x2xf32>
  // CHECK-NEXT: dycl.aten view.default(%x, [%n, -1]) : (tensor<2x2xf32>, i64) -> tensor<?x?xf32>
  %7 = dycl.aten view.default(%x, [%n, -1]) : (tensor<2x2xf32>, i64) -> tensor<?x?xf32>
  // CHECK-NEXT: dycl.aten mul.Scalar(%x, %f) : (tensor<2x2xf32>, f64) -> tensor<2x2xf32>
  %8 = dycl.aten mul.Scalar(%x, %f) : (tensor<2x2xf32>, f64) -> tensor<2x2xf32>
  dycl.return %0 : tensor<2x2xf32>
}

// Several results, one for each tensor that the overload gives.
// CHECK-LABEL: func.func @results
// CHECK-NEXT:    %values, %indices = dycl.aten max.dim(%x, 0, false) : (tensor<4x2xf32>) -> (tensor<2xf32>, tensor<2xi64>)
// CHECK-NEXT:    %first, %second = dycl.aten split.Tensor(%x, 2, 0) : (tensor<4x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>)
func.func @results(%x: tensor<4x2xf32>) -> tensor<2xf32> {
  %values, %indices = dycl.aten max.dim(%x, 0, false) : (tensor<4x2xf32>) -> (tensor<2xf32>, tensor<2xi64>)
  %first, %second = dycl.aten split.Tensor(%x, 2, 0) : (tensor<4x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>)
  dycl.return %values : tensor<2xf32>
}
