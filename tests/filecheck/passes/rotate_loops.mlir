// RUN: dycl-opt %s --pass-pipeline='func.func(rotate-loops)' | filecheck %s

// Each way to the next iteration computes its test; a break needs none.
// CHECK-LABEL: func.func @ways
// CHECK:         %any = dycl.aten any.default(%x)
// CHECK-NEXT:    %go = dycl.item %any
// CHECK-NEXT:    %r = dycl.while (%[[GO:.*]] = %go : i1, %[[A:.*]] = %x : tensor<4xf32>) -> (tensor<4xf32>) {
// CHECK-NEXT:      dycl.condition(%[[GO]]) %[[A]]
// CHECK-NEXT:    } do (%[[B:.*]]: tensor<4xf32>) {
// CHECK-NEXT:      dycl.if %p {
// CHECK-NEXT:        %[[T:.*]] = dycl.aten any.default(%[[B]])
// CHECK-NEXT:        %[[C:.*]] = dycl.item %[[T]]
// CHECK-NEXT:        dycl.continue %[[C]], %[[B]]
// CHECK-NEXT:      }
// CHECK-NEXT:      %n = dycl.aten neg.default(%[[B]])
// CHECK-NEXT:      dycl.if %q {
// CHECK-NEXT:        dycl.break %n : tensor<4xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:      %[[U:.*]] = dycl.aten any.default(%n)
// CHECK-NEXT:      %[[D:.*]] = dycl.item %[[U]]
// CHECK-NEXT:      dycl.yield %[[D]], %n
func.func @ways(%x: tensor<4xf32>, %p: i1, %q: i1) -> tensor<4xf32> {
  %r = dycl.while (%a = %x : tensor<4xf32>) -> (tensor<4xf32>) {
    %any = dycl.aten any.default(%a) : (tensor<4xf32>) -> tensor<i1>
    %go = dycl.item %any : tensor<i1> -> i1
    dycl.condition(%go) %a : tensor<4xf32>
  } do (%b: tensor<4xf32>) {
    dycl.if %p {
      dycl.continue %b : tensor<4xf32>
    }
    %n = dycl.aten neg.default(%b) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.if %q {
      dycl.break %n : tensor<4xf32>
    }
    dycl.yield %n : tensor<4xf32>
  }
  dycl.return %r : tensor<4xf32>
}

// The host does this test in no time.
// CHECK-LABEL: func.func @on_the_host
// CHECK-NEXT:    dycl.while
// CHECK-NEXT:      arith.cmpi
func.func @on_the_host(%n: i64, %x: tensor<4xf32>) -> (i64, tensor<4xf32>) {
  %s, %r = dycl.while (%i = %n : i64, %a = %x : tensor<4xf32>) -> (i64, tensor<4xf32>) {
    %more = arith.cmpi sgt, %i, %n : i64
    dycl.condition(%more) %i, %a : i64, tensor<4xf32>
  } do (%j: i64, %b: tensor<4xf32>) {
    %c = dycl.aten neg.default(%b) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %j, %c : i64, tensor<4xf32>
  }
  dycl.return %s, %r : i64, tensor<4xf32>
}

// The gate of a block is computed with the block before it, and for the first one before the loop.
// CHECK-LABEL: func.func @gates
// CHECK:         %any = dycl.aten any.default(%x)
// CHECK-NEXT:    %c = dycl.item %any
// CHECK-NEXT:    %r, %{{.*}} = dycl.for %i = %0 to %n step %1 iter_args(%a = %x : tensor<4xf32>, %[[C:.*]] = %c : i1) {
// CHECK-NEXT:      %b = dycl.if %[[C]]
// CHECK:           %d = dycl.aten neg.default(%b)
// CHECK-NEXT:      %[[ANY:.*]] = dycl.aten any.default(%d)
// CHECK-NEXT:      %[[NEXT:.*]] = dycl.item %[[ANY]]
// CHECK-NEXT:      dycl.yield %d, %[[NEXT]]
func.func @gates(%x: tensor<4xf32>, %n: i64) -> tensor<4xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r = dycl.for %i = %0 to %n step %1 iter_args(%a = %x : tensor<4xf32>) {
    %any = dycl.aten any.default(%a) : (tensor<4xf32>) -> tensor<i1>
    %c = dycl.item %any : tensor<i1> -> i1
    %b = dycl.if %c -> (tensor<4xf32>) {
      %t = dycl.aten relu.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.yield %t : tensor<4xf32>
    } else {
      dycl.yield %a : tensor<4xf32>
    }
    %d = dycl.aten neg.default(%b) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %d : tensor<4xf32>
  }
  dycl.return %r : tensor<4xf32>
}

