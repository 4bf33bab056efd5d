// RUN: dycl-opt %s --pass-pipeline='func.func(duplicate-tails{max-ops=4})' | filecheck %s

// The tail goes into both sides, with the weight it uses before them; what does not depend on the `if` stays.
// CHECK-LABEL: func.func @gate
// CHECK-NEXT:    %w = dycl.param "w"
// CHECK-NEXT:    %next = dycl.if %c -> (i1) {
// CHECK-NEXT:      %b = dycl.aten relu.default(%x)
// CHECK-NEXT:      %[[G:.*]] = dycl.aten mul.Tensor(%b, %w)
// CHECK-NEXT:      %[[T:.*]] = dycl.aten any.default(%[[G]])
// CHECK-NEXT:      %[[N:.*]] = dycl.item %[[T]]
// CHECK-NEXT:      dycl.yield %[[N]] : i1
// CHECK-NEXT:    } else {
// CHECK-NEXT:      %[[G:.*]] = dycl.aten mul.Tensor(%x, %w)
// CHECK-NEXT:      %[[T:.*]] = dycl.aten any.default(%[[G]])
// CHECK-NEXT:      %[[N:.*]] = dycl.item %[[T]]
// CHECK-NEXT:      dycl.yield %[[N]] : i1
// CHECK-NEXT:    }
// CHECK-NEXT:    %other = dycl.aten sigmoid.default(%x)
// CHECK-NEXT:    dycl.if %next {
// CHECK-NEXT:      dycl.return %other
func.func @gate(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  %y = dycl.if %c -> (tensor<4xf32>) {
    %b = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %b : tensor<4xf32>
  } else {
    dycl.yield %x : tensor<4xf32>
  }
  %other = dycl.aten sigmoid.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %w = dycl.param "w" : tensor<4xf32>
  %g = dycl.aten mul.Tensor(%y, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %t = dycl.aten any.default(%g) : (tensor<4xf32>) -> tensor<i1>
  %next = dycl.item %t : tensor<i1> -> i1
  dycl.if %next {
    dycl.return %other : tensor<4xf32>
  }
  dycl.return %x : tensor<4xf32>
}

// A side that leaves: the tail belongs to the other side alone, and stays flat.
// CHECK-LABEL: func.func @early_exit
// CHECK:           dycl.yield %a
// CHECK-NEXT:    }
// CHECK-NEXT:    %b = dycl.aten relu.default(%y)
func.func @early_exit(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  %y = dycl.if %c -> (tensor<4xf32>) {
    dycl.return %x : tensor<4xf32>
  } else {
    %a = dycl.aten sigmoid.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %a : tensor<4xf32>
  }
  %b = dycl.aten relu.default(%y) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.return %b : tensor<4xf32>
}

// Sides without computation at their ends: the tail would not share a kernel with anything.
// CHECK-LABEL: func.func @nothing_to_share
// CHECK:           dycl.yield %v
// CHECK-NEXT:    }
// CHECK-NEXT:    %b = dycl.aten relu.default(%y)
func.func @nothing_to_share(%x: tensor<4xf32>, %z: tensor<2x2xf32>, %c: i1) -> tensor<4xf32> {
  %y = dycl.if %c -> (tensor<4xf32>) {
    dycl.yield %x : tensor<4xf32>
  } else {
    %v = dycl.aten view.default(%z, [4]) : (tensor<2x2xf32>) -> tensor<4xf32>
    dycl.yield %v : tensor<4xf32>
  }
  %b = dycl.aten relu.default(%y) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.return %b : tensor<4xf32>
}

// Five ops are too many here; 2^18 elements of weights are not too many, one more is.
// CHECK-LABEL: func.func @too_many_ops
// CHECK:           dycl.yield %x
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.aten relu.default(%y)
func.func @too_many_ops(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  %y = dycl.if %c -> (tensor<4xf32>) {
    %a = dycl.aten sigmoid.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %a : tensor<4xf32>
  } else {
    dycl.yield %x : tensor<4xf32>
  }
  %1 = dycl.aten relu.default(%y) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = dycl.aten sigmoid.default(%1) : (tensor<4xf32>) -> tensor<4xf32>
  %3 = dycl.aten relu.default(%2) : (tensor<4xf32>) -> tensor<4xf32>
  %4 = dycl.aten sigmoid.default(%3) : (tensor<4xf32>) -> tensor<4xf32>
  %5 = dycl.aten relu.default(%4) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.return %5 : tensor<4xf32>
}
// CHECK-LABEL: func.func @weights_at_the_limit
// CHECK-COUNT-2: mm.default
// CHECK-LABEL: func.func @too_many_weights
// CHECK:           dycl.yield %x
// CHECK-NEXT:    }
// CHECK:         mm.default
// CHECK-NOT:     mm.default
func.func @weights_at_the_limit(%x: tensor<1x512xf32>, %c: i1) -> tensor<1x512xf32> {
  %y = dycl.if %c -> (tensor<1x512xf32>) {
    %a = dycl.aten sigmoid.default(%x) : (tensor<1x512xf32>) -> tensor<1x512xf32>
    dycl.yield %a : tensor<1x512xf32>
  } else {
    dycl.yield %x : tensor<1x512xf32>
  }
  %w = dycl.param "w" : tensor<512x512xf32>
  %z = dycl.aten mm.default(%y, %w) : (tensor<1x512xf32>, tensor<512x512xf32>) -> tensor<1x512xf32>
  dycl.return %z : tensor<1x512xf32>
}
func.func @too_many_weights(%x: tensor<1x512xf32>, %c: i1) -> tensor<1x513xf32> {
  %y = dycl.if %c -> (tensor<1x512xf32>) {
    %a = dycl.aten sigmoid.default(%x) : (tensor<1x512xf32>) -> tensor<1x512xf32>
    dycl.yield %a : tensor<1x512xf32>
  } else {
    dycl.yield %x : tensor<1x512xf32>
  }
  %w = dycl.param "v" : tensor<512x513xf32>
  %z = dycl.aten mm.default(%y, %w) : (tensor<1x512xf32>, tensor<512x513xf32>) -> tensor<1x513xf32>
  dycl.return %z : tensor<1x513xf32>
}

// Random numbers are not copied, nor what depends on them; the rest is.
// CHECK-LABEL: func.func @random
// CHECK:         %y, %b = dycl.if
// CHECK-COUNT-2:   dycl.aten relu.default
// CHECK:         }
// CHECK-NEXT:    %r = dycl.aten rand_like.default(%y
// CHECK-NEXT:    %s = dycl.aten add.Tensor(%b, %r, 1)
func.func @random(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  %y = dycl.if %c -> (tensor<4xf32>) {
    %a = dycl.aten sigmoid.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %a : tensor<4xf32>
  } else {
    dycl.yield %x : tensor<4xf32>
  }
  %b = dycl.aten relu.default(%y) : (tensor<4xf32>) -> tensor<4xf32>
  %r = dycl.aten rand_like.default(%y, none, none, none, none, none) : (tensor<4xf32>) -> tensor<4xf32>
  %s = dycl.aten add.Tensor(%b, %r, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  dycl.return %s : tensor<4xf32>
}

// The tail of the outer `if` is not copied again into the sides of the inner one.
// CHECK-LABEL: func.func @nested
// CHECK-COUNT-2: dycl.aten relu.default
// CHECK-NOT:     dycl.aten relu.default
func.func @nested(%x: tensor<4xf32>, %c: i1, %d: i1) -> tensor<4xf32> {
  %y = dycl.if %c -> (tensor<4xf32>) {
    %a = dycl.if %d -> (tensor<4xf32>) {
      %e = dycl.aten sigmoid.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.yield %e : tensor<4xf32>
    } else {
      dycl.yield %x : tensor<4xf32>
    }
    %f = dycl.aten tanh.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %f : tensor<4xf32>
  } else {
    %h = dycl.aten exp.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %h : tensor<4xf32>
  }
  %b = dycl.aten relu.default(%y) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.return %b : tensor<4xf32>
}
