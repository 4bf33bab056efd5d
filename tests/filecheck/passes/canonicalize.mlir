// RUN: dycl-opt %s --pass-pipeline='func.func(canonicalize)' | filecheck %s

// CHECK-LABEL: func.func @decided
// CHECK-NEXT:    %a = arith.addi %x, %x : i64
// CHECK-NEXT:    dycl.return %a : i64
func.func @decided(%x: i64) -> i64 {
  %t = arith.constant true
  %r = dycl.if %t -> (i64) {
    %a = arith.addi %x, %x : i64
    dycl.yield %a : i64
  } else {
    dycl.yield %x : i64
  }
  dycl.return %r : i64
}

// The side taken leaves: what is behind it cannot run.
// CHECK-LABEL: func.func @decided_return
// CHECK-NEXT:    dycl.return %x : i64
// CHECK-NEXT:  }
func.func @decided_return(%x: i64, %c: i1) -> i64 {
  %f = arith.constant false
  dycl.if %f {
    dycl.yield
  } else {
    dycl.return %x : i64
  }
  dycl.assert %c, "never checked"
  %a = arith.addi %x, %x : i64
  dycl.return %a : i64
}

// CHECK-LABEL: func.func @decided_switch
// CHECK-NEXT:    dycl.return %y, %x : i64, i64
func.func @decided_switch(%x: i64, %y: i64) -> (i64, i64) {
  %2 = arith.constant 2 : i64
  %7 = arith.constant 7 : i64
  %a = dycl.switch %2 -> (i64) case 0 {
    dycl.yield %x : i64
  } case 2 {
    dycl.yield %y : i64
  } default {
    dycl.yield %2 : i64
  }
  %b = dycl.switch %7 -> (i64) case 0 {
    dycl.yield %y : i64
  } default {
    dycl.yield %x : i64
  }
  dycl.return %a, %b : i64, i64
}

// Where one side leaves, the other goes on behind the branch.
// CHECK-LABEL: func.func @flatten
// CHECK-NEXT:    dycl.if %c {
// CHECK-NEXT:      dycl.return %x : i64
// CHECK-NEXT:    }
// CHECK-NEXT:    %a = arith.addi %x, %x : i64
// CHECK-NEXT:    %b = arith.addi %a, %x : i64
// CHECK-NEXT:    dycl.return %b : i64
func.func @flatten(%x: i64, %c: i1) -> i64 {
  %r = dycl.if %c -> (i64) {
    dycl.return %x : i64
  } else {
    %a = arith.addi %x, %x : i64
    dycl.yield %a : i64
  }
  %b = arith.addi %r, %x : i64
  dycl.return %b : i64
}

// CHECK-LABEL: func.func @all_leave
// CHECK-NEXT:    dycl.if %c {
// CHECK-NEXT:      dycl.return %x : i64
// CHECK-NEXT:    }
// CHECK-NEXT:    %a = arith.addi %x, %x : i64
// CHECK-NEXT:    dycl.return %a : i64
// CHECK-NEXT:  }
func.func @all_leave(%x: i64, %c: i1) -> i64 {
  dycl.if %c {
    dycl.return %x : i64
  } else {
    %a = arith.addi %x, %x : i64
    dycl.return %a : i64
  }
  dycl.return %x : i64
}

// Results that do not depend on the side, and results that nobody uses.
// CHECK-LABEL: func.func @results
// CHECK-NEXT:    %[[P:.*]] = dycl.param "w"
// CHECK-NEXT:    %d = dycl.if %c -> (tensor<4xf32>) {
// CHECK-NEXT:      %[[Y:.*]] = dycl.aten relu.default(%x)
// CHECK-NEXT:      dycl.yield %[[Y]] : tensor<4xf32>
// CHECK-NEXT:    } else {
// CHECK-NEXT:      dycl.yield %x : tensor<4xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.return %x, %[[P]], %d
func.func @results(%x: tensor<4xf32>, %c: i1) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %a, %p, %u, %d = dycl.if %c -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
    %w = dycl.param "w" : tensor<4xf32>
    %y = dycl.aten relu.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %z = dycl.aten sigmoid.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %x, %w, %z, %y : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  } else {
    %w = dycl.param "w" : tensor<4xf32>
    dycl.yield %x, %w, %w, %x : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }
  dycl.return %a, %p, %d : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// An `if` that only chooses between scalars is a select; between true and false, its condition.