// The iteration that never begins would look up a row that is not there.
// CHECK-LABEL: func.func @may_fail
// CHECK-NEXT:    %0 = arith.constant
// CHECK-NEXT:    %1 = arith.constant
// CHECK-NEXT:    dycl.for
func.func @may_fail(%x: tensor<4xf32>, %rows: tensor<8x4xf32>, %n: i64) -> tensor<4xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r = dycl.for %i = %0 to %n step %1 iter_args(%a = %x : tensor<4xf32>) {
    %row = dycl.aten select.int(%rows, 0, %i) : (tensor<8x4xf32>, i64) -> tensor<4xf32>
    %s = dycl.aten add.Tensor(%a, %row, 1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %any = dycl.aten any.default(%s) : (tensor<4xf32>) -> tensor<i1>
    %c = dycl.item %any : tensor<i1> -> i1
    %b = dycl.if %c -> (tensor<4xf32>) {
      %t = dycl.aten relu.default(%s) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.yield %t : tensor<4xf32>
    } else {
      dycl.yield %a : tensor<4xf32>
    }
    dycl.yield %b : tensor<4xf32>
  }
  dycl.return %r : tensor<4xf32>
}

// A loop of one kernel stays one.
// CHECK-LABEL: func.func @one_kernel
// CHECK-NEXT:    %0 = arith.constant
// CHECK-NEXT:    %1 = arith.constant
// CHECK-NEXT:    dycl.for
func.func @one_kernel(%x: tensor<4xf32>, %n: i64) -> tensor<4xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %r = dycl.for %i = %0 to %n step %1 iter_args(%a = %x : tensor<4xf32>) {
    %s = dycl.aten relu.default(%a) : (tensor<4xf32>) -> tensor<4xf32>
    %any = dycl.aten any.default(%s) : (tensor<4xf32>) -> tensor<i1>
    %c = dycl.item %any : tensor<i1> -> i1
    dycl.if %c {
      %answer = dycl.aten exp.default(%s) : (tensor<4xf32>) -> tensor<4xf32>
      dycl.return %answer : tensor<4xf32>
    }
    dycl.yield %s : tensor<4xf32>
  }
  dycl.return %r : tensor<4xf32>
}

// An assertion and a random number of the test keep their places: behind what the iteration does, before the next one.
// CHECK-LABEL: func.func @effects
// CHECK:         %noise = dycl.aten rand_like.default(%x
// CHECK-NEXT:    %any = dycl.aten any.default(%noise)
// CHECK-NEXT:    %go = dycl.item %any
// CHECK-NEXT:    dycl.assert %p, "test"
// CHECK-NEXT:    dycl.while
// CHECK:           } do (%[[B:.*]]: tensor<4xf32>) {
// CHECK-NEXT:      dycl.assert %q, "body"
// CHECK-NEXT:      %n = dycl.aten rand_like.default(%[[B]]
// CHECK-NEXT:      %[[N:.*]] = dycl.aten rand_like.default(%n
// CHECK-NEXT:      %[[ANY:.*]] = dycl.aten any.default(%[[N]])
// CHECK-NEXT:      %[[GO:.*]] = dycl.item %[[ANY]]
// CHECK-NEXT:      dycl.assert %p, "test"
// CHECK-NEXT:      dycl.yield %[[GO]], %n
func.func @effects(%x: tensor<4xf32>, %p: i1, %q: i1) -> tensor<4xf32> {
  %r = dycl.while (%a = %x : tensor<4xf32>) -> (tensor<4xf32>) {
    %noise = dycl.aten rand_like.default(%a, none, none, none, none, none) : (tensor<4xf32>) -> tensor<4xf32>
    %any = dycl.aten any.default(%noise) : (tensor<4xf32>) -> tensor<i1>
    %go = dycl.item %any : tensor<i1> -> i1
    dycl.assert %p, "test"
    dycl.condition(%go) %a : tensor<4xf32>
  } do (%b: tensor<4xf32>) {
    dycl.assert %q, "body"
    %n = dycl.aten rand_like.default(%b, none, none, none, none, none) : (tensor<4xf32>) -> tensor<4xf32>
    dycl.yield %n : tensor<4xf32>
  }
  dycl.return %r : tensor<4xf32>
}
