// RUN: dycl-opt %s --pass-pipeline='func.func(unroll-loops{max-trip-count=3})' | filecheck %s

// CHECK-LABEL: func.func @down
// CHECK-NOT:     dycl.for
// CHECK:         %i = arith.constant 3 : i64
// CHECK-NEXT:    %[[A:.*]] = arith.addi %x, %i
// CHECK-NEXT:    %[[I:.*]] = arith.constant 1 : i64
// CHECK-NEXT:    %[[B:.*]] = arith.addi %[[A]], %[[I]]
// CHECK-NEXT:    dycl.return %[[B]]
func.func @down(%x: i64) -> i64 {
  %3 = arith.constant 3 : i64
  %0 = arith.constant 0 : i64
  %m = arith.constant -2 : i64
  %r = dycl.for %i = %3 to %0 step %m iter_args(%a = %x : i64) {
    %b = arith.addi %a, %i : i64
    dycl.yield %b : i64
  }
  dycl.return %r : i64
}

// CHECK-LABEL: func.func @never
// CHECK-NOT:     dycl.for
// CHECK:         dycl.return %x
func.func @never(%x: i64) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r = dycl.for %i = %1 to %0 step %1 iter_args(%a = %x : i64) {
    dycl.yield %i : i64
  }
  dycl.return %r : i64
}

// More iterations than max-trip-count, a step of zero, bounds that are not known: the loops stay.
// CHECK-LABEL: func.func @stay
// CHECK-COUNT-3: dycl.for
func.func @stay(%x: i64) -> (i64, i64, i64) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %4 = arith.constant 4 : i64
  %a = dycl.for %i = %0 to %4 step %1 iter_args(%s = %x : i64) {
    dycl.yield %i : i64
  }
  %b = dycl.for %i = %0 to %1 step %0 iter_args(%s = %x : i64) {
    dycl.yield %i : i64
  }
  %c = dycl.for %i = %0 to %x step %1 iter_args(%s = %x : i64) {
    dycl.yield %i : i64
  }
  dycl.return %a, %b, %c : i64, i64, i64
}

// What follows gains at any trip count: a carried value that grows by known sizes, a branch or an inner loop's bound that
// the induction variable decides, a weight that it selects of, and a body without control flow.
// CHECK-LABEL: func.func @grows
// CHECK-NOT:     dycl.for
// CHECK:         %[[A:.*]] = dycl.aten cat.default([%x, %x], 0) : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
// CHECK-COUNT-3: dycl.aten cat.default
// CHECK-NOT:     dycl.aten cat.default
func.func @grows(%x: tensor<1x4xf32>) -> tensor<?x4xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %4 = arith.constant 4 : i64
  %r = dycl.for %i = %0 to %4 step %1 iter_args(%a : tensor<?x4xf32> = %x : tensor<1x4xf32>) {
    %b = dycl.aten cat.default([%a, %x], 0) : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
    dycl.yield %b : tensor<?x4xf32>
  }
  dycl.return %r : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @chooses
// CHECK-NOT:     dycl.for
// CHECK-COUNT-4: dycl.switch
func.func @chooses(%x: i64) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %4 = arith.constant 4 : i64
  %r = dycl.for %i = %0 to %4 step %1 iter_args(%a = %x : i64) {
    %b = dycl.switch %i -> (i64) case 0 {
      dycl.yield %a : i64
    } default {
      dycl.yield %i : i64
    }
    dycl.yield %b : i64
  }
  dycl.return %r : i64
}

