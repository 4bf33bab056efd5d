// Samples that are done leave the batch; a break when none is left.
func.func @main(%x: tensor<4x16xf32> {dycl.name = "x"}) -> (tensor<4x16xf32>, i64) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %max = arith.constant 70 : i64
  %w = dycl.param "w" : tensor<16x16xf32>
  %idx0 = dycl.constant dense<[0, 1, 2, 3]> : tensor<4xi64>
  %out0 = dycl.aten mul.Scalar(%x, 0.0) : (tensor<4x16xf32>) -> tensor<4x16xf32>
  %out, %h, %idx, %n = dycl.for %i = %0 to %max step %1 iter_args(%o = %out0 : tensor<4x16xf32>, %hh : tensor<?x16xf32> = %x : tensor<4x16xf32>, %ix : tensor<?xi64> = %idx0 : tensor<4xi64>, %k = %0 : i64) {
    %l = dycl.aten linear.default(%hh, %w, none) : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
    %t = dycl.aten tanh.default(%l) : (tensor<?x16xf32>) -> tensor<?x16xf32>
    %m = dycl.aten amax.default(%t, [1], false) : (tensor<?x16xf32>) -> tensor<?xf32>
    %done = dycl.aten lt.Scalar(%m, 0.2) : (tensor<?xf32>) -> tensor<?xi1>
    %o2 = dycl.aten index_put.default(%o, [%ix], %t, false) : (tensor<4x16xf32>, tensor<?xi64>, tensor<?x16xf32>) -> tensor<4x16xf32>
    %keep = dycl.aten logical_not.default(%done) : (tensor<?xi1>) -> tensor<?xi1>
    %h2 = dycl.aten index.Tensor(%t, [%keep]) : (tensor<?x16xf32>, tensor<?xi1>) -> tensor<?x16xf32>
    %i2 = dycl.aten index.Tensor(%ix, [%keep]) : (tensor<?xi64>, tensor<?xi1>) -> tensor<?xi64>
    %count = dycl.dim %h2, 0 : tensor<?x16xf32>
    %k2 = arith.addi %k, %1 : i64
    %none = arith.cmpi eq, %count, %0 : i64
    dycl.if %none {
      dycl.break %o2, %h2, %i2, %k2 : tensor<4x16xf32>, tensor<?x16xf32>, tensor<?xi64>, i64
    }
    dycl.yield %o2, %h2, %i2, %k2 : tensor<4x16xf32>, tensor<?x16xf32>, tensor<?xi64>, i64
  }
  dycl.return %out, %n : tensor<4x16xf32>, i64
}
