// A recursion over index tensors: a leaf has no left child.
func.func @main(%leaf: tensor<7x16xf32> {dycl.name = "leaf"}, %left: tensor<7xi64> {dycl.name = "left"}, %right: tensor<7xi64> {dycl.name = "right"}) -> (tensor<1x16xf32>, tensor<1x16xf32>) {
  %0 = arith.constant 0 : i64
  %h, %c = func.call @node(%leaf, %left, %right, %0) : (tensor<7x16xf32>, tensor<7xi64>, tensor<7xi64>, i64) -> (tensor<1x16xf32>, tensor<1x16xf32>)
  %y = dycl.aten tanh.default(%h) : (tensor<1x16xf32>) -> tensor<1x16xf32>
  dycl.return %y, %c : tensor<1x16xf32>, tensor<1x16xf32>
}
func.func @node(%leaf: tensor<7x16xf32>, %left: tensor<7xi64>, %right: tensor<7xi64>, %i: i64) -> (tensor<1x16xf32>, tensor<1x16xf32>) {
  %0 = arith.constant 0 : i64
  %wi = dycl.param "wi" : tensor<16x16xf32>
  %wl = dycl.param "wl" : tensor<48x16xf32>
  %wr = dycl.param "wr" : tensor<48x16xf32>
  %lt = dycl.aten select.int(%left, 0, %i) : (tensor<7xi64>, i64) -> tensor<i64>
  %l = dycl.item %lt : tensor<i64> -> i64
  %isleaf = arith.cmpi slt, %l, %0 : i64
  dycl.if %isleaf {
    %row = dycl.aten select.int(%leaf, 0, %i) : (tensor<7x16xf32>, i64) -> tensor<16xf32>
    %row1 = dycl.aten unsqueeze.default(%row, 0) : (tensor<16xf32>) -> tensor<1x16xf32>
    %z = dycl.aten linear.default(%row1, %wi, none) : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
    %h0 = dycl.aten tanh.default(%z) : (tensor<1x16xf32>) -> tensor<1x16xf32>
    dycl.return %h0, %z : tensor<1x16xf32>, tensor<1x16xf32>
  }
  %hl, %cl = func.call @node(%leaf, %left, %right, %l) : (tensor<7x16xf32>, tensor<7xi64>, tensor<7xi64>, i64) -> (tensor<1x16xf32>, tensor<1x16xf32>)
  %rt = dycl.aten select.int(%right, 0, %i) : (tensor<7xi64>, i64) -> tensor<i64>
  %r = dycl.item %rt : tensor<i64> -> i64
  %hr, %cr = func.call @node(%leaf, %left, %right, %r) : (tensor<7x16xf32>, tensor<7xi64>, tensor<7xi64>, i64) -> (tensor<1x16xf32>, tensor<1x16xf32>)
  %a = dycl.aten linear.default(%hl, %wl, none) : (tensor<1x16xf32>, tensor<48x16xf32>) -> tensor<1x48xf32>
  %b = dycl.aten linear.default(%hr, %wr, none) : (tensor<1x16xf32>, tensor<48x16xf32>) -> tensor<1x48xf32>
  %g = dycl.aten add.Tensor(%a, %b, 1) : (tensor<1x48xf32>, tensor<1x48xf32>) -> tensor<1x48xf32>
  %gl = dycl.aten slice.Tensor(%g, 1, 0, 16, 1) : (tensor<1x48xf32>) -> tensor<1x16xf32>
  %gr = dycl.aten slice.Tensor(%g, 1, 16, 32, 1) : (tensor<1x48xf32>) -> tensor<1x16xf32>
  %go = dycl.aten slice.Tensor(%g, 1, 32, 48, 1) : (tensor<1x48xf32>) -> tensor<1x16xf32>
  %sl = dycl.aten sigmoid.default(%gl) : (tensor<1x16xf32>) -> tensor<1x16xf32>
  %sr = dycl.aten sigmoid.default(%gr) : (tensor<1x16xf32>) -> tensor<1x16xf32>
  %c1 = dycl.aten mul.Tensor(%sl, %cl) : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
  %c2 = dycl.aten mul.Tensor(%sr, %cr) : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
  %c = dycl.aten add.Tensor(%c1, %c2, 1) : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
  %tc = dycl.aten tanh.default(%c) : (tensor<1x16xf32>) -> tensor<1x16xf32>
  %h = dycl.aten mul.Tensor(%go, %tc) : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
  dycl.return %h, %c : tensor<1x16xf32>, tensor<1x16xf32>
}