// A return stays flat.
// CHECK-LABEL: func.func @returns
// CHECK-NOT:     dycl.for
// CHECK:         %[[C0:.*]] = arith.cmpi sgt, %x, %i
// CHECK-NEXT:    dycl.if %[[C0]] {
// CHECK-NEXT:      dycl.return %i
// CHECK-NEXT:    }
// CHECK-NEXT:    arith.addi
// CHECK:         arith.cmpi
// CHECK-NEXT:    dycl.if
// CHECK-NEXT:      dycl.return
// CHECK-NEXT:    }
func.func @returns(%x: i64) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %2 = arith.constant 2 : i64
  %r = dycl.for %i = %0 to %2 step %1 iter_args(%a = %x : i64) {
    %c = arith.cmpi sgt, %a, %i : i64
    dycl.if %c {
      dycl.return %i : i64
    }
    %b = arith.addi %a, %i : i64
    dycl.yield %b : i64
  }
  dycl.return %r : i64
}

// After a break nothing of the loop runs: the rest of the iteration and the iterations after it are in the other side.
// CHECK-LABEL: func.func @breaks
// CHECK-NOT:     dycl.for
// CHECK:         %r = dycl.if %[[C0:.*]] -> (i64) {
// CHECK-NEXT:      dycl.yield %x
// CHECK-NEXT:    } else {
// CHECK-NEXT:      %[[B:.*]] = arith.addi
// CHECK:           %[[R:.*]] = dycl.if %[[C1:.*]] -> (i64) {
// CHECK-NEXT:        dycl.yield %[[B]]
// CHECK-NEXT:      } else {
// CHECK-NEXT:        %[[D:.*]] = arith.addi
// CHECK-NEXT:        dycl.yield %[[D]]
// CHECK-NEXT:      }
// CHECK-NEXT:      dycl.yield %[[R]]
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.return %r
func.func @breaks(%x: i64) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %2 = arith.constant 2 : i64
  %r = dycl.for %i = %0 to %2 step %1 iter_args(%a = %x : i64) {
    %c = arith.cmpi sgt, %a, %i : i64
    dycl.if %c {
      dycl.break %a : i64
    }
    %b = arith.addi %a, %i : i64
    dycl.yield %b : i64
  }
  dycl.return %r : i64
}

// After a continue the next iteration runs: the two ways meet before it.
// CHECK-LABEL: func.func @continues
// CHECK-NOT:     dycl.for
// CHECK:         %[[A:.*]] = dycl.if %[[C0:.*]] -> (i64) {
// CHECK-NEXT:      dycl.yield %x
// CHECK-NEXT:    } else {
// CHECK-NEXT:      %[[B:.*]] = arith.addi
// CHECK-NEXT:      dycl.yield %[[B]]
// CHECK-NEXT:    }
// CHECK:         arith.cmpi sgt, %[[A]]
// CHECK-NEXT:    dycl.if
func.func @continues(%x: i64) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %2 = arith.constant 2 : i64
  %r = dycl.for %i = %0 to %2 step %1 iter_args(%a = %x : i64) {
    %c = arith.cmpi sgt, %a, %i : i64
    dycl.if %c {
      dycl.continue %a : i64
    }
    %b = arith.addi %a, %i : i64
    dycl.yield %b : i64
  }
  dycl.return %r : i64
}

// Break and continue: what follows would be copied, so the loop stays.
// CHECK-LABEL: func.func @both
// CHECK:         dycl.for
func.func @both(%x: i64) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %2 = arith.constant 2 : i64
  %r = dycl.for %i = %0 to %2 step %1 iter_args(%a = %x : i64) {
    %c = arith.cmpi sgt, %a, %i : i64
    dycl.if %c {
      dycl.continue %a : i64
    }
    %d = arith.cmpi sgt, %x, %i : i64
    dycl.if %d {
      dycl.break %a : i64
    }
    dycl.yield %i : i64
  }
  dycl.return %r : i64
}

