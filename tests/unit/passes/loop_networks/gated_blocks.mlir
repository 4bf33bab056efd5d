// A gate at the beginning of each iteration says whether a block runs.
func.func @main(%x: tensor<1x16xf32> {dycl.name = "x"}, %n: tensor<i64> {dycl.name = "n"}) -> (tensor<1x16xf32>, i64) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %count = dycl.item %n : tensor<i64> -> i64
  %w = dycl.param "w" : tensor<16x16xf32>
  %v = dycl.param "v" : tensor<16x16xf32>
  %r, %k = dycl.for %i = %0 to %count step %1 iter_args(%a = %x : tensor<1x16xf32>, %skipped = %0 : i64) {
    %s = dycl.aten sum.default(%a, none) : (tensor<1x16xf32>) -> tensor<f32>
    %gt = dycl.aten gt.Scalar(%s, 0.0) : (tensor<f32>) -> tensor<i1>
    %c = dycl.item %gt : tensor<i1> -> i1
    %b, %k1 = dycl.if %c -> (tensor<1x16xf32>, i64) {
      %l = dycl.aten linear.default(%a, %w, none) : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
      %t = dycl.aten tanh.default(%l) : (tensor<1x16xf32>) -> tensor<1x16xf32>
      dycl.yield %t, %skipped : tensor<1x16xf32>, i64
    } else {
      %more = arith.addi %skipped, %1 : i64
      dycl.yield %a, %more : tensor<1x16xf32>, i64
    }
    %d = dycl.aten linear.default(%b, %v, none) : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
    %e = dycl.aten add.Tensor(%d, %b, 1) : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
    dycl.yield %e, %k1 : tensor<1x16xf32>, i64
  }
  dycl.return %r, %k : tensor<1x16xf32>, i64
}