// CHECK-LABEL: func.func @select
// CHECK-NEXT:    %r = arith.select %c, %x, %y : i64
// CHECK-NEXT:    dycl.return %r, %c : i64, i1
func.func @select(%x: i64, %y: i64, %c: i1) -> (i64, i1) {
  %r, %s = dycl.if %c -> (i64, i1) {
    %t = arith.constant true
    dycl.yield %x, %t : i64, i1
  } else {
    %f = arith.constant false
    dycl.yield %y, %f : i64, i1
  }
  dycl.return %r, %s : i64, i1
}

// One that does more stays: its ops must not run on the other path.
// CHECK-LABEL: func.func @no_select
// CHECK-NEXT:    dycl.if
// CHECK-NOT:     arith.select
func.func @no_select(%x: i64, %y: i64, %c: i1) -> i64 {
  %r = dycl.if %c -> (i64) {
    %q = arith.floordivsi %x, %y : i64
    dycl.yield %q : i64
  } else {
    dycl.yield %y : i64
  }
  dycl.return %r : i64
}

// CHECK-LABEL: func.func @arithmetic
// CHECK-DAG:     %[[MIN:.*]] = arith.constant -9223372036854775808 : i64
// CHECK-DAG:     %[[TRUE:.*]] = arith.constant true
// CHECK-NEXT:    dycl.return %[[MIN]], %b, %[[TRUE]]
func.func @arithmetic(%b: i1) -> (i64, i1, i1) {
  %max = arith.constant 9223372036854775807 : i64
  %1 = arith.constant 1 : i64
  %t = arith.constant true
  %wraps = arith.addi %max, %1 : i64
  %n = arith.xori %b, %t : i1
  %nn = arith.xori %n, %t : i1
  %o = arith.ori %nn, %t : i1
  %nan = arith.constant 0x7FF8000000000000 : f64
  %une = arith.cmpf une, %nan, %nan : f64
  %both = arith.andi %o, %une : i1
  dycl.return %wraps, %nn, %both : i64, i1, i1
}

// A division by zero is not folded: it fails at run time, as in the source.
// CHECK-LABEL: func.func @division
// CHECK:         arith.floordivsi
func.func @division() -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %q = arith.floordivsi %1, %0 : i64
  dycl.return %q : i64
}

// CHECK-LABEL: func.func @scalars_of_tensors
// CHECK-NEXT:    %[[N:.*]] = arith.constant 3 : i64
// CHECK-NEXT:    %[[B:.*]] = dycl.dim %y, 0
// CHECK-NEXT:    dycl.return %[[N]], %[[B]], %f, %z
func.func @scalars_of_tensors(%x: tensor<3xf32>, %y: tensor<?xf32>, %f: f64, %z: tensor<f32>)
    -> (i64, i64, f64, tensor<f32>) {
  %a = dycl.dim %x, 0 : tensor<3xf32>
  %b = dycl.dim %y, 0 : tensor<?xf32>
  %t = dycl.scalar_tensor %f : f64 -> tensor<f64>
  %g = dycl.item %t : tensor<f64> -> f64
  %s = dycl.item %z : tensor<f32> -> f64
  %w = dycl.scalar_tensor %s : f64 -> tensor<f32>
  dycl.return %a, %b, %g, %w : i64, i64, f64, tensor<f32>
}

// An f32 does not hold every f64: the rounding stays.
// CHECK-LABEL: func.func @rounding
// CHECK:         dycl.scalar_tensor
// CHECK:         dycl.item
func.func @rounding(%f: f64) -> f64 {
  %t = dycl.scalar_tensor %f : f64 -> tensor<f32>
  %g = dycl.item %t : tensor<f32> -> f64
  dycl.return %g : f64
}

