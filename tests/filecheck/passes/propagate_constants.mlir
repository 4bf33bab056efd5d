// RUN: dycl-opt %s --pass-pipeline='func.func(propagate-constants)' | filecheck %s

// Both sides give the same: the result is known, and so is what depends on it.
// CHECK-LABEL: func.func @join
// CHECK-NEXT:    %s = arith.constant 5 : i64
// CHECK-NEXT:    dycl.return %s : i64
func.func @join(%c: i1) -> i64 {
  %1 = arith.constant 1 : i64
  %2 = arith.constant 2 : i64
  %r = dycl.if %c -> (i64) {
    %a = arith.addi %1, %2 : i64
    dycl.yield %a : i64
  } else {
    %3 = arith.constant 3 : i64
    dycl.yield %3 : i64
  }
  %s = arith.addi %r, %2 : i64
  dycl.return %s : i64
}

// CHECK-LABEL: func.func @join_of_different
// CHECK:         dycl.if
// CHECK:         arith.addi
func.func @join_of_different(%c: i1) -> i64 {
  %1 = arith.constant 1 : i64
  %2 = arith.constant 2 : i64
  %r = dycl.if %c -> (i64) {
    dycl.yield %1 : i64
  } else {
    dycl.yield %2 : i64
  }
  %s = arith.addi %r, %2 : i64
  dycl.return %s : i64
}

// A side that leaves does not count for what is known behind the branch.
// CHECK-LABEL: func.func @side_leaves
// CHECK-NEXT:    %r = arith.constant 1 : i64
// CHECK-NEXT:    dycl.if %c {
// CHECK-NEXT:      %[[TWO:.*]] = arith.constant 2
// CHECK-NEXT:      dycl.return %[[TWO]]
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.return %r
func.func @side_leaves(%c: i1) -> i64 {
  %1 = arith.constant 1 : i64
  %r = dycl.if %c -> (i64) {
    %2 = arith.constant 2 : i64
    dycl.return %2 : i64
  } else {
    dycl.yield %1 : i64
  }
  dycl.return %r : i64
}

// 1, 1.0 and true are different; so are 0.0 and -0.0.
// CHECK-LABEL: func.func @zeros
// CHECK:         dycl.if
// CHECK:         dycl.return %r
func.func @zeros(%c: i1) -> f64 {
  %0 = arith.constant 0.0 : f64
  %m = arith.constant -0.0 : f64
  %r = dycl.if %c -> (f64) {
    dycl.yield %0 : f64
  } else {
    dycl.yield %m : f64
  }
  dycl.return %r : f64
}

// The side taken returns: the rest cannot run.
// CHECK-LABEL: func.func @decided_return
// CHECK-NEXT:    %[[R:.*]] = arith.constant 4 : i64
// CHECK-NEXT:    dycl.return %[[R]] : i64
// CHECK-NEXT:  }
func.func @decided_return(%x: tensor<4xf32>, %y: i64) -> i64 {
  %n = dycl.dim %x, 0 : tensor<4xf32>
  %3 = arith.constant 3 : i64
  %c = arith.cmpi sgt, %n, %3 : i64
  dycl.if %c {
    dycl.return %n : i64
  }
  %z = arith.addi %y, %y : i64
  dycl.return %z : i64
}

// A carried value that never changes is known in a loop, and behind it; one that changes is not.
// CHECK-LABEL: func.func @loop
// CHECK:         %r = arith.constant 1 : i64
// CHECK-NEXT:    dycl.for
// CHECK:           arith.addi %b, %{{.*}} : i64
// CHECK:         dycl.return %r, %s : i64, i64
func.func @loop(%n: i64) -> (i64, i64) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r, %s = dycl.for %i = %0 to %n step %1 iter_args(%a = %1 : i64, %b = %0 : i64) {
    %d = arith.muli %a, %1 : i64
    %e = arith.addi %b, %1 : i64
    dycl.yield %d, %e : i64, i64
  }
  dycl.return %r, %s : i64, i64
}

// A break with another value makes the result vary, but not what the loop carries.
// CHECK-LABEL: func.func @loop_with_break
// CHECK:         %r = dycl.for
// CHECK-NEXT:      %[[A:.*]] = arith.constant 1 : i64
// CHECK:           dycl.if %c {
// CHECK-NEXT:        dycl.break %i : i64
// CHECK:         dycl.return %r : i64
func.func @loop_with_break(%n: i64, %c: i1) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r = dycl.for %i = %0 to %n step %1 iter_args(%a = %1 : i64) {
    dycl.if %c {
      dycl.break %i : i64
    }
    dycl.yield %a : i64
  }
  dycl.return %r : i64
}

