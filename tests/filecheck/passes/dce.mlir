// RUN: dycl-opt %s --pass-pipeline=dce | filecheck %s

// CHECK-LABEL: func.func @chain
// CHECK-NEXT:    dycl.return %x
func.func @chain(%x: i64) -> i64 {
  %a = arith.addi %x, %x : i64
  %b = arith.muli %a, %x : i64
  dycl.return %x : i64
}

// An `if` and a loop that only compute are dead when nobody uses their results, even where the loop breaks.
// CHECK-LABEL: func.func @control_flow
// CHECK-NEXT:    dycl.return %x
func.func @control_flow(%x: i64, %c: i1) -> i64 {
  %a = dycl.if %c -> (i64) {
    dycl.yield %x : i64
  } else {
    %two = arith.addi %x, %x : i64
    dycl.yield %two : i64
  }
  %b = dycl.for %i = %x to %a step %x iter_args(%s = %x : i64) {
    dycl.if %c {
      dycl.break %s : i64
    }
    dycl.yield %i : i64
  }
  dycl.return %x : i64
}

// Inside regions, too.
// CHECK-LABEL: func.func @nested
// CHECK-NEXT:    dycl.if %c {
// CHECK-NEXT:      dycl.return %x
func.func @nested(%x: i64, %c: i1) -> i64 {
  dycl.if %c {
    %a = arith.addi %x, %x : i64
    dycl.return %x : i64
  }
  dycl.return %x : i64
}

// What has an effect stays: an assertion, leaving the function, random numbers, a call.
// CHECK-LABEL: func.func @effects
// CHECK-NEXT:    dycl.assert %c, "odd"
// CHECK-NEXT:    %[[R:.*]] = dycl.if %c
// CHECK:           dycl.return %x
// CHECK:         dycl.aten rand_like.default
// CHECK-NEXT:    func.call @chain
// CHECK-NEXT:    dycl.return %x
func.func @effects(%x: i64, %c: i1, %t: tensor<4xf32>) -> i64 {
  dycl.assert %c, "odd"
  %a = dycl.if %c -> (i64) {
    dycl.return %x : i64
  } else {
    dycl.yield %x : i64
  }
  %r = dycl.aten rand_like.default(%t, none, none, none, none, none) : (tensor<4xf32>) -> tensor<4xf32>
  %s = func.call @chain(%x) : (i64) -> i64
  dycl.return %x : i64
}

// A kernel stays even where nobody launches it.
// CHECK: dycl.kernel @k0
dycl.kernel @k0(%x: tensor<4xf32>) -> tensor<4xf32> {
  dycl.yield %x : tensor<4xf32>
}
