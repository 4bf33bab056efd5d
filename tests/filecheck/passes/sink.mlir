// RUN: dycl-opt %s --pass-pipeline='func.func(sink)' | filecheck %s

// A chain that only the branch needs moves there as it stands, through two levels.
// CHECK-LABEL: func.func @into_branch
// CHECK-NEXT:    dycl.if %c {
// CHECK-NEXT:      dycl.if %d {
// CHECK-NEXT:        %a = dycl.aten relu.default(%x)
// CHECK-NEXT:        %b = dycl.aten sigmoid.default(%a)
// CHECK-NEXT:        dycl.return %b
func.func @into_branch(%x: tensor<4xf32>, %c: i1, %d: i1) -> tensor<4xf32> {
  %a = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %b = dycl.aten sigmoid.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.if %c {
    dycl.if %d {
      dycl.return %b : tensor<4xf32>
    }
  }
  dycl.return %x : tensor<4xf32>
}

// CHECK-LABEL: func.func @into_case
// CHECK-NEXT:    dycl.switch %i -> (tensor<4xf32>) case 0 {
// CHECK-NEXT:      dycl.yield %x
// CHECK-NEXT:    } default {
// CHECK-NEXT:      %a = dycl.aten relu.default(%x)
// CHECK-NEXT:      dycl.yield %a
func.func @into_case(%x: tensor<4xf32>, %i: i64) -> tensor<4xf32> {
  %a = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %r = dycl.switch %i -> (tensor<4xf32>) case 0 {
    dycl.yield %x : tensor<4xf32>
  } default {
    dycl.yield %a : tensor<4xf32>
  }
  dycl.return %r : tensor<4xf32>
}

// Past two exits to the segment of the first use, in the order in which the ops were.
// CHECK-LABEL: func.func @past_exits
// CHECK-NEXT:    dycl.if %c {
// CHECK:         dycl.if %d {
// CHECK:         }
// CHECK-NEXT:    %a = dycl.aten relu.default(%x)
// CHECK-NEXT:    %b = dycl.aten sigmoid.default(%x)
// CHECK-NEXT:    %e = dycl.aten add.Tensor(%a, %b, 1)
func.func @past_exits(%x: tensor<4xf32>, %c: i1, %d: i1) -> tensor<4xf32> {
  %a = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.if %c {
    dycl.return %x : tensor<4xf32>
  }
  %b = dycl.aten sigmoid.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.if %d {
    dycl.return %x : tensor<4xf32>
  }
  %e = dycl.aten add.Tensor(%a, %b, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  dycl.return %e : tensor<4xf32>
}

// What both sides use stays before them: it is written once.
// CHECK-LABEL: func.func @both_sides
// CHECK-NEXT:    %a = dycl.aten relu.default(%x)
// CHECK-NEXT:    dycl.if
func.func @both_sides(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  %a = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %r = dycl.if %c -> (tensor<4xf32>) {
    %b = dycl.aten sigmoid.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %b : tensor<4xf32>
  } else {
    dycl.yield %a : tensor<4xf32>
  }
  dycl.return %r : tensor<4xf32>
}

// One side and the code behind it, or the condition itself.
// CHECK-LABEL: func.func @also_behind
// CHECK-NEXT:    %a = dycl.aten relu.default(%x)
// CHECK-NEXT:    %t = dycl.aten any.default(%x)
// CHECK-NEXT:    %c = dycl.item %t
// CHECK-NEXT:    dycl.if
func.func @also_behind(%x: tensor<4xf32>) -> (tensor<4xf32>, i1) {
  %a = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %t = dycl.aten any.default(%x) : (tensor<4xf32>) -> tensor<i1>
  %c = dycl.item %t : tensor<i1> -> i1
  dycl.if %c {
    dycl.return %a, %c : tensor<4xf32>, i1
  }
  dycl.return %a, %c : tensor<4xf32>, i1
}

// Into a loop nothing sinks: it would run in each iteration. Behind it, it may.
// CHECK-LABEL: func.func @loops
// CHECK:         %a = dycl.aten relu.default(%x)
// CHECK-NEXT:    %r = dycl.for
// CHECK:         }
// CHECK-NEXT:    %b = dycl.aten sigmoid.default(%x)
// CHECK-NEXT:    dycl.return %r, %b
func.func @loops(%x: tensor<4xf32>, %n: i64) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %a = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %b = dycl.aten sigmoid.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %r = dycl.for %i = %0 to %n step %1 iter_args(%s = %x : tensor<4xf32>) {
    %t = dycl.aten add.Tensor(%s, %a, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %t : tensor<4xf32>
  }
  dycl.return %r, %b : tensor<4xf32>, tensor<4xf32>
}

// Random numbers are drawn in the order of the source, on every path on which they were; the unused op goes.
// CHECK-LABEL: func.func @random
// CHECK-NEXT:    %w = dycl.param "w"
// CHECK-NEXT:    %a = dycl.aten rand_like.default(%x
// CHECK-NEXT:    dycl.if %c {
// CHECK-NEXT:      dycl.return %a
func.func @random(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  %w = dycl.param "w" : tensor<4xf32>
  %a = dycl.aten rand_like.default(%x, none, none, none, none, none) : (tensor<4xf32>) -> tensor<4xf32>
  %u = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.if %c {
    dycl.return %a : tensor<4xf32>
  }
  dycl.return %w : tensor<4xf32>
}
