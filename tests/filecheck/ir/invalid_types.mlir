// RUN: dycl-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: i32 is not the type of a value: that is a tensor, i1, i64 or f64
func.func @main(%x: i32) {
  dycl.return
}

// -----

// CHECK: tensor<2xi4> is not the type of a value
func.func @main(%x: tensor<2xi4>) {
  dycl.return
}

// -----

// CHECK: arith.addi works on host scalars, not on tensor<2xi64>; dycl.aten does on tensors
func.func @main(%x: tensor<2xi64>) {
  %y = arith.addi %x, %x : tensor<2xi64>
  dycl.return
}

// -----

// CHECK: 1 value for 2 result of @main: `dycl.return %x : i64` in @main
func.func @main(%x: i64) -> (i64, i64) {
  dycl.return %x : i64
}

// -----

// CHECK: value 0 is tensor<?xf32>, but that result of @main is tensor<2xf32>
func.func @main(%x: tensor<?xf32>) -> tensor<2xf32> {
  dycl.return %x : tensor<?xf32>
}

// -----

// CHECK: value 1 is i64, but that result of dycl.if is f64: `dycl.yield %x, %x : i64, i64` in @main
func.func @main(%c: i1, %x: i64, %f: f64) {
  %a, %b = dycl.if %c -> (i64, f64) {
    dycl.yield %x, %f : i64, f64
  } else {
    dycl.yield %x, %x : i64, i64
  }
  dycl.return
}

// -----

// CHECK: 0 values for 1 result of dycl.if
func.func @main(%c: i1, %x: i64) {
  %a = dycl.if %c -> (i64) {
    dycl.yield %x : i64
  }
  dycl.return
}

// -----

// CHECK: value 0 is tensor<3xf32>, but that carried value of dycl.for is tensor<2xf32>
func.func @main(%n: i64, %x: tensor<2xf32>, %y: tensor<3xf32>) {
  %a = dycl.for %i = %n to %n step %n iter_args(%b = %x : tensor<2xf32>) {
    dycl.yield %y : tensor<3xf32>
  }
  dycl.return
}

// -----

// CHECK: init value 0 is tensor<?xf32>, which is not a tensor<2xf32>
func.func @main(%n: i64, %x: tensor<?xf32>) {
  %a = dycl.for %i = %n to %n step %n iter_args(%b : tensor<2xf32> = %x : tensor<?xf32>) {
    dycl.yield %b : tensor<2xf32>
  }
  dycl.return
}

// -----

// CHECK: value 0 is f64, but that result of dycl.while is i64: `dycl.condition(%c) %f : f64` in @main
func.func @main(%c: i1, %f: f64) {
  %r = dycl.while () -> (i64) {
    dycl.condition(%c) %f : f64
  } do (%x: i64) {
  }
  dycl.return
}

// -----

// CHECK: value 0 is i64, but that carried value of dycl.while is i1
func.func @main(%c: i1, %n: i64) {
  %r = dycl.while (%a = %c : i1) -> (i64) {
    dycl.condition(%a) %n : i64
  } do (%x: i64) {
    dycl.if %c {
      dycl.continue %x : i64
    }
    dycl.yield %c : i1
  }
  dycl.return
}

// -----

// CHECK: value 0 is i1, but that result of dycl.while is i64: `dycl.break %c : i1` in @main
func.func @main(%c: i1, %n: i64) {
  %r = dycl.while (%a = %c : i1) -> (i64) {
    dycl.condition(%a) %n : i64
  } do (%x: i64) {
    dycl.break %c : i1
  }
  dycl.return
}

// -----

// CHECK: value 0 is f64, but that result of @k is i64: `dycl.yield %x : f64` in @k
dycl.kernel @k(%x: f64) -> i64 {
  dycl.yield %x : f64
}

// -----

// CHECK: value 0 is tensor<?xf32>, but that input of @k is tensor<2xf32>
dycl.kernel @k(%x: tensor<2xf32>) -> tensor<2xf32> {
  dycl.yield %x : tensor<2xf32>
}
func.func @main(%x: tensor<?xf32>) {
  %y = dycl.launch @k(%x) : (tensor<?xf32>) -> tensor<2xf32>
  dycl.return
}

// -----

// CHECK: result 0 of @k is tensor<2xf32>, not tensor<?xf32>
dycl.kernel @k(%x: tensor<2xf32>) -> tensor<2xf32> {
  dycl.yield %x : tensor<2xf32>
}
func.func @main(%x: tensor<2xf32>) {
  %y = dycl.launch @k(%x) : (tensor<2xf32>) -> tensor<?xf32>
  dycl.return
}

// -----

// CHECK: tensor<2x1xf32> has more than one element
func.func @main(%x: tensor<2x1xf32>) {
  %y = dycl.item %x : tensor<2x1xf32> -> f64
  dycl.return
}

// -----

// CHECK: the item of tensor<i32> is i64
func.func @main(%x: tensor<i32>) {
  %y = dycl.item %x : tensor<i32> -> f64
  dycl.return
}

// -----

// CHECK: axis 2 is out of range for tensor<1x2xf32>
func.func @main(%x: tensor<1x2xf32>) {
  %y = dycl.dim %x, 2 : tensor<1x2xf32>
  dycl.return
}

// -----

// CHECK: a constant of 4096 bytes belongs in the weight store (limit 1024)
func.func @main() {
  %y = dycl.constant dense<0.0> : tensor<1024xf32>
  dycl.return
}

// -----

// CHECK: a weight's sizes must all be known
func.func @main() {
  %y = dycl.param "w" : tensor<?xf32>
  dycl.return
}

// -----

// CHECK: two cases have the same value
func.func @main(%i: i64) {
  dycl.switch %i case 1 {
  } case 1 {
  } default {
  }
  dycl.return
}