// Loops that are known not to run.
// CHECK-LABEL: func.func @no_loop
// CHECK-NEXT:    dycl.return %x, %x : i64, i64
func.func @no_loop(%x: i64) -> (i64, i64) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %m = arith.subi %0, %1 : i64
  %r = dycl.for %i = %0 to %m step %1 iter_args(%a = %x : i64) {
    dycl.yield %i : i64
  }
  %s = dycl.while (%a = %x : i64) -> (i64) {
    %c = arith.cmpi sgt, %m, %0 : i64
    dycl.condition(%c) %a : i64
  } do (%b : i64) {
    %d = arith.addi %b, %1 : i64
    dycl.yield %d : i64
  }
  dycl.return %r, %s : i64, i64
}

// CHECK-LABEL: func.func @while
// CHECK:         dycl.while
// CHECK:           arith.cmpi slt
// CHECK:           arith.addi
func.func @while(%x: i64) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %s = dycl.while (%a = %0 : i64) -> (i64) {
    %c = arith.cmpi slt, %a, %x : i64
    dycl.condition(%c) %a : i64
  } do (%b : i64) {
    %d = arith.addi %b, %1 : i64
    dycl.yield %d : i64
  }
  dycl.return %s : i64
}

// One operand can be enough.
// CHECK-LABEL: func.func @partly_known
// CHECK-DAG:     %[[F:.*]] = arith.constant false
// CHECK-DAG:     %[[Z:.*]] = arith.constant 0 : i64
// CHECK:         dycl.return %[[F]], %[[Z]]
func.func @partly_known(%c: i1, %x: i64) -> (i1, i64) {
  %f = arith.constant false
  %0 = arith.constant 0 : i64
  %a = arith.andi %c, %f : i1
  %b = arith.muli %x, %0 : i64
  dycl.return %a, %b : i1, i64
}

// Small tensors are computed; scalars that an ATen op takes go into its arguments.
// CHECK-LABEL: func.func @tensors
// CHECK-NEXT:    %b = dycl.constant dense<[1, 2, 3, 4]> : tensor<4xi64>
// CHECK-NEXT:    %y = dycl.aten add.Scalar(%x, 4, 1) : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    dycl.return %b, %y
func.func @tensors(%x: tensor<4xf32>) -> (tensor<4xi64>, tensor<4xf32>) {
  %a = dycl.aten arange.default(4, i64, none, none, none) : () -> tensor<4xi64>
  %b = dycl.aten add.Scalar(%a, 1, 1) : (tensor<4xi64>) -> tensor<4xi64>
  %n = dycl.dim %x, 0 : tensor<4xf32>
  %y = dycl.aten add.Scalar(%x, %n, 1) : (tensor<4xf32>, i64) -> tensor<4xf32>
  dycl.return %b, %y : tensor<4xi64>, tensor<4xf32>
}

// Not computed: what is larger than 1 KB, random numbers, weights, and what fails.
// CHECK-LABEL: func.func @not_computed
// CHECK:         dycl.aten zeros.default
// CHECK:         dycl.aten rand.default
// CHECK:         dycl.param "w"
// CHECK:         dycl.aten neg.default
// CHECK:         arith.floordivsi
// CHECK:         dycl.aten select.int
func.func @not_computed() -> (tensor<300xf32>, tensor<2xf32>, tensor<2xf32>, i64, tensor<i64>) {
  %0 = arith.constant 0 : i64
  %a = dycl.aten zeros.default([300], none, none, none, none) : () -> tensor<300xf32>
  %b = dycl.aten rand.default([2], none, none, none, none) : () -> tensor<2xf32>
  %w = dycl.param "w" : tensor<2xf32>
  %c = dycl.aten neg.default(%w) : (tensor<2xf32>) -> tensor<2xf32>
  %d = arith.floordivsi %0, %0 : i64
  %two = dycl.constant dense<[1, 2]> : tensor<2xi64>
  %e = dycl.aten select.int(%two, 0, 2) : (tensor<2xi64>) -> tensor<i64>
  dycl.return %a, %b, %c, %d, %e : tensor<300xf32>, tensor<2xf32>, tensor<2xf32>, i64, tensor<i64>
}