// Break, then continue: only one way leads to the next iteration once the two ways of `continue` have met.
// CHECK-LABEL: func.func @break_then_continue
// CHECK-NOT:     dycl.for
// CHECK:         dycl.return
func.func @break_then_continue(%x: i64) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %2 = arith.constant 2 : i64
  %r = dycl.for %i = %0 to %2 step %1 iter_args(%a = %x : i64) {
    %d = arith.cmpi sgt, %x, %i : i64
    dycl.if %d {
      dycl.break %a : i64
    }
    %c = arith.cmpi sgt, %a, %i : i64
    dycl.if %c {
      dycl.continue %a : i64
    }
    %b = arith.addi %a, %i : i64
    dycl.yield %b : i64
  }
  dycl.return %r : i64
}

// A loop whose body always returns: the code behind it cannot run.
// CHECK-LABEL: func.func @always_returns
// CHECK-NOT:     dycl.for
// CHECK:         dycl.return %[[V:.*]] : i64
// CHECK-NEXT:  }
func.func @always_returns(%x: i64) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r = dycl.for %i = %0 to %1 step %1 iter_args(%a = %x : i64) {
    dycl.return %i : i64
  }
  %s = arith.addi %r, %x : i64
  dycl.return %s : i64
}

// Nested loops, the inner one by the outer's variable.
// CHECK-LABEL: func.func @nested
// CHECK-NOT:     dycl.for
// CHECK-COUNT-3: arith.addi
// CHECK-NOT:     arith.addi
func.func @nested(%x: i64) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %3 = arith.constant 3 : i64
  %r = dycl.for %i = %0 to %3 step %1 iter_args(%a = %x : i64) {
    %s = dycl.for %j = %0 to %i step %1 iter_args(%b = %a : i64) {
      %d = arith.addi %b, %j : i64
      dycl.yield %d : i64
    }
    dycl.yield %s : i64
  }
  dycl.return %r : i64
}

// A continue inside a side that goes on: the rest of that side, then of the iteration, is in its other side.
// CHECK-LABEL: func.func @nested_continue
// CHECK-NOT:     dycl.for
// CHECK:         %r = dycl.if %c -> (i64) {
// CHECK-NEXT:      dycl.if %d -> (i64) {
// CHECK-NEXT:        dycl.yield %x
// CHECK-NEXT:      } else {
// CHECK-NEXT:        arith.muli
// CHECK-NEXT:        arith.addi
// CHECK-NEXT:        dycl.yield
// CHECK-NEXT:      }
// CHECK-NEXT:      dycl.yield
// CHECK-NEXT:    } else {
// CHECK-NEXT:      dycl.yield %x
// CHECK-NEXT:    }
func.func @nested_continue(%x: i64, %c: i1, %d: i1) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r = dycl.for %i = %0 to %1 step %1 iter_args(%a = %x : i64) {
    %b = dycl.if %c -> (i64) {
      dycl.if %d {
        dycl.continue %a : i64
      }
      %e = arith.muli %a, %a : i64
      dycl.yield %e : i64
    } else {
      dycl.break %a : i64
    }
    %f = arith.addi %b, %a : i64
    dycl.yield %f : i64
  }
  dycl.return %r : i64
}

