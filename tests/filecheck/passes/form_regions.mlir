// RUN: dycl-opt %s --pass-pipeline='func.func(form-regions)' | filecheck %s

// One region a segment; it has its own copy of the weight, and only what is used elsewhere comes out.
// CHECK-LABEL: func.func @exit
// CHECK-NEXT:    %h, %stop = dycl.region (%[[X:.*]] = %x : tensor<4xf32>) -> (tensor<4xf32>, i1) {
// CHECK-NEXT:      %w = dycl.param "w"
// CHECK-NEXT:      %[[H:.*]] = dycl.aten mul.Tensor(%[[X]], %w)
// CHECK-NEXT:      %[[M:.*]] = dycl.aten mean.default(%[[H]], none)
// CHECK-NEXT:      %[[I:.*]] = dycl.item %[[M]]
// CHECK-NEXT:      %half = arith.constant 5.000000e-01
// CHECK-NEXT:      %[[S:.*]] = arith.cmpf ogt, %[[I]], %half
// CHECK-NEXT:      dycl.yield %[[H]], %[[S]]
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.if %stop {
// CHECK-NEXT:      dycl.return %h
// CHECK-NEXT:    }
// CHECK-NEXT:    %y = dycl.region (%[[A:.*]] = %h : tensor<4xf32>) -> (tensor<4xf32>) {
// CHECK-NEXT:      %[[W:.*]] = dycl.param "w"
// CHECK-NEXT:      %[[Y:.*]] = dycl.aten mul.Tensor(%[[A]], %[[W]])
// CHECK-NEXT:      dycl.yield %[[Y]]
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.return %y
func.func @exit(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = dycl.param "w" : tensor<4xf32>
  %half = arith.constant 0.5 : f64
  %h = dycl.aten mul.Tensor(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %m = dycl.aten mean.default(%h, none) : (tensor<4xf32>) -> tensor<f32>
  %i = dycl.item %m : tensor<f32> -> f64
  %stop = arith.cmpf ogt, %i, %half : f64
  dycl.if %stop {
    dycl.return %h : tensor<4xf32>
  }
  %y = dycl.aten mul.Tensor(%h, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  dycl.return %y : tensor<4xf32>
}

// Scalars that no tensor of the segment feeds stay on the host, and enter where they are used.
// CHECK-LABEL: func.func @host_scalars
// CHECK-NEXT:    %two = arith.constant 2.000000e+00
// CHECK-NEXT:    %t = arith.mulf %s, %two
// CHECK-NEXT:    %y = dycl.region (%[[X:.*]] = %x : tensor<4xf32>, %[[T:.*]] = %t : f64) -> (tensor<4xf32>) {
// CHECK-NEXT:      %[[Y:.*]] = dycl.aten mul.Scalar(%[[X]], %[[T]])
// CHECK-NEXT:      dycl.yield %[[Y]]
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.return %y, %t
func.func @host_scalars(%x: tensor<4xf32>, %s: f64) -> (tensor<4xf32>, f64) {
  %two = arith.constant 2.0 : f64
  %t = arith.mulf %s, %two : f64
  %y = dycl.aten mul.Scalar(%x, %t) : (tensor<4xf32>, f64) -> tensor<4xf32>
  dycl.return %y, %t : tensor<4xf32>, f64
}

// A number read from a tensor of the segment and fed back to it stays inside: one region.
// CHECK-LABEL: func.func @feedback
// CHECK-COUNT-1: dycl.region
// CHECK:           %[[S:.*]] = dycl.item
// CHECK-NEXT:      %[[D:.*]] = arith.addf %[[S]], %[[S]]
// CHECK-NEXT:      %[[T:.*]] = dycl.scalar_tensor %[[D]]
// CHECK-NEXT:      dycl.aten mul.Tensor(%{{.*}}, %[[T]])
// CHECK-NOT:     dycl.region
func.func @feedback(%x: tensor<4xf32>) -> tensor<4xf32> {
  %m = dycl.aten mean.default(%x, none) : (tensor<4xf32>) -> tensor<f32>
  %s = dycl.item %m : tensor<f32> -> f64
  %d = arith.addf %s, %s : f64
  %t = dycl.scalar_tensor %d : f64 -> tensor<f32>
  %y = dycl.aten mul.Tensor(%x, %t) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  dycl.return %y : tensor<4xf32>
}

// An assertion does not split: its condition comes out, it is checked after the region. One that is decided by what is
// there already is checked before.
// CHECK-LABEL: func.func @assertions
// CHECK-NEXT:    dycl.assert %c, "before"
// CHECK-NEXT:    %ok, %y = dycl.region
// CHECK:         }
// CHECK-NEXT:    dycl.assert %ok, "after"
// CHECK-NEXT:    dycl.assert %c, "in order"
// CHECK-NEXT:    dycl.return %y
func.func @assertions(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  dycl.assert %c, "before"
  %a = dycl.aten all.default(%x) : (tensor<4xf32>) -> tensor<i1>
  %ok = dycl.item %a : tensor<i1> -> i1
  dycl.assert %ok, "after"
  %y = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.assert %c, "in order"
  dycl.return %y : tensor<4xf32>
}

// A host op in the middle splits, and only what depends on it goes to the second region.
// CHECK-LABEL: func.func @split
// CHECK-NEXT:    %a, %c = dycl.region (%{{.*}} = %x : tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
// CHECK:         %b = dycl.launch @k(%a)
// CHECK-NEXT:    %d = dycl.region (%{{.*}} = %b : tensor<4xf32>, %{{.*}} = %c : tensor<4xf32>) -> (tensor<4xf32>) {
// CHECK:         }
// CHECK-NEXT:    dycl.return %d
func.func @split(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %b = dycl.launch @k(%a) : (tensor<4xf32>) -> tensor<4xf32>
  %c = dycl.aten sigmoid.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %d = dycl.aten add.Tensor(%b, %c, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  dycl.return %d : tensor<4xf32>
}
dycl.kernel @k(%a: tensor<4xf32>) -> tensor<4xf32> {
  dycl.yield %a : tensor<4xf32>
}

// Calls are control flow: nothing that follows one moves before it.
// CHECK-LABEL: func.func @call
// CHECK-COUNT-1: dycl.region
// CHECK:         func.call @call
// CHECK-NEXT:    dycl.region
func.func @call(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %b = func.call @call(%a) : (tensor<4xf32>) -> tensor<4xf32>
  %c = dycl.aten sigmoid.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %d = dycl.aten add.Tensor(%b, %c, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  dycl.return %d : tensor<4xf32>
}

// A condition of a loop is computed in the region of its block.
// CHECK-LABEL: func.func @while
// CHECK:         dycl.while (%[[A:.*]] = %x : tensor<4xf32>)
// CHECK-NEXT:      %c = dycl.region (%{{.*}} = %[[A]] : tensor<4xf32>) -> (i1) {
// CHECK:           dycl.condition(%c) %[[A]]
// CHECK-NEXT:    } do (%b: tensor<4xf32>) {
// CHECK-NEXT:      %n = dycl.region (%{{.*}} = %b : tensor<4xf32>) -> (tensor<4xf32>) {
func.func @while(%x: tensor<4xf32>) -> tensor<4xf32> {
  %r = dycl.while (%a = %x : tensor<4xf32>) -> (tensor<4xf32>) {
    %t = dycl.aten any.default(%a) : (tensor<4xf32>) -> tensor<i1>
    %c = dycl.item %t : tensor<i1> -> i1
    dycl.condition(%c) %a : tensor<4xf32>
  } do (%b: tensor<4xf32>) {
    %n = dycl.aten relu.default(%b) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %n : tensor<4xf32>
  }
  dycl.return %r : tensor<4xf32>
}

// Nothing to group, and a region that is there already.
// CHECK-LABEL: func.func @nothing
// CHECK-NEXT:    %w = dycl.param "w"
// CHECK-NEXT:    %y = dycl.region
// CHECK-NEXT:      %b = dycl.aten relu.default
// CHECK-NEXT:      dycl.yield
// CHECK-NEXT:    }
// CHECK-NEXT:    %c = arith.cmpf ogt, %s, %s
// CHECK-NEXT:    dycl.return %y, %c, %w
func.func @nothing(%x: tensor<4xf32>, %s: f64) -> (tensor<4xf32>, i1, tensor<4xf32>) {
  %w = dycl.param "w" : tensor<4xf32>
  %y = dycl.region (%a = %x : tensor<4xf32>) -> (tensor<4xf32>) {
    %b = dycl.aten relu.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %b : tensor<4xf32>
  }
  %c = arith.cmpf ogt, %s, %s : f64
  dycl.return %y, %c, %w : tensor<4xf32>, i1, tensor<4xf32>
}

// What does not depend on a branch is computed before it, with what is there.
// CHECK-LABEL: func.func @past_a_branch
// CHECK:         %{{.*}} = dycl.region
// CHECK:           dycl.aten nonzero.default
// CHECK:           dycl.aten nonzero.default
// CHECK:           dycl.yield
// CHECK:         dycl.if
// CHECK-NOT:     dycl.region
// CHECK:         dycl.return
func.func @past_a_branch(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (i64, tensor<?x1xi64>) {
  %1 = arith.constant 1 : i64
  %0 = arith.constant 0 : i64
  %a = dycl.aten nonzero.default(%x) : (tensor<4xf32>) -> tensor<?x1xi64>
  %n = dycl.dim %a, 0 : tensor<?x1xi64>
  %none = arith.cmpi eq, %n, %0 : i64
  %s = dycl.if %none -> (i64) {
    dycl.yield %1 : i64
  } else {
    dycl.yield %n : i64
  }
  %b = dycl.aten nonzero.default(%y) : (tensor<4xf32>) -> tensor<?x1xi64>
  dycl.return %s, %b : i64, tensor<?x1xi64>
}

// In a loop, a small rest behind an exit is computed before it.
// CHECK-LABEL: func.func @past_an_exit
// CHECK:           %{{.*}} = dycl.region
// CHECK:             dycl.aten neg.default
// CHECK:             dycl.aten exp.default
// CHECK:             dycl.yield
// CHECK:           dycl.if
// CHECK-NOT:       dycl.region
// CHECK:         dycl.return
func.func @past_an_exit(%x: tensor<4xf32>, %n: i64) -> tensor<4xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r = dycl.for %i = %0 to %n step %1 iter_args(%a = %x : tensor<4xf32>) {
    %b = dycl.aten neg.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
    %any = dycl.aten any.default(%b) : (tensor<4xf32>) -> tensor<i1>
    %c = dycl.item %any : tensor<i1> -> i1
    dycl.if %c {
      dycl.break %b : tensor<4xf32>
    }
    %d = dycl.aten exp.default(%b) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %d : tensor<4xf32>
  }
  dycl.return %r : tensor<4xf32>
}

// Not past a return that leaves no loop, not what may fail, not what takes long.
// CHECK-LABEL: func.func @stays_behind
// CHECK:         dycl.if %c {
// CHECK:         dycl.aten exp.default
// CHECK:         dycl.for
// CHECK:           dycl.if %c {
// CHECK:           dycl.aten index_select.default
// CHECK:         dycl.for
// CHECK:           dycl.if %c {
// CHECK:           dycl.aten mm.default
func.func @stays_behind(%x: tensor<256x256xf32>, %i: tensor<256xi64>, %n: i64, %c: i1) -> tensor<256x256xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %a = dycl.aten neg.default(%x) : (tensor<256x256xf32>) -> tensor<256x256xf32>
  dycl.if %c {
    dycl.return %a : tensor<256x256xf32>
  }
  %b = dycl.aten exp.default(%a) : (tensor<256x256xf32>) -> tensor<256x256xf32>
  %r = dycl.for %j = %0 to %n step %1 iter_args(%s = %b : tensor<256x256xf32>) {
    %d = dycl.aten neg.default(%s) : (tensor<256x256xf32>) -> tensor<256x256xf32>
    dycl.if %c {
      dycl.break %d : tensor<256x256xf32>
    }
    %e = dycl.aten index_select.default(%d, 0, %i) : (tensor<256x256xf32>, tensor<256xi64>) -> tensor<256x256xf32>
    dycl.yield %e : tensor<256x256xf32>
  }
  %t = dycl.for %j = %0 to %n step %1 iter_args(%s = %r : tensor<256x256xf32>) {
    %d = dycl.aten neg.default(%s) : (tensor<256x256xf32>) -> tensor<256x256xf32>
    dycl.if %c {
      dycl.break %d : tensor<256x256xf32>
    }
    %e = dycl.aten mm.default(%d, %d) : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
    dycl.yield %e : tensor<256x256xf32>
  }
  dycl.return %t : tensor<256x256xf32>
}

// Appending to a list is the host's, unless the kernel reads the list.
// CHECK-LABEL: func.func @append
// CHECK:         %n, %s = dycl.region
// CHECK-NEXT:      dycl.aten neg.default
// CHECK-NEXT:      dycl.aten cat.default
// CHECK-NEXT:      dycl.aten sum.default
// CHECK-NEXT:      dycl.yield
// CHECK-NEXT:    }
// CHECK-NEXT:    %b = dycl.aten cat.default([%list, %n], 0)
func.func @append(%list: tensor<?xf32>, %other: tensor<?xf32>, %x: tensor<1xf32>) -> (tensor<?xf32>, tensor<f32>) {
  %n = dycl.aten neg.default(%x) : (tensor<1xf32>) -> tensor<1xf32>
  %b = dycl.aten cat.default([%list, %n], 0) : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
  %c = dycl.aten cat.default([%other, %n], 0) : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
  %s = dycl.aten sum.default(%c, none) : (tensor<?xf32>) -> tensor<f32>
  dycl.return %b, %s : tensor<?xf32>, tensor<f32>
}
