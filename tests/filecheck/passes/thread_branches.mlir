// RUN: dycl-opt %s --pass-pipeline='func.func(thread-branches)' | filecheck %s

// What the second branch needs goes before the first, where it cannot fail; the rest stays behind both.
// CHECK-LABEL: func.func @one_of_two
// CHECK:         %n = arith.addi %a, %a
// CHECK-NEXT:    %r, %s = dycl.if %c -> (i64, i64) {
// CHECK-NEXT:      %t = arith.muli %a, %a
// CHECK-NEXT:      %u = arith.addi %t, %n
// CHECK-NEXT:      dycl.yield %t, %u
// CHECK-NEXT:    } else {
// CHECK-NEXT:      dycl.yield %a, %n
// CHECK-NEXT:    }
// CHECK-NEXT:    %later = arith.addi %r, %a
// CHECK-NEXT:    dycl.return %s, %later
func.func @one_of_two(%a: i64, %c: i1) -> (i64, i64) {
  %r = dycl.if %c -> (i64) {
    %t = arith.muli %a, %a : i64
    dycl.yield %t : i64
  } else {
    dycl.yield %a : i64
  }
  %later = arith.addi %r, %a : i64
  %n = arith.addi %a, %a : i64
  %s = dycl.if %c -> (i64) {
    %u = arith.addi %r, %n : i64
    dycl.yield %u : i64
  } else {
    dycl.yield %n : i64
  }
  dycl.return %s, %later : i64, i64
}

// A branch on the negation joins with its sides the other way round, and may leave.
// CHECK-LABEL: func.func @negated
// CHECK:         %not = arith.xori %c, %true
// CHECK-NEXT:    %r = dycl.if %c -> (i64) {
// CHECK-NEXT:      %t = arith.addi %a, %a
// CHECK-NEXT:      dycl.yield %t
// CHECK-NEXT:    } else {
// CHECK-NEXT:      dycl.return %a
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.return %r
func.func @negated(%a: i64, %c: i1) -> i64 {
  %true = arith.constant true
  %r = dycl.if %c -> (i64) {
    %t = arith.addi %a, %a : i64
    dycl.yield %t : i64
  } else {
    dycl.yield %a : i64
  }
  %not = arith.xori %c, %true : i1
  dycl.if %not {
    dycl.return %r : i64
  }
  dycl.return %r : i64
}

// An assertion, random numbers, and what depends on the first branch and is needed by the second, stay between them;
// so does a division that the first branch might have kept from failing.
// CHECK-LABEL: func.func @stay
// CHECK-COUNT-8: dycl.if
func.func @stay(%x: tensor<4xf32>, %a: i64, %b: i64, %c: i1, %d: i1) -> (i64, tensor<4xf32>, i64, i64) {
  %r = dycl.if %c -> (i64) {
    dycl.yield %a : i64
  } else {
    dycl.yield %b : i64
  }
  dycl.assert %d, "between"
  %s = dycl.if %c -> (i64) {
    dycl.yield %b : i64
  } else {
    dycl.yield %r : i64
  }
  %t = dycl.if %d -> (tensor<4xf32>) {
    %y = dycl.aten rand_like.default(%x, none, none, none, none, none) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %y : tensor<4xf32>
  } else {
    dycl.yield %x : tensor<4xf32>
  }
  %noise = dycl.aten rand_like.default(%x, none, none, none, none, none) : (tensor<4xf32>) -> tensor<4xf32>
  %u = dycl.if %d -> (tensor<4xf32>) {
    %z = dycl.aten add.Tensor(%t, %noise, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %z : tensor<4xf32>
  } else {
    dycl.yield %t : tensor<4xf32>
  }
  %0 = arith.constant 0 : i64
  %e = arith.cmpi eq, %a, %0 : i64
  %v = dycl.if %e -> (i64) {
    dycl.yield %b : i64
  } else {
    dycl.yield %a : i64
  }
  %w = arith.addi %v, %b : i64
  %y = dycl.if %e -> (i64) {
    dycl.yield %w : i64
  } else {
    dycl.yield %b : i64
  }
  %f = arith.cmpi eq, %b, %0 : i64
  dycl.if %f {
    dycl.assert %d, "no divisor"
  }
  %q = arith.floordivsi %a, %b : i64
  %p = dycl.if %f -> (i64) {
    dycl.yield %a : i64
  } else {
    dycl.yield %q : i64
  }
  dycl.return %s, %u, %y, %p : i64, tensor<4xf32>, i64, i64
}

// A condition is known on the sides of its branch, behind the one that leaves, and behind its assertion; not in the
// next iteration of a loop that decides anew.
// CHECK-LABEL: func.func @decided
// CHECK:         dycl.if %c {
// CHECK-NEXT:      %[[T:.*]] = arith.constant true
// CHECK-NEXT:      dycl.return %[[T]]
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.assert %d, "d"
// CHECK-NEXT:    %[[D:.*]] = arith.constant true
// CHECK-NEXT:    dycl.assert %[[D]], "d again"
// CHECK:         dycl.for
// CHECK-NEXT:      %e = arith.cmpi
// CHECK-NEXT:      dycl.if %e
// CHECK:         %[[C:.*]] = arith.constant false
// CHECK-NEXT:    dycl.return %[[C]]
func.func @decided(%c: i1, %d: i1, %n: i64) -> i1 {
  dycl.if %c {
    dycl.return %c : i1
  }
  dycl.assert %d, "d"
  dycl.assert %d, "d again"
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  dycl.for %i = %0 to %n step %1 {
    %e = arith.cmpi slt, %i, %1 : i64
    dycl.if %e {
      dycl.continue
    }
    dycl.yield
  }
  dycl.return %c : i1
}