// CHECK-LABEL: func.func @give_input_back
// CHECK-NEXT:    dycl.return %x, %x, %x, %x, %x, %x
func.func @give_input_back(%x: tensor<2x4xf32>)
    -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) {
  %a = dycl.aten dropout.default(%x, 0.5, false) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %b = dycl.aten contiguous.default(%x, none) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %c = dycl.aten to.dtype(%x, f32, false, false, none) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %d = dycl.aten view.default(%x, [2, 4]) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %e = dycl.aten cat.default([%x], 0) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %f = dycl.aten slice.Tensor(%x, 0, 0, 9223372036854775807, 1) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  dycl.return %a, %b, %c, %d, %e, %f
    : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
}

// Dropout in training, another dtype, a permutation of equal sizes, a size known only at run time: these do something.
// CHECK-LABEL: func.func @not_the_input
// CHECK:         dycl.aten dropout.default
// CHECK:         dycl.aten to.dtype
// CHECK:         dycl.aten permute.default
// CHECK:         dycl.aten slice.Tensor
func.func @not_the_input(%x: tensor<4x4xf32>, %y: tensor<?xf32>)
    -> (tensor<4x4xf32>, tensor<4x4xf16>, tensor<4x4xf32>, tensor<?xf32>) {
  %a = dycl.aten dropout.default(%x, 0.5, true) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %b = dycl.aten to.dtype(%x, f16, false, false, none) : (tensor<4x4xf32>) -> tensor<4x4xf16>
  %c = dycl.aten permute.default(%x, [1, 0]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %d = dycl.aten slice.Tensor(%y, 0, 1, 3, 1) : (tensor<?xf32>) -> tensor<?xf32>
  dycl.return %a, %b, %c, %d : tensor<4x4xf32>, tensor<4x4xf16>, tensor<4x4xf32>, tensor<?xf32>
}

// What a loop carries but never changes, and what only it depends on.
// CHECK-LABEL: func.func @carried
// CHECK:         %s = dycl.for %i = %{{.*}} to %n step %{{.*}} iter_args(%b = %x : i64) {
// CHECK-NEXT:      %[[B:.*]] = arith.addi %b, %x : i64
// CHECK-NEXT:      dycl.yield %[[B]] : i64
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.return %x, %s
func.func @carried(%x: i64, %n: i64) -> (i64, i64) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r, %s, %u = dycl.for %i = %0 to %n step %1 iter_args(%a = %x : i64, %b = %x : i64, %c = %x : i64) {
    %d = arith.addi %b, %a : i64
    dycl.yield %a, %d, %c : i64, i64, i64
  }
  dycl.return %r, %s : i64, i64
}

// A loop that may break with another value keeps it.
// CHECK-LABEL: func.func @breaks_with_another
// CHECK:         dycl.for %i = %{{.*}} iter_args(%a = %x : i64)
func.func @breaks_with_another(%x: i64, %n: i64, %c: i1) -> i64 {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r = dycl.for %i = %0 to %n step %1 iter_args(%a = %x : i64) {
    dycl.if %c {
      dycl.break %i : i64
    }
    dycl.yield %a : i64
  }
  dycl.return %r : i64
}

// CHECK-LABEL: func.func @never_loops
// CHECK-NEXT:    dycl.return %x, %x
func.func @never_loops(%x: i64) -> (i64, i64) {
  %5 = arith.constant 5 : i64
  %1 = arith.constant 1 : i64
  %f = arith.constant false
  %r = dycl.for %i = %5 to %1 step %1 iter_args(%a = %x : i64) {
    dycl.yield %i : i64
  }
  %s = dycl.while (%a = %x : i64) -> (i64) {
    dycl.condition(%f) %a : i64
  } do (%b : i64) {
    %d = arith.addi %b, %1 : i64
    dycl.yield %d : i64
  }
  dycl.return %r, %s : i64, i64
}

