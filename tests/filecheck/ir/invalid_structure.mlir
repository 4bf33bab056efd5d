// RUN: dycl-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: operand 0 is used before it is defined: `%b = arith.addi %a, %a : i64` in @use_before_definition at net.py:3
func.func @use_before_definition(%x: i64) {
  %b = arith.addi %a, %a : i64 loc("net.py":3:0)
  %a = arith.addi %x, %x : i64
  dycl.return
}

// -----

// CHECK: operand 0 is defined outside of dycl.region, which takes values as its inputs only
func.func @main(%x: i64) {
  dycl.region () {
    %a = arith.addi %x, %x : i64
  }
  dycl.return
}

// -----

// CHECK: a block of func.func must end in dycl.return: `%a = arith.addi %x, %x : i64` in @main
func.func @main(%x: i64) {
  %a = arith.addi %x, %x : i64
}

// -----

// CHECK: a block of func.func must end in dycl.return, not dycl.yield
func.func @main() {
  dycl.yield
}

// -----

// CHECK: func.return is not an op of a program; a function ends in dycl.return
func.func @main() {
  func.return
}

// -----

// CHECK: dycl.return is not at the end of its block: `dycl.return %x : i64` in @main
func.func @main(%x: i64) -> i64 {
  dycl.return %x : i64
  dycl.return %x : i64
}

// -----

// CHECK: a block of dycl.while must end in dycl.condition, not dycl.yield
func.func @main(%x: i64) {
  dycl.while () {
    dycl.yield
  } do () {
  }
  dycl.return
}

// -----

// CHECK: a block of dycl.if must end in dycl.yield or dycl.return or dycl.break or dycl.continue, not dycl.condition
func.func @main(%c: i1) {
  dycl.if %c {
    dycl.condition(%c)
  }
  dycl.return
}

// -----

// CHECK: dycl.break outside of a loop's body
func.func @main(%c: i1) {
  dycl.if %c {
    dycl.break
  }
  dycl.return
}

// -----

// A break in the first region of a while: out of which loop?
// CHECK: dycl.continue outside of a loop's body
func.func @main(%c: i1, %n: i64) {
  dycl.for %i = %n to %n step %n {
    dycl.while () {
      dycl.if %c {
        dycl.continue
      }
      dycl.condition(%c)
    } do () {
    }
  }
  dycl.return
}

// -----

// CHECK: dycl.return inside a region or kernel: only dycl.yield leaves it
func.func @main(%c: i1) {
  dycl.region (%d = %c : i1) {
    dycl.if %d {
      dycl.return
    }
  }
  dycl.return
}

// -----

// CHECK: dycl.break outside of a loop's body
func.func @main(%c: i1, %n: i64) {
  dycl.for %i = %n to %n step %n {
    dycl.region (%d = %c : i1) {
      dycl.if %d {
        dycl.break
      }
    }
  }
  dycl.return
}

// -----

// CHECK: code after a dycl.if whose sides all leave: it can never run: `%a = arith.addi %x, %x : i64` in @main
func.func @main(%c: i1, %x: i64) -> i64 {
  dycl.if %c {
    dycl.return %x : i64
  } else {
    dycl.if %c {
      dycl.return %x : i64
    } else {
      dycl.return %x : i64
    }
  }
  %a = arith.addi %x, %x : i64
  dycl.return %a : i64
}

// -----

// CHECK: dycl.launch inside dycl.kernel, which must be one computation: `dycl.launch @k() : () -> ()` in @k
dycl.kernel @k() {
  dycl.launch @k() : () -> ()
  dycl.yield
}

// -----

// CHECK: dycl.assert inside dycl.region, which must be one computation
func.func @main(%c: i1) {
  dycl.region (%d = %c : i1) {
    dycl.assert %d, "no"
  }
  dycl.return
}

// -----

// CHECK: arith.constant outside of a function
%x = arith.constant 0 : i64

// -----

// CHECK: dycl.kernel inside func.func; it must be in the module
func.func @main() {
  dycl.kernel @k() {
    dycl.yield
  }
  dycl.return
}

// -----

// CHECK: builtin.unrealized_conversion_cast is not an op of a program; values do not change their types
func.func @main(%x: i64) {
  %y = builtin.unrealized_conversion_cast %x : i64 to f64
  dycl.return
}

// -----

// CHECK: func.func has no body
func.func private @elsewhere(i64) -> i64

// -----

// CHECK: @k1 is not a kernel of this module
func.func @main() {
  dycl.launch @k1() : () -> ()
  dycl.return
}

// -----

// CHECK: @main is not a kernel of this module
func.func @main() {
  dycl.launch @main() : () -> ()
  dycl.return
}

// -----

// CHECK: Redefinition of symbol "k"
dycl.kernel @k() {
  dycl.yield
}
dycl.kernel @k() {
  dycl.yield
}
