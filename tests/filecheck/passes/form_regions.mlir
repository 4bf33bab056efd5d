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