// What a while carries: %p never changes, %q nobody asks for, %s is handed on twice, %x comes from outside.
// CHECK-LABEL: func.func @carried_by_while
// CHECK-NEXT:    %[[ONE:.*]] = arith.constant 1
// CHECK-NEXT:    %r = dycl.while (%a = %n : i64) -> (i64) {
// CHECK-NEXT:      %more = arith.cmpi slt, %a, %x
// CHECK-NEXT:      dycl.condition(%more) %a : i64
// CHECK-NEXT:    } do (%b: i64) {
// CHECK-NEXT:      %[[B:.*]] = arith.addi %b, %[[ONE]]
// CHECK-NEXT:      %[[C:.*]] = arith.addi %[[B]], %b
// CHECK-NEXT:      %[[D:.*]] = arith.addi %[[C]], %x
// CHECK-NEXT:      dycl.yield %[[D]] : i64
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.return %r, %x, %r
func.func @carried_by_while(%x: i64, %n: i64) -> (i64, i64, i64) {
  %1 = arith.constant 1 : i64
  %r, %s, %t, %u = dycl.while (%a = %n : i64, %p = %x : i64, %q = %x : i64) -> (i64, i64, i64, i64) {
    %more = arith.cmpi slt, %a, %p : i64
    dycl.condition(%more) %a, %p, %a, %q : i64, i64, i64, i64
  } do (%b: i64, %p1: i64, %c: i64, %q1: i64) {
    %d = arith.addi %b, %1 : i64
    %e = arith.addi %d, %c : i64
    %f = arith.addi %e, %p1 : i64
    dycl.yield %f, %p1, %q1 : i64, i64, i64
  }
  dycl.return %r, %s, %t : i64, i64, i64
}

// A break may give another value than what was handed on: the results stay two.
// CHECK-LABEL: func.func @breaks_while
// CHECK:         %r, %s = dycl.while (%a = %n : i64) -> (i64, i64) {
// CHECK-NEXT:      dycl.condition(%go) %a, %a
// CHECK:             dycl.break %b, %x
// CHECK:         dycl.return %r, %s
func.func @breaks_while(%x: i64, %n: i64, %go: i1) -> (i64, i64) {
  %r, %s = dycl.while (%a = %n : i64) -> (i64, i64) {
    dycl.condition(%go) %a, %a : i64, i64
  } do (%b: i64, %c: i64) {
    dycl.if %go {
      dycl.break %b, %x : i64, i64
    }
    %d = arith.addi %b, %c : i64
    dycl.yield %d : i64
  }
  dycl.return %r, %s : i64, i64
}

// What is selected of pieces is selected of the one that holds it, where the sizes tell which that is.
// CHECK-LABEL: func.func @pieces
// CHECK-NEXT:    %all = dycl.aten cat.default([%list, %x], 0)
// CHECK-NEXT:    %last = dycl.aten select.int(%x, 0, -1)
// CHECK-NEXT:    %far = dycl.aten select.int(%all, 0, -3)
// CHECK-NEXT:    %first = dycl.aten select.int(%all, 0, 0)
// CHECK-NEXT:    %column = dycl.aten select.int(%all, 1, -1)
// CHECK-NEXT:    dycl.return %last, %far, %first, %column, %y
func.func @pieces(%list: tensor<?x4xf32>, %x: tensor<2x4xf32>, %y: tensor<4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<?xf32>, tensor<4xf32>) {
  %all = dycl.aten cat.default([%list, %x], 0) : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x4xf32>
  %last = dycl.aten select.int(%all, 0, -1) : (tensor<?x4xf32>) -> tensor<4xf32>
  %far = dycl.aten select.int(%all, 0, -3) : (tensor<?x4xf32>) -> tensor<4xf32>
  %first = dycl.aten select.int(%all, 0, 0) : (tensor<?x4xf32>) -> tensor<4xf32>
  %column = dycl.aten select.int(%all, 1, -1) : (tensor<?x4xf32>) -> tensor<?xf32>
  %one = dycl.aten stack.default([%y], 0) : (tensor<4xf32>) -> tensor<1x4xf32>
  %same = dycl.aten select.int(%one, 0, -1) : (tensor<1x4xf32>) -> tensor<4xf32>
  dycl.return %last, %far, %first, %column, %same : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<?xf32>, tensor<4xf32>
}

