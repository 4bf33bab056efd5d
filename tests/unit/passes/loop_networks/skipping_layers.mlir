// Refinement whose second layer is skipped where the first one is sure: `None`, and a flag, instead of its attention;
// the state of the iteration before is `None` in the first one.
func.func @main(%x: tensor<1x16xf32>, %trips: tensor<i64>) -> (tensor<1x16xf32>, tensor<?xi64>) {
  %w0 = dycl.param "first" : tensor<16x16xf32>
  %w1 = dycl.param "attention" : tensor<16x16xf32>
  %w2 = dycl.param "second" : tensor<16x16xf32>
  %w3 = dycl.param "last" : tensor<16x16xf32>
  %none = dycl.constant dense<0.0> : tensor<1x16xf32>
  %start = dycl.constant dense<-1> : tensor<1xi64>
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %2 = arith.constant 2 : i64
  %true = arith.constant true
  %false = arith.constant false
  %n = dycl.item %trips : tensor<i64> -> i64
  %f, %past, %out, %list = dycl.for %i = %0 to %n step %1 iter_args(%later = %false : i1, %old = %none : tensor<1x16xf32>, %a = %x : tensor<1x16xf32>, %layers : tensor<?xi64> = %start : tensor<1xi64>) {
    %state = dycl.if %later -> (tensor<1x16xf32>) {
      dycl.yield %old : tensor<1x16xf32>
    } else {
      dycl.yield %x : tensor<1x16xf32>
    }
    %b = dycl.aten linear.default(%a, %w0, none) : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
    %c = dycl.aten add.Tensor(%b, %state, 1) : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
    %h = dycl.aten tanh.default(%c) : (tensor<1x16xf32>) -> tensor<1x16xf32>
    %sum = dycl.aten sum.default(%h, none) : (tensor<1x16xf32>) -> tensor<f32>
    %sure = dycl.aten gt.Scalar(%sum, 0.5) : (tensor<f32>) -> tensor<i1>
    %skip = dycl.item %sure : tensor<i1> -> i1
    %attention = dycl.if %skip -> (tensor<1x16xf32>) {
      dycl.yield %none : tensor<1x16xf32>
    } else {
      %d = dycl.aten linear.default(%h, %w1, none) : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
      %e = dycl.aten tanh.default(%d) : (tensor<1x16xf32>) -> tensor<1x16xf32>
      dycl.yield %e : tensor<1x16xf32>
    }
    %run = arith.xori %skip, %true : i1
    %count = arith.select %run, %2, %1 : i64
    %y = dycl.if %run -> (tensor<1x16xf32>) {
      %g = dycl.aten add.Tensor(%h, %attention, 1) : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
      %j = dycl.aten linear.default(%g, %w2, none) : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
      dycl.yield %j : tensor<1x16xf32>
    } else {
      dycl.yield %h : tensor<1x16xf32>
    }
    %z = dycl.aten linear.default(%y, %w3, none) : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
    %t = dycl.scalar_tensor %count : i64 -> tensor<i64>
    %one = dycl.aten stack.default([%t], 0) : (tensor<i64>) -> tensor<1xi64>
    %longer = dycl.aten cat.default([%layers, %one], 0) : (tensor<?xi64>, tensor<1xi64>) -> tensor<?xi64>
    dycl.yield %true, %h, %z, %longer : i1, tensor<1x16xf32>, tensor<1x16xf32>, tensor<?xi64>
  }
  dycl.return %out, %list : tensor<1x16xf32>, tensor<?xi64>
}
