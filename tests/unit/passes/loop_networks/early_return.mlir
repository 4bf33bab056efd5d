// A return from inside a loop.
func.func @main(%x: tensor<1x16xf32> {dycl.name = "x"}, %n: tensor<i64> {dycl.name = "n"}) -> (tensor<1x16xf32>, i64) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %count = dycl.item %n : tensor<i64> -> i64
  %w = dycl.param "w" : tensor<16x16xf32>
  %r = dycl.for %i = %0 to %count step %1 iter_args(%a = %x : tensor<1x16xf32>) {
    %l = dycl.aten linear.default(%a, %w, none) : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
    %t = dycl.aten tanh.default(%l) : (tensor<1x16xf32>) -> tensor<1x16xf32>
    %m = dycl.aten amax.default(%t, [], false) : (tensor<1x16xf32>) -> tensor<f32>
    %gt = dycl.aten lt.Scalar(%m, 0.3) : (tensor<f32>) -> tensor<i1>
    %small = dycl.item %gt : tensor<i1> -> i1
    dycl.if %small {
      %e = dycl.aten exp.default(%t) : (tensor<1x16xf32>) -> tensor<1x16xf32>
      dycl.return %e, %i : tensor<1x16xf32>, i64
    }
    dycl.yield %t : tensor<1x16xf32>
  }
  %f = dycl.aten relu.default(%r) : (tensor<1x16xf32>) -> tensor<1x16xf32>
  dycl.return %f, %count : tensor<1x16xf32>, i64
}
