// RUN: dycl-opt %s --pass-pipeline=infer-shapes | filecheck %s

// CHECK-LABEL: func.func @branch(%x: tensor<2x4xf32>, %c: i1) -> tensor<?x4xf32>
// CHECK-NEXT:    dycl.if %c -> (tensor<?x4xf32>)
// CHECK-NEXT:      dycl.aten cat.default{{.*}} -> tensor<4x4xf32>
// CHECK-NEXT:      dycl.yield %{{.*}} : tensor<4x4xf32>
func.func @branch(%x: tensor<2x4xf32>, %c: i1) -> tensor<?x?xf32> {
  %y = dycl.if %c -> (tensor<?x?xf32>) {
    %a = dycl.aten cat.default([%x, %x], 0) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<?x4xf32>
    dycl.yield %a : tensor<?x4xf32>
  } else {
    dycl.yield %x : tensor<2x4xf32>
  }
  dycl.return %y : tensor<?x?xf32>
}

// Unknown sizes are symbols: what they cancel out of is known. A slice of a tensor that may be empty is not.
// CHECK-LABEL: func.func @symbols
// CHECK:         view.default(%x, [%n, -1]) {{.*}} -> tensor<?x192xf32>
// CHECK:         view.default(%x, [%m, -1]) {{.*}} -> tensor<?x64xf32>
// CHECK:         slice.Tensor(%x, 0, 0, 1, 1) {{.*}} -> tensor<?x3x8x8xf32>
// CHECK:         mean.dim({{.*}} -> tensor<1x192xf32>
func.func @symbols(%x: tensor<?x3x8x8xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?x8x8xf32>) {
  %n = dycl.dim %x, 0 : tensor<?x3x8x8xf32>
  %c3 = arith.constant 3 : i64
  %m = arith.muli %n, %c3 : i64
  %a = dycl.aten view.default(%x, [%n, -1]) : (tensor<?x3x8x8xf32>, i64) -> tensor<?x?xf32>
  %b = dycl.aten view.default(%x, [%m, -1]) : (tensor<?x3x8x8xf32>, i64) -> tensor<?x?xf32>
  %s = dycl.aten slice.Tensor(%x, 0, 0, 1, 1) : (tensor<?x3x8x8xf32>) -> tensor<?x?x8x8xf32>
  %w = dycl.aten mean.dim(%a, [0], true, none) : (tensor<?x?xf32>) -> tensor<?x?xf32>
  dycl.return %w, %b, %s : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?x8x8xf32>
}

// A size that grows in a loop stays unknown, one that does not follows from the initial value.
// CHECK-LABEL: func.func @loop
// CHECK:         dycl.for %i = {{.*}} iter_args(%a : tensor<?x4xf32> = %x : tensor<1x4xf32>, %b = %y : tensor<1x4xf32>)
// CHECK:           cat.default{{.*}} -> tensor<?x4xf32>
// CHECK:           relu.default{{.*}} -> tensor<1x4xf32>
func.func @loop(%x: tensor<1x4xf32>, %y: tensor<1x4xf32>, %n: i64) -> (tensor<?x?xf32>, tensor<?x?xf32>) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r, %s = dycl.for %i = %0 to %n step %1
      iter_args(%a : tensor<?x?xf32> = %x : tensor<1x4xf32>, %b : tensor<?x?xf32> = %y : tensor<1x4xf32>) {
    %q = dycl.aten cat.default([%a, %x], 0) : (tensor<?x?xf32>, tensor<1x4xf32>) -> tensor<?x?xf32>
    %t = dycl.aten relu.default(%b) : (tensor<?x?xf32>) -> tensor<?x?xf32>
    dycl.yield %q, %t : tensor<?x?xf32>, tensor<?x?xf32>
  }
  dycl.return %r, %s : tensor<?x?xf32>, tensor<?x?xf32>
}

// A break with another size: the loop's result, and what it carries, have the sizes that both share.
// CHECK-LABEL: func.func @break_with_another
// CHECK:         dycl.for %i = {{.*}} iter_args(%a : tensor<?x4xf32> = %x : tensor<1x4xf32>)
func.func @break_with_another(%x: tensor<1x4xf32>, %n: i64, %c: i1) -> tensor<?x?xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r = dycl.for %i = %0 to %n step %1 iter_args(%a : tensor<?x?xf32> = %x : tensor<1x4xf32>) {
    dycl.if %c {
      %q = dycl.aten cat.default([%x, %x], 0) : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<?x?xf32>
      dycl.break %q : tensor<?x?xf32>
    }
    dycl.yield %x : tensor<1x4xf32>
  }
  dycl.return %r : tensor<?x?xf32>
}

// CHECK-LABEL: func.func @while
// CHECK:         dycl.while (%a = %x : tensor<2xf32>) -> (tensor<2xf32>)
// CHECK:         do (%b: tensor<2xf32>)
func.func @while(%x: tensor<2xf32>, %c: i1) -> tensor<?xf32> {
  %r = dycl.while (%a : tensor<?xf32> = %x : tensor<2xf32>) -> (tensor<?xf32>) {
    dycl.condition(%c) %a : tensor<?xf32>
  } do (%b : tensor<?xf32>) {
    %d = dycl.aten relu.default(%b) : (tensor<?xf32>) -> tensor<?xf32>
    dycl.yield %d : tensor<?xf32>
  }
  dycl.return %r : tensor<?xf32>
}

// Into regions.
// CHECK-LABEL: func.func @region
// CHECK:         dycl.region (%b = %a : tensor<4xf32>) -> (tensor<4xf32>)
func.func @region(%x: tensor<2xf32>) -> tensor<?xf32> {
  %a = dycl.aten cat.default([%x, %x], 0) : (tensor<2xf32>, tensor<2xf32>) -> tensor<?xf32>
  %r = dycl.region (%b = %a : tensor<?xf32>) -> (tensor<?xf32>) {
    %c = dycl.aten relu.default(%b) : (tensor<?xf32>) -> tensor<?xf32>
    dycl.yield %c : tensor<?xf32>
  }
  dycl.return %r : tensor<?xf32>
}

// What depends on a tensor's elements stays unknown, and so do the results of a function that is called.
// CHECK-LABEL: func.func @elements
// CHECK:         nonzero.default{{.*}} -> tensor<?x2xi64>
// CHECK-LABEL: func.func @called(%x: tensor<2xf32>) -> tensor<?xf32>
// CHECK-LABEL: func.func @caller(%x: tensor<2xf32>) -> tensor<?xf32>
func.func @elements(%x: tensor<2x4xf32>) -> tensor<?x?xi64> {
  %y = dycl.aten nonzero.default(%x) : (tensor<2x4xf32>) -> tensor<?x?xi64>
  dycl.return %y : tensor<?x?xi64>
}
func.func @called(%x: tensor<2xf32>) -> tensor<?xf32> {
  dycl.return %x : tensor<2xf32>
}
func.func @caller(%x: tensor<2xf32>) -> tensor<?xf32> {
  %y = func.call @called(%x) : (tensor<2xf32>) -> tensor<?xf32>
  dycl.return %y : tensor<?xf32>
}
