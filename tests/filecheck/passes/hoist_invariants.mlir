// RUN: dycl-opt %s --pass-pipeline='func.func(hoist-invariants)' | filecheck %s

// A chain moves as a whole, through two loops; what is only needed there goes along.
// CHECK-LABEL: func.func @through_two_loops
// CHECK:         %p = dycl.aten mm.default(%x, %x)
// CHECK-NEXT:    %c = arith.constant 2.000000e+00
// CHECK-NEXT:    %q = dycl.aten mul.Scalar(%p, %c)
// CHECK-NEXT:    dycl.for
// CHECK-NOT:     mm.default
// CHECK-NOT:     mul.Scalar
func.func @through_two_loops(%x: tensor<64x64xf32>, %n: i64) -> tensor<64x64xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r = dycl.for %i = %0 to %n step %1 iter_args(%a = %x : tensor<64x64xf32>) {
    %s = dycl.for %j = %0 to %n step %1 iter_args(%b = %a : tensor<64x64xf32>) {
      %p = dycl.aten mm.default(%x, %x) : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
      %c = arith.constant 2.0 : f64
      %q = dycl.aten mul.Scalar(%p, %c) : (tensor<64x64xf32>, f64) -> tensor<64x64xf32>
      %d = dycl.aten add.Tensor(%b, %q, 1) : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
      dycl.yield %d : tensor<64x64xf32>
    }
    dycl.yield %s : tensor<64x64xf32>
  }
  dycl.return %r : tensor<64x64xf32>
}

// Eight times this op costs less than the call of a kernel before the loop; with one there, it moves.
// CHECK-LABEL: func.func @too_small
// CHECK:         dycl.for
// CHECK:           dycl.aten neg.default
// CHECK:         dycl.aten exp.default
// CHECK-NEXT:    dycl.aten neg.default
// CHECK-NEXT:    dycl.for
func.func @too_small(%x: tensor<4xf32>, %n: i64) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r = dycl.for %i = %0 to %n step %1 iter_args(%a = %x : tensor<4xf32>) {
    %p = dycl.aten neg.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %d = dycl.aten add.Tensor(%a, %p, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %d : tensor<4xf32>
  }
  %y = dycl.aten exp.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %s = dycl.for %i = %0 to %n step %1 iter_args(%a = %y : tensor<4xf32>) {
    %p = dycl.aten neg.default(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %d = dycl.aten add.Tensor(%a, %p, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %d : tensor<4xf32>
  }
  dycl.return %r, %s : tensor<4xf32>, tensor<4xf32>
}

// A look-up that may fail moves only where the loop certainly begins, and nothing before it may leave it.
// CHECK-LABEL: func.func @may_fail
// CHECK:         %r = dycl.for
// CHECK:           index_select.default
// CHECK:         index_select.default
// CHECK-NEXT:    %s = dycl.for
// CHECK:         %t = dycl.for
// CHECK:           index_select.default
func.func @may_fail(%x: tensor<64x512xf32>, %i: tensor<64xi64>, %n: i64, %stop: i1)
    -> (tensor<64x512xf32>, tensor<64x512xf32>, tensor<64x512xf32>) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %9 = arith.constant 9 : i64
  %r = dycl.for %j = %0 to %n step %1 iter_args(%a = %x : tensor<64x512xf32>) {
    %p = dycl.aten index_select.default(%x, 0, %i) : (tensor<64x512xf32>, tensor<64xi64>) -> tensor<64x512xf32>
    %d = dycl.aten add.Tensor(%a, %p, 1) : (tensor<64x512xf32>, tensor<64x512xf32>) -> tensor<64x512xf32>
    dycl.yield %d : tensor<64x512xf32>
  }
  %s = dycl.for %j = %0 to %9 step %1 iter_args(%a = %x : tensor<64x512xf32>) {
    %p = dycl.aten index_select.default(%x, 0, %i) : (tensor<64x512xf32>, tensor<64xi64>) -> tensor<64x512xf32>
    %d = dycl.aten add.Tensor(%a, %p, 1) : (tensor<64x512xf32>, tensor<64x512xf32>) -> tensor<64x512xf32>
    dycl.yield %d : tensor<64x512xf32>
  }
  %t = dycl.for %j = %0 to %9 step %1 iter_args(%a = %x : tensor<64x512xf32>) {
    dycl.if %stop {
      dycl.break %a : tensor<64x512xf32>
    }
    %p = dycl.aten index_select.default(%x, 0, %i) : (tensor<64x512xf32>, tensor<64xi64>) -> tensor<64x512xf32>
    %d = dycl.aten add.Tensor(%a, %p, 1) : (tensor<64x512xf32>, tensor<64x512xf32>) -> tensor<64x512xf32>
    dycl.yield %d : tensor<64x512xf32>
  }
  dycl.return %r, %s, %t : tensor<64x512xf32>, tensor<64x512xf32>, tensor<64x512xf32>
}

// What depends on weights alone stays with the kernel; random numbers are drawn anew; a branch's side stays its own.
// CHECK-LABEL: func.func @stay
// CHECK:         dycl.for
// CHECK:           dycl.aten t.default
// CHECK-NEXT:      dycl.aten mm.default(%w, %wt)
// CHECK-NEXT:      dycl.aten rand_like.default
// CHECK-NEXT:      dycl.if
// CHECK-NEXT:        dycl.aten mm.default(%x, %x)
func.func @stay(%x: tensor<64x64xf32>, %n: i64, %c: i1) -> tensor<64x64xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %w = dycl.param "w" : tensor<64x64xf32>
  %r = dycl.for %i = %0 to %n step %1 iter_args(%a = %x : tensor<64x64xf32>) {
    %wt = dycl.aten t.default(%w) : (tensor<64x64xf32>) -> tensor<64x64xf32>
    %p = dycl.aten mm.default(%w, %wt) : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    %noise = dycl.aten rand_like.default(%x, none, none, none, none, none) : (tensor<64x64xf32>) -> tensor<64x64xf32>
    %q = dycl.if %c -> (tensor<64x64xf32>) {
      %y = dycl.aten mm.default(%x, %x) : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
      dycl.yield %y : tensor<64x64xf32>
    } else {
      dycl.yield %noise : tensor<64x64xf32>
    }
    %d = dycl.aten add.Tensor(%q, %p, 1) : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    dycl.yield %d : tensor<64x64xf32>
  }
  dycl.return %r : tensor<64x64xf32>
}