// One kernel of eight products instead of eight launches.
// CHECK-LABEL: func.func @fuses
// CHECK-COUNT-8: dycl.aten mm.default
// CHECK-NOT:     dycl.aten
func.func @fuses(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %8 = arith.constant 8 : i64
  %r = dycl.for %i = %0 to %8 step %1 iter_args(%a = %x : tensor<4x4xf32>) {
    %b = dycl.aten mm.default(%a, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    dycl.yield %b : tensor<4x4xf32>
  }
  dycl.return %r : tensor<4x4xf32>
}

// The host takes the branch in each iteration: as many launches either way.
// CHECK-LABEL: func.func @waits
// CHECK:         dycl.for
func.func @waits(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %8 = arith.constant 8 : i64
  %r = dycl.for %i = %0 to %8 step %1 iter_args(%a = %x : tensor<4x4xf32>) {
    %b = dycl.aten mm.default(%a, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %any = dycl.aten any.default(%b) : (tensor<4x4xf32>) -> tensor<i1>
    %stop = dycl.item %any : tensor<i1> -> i1
    dycl.if %stop {
      dycl.break %b : tensor<4x4xf32>
    }
    dycl.yield %b : tensor<4x4xf32>
  }
  dycl.return %r : tensor<4x4xf32>
}

// One iteration of it outweighs the launch that it would save.
// CHECK-LABEL: func.func @heavy
// CHECK:         dycl.for
func.func @heavy(%x: tensor<512x512xf32>, %w: tensor<512x512xf32>) -> tensor<512x512xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %8 = arith.constant 8 : i64
  %r = dycl.for %i = %0 to %8 step %1 iter_args(%a = %x : tensor<512x512xf32>) {
    %b = dycl.aten mm.default(%a, %w) : (tensor<512x512xf32>, tensor<512x512xf32>) -> tensor<512x512xf32>
    dycl.yield %b : tensor<512x512xf32>
  }
  dycl.return %r : tensor<512x512xf32>
}

// The induction variable looks up in a table how often the inner loop runs, and whether to skip.
// CHECK-LABEL: func.func @table
// CHECK-NOT:     dycl.for
// CHECK-COUNT-6: arith.muli
// CHECK-NOT:     arith.muli
func.func @table(%x: i64) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %4 = arith.constant 4 : i64
  %counts = dycl.constant dense<[1, 2, 0, 3]> : tensor<4xi64>
  %r = dycl.for %i = %0 to %4 step %1 iter_args(%a = %x : i64) {
    %row = dycl.aten select.int(%counts, 0, %i) : (tensor<4xi64>, i64) -> tensor<i64>
    %n = dycl.item %row : tensor<i64> -> i64
    %s = dycl.for %j = %0 to %n step %1 iter_args(%b = %a : i64) {
      %d = arith.muli %b, %b : i64
      dycl.yield %d : i64
    }
    dycl.yield %s : i64
  }
  dycl.return %r : i64
}

// CHECK-LABEL: func.func @part_of_a_weight
// CHECK-NOT:     dycl.for
func.func @part_of_a_weight(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %8 = arith.constant 8 : i64
  %w = dycl.param "layers" : tensor<8x4x4xf32>
  %r = dycl.for %i = %0 to %8 step %1 iter_args(%a = %x : tensor<4x4xf32>) {
    %l = dycl.aten select.int(%w, 0, %i) : (tensor<8x4x4xf32>, i64) -> tensor<4x4xf32>
    %b = dycl.aten mm.default(%a, %l) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %any = dycl.aten any.default(%b) : (tensor<4x4xf32>) -> tensor<i1>
    %stop = dycl.item %any : tensor<i1> -> i1
    dycl.if %stop {
      dycl.break %b : tensor<4x4xf32>
    }
    dycl.yield %b : tensor<4x4xf32>
  }
  dycl.return %r : tensor<4x4xf32>
}

// The body drops rows: nobody knows how many, unrolled or not.
// CHECK-LABEL: func.func @shrinks
// CHECK:         dycl.for
func.func @shrinks(%x: tensor<4x4xf32>) -> tensor<?x4xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %8 = arith.constant 8 : i64
  %r = dycl.for %i = %0 to %8 step %1 iter_args(%a : tensor<?x4xf32> = %x : tensor<4x4xf32>) {
    %m = dycl.aten any.dim(%a, 1, false) : (tensor<?x4xf32>) -> tensor<?xi1>
    %b = dycl.aten index.Tensor(%a, [%m]) : (tensor<?x4xf32>, tensor<?xi1>) -> tensor<?x4xf32>
    %n = dycl.dim %b, 0 : tensor<?x4xf32>
    %stop = arith.cmpi eq, %n, %0 : i64
    dycl.if %stop {
      dycl.break %b : tensor<?x4xf32>
    }
    dycl.yield %b : tensor<?x4xf32>
  }
  dycl.return %r : tensor<?x4xf32>
}
