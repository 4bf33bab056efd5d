// RUN: dycl-opt %s --pass-pipeline='func.func(hoist-to-host)' | filecheck %s

// Inputs handed through, a value twice, constants and weights, and what nobody uses.
// CHECK-LABEL: func.func @copies
// CHECK-NEXT:    %[[R:.*]] = dycl.region (%[[A:.*]] = %x : tensor<4xf32>) -> (tensor<4xf32>) {
// CHECK-NEXT:      %[[B:.*]] = dycl.aten relu.default(%[[A]])
// CHECK-NEXT:      dycl.yield %[[B]]
// CHECK-NEXT:    }
// CHECK-NEXT:    %[[K:.*]] = dycl.constant dense<[1, 2]>
// CHECK-NEXT:    %[[W:.*]] = dycl.param "w"
// CHECK-NEXT:    dycl.return %x, %[[R]], %[[R]], %[[K]], %[[W]]
func.func @copies(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2xi64>, tensor<4xf32>) {
  %0, %1, %2, %3, %4, %5 = dycl.region (%a = %x : tensor<4xf32>, %z = %y : tensor<4xf32>)
      -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2xi64>, tensor<4xf32>, tensor<4xf32>) {
    %b = dycl.aten relu.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
    %c = dycl.aten relu.default(%z) : (tensor<4xf32>) -> tensor<4xf32>
    %k = dycl.constant dense<[1, 2]> : tensor<2xi64>
    %w = dycl.param "w" : tensor<4xf32>
    dycl.yield %a, %b, %b, %k, %w, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2xi64>, tensor<4xf32>, tensor<4xf32>
  }
  dycl.return %0, %1, %2, %3, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2xi64>, tensor<4xf32>
}

