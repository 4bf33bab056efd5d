// A counted loop that a test on tensors breaks, before the rest of the iteration.
func.func @main(%x: tensor<1x16xf32> {dycl.name = "x"}, %n: tensor<i64> {dycl.name = "n"}) -> (tensor<1x16xf32>, i64) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %count = dycl.item %n : tensor<i64> -> i64
  %w = dycl.param "w" : tensor<16x16xf32>
  %r, %k = dycl.for %i = %0 to %count step %1 iter_args(%a = %x : tensor<1x16xf32>, %steps = %0 : i64) {
    %l = dycl.aten linear.default(%a, %w, none) : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
    %t = dycl.aten tanh.default(%l) : (tensor<1x16xf32>) -> tensor<1x16xf32>
    %m = dycl.aten amax.default(%t, [], false) : (tensor<1x16xf32>) -> tensor<f32>
    %v = dycl.item %m : tensor<f32> -> f64
    %th = arith.constant 0.3 : f64
    %small = arith.cmpf olt, %v, %th : f64
    %s2 = arith.addi %steps, %1 : i64
    dycl.if %small {
      dycl.break %t, %s2 : tensor<1x16xf32>, i64
    }
    %u = dycl.aten mul.Scalar(%t, 1.1) : (tensor<1x16xf32>) -> tensor<1x16xf32>
    dycl.yield %u, %s2 : tensor<1x16xf32>, i64
  }
  dycl.return %r, %k : tensor<1x16xf32>, i64
}
