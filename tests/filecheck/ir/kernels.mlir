// RUN: dycl-opt %s | dycl-opt | filecheck %s

// CHECK-LABEL: dycl.kernel @k0(%x: tensor<?xf32>, %n: i64) -> (tensor<?xf32>, i64) attributes {note = "kept"} {
// CHECK-NEXT:    dycl.yield %x, %n : tensor<?xf32>, i64
// CHECK-NEXT:  }
dycl.kernel @k0(%x: tensor<?xf32>, %n: i64) -> (tensor<?xf32>, i64) attributes {note = "kept"} {
  dycl.yield %x, %n : tensor<?xf32>, i64
}

// CHECK:       dycl.kernel @nothing() {
// CHECK-NEXT:    dycl.yield
// CHECK-NEXT:  }
dycl.kernel @nothing() {
  dycl.yield
}

// An input of a launch may be more precise than the kernel's.
// CHECK-LABEL: func.func @main
// CHECK-NEXT:    %y, %m = dycl.launch @k0(%x, %n) : (tensor<2xf32>, i64) -> (tensor<?xf32>, i64)
// CHECK-NEXT:    dycl.launch @nothing() : () -> ()
// CHECK-NEXT:    %r = dycl.region (%a = %x : tensor<2xf32>) -> (tensor<2xf32>) {
// CHECK-NEXT:      dycl.yield %a : tensor<2xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.region () {
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.assert %c, "a \22check\22\0A"
func.func @main(%x: tensor<2xf32>, %n: i64, %c: i1) -> tensor<2xf32> {
  %y, %m = dycl.launch @k0(%x, %n) : (tensor<2xf32>, i64) -> (tensor<?xf32>, i64)
  dycl.launch @nothing() : () -> ()
  %r = dycl.region (%a = %x : tensor<2xf32>) -> (tensor<2xf32>) {
    dycl.yield %a : tensor<2xf32>
  }
  dycl.region () {
  }
  dycl.assert %c, "a \22check\22\0A"
  dycl.return %r : tensor<2xf32>
}