// A projection of an encoder's states, however many there are.
// CHECK-LABEL: func.func @of_any_length
// CHECK-NEXT:    %k = dycl.aten linear.default(%states, %w, none)
// CHECK-NEXT:    dycl.while
func.func @of_any_length(%states: tensor<1x?x256xf32>, %w: tensor<256x256xf32>, %go: tensor<i1>) -> tensor<1x?x256xf32> {
  %r = dycl.while (%a = %states : tensor<1x?x256xf32>) -> (tensor<1x?x256xf32>) {
    %c = dycl.item %go : tensor<i1> -> i1
    dycl.condition(%c) %a : tensor<1x?x256xf32>
  } do (%b: tensor<1x?x256xf32>) {
    %k = dycl.aten linear.default(%states, %w, none) : (tensor<1x?x256xf32>, tensor<256x256xf32>) -> tensor<1x?x256xf32>
    %d = dycl.aten add.Tensor(%b, %k, 1) : (tensor<1x?x256xf32>, tensor<1x?x256xf32>) -> tensor<1x?x256xf32>
    dycl.yield %d : tensor<1x?x256xf32>
  }
  dycl.return %r : tensor<1x?x256xf32>
}

// What may fail does not pass an assertion, which would have failed first; nor does a division by what may be zero leave
// a loop that may never begin, with the product that needs it.
// CHECK-LABEL: func.func @behind_an_assertion
// CHECK:         %r = dycl.for
// CHECK-NEXT:      dycl.assert
// CHECK-NEXT:      dycl.aten index_select.default
// CHECK:         %s = dycl.for
// CHECK-NEXT:      %q = arith.floordivsi
// CHECK-NEXT:      %t = dycl.scalar_tensor %q
// CHECK-NEXT:      dycl.aten mul.Tensor
func.func @behind_an_assertion(%x: tensor<64x512xf32>, %i: tensor<64xi64>, %n: i64, %ok: i1) -> (tensor<64x512xf32>, tensor<64x512xf32>) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %9 = arith.constant 9 : i64
  %r = dycl.for %j = %0 to %9 step %1 iter_args(%a = %x : tensor<64x512xf32>) {
    dycl.assert %ok, "first"
    %p = dycl.aten index_select.default(%x, 0, %i) : (tensor<64x512xf32>, tensor<64xi64>) -> tensor<64x512xf32>
    %d = dycl.aten add.Tensor(%a, %p, 1) : (tensor<64x512xf32>, tensor<64x512xf32>) -> tensor<64x512xf32>
    dycl.yield %d : tensor<64x512xf32>
  }
  %s = dycl.for %j = %0 to %n step %1 iter_args(%a = %x : tensor<64x512xf32>) {
    %q = arith.floordivsi %9, %n : i64
    %t = dycl.scalar_tensor %q : i64 -> tensor<i64>
    %p = dycl.aten mul.Tensor(%x, %t) : (tensor<64x512xf32>, tensor<i64>) -> tensor<64x512xf32>
    %d = dycl.aten add.Tensor(%a, %p, 1) : (tensor<64x512xf32>, tensor<64x512xf32>) -> tensor<64x512xf32>
    dycl.yield %d : tensor<64x512xf32>
  }
  dycl.return %r, %s : tensor<64x512xf32>, tensor<64x512xf32>
}