// A value enters once, a constant not at all.
// CHECK-LABEL: func.func @inputs
// CHECK-NEXT:    %[[R:.*]] = dycl.region (%[[A:.*]] = %x : tensor<4xf32>) -> (tensor<4xf32>) {
// CHECK-NEXT:      %[[W:.*]] = dycl.param "w"
// CHECK-NEXT:      %[[S:.*]] = dycl.aten add.Tensor(%[[A]], %[[A]], 1)
// CHECK-NEXT:      %{{.*}} = dycl.aten mul.Tensor(%[[S]], %[[W]])
func.func @inputs(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = dycl.param "w" : tensor<4xf32>
  %0 = dycl.region (%a = %x : tensor<4xf32>, %b = %x : tensor<4xf32>, %c = %w : tensor<4xf32>) -> (tensor<4xf32>) {
    %s = dycl.aten add.Tensor(%a, %b, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %m = dycl.aten mul.Tensor(%s, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %m : tensor<4xf32>
  }
  dycl.return %0 : tensor<4xf32>
}

// A region of nothing but views, reads and arithmetic disappears.
// CHECK-LABEL: func.func @dissolved
// CHECK-NOT:     dycl.region
// CHECK:         %[[P:.*]] = dycl.aten select.int(%policy, 0, 2)
// CHECK-NEXT:    %[[E:.*]] = dycl.item %[[P]]
// CHECK-NEXT:    %[[C:.*]] = arith.constant 1.000000e+00 : f64
// CHECK-NEXT:    %[[T:.*]] = arith.cmpf oeq, %[[E]], %[[C]]
// CHECK-NEXT:    %[[V:.*]] = dycl.aten unsqueeze.default(%policy, 0)
// CHECK-NEXT:    dycl.return %[[T]], %[[V]]
func.func @dissolved(%policy: tensor<4xf32>) -> (i1, tensor<1x4xf32>) {
  %0, %1 = dycl.region (%a = %policy : tensor<4xf32>) -> (i1, tensor<1x4xf32>) {
    %p = dycl.aten select.int(%a, 0, 2) : (tensor<4xf32>) -> tensor<f32>
    %t = dycl.aten eq.Scalar(%p, 1) : (tensor<f32>) -> tensor<i1>
    %i = dycl.item %t : tensor<i1> -> i1
    %v = dycl.aten unsqueeze.default(%a, 0) : (tensor<4xf32>) -> tensor<1x4xf32>
    dycl.yield %i, %v : i1, tensor<1x4xf32>
  }
  dycl.return %0, %1 : i1, tensor<1x4xf32>
}

// Three regions in a row: each sees what became of the one before.
// CHECK-LABEL: func.func @chain
// CHECK-NEXT:    %[[R:.*]] = dycl.region (%[[A:.*]] = %x : tensor<4xf32>) -> (tensor<4xf32>) {
// CHECK-NEXT:      %[[W:.*]] = dycl.param "w"
// CHECK-NEXT:      %[[M:.*]] = dycl.aten mul.Tensor(%[[A]], %[[W]])
// CHECK-NEXT:      dycl.yield %[[M]]
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.return %[[R]]
func.func @chain(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0, %1 = dycl.region (%a = %x : tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %w = dycl.param "w" : tensor<4xf32>
    dycl.yield %w, %a : tensor<4xf32>, tensor<4xf32>
  }
  %2, %3 = dycl.region (%a = %0 : tensor<4xf32>, %b = %1 : tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    dycl.yield %b, %a : tensor<4xf32>, tensor<4xf32>
  }
  %4 = dycl.region (%a = %2 : tensor<4xf32>, %b = %3 : tensor<4xf32>) -> (tensor<4xf32>) {
    %m = dycl.aten mul.Tensor(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %m : tensor<4xf32>
  }
  dycl.return %4 : tensor<4xf32>
}

// A test of an element of what comes out anyway moves, the bound rounded to f32; of what does not, it stays.
// CHECK-LABEL: func.func @tests
// CHECK-NEXT:    %[[G:.*]], %[[P:.*]] = dycl.region (%{{.*}}) -> (tensor<1x1xf32>, i1) {
// CHECK-NOT:       dycl.aten gt.Scalar
// CHECK:           dycl.aten lt.Scalar
// CHECK:         }
// CHECK-NEXT:    %[[E:.*]] = dycl.item %[[G]] : tensor<1x1xf32> -> f64
// CHECK-NEXT:    %[[C:.*]] = arith.constant 0.10000000149011612 : f64
// CHECK-NEXT:    %[[T:.*]] = arith.cmpf ogt, %[[E]], %[[C]]
// CHECK-NEXT:    dycl.return %[[G]], %[[T]], %[[P]]
func.func @tests(%x: tensor<1x4xf32>) -> (tensor<1x1xf32>, i1, i1) {
  %0, %1, %2 = dycl.region (%a = %x : tensor<1x4xf32>) -> (tensor<1x1xf32>, i1, i1) {
    %g = dycl.aten mean.dim(%a, [1], true, none) : (tensor<1x4xf32>) -> tensor<1x1xf32>
    %t = dycl.aten gt.Scalar(%g, 0.1) : (tensor<1x1xf32>) -> tensor<1x1xi1>
    %i = dycl.item %t : tensor<1x1xi1> -> i1
    %h = dycl.aten exp.default(%g) : (tensor<1x1xf32>) -> tensor<1x1xf32>
    %u = dycl.aten lt.Scalar(%h, 0.1) : (tensor<1x1xf32>) -> tensor<1x1xi1>
    %j = dycl.item %u : tensor<1x1xi1> -> i1
    dycl.yield %g, %i, %j : tensor<1x1xf32>, i1, i1
  }
  dycl.return %0, %1, %2 : tensor<1x1xf32>, i1, i1
}

// Tests that Python numbers do not decide as torch does: a float against integers, a bound beyond f32, half precision.
// CHECK-LABEL: func.func @torch_only
// CHECK-NEXT:    dycl.region
// CHECK-COUNT-3:   dycl.aten lt.Scalar
func.func @torch_only(%x: tensor<i64>, %y: tensor<f32>, %z: tensor<f16>) -> (i1, i1, i1) {
  %0, %1, %2 = dycl.region (%a = %x : tensor<i64>, %b = %y : tensor<f32>, %c = %z : tensor<f16>) -> (i1, i1, i1) {
    %s = dycl.aten lt.Scalar(%a, 0.5) : (tensor<i64>) -> tensor<i1>
    %i = dycl.item %s : tensor<i1> -> i1
    %t = dycl.aten lt.Scalar(%b, 1.0e+300) : (tensor<f32>) -> tensor<i1>
    %j = dycl.item %t : tensor<i1> -> i1
    %u = dycl.aten lt.Scalar(%c, 0.5) : (tensor<f16>) -> tensor<i1>
    %k = dycl.item %u : tensor<i1> -> i1
    dycl.yield %i, %j, %k : i1, i1, i1
  }
  dycl.return %0, %1, %2 : i1, i1, i1
}

// A view in the middle of computation stays, and so does one of a value that does not come out, one with unknown sizes,
// and one that does not keep the elements in a row.
// CHECK-LABEL: func.func @stay
// CHECK-NEXT:    dycl.region
// CHECK-NEXT:      dycl.aten view.default
// CHECK-NEXT:      dycl.aten relu.default
// CHECK-NEXT:      dycl.aten flatten.using_ints
// CHECK-NEXT:      dycl.aten view.default
// CHECK-NEXT:      dycl.aten select.int
// CHECK-NEXT:      dycl.aten t.default
// CHECK-NEXT:      dycl.yield
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.return
func.func @stay(%x: tensor<4xf32>, %n: tensor<?x4xf32>, %m: tensor<2x2xf32>) -> (tensor<4xf32>, tensor<?xf32>, tensor<2xf32>, tensor<2x2xf32>) {
  %r, %s, %t, %u = dycl.region (%a = %x : tensor<4xf32>, %b = %n : tensor<?x4xf32>, %c = %m : tensor<2x2xf32>)
      -> (tensor<4xf32>, tensor<?xf32>, tensor<2xf32>, tensor<2x2xf32>) {
    %v = dycl.aten view.default(%a, [2, 2]) : (tensor<4xf32>) -> tensor<2x2xf32>
    %d = dycl.aten relu.default(%v) : (tensor<2x2xf32>) -> tensor<2x2xf32>
    %e = dycl.aten flatten.using_ints(%d, 0, -1) : (tensor<2x2xf32>) -> tensor<4xf32>
    %f = dycl.aten view.default(%b, [-1]) : (tensor<?x4xf32>) -> tensor<?xf32>
    %g = dycl.aten select.int(%c, 1, 0) : (tensor<2x2xf32>) -> tensor<2xf32>
    %h = dycl.aten t.default(%c) : (tensor<2x2xf32>) -> tensor<2x2xf32>
    dycl.yield %e, %f, %g, %h : tensor<4xf32>, tensor<?xf32>, tensor<2xf32>, tensor<2x2xf32>
  }
  dycl.return %r, %s, %t, %u : tensor<4xf32>, tensor<?xf32>, tensor<2xf32>, tensor<2x2xf32>
}

// Without results nothing is left, but for the random numbers that it draws.
// CHECK-LABEL: func.func @unused
// CHECK-NEXT:    dycl.region (%{{.*}} = %x : tensor<4xf32>) {
// CHECK-NEXT:      dycl.aten rand_like.default
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.return
func.func @unused(%x: tensor<4xf32>) {
  %0 = dycl.region (%a = %x : tensor<4xf32>) -> (tensor<4xf32>) {
    %b = dycl.aten relu.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %b : tensor<4xf32>
  }
  %1 = dycl.region (%a = %x : tensor<4xf32>) -> (tensor<4xf32>) {
    %b = dycl.aten rand_like.default(%a, none, none, none, none, none) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %b : tensor<4xf32>
  }
  dycl.return
}