// A list that grows by one item after another is stacked at once; its items are what is selected of it.
// CHECK-LABEL: func.func @grown
// CHECK-NEXT:    %all = dycl.aten stack.default([%x, %y, %x], 0)
// CHECK-NEXT:    dycl.return %all, %y
func.func @grown(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<3x4xf32>, tensor<4xf32>) {
  %none = dycl.constant dense<> : tensor<0x4xf32>
  %a = dycl.aten unsqueeze.default(%x, 0) : (tensor<4xf32>) -> tensor<1x4xf32>
  %one = dycl.aten cat.default([%none, %a], 0) : (tensor<0x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  %b = dycl.aten unsqueeze.default(%y, 0) : (tensor<4xf32>) -> tensor<1x4xf32>
  %two = dycl.aten cat.default([%one, %b], 0) : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<2x4xf32>
  %all = dycl.aten cat.default([%two, %a], 0) : (tensor<2x4xf32>, tensor<1x4xf32>) -> tensor<3x4xf32>
  %second = dycl.aten select.int(%all, 0, -2) : (tensor<3x4xf32>) -> tensor<4xf32>
  dycl.return %all, %second : tensor<3x4xf32>, tensor<4xf32>
}

// Pieces stay together that something else takes, that lie along another axis, or that an outer block has made.
// CHECK-LABEL: func.func @not_grown
// CHECK:         %one = dycl.aten cat.default([%x, %x], 0)
// CHECK:         %two = dycl.aten cat.default([%one, %x], 0)
// CHECK:         %wide = dycl.aten cat.default([%two, %two], 1)
// CHECK:         %half = dycl.aten cat.default([%y, %x], 0)
// CHECK:           %inner = dycl.aten cat.default([%half, %x], 0)
func.func @not_grown(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>, %c: i1)
    -> (tensor<?x4xf32>, tensor<?x8xf32>, tensor<?x4xf32>) {
  %one = dycl.aten cat.default([%x, %x], 0) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %two = dycl.aten cat.default([%one, %x], 0) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %wide = dycl.aten cat.default([%two, %two], 1) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
  %half = dycl.aten cat.default([%y, %x], 0) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %r = dycl.if %c -> (tensor<?x4xf32>) {
    %inner = dycl.aten cat.default([%half, %x], 0) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    dycl.yield %inner : tensor<?x4xf32>
  } else {
    dycl.yield %x : tensor<?x4xf32>
  }
  dycl.return %one, %wide, %r : tensor<?x4xf32>, tensor<?x8xf32>, tensor<?x4xf32>
}

// A value that only later iterations look at begins as what the first one takes instead.
// CHECK-LABEL: func.func @first_iteration
// CHECK:         %h, %r = dycl.while (%a : tensor<?xf32> = %x : tensor<4xf32>, %i = %n : i64) -> (tensor<?xf32>, i64) {
// CHECK:           dycl.condition(%more) %a, %i
// CHECK-NEXT:    } do (%b: tensor<?xf32>, %j: i64) {
// CHECK-NEXT:      %s = dycl.aten sum.default(%b, none)
// CHECK-NOT:       dycl.if
// CHECK:           %grown = dycl.aten cat.default([%b, %x], 0)
func.func @first_iteration(%x: tensor<4xf32>, %n: i64) -> i64 {
  %false = arith.constant false
  %nothing = dycl.constant dense<0.0> : tensor<1xf32>
  %0 = arith.constant 0 : i64
  %f, %h, %r = dycl.while (%later = %false : i1, %a : tensor<?xf32> = %nothing : tensor<1xf32>, %i = %n : i64) -> (i1, tensor<?xf32>, i64) {
    %more = arith.cmpi sgt, %i, %0 : i64
    dycl.condition(%more) %later, %a, %i : i1, tensor<?xf32>, i64
  } do (%set: i1, %b: tensor<?xf32>, %j: i64) {
    %past = dycl.if %set -> (tensor<?xf32>) {
      dycl.yield %b : tensor<?xf32>
    } else {
      dycl.yield %x : tensor<4xf32>
    }
    %s = dycl.aten sum.default(%past, none) : (tensor<?xf32>) -> tensor<f32>
    %v = dycl.item %s : tensor<f32> -> f64
    %c0 = arith.constant 0.0 : f64
    %p = arith.cmpf ogt, %v, %c0 : f64
    %d = arith.extui %p : i1 to i64
    %k = arith.subi %j, %d : i64
    %1 = arith.constant 1 : i64
    %l = arith.subi %k, %1 : i64
    %grown = dycl.aten cat.default([%past, %x], 0) : (tensor<?xf32>, tensor<4xf32>) -> tensor<?xf32>
    %true = arith.constant true
    dycl.yield %true, %grown, %l : i1, tensor<?xf32>, i64
  }
  dycl.return %r : i64
}

// Not so where the loop's result tells of the beginning, or the flag may be reset.
// CHECK-LABEL: func.func @not_only_the_first
// CHECK-COUNT-2: dycl.if
func.func @not_only_the_first(%x: tensor<4xf32>, %n: i64, %reset: i1) -> (tensor<4xf32>, tensor<4xf32>) {
  %false = arith.constant false
  %nothing = dycl.constant dense<0.0> : tensor<4xf32>
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %f, %r = dycl.for %i = %0 to %n step %1 iter_args(%later = %false : i1, %a = %nothing : tensor<4xf32>) {
    %past = dycl.if %later -> (tensor<4xf32>) {
      dycl.yield %a : tensor<4xf32>
    } else {
      dycl.yield %x : tensor<4xf32>
    }
    %b = dycl.aten exp.default(%past) : (tensor<4xf32>) -> tensor<4xf32>
    %true = arith.constant true
    dycl.yield %true, %b : i1, tensor<4xf32>
  }
  %g, %h, %s = dycl.for %i = %0 to %n step %1 iter_args(%later = %false : i1, %a = %nothing : tensor<4xf32>, %t = %x : tensor<4xf32>) {
    %past = dycl.if %later -> (tensor<4xf32>) {
      dycl.yield %a : tensor<4xf32>
    } else {
      dycl.yield %x : tensor<4xf32>
    }
    %b = dycl.aten exp.default(%past) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %reset, %b, %past : i1, tensor<4xf32>, tensor<4xf32>
  }
  dycl.return %r, %s : tensor<4xf32>, tensor<4xf32>
}

// A reshape to sizes that are known states all of them; one that is not may stay to be found.
// CHECK-LABEL: func.func @sizes_of_a_reshape
// CHECK-NEXT:    %a = dycl.aten reshape.default(%x, [3, 8]) : (tensor<2x3x4xf32>) -> tensor<3x8xf32>
// CHECK-NEXT:    %b = dycl.aten reshape.default(%y, [3, -1]) : (tensor<?x3xf32>) -> tensor<3x?xf32>
// CHECK-NEXT:    dycl.return %a, %b
func.func @sizes_of_a_reshape(%x: tensor<2x3x4xf32>, %y: tensor<?x3xf32>) -> (tensor<3x8xf32>, tensor<3x?xf32>) {
  %a = dycl.aten reshape.default(%x, [3, -1]) : (tensor<2x3x4xf32>) -> tensor<3x8xf32>
  %b = dycl.aten reshape.default(%y, [3, -1]) : (tensor<?x3xf32>) -> tensor<3x?xf32>
  dycl.return %a, %b : tensor<3x8xf32>, tensor<3x?xf32>
}
