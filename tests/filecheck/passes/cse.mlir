// RUN: dycl-opt %s --pass-pipeline=cse | filecheck %s

// An equal op that runs before is used, also from inside a branch.
// CHECK-LABEL: func.func @dominating
// CHECK-NEXT:    %a = arith.addi %x, %x : i64
// CHECK-NEXT:    %r = dycl.if %c -> (i64) {
// CHECK-NEXT:      dycl.yield %a : i64
// CHECK-NEXT:    } else {
// CHECK-NEXT:      dycl.yield %x : i64
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.return %r, %a : i64, i64
func.func @dominating(%x: i64, %c: i1) -> (i64, i64) {
  %a = arith.addi %x, %x : i64
  %r = dycl.if %c -> (i64) {
    %b = arith.addi %x, %x : i64
    dycl.yield %b : i64
  } else {
    dycl.yield %x : i64
  }
  %d = arith.addi %x, %x : i64
  dycl.return %r, %d : i64, i64
}

// The two sides of a branch do not see each other's ops, nor does the code behind it.
// CHECK-LABEL: func.func @sides
// CHECK-COUNT-3: arith.addi
func.func @sides(%x: i64, %c: i1) -> (i64, i64) {
  %r = dycl.if %c -> (i64) {
    %a = arith.addi %x, %x : i64
    dycl.yield %a : i64
  } else {
    %b = arith.addi %x, %x : i64
    dycl.yield %b : i64
  }
  %d = arith.addi %x, %x : i64
  dycl.return %r, %d : i64, i64
}

// 0.0 and -0.0 differ, as do 1 and 1.0.
// CHECK-LABEL: func.func @zeros
// CHECK-COUNT-2: arith.constant
func.func @zeros() -> (f64, f64) {
  %a = arith.constant 0.0 : f64
  %b = arith.constant -0.0 : f64
  dycl.return %a, %b : f64, f64
}

// Branches and weights that are equal become one; the names of the first stay.
// CHECK-LABEL: func.func @whole_branches
// CHECK-NEXT:    %w = dycl.param "w"
// CHECK-NEXT:    %other = dycl.param "other"
// CHECK-NEXT:    %p = dycl.if %c
// CHECK-NOT:     dycl.if
// CHECK:         dycl.return %p, %p, %other
func.func @whole_branches(%c: i1) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %w = dycl.param "w" : tensor<4xf32>
  %v = dycl.param "w" : tensor<4xf32>
  %other = dycl.param "other" : tensor<4xf32>
  %p = dycl.if %c -> (tensor<4xf32>) {
    dycl.yield %w : tensor<4xf32>
  } else {
    %y = dycl.aten relu.default(%w) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %y : tensor<4xf32>
  }
  %q = dycl.if %c -> (tensor<4xf32>) {
    dycl.yield %v : tensor<4xf32>
  } else {
    %y = dycl.aten relu.default(%v) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %y : tensor<4xf32>
  }
  dycl.return %p, %q, %other : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// A region is isolated: it cannot use an equal op from outside.
// CHECK-LABEL: func.func @isolated
// CHECK-NEXT:    dycl.aten relu.default
// CHECK-NEXT:    dycl.region
// CHECK-NEXT:      dycl.aten relu.default
// CHECK-NEXT:      dycl.yield
func.func @isolated(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %r = dycl.region (%y = %x : tensor<4xf32>) -> (tensor<4xf32>) {
    %b = dycl.aten relu.default(%y) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %b : tensor<4xf32>
  }
  dycl.return %a, %r : tensor<4xf32>, tensor<4xf32>
}

// Equal branches that may leave, and random numbers, are not merged.
// CHECK-LABEL: func.func @effects
// CHECK-COUNT-2: dycl.if
// CHECK-COUNT-2: dycl.aten rand_like.default
func.func @effects(%x: tensor<4xf32>, %c: i1) -> (tensor<4xf32>, tensor<4xf32>) {
  dycl.if %c {
    dycl.return %x, %x : tensor<4xf32>, tensor<4xf32>
  }
  dycl.if %c {
    dycl.return %x, %x : tensor<4xf32>, tensor<4xf32>
  }
  %a = dycl.aten rand_like.default(%x, none, none, none, none, none) : (tensor<4xf32>) -> tensor<4xf32>
  %b = dycl.aten rand_like.default(%x, none, none, none, none, none) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.return %a, %b : tensor<4xf32>, tensor<4xf32>
}

// Ops that draw random numbers are not one, whatever says so: their name, or an argument.

// CHECK-LABEL: func.func @random
// CHECK-COUNT-2: dropout.default(%x, 0.5, true)
// CHECK-COUNT-1: dropout.default(%x, 0.5, false)
// CHECK-NOT: dropout
func.func @random(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %a = dycl.aten dropout.default(%x, 0.5, true) : (tensor<4xf32>) -> tensor<4xf32>
  %b = dycl.aten dropout.default(%x, 0.5, true) : (tensor<4xf32>) -> tensor<4xf32>
  %c = dycl.aten dropout.default(%x, 0.5, false) : (tensor<4xf32>) -> tensor<4xf32>
  %d = dycl.aten dropout.default(%x, 0.5, false) : (tensor<4xf32>) -> tensor<4xf32>
  dycl.return %a, %b, %c, %d : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
