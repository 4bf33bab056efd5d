// RUN: dycl-opt %s | dycl-opt | filecheck %s

// An empty yield and an else of nothing but that are not printed.
// CHECK-LABEL: func.func @if
// CHECK-NEXT:    dycl.if %c {
// CHECK-NEXT:      dycl.return %x : i64
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.if %c {
// CHECK-NEXT:    } else {
// CHECK-NEXT:      dycl.assert %c, "unless"
// CHECK-NEXT:    }
// CHECK-NEXT:    %r, %s = dycl.if %c -> (i64, i1) {
// CHECK-NEXT:      dycl.yield %x, %c : i64, i1
// CHECK-NEXT:    } else {
// CHECK-NEXT:      dycl.return %x : i64
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.return %r : i64
func.func @if(%c: i1, %x: i64) -> i64 {
  dycl.if %c {
    dycl.return %x : i64
  } else {
    dycl.yield
  }
  dycl.if %c {
  } else {
    dycl.assert %c, "unless"
  }
  %r, %s = dycl.if %c -> (i64, i1) {
    dycl.yield %x, %c : i64, i1
  } else {
    dycl.return %x : i64
  }
  dycl.return %r : i64
}

// Both sides may leave, if only the end of the block follows.
// CHECK-LABEL: func.func @both_leave
// CHECK-NEXT:    dycl.if %c {
// CHECK-NEXT:      dycl.return %x : i64
// CHECK-NEXT:    } else {
// CHECK-NEXT:      dycl.return %x : i64
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.return %x : i64
func.func @both_leave(%c: i1, %x: i64) -> i64 {
  dycl.if %c {
    dycl.return %x : i64
  } else {
    dycl.return %x : i64
  }
  dycl.return %x : i64
}

// CHECK-LABEL: func.func @switch
// CHECK-NEXT:    %r = dycl.switch %i -> (i64) case -1 {
// CHECK-NEXT:      dycl.yield %i : i64
// CHECK-NEXT:    } case 7 {
// CHECK-NEXT:      dycl.return %i : i64
// CHECK-NEXT:    } default {
// CHECK-NEXT:      dycl.yield %i : i64
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.switch %i default {
// CHECK-NEXT:    }
func.func @switch(%i: i64) -> i64 {
  %r = dycl.switch %i -> (i64) case -1 {
    dycl.yield %i : i64
  } case 7 {
    dycl.return %i : i64
  } default {
    dycl.yield %i : i64
  }
  dycl.switch %i default {
  }
  dycl.return %r : i64
}

// A carried value's type is printed twice where it is less precise than its initial value's.
// CHECK-LABEL: func.func @for
// CHECK-NEXT:    %r, %s = dycl.for %i = %n to %n step %n iter_args(%a : tensor<?xf32> = %t : tensor<1xf32>, %b = %n : i64) {
// CHECK-NEXT:      dycl.if %c {
// CHECK-NEXT:        dycl.break %t, %i : tensor<1xf32>, i64
// CHECK-NEXT:      }
// CHECK-NEXT:      dycl.if %c {
// CHECK-NEXT:        dycl.continue %a, %b : tensor<?xf32>, i64
// CHECK-NEXT:      } else {
// CHECK-NEXT:        dycl.return %i : i64
// CHECK-NEXT:      }
// CHECK-NEXT:      dycl.yield %a, %i : tensor<?xf32>, i64
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.for %{{.*}} = %n to %n step %n {
// CHECK-NEXT:    }
func.func @for(%n: i64, %t: tensor<1xf32>, %c: i1) -> i64 {
  %r, %s = dycl.for %i = %n to %n step %n iter_args(%a : tensor<?xf32> = %t : tensor<1xf32>, %b = %n : i64) {
    dycl.if %c {
      dycl.break %t, %i : tensor<1xf32>, i64
    }
    dycl.if %c {
      dycl.continue %a, %b : tensor<?xf32>, i64
    } else {
      dycl.return %i : i64
    }
    dycl.yield %a, %i : tensor<?xf32>, i64
  }
  dycl.for %i = %n to %n step %n {
  }
  dycl.return %s : i64
}

// CHECK-LABEL: func.func @while
// CHECK-NEXT:    %r = dycl.while (%a = %n : i64, %b = %c : i1) -> (i64) {
// CHECK-NEXT:      dycl.condition(%b) %a : i64
// CHECK-NEXT:    } do (%d: i64) {
// CHECK-NEXT:      dycl.if %c {
// CHECK-NEXT:        dycl.break %d : i64
// CHECK-NEXT:      }
// CHECK-NEXT:      dycl.yield %d, %c : i64, i1
// CHECK-NEXT:    }
// CHECK-NEXT:    dycl.while () {
// CHECK-NEXT:      dycl.condition(%c)
// CHECK-NEXT:    } do () {
// CHECK-NEXT:    }
func.func @while(%n: i64, %c: i1) -> i64 {
  %r = dycl.while (%a = %n : i64, %b = %c : i1) -> (i64) {
    dycl.condition(%b) %a : i64
  } do (%d: i64) {
    dycl.if %c {
      dycl.break %d : i64
    }
    dycl.yield %d, %c : i64, i1
  }
  dycl.while () {
    dycl.condition(%c)
  } do () {
  }
  dycl.return %r : i64
}
