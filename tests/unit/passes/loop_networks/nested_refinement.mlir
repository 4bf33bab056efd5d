// A while inside a for, each with a test on tensors, and a limit on the host.
func.func @main(%x: tensor<1x16xf32> {dycl.name = "x"}, %n: tensor<i64> {dycl.name = "n"}) -> (tensor<1x16xf32>, i64) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %count = dycl.item %n : tensor<i64> -> i64
  %w = dycl.param "w" : tensor<16x16xf32>
  %v = dycl.param "v" : tensor<16x16xf32>
  %r, %total = dycl.for %i = %0 to %count step %1 iter_args(%a = %x : tensor<1x16xf32>, %steps = %0 : i64) {
    %ctx = dycl.aten linear.default(%x, %v, none) : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
    %b, %s = dycl.while (%c = %a : tensor<1x16xf32>, %st = %steps : i64) -> (tensor<1x16xf32>, i64) {
      %m = dycl.aten amax.default(%c, [], false) : (tensor<1x16xf32>) -> tensor<f32>
      %gt = dycl.aten gt.Scalar(%m, 0.5) : (tensor<f32>) -> tensor<i1>
      %go = dycl.item %gt : tensor<i1> -> i1
      dycl.condition(%go) %c, %st : tensor<1x16xf32>, i64
    } do (%c1: tensor<1x16xf32>, %st1: i64) {
      %l = dycl.aten linear.default(%c1, %w, none) : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
      %lc = dycl.aten add.Tensor(%l, %ctx, 1) : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
      %t = dycl.aten tanh.default(%lc) : (tensor<1x16xf32>) -> tensor<1x16xf32>
      %t2 = dycl.aten mul.Scalar(%t, 0.8) : (tensor<1x16xf32>) -> tensor<1x16xf32>
      %st2 = arith.addi %st1, %1 : i64
      %lim = arith.constant 30 : i64
      %many = arith.cmpi sgt, %st2, %lim : i64
      dycl.if %many {
        dycl.break %t2, %st2 : tensor<1x16xf32>, i64
      }
      dycl.yield %t2, %st2 : tensor<1x16xf32>, i64
    }
    %big = dycl.aten mul.Scalar(%b, 3.0) : (tensor<1x16xf32>) -> tensor<1x16xf32>
    dycl.yield %big, %s : tensor<1x16xf32>, i64
  }
  dycl.return %r, %total : tensor<1x16xf32>, i64
}
