// Adaptive computation time: a cell runs while any sample has not halted.
func.func @main(%x: tensor<3x16xf32> {dycl.name = "x"}) -> (tensor<3x16xf32>, tensor<3xf32>) {
  %whh = dycl.param "whh" : tensor<16x16xf32>
  %wxh = dycl.param "wxh" : tensor<16x16xf32>
  %wp = dycl.param "wp" : tensor<1x16xf32>
  %bp = dycl.param "bp" : tensor<1xf32>
  %z3 = dycl.constant dense<0.0> : tensor<3xf32>
  %h0 = dycl.constant dense<0.0> : tensor<3x16xf32>
  %out, %n, %h, %p = dycl.while (%acc = %h0 : tensor<3x16xf32>, %updates = %z3 : tensor<3xf32>, %state = %h0 : tensor<3x16xf32>, %halt = %z3 : tensor<3xf32>) -> (tensor<3x16xf32>, tensor<3xf32>, tensor<3x16xf32>, tensor<3xf32>) {
    %lt = dycl.aten lt.Scalar(%halt, 0.99) : (tensor<3xf32>) -> tensor<3xi1>
    %few = dycl.aten lt.Scalar(%updates, 12.0) : (tensor<3xf32>) -> tensor<3xi1>
    %both = dycl.aten logical_and.default(%lt, %few) : (tensor<3xi1>, tensor<3xi1>) -> tensor<3xi1>
    %any = dycl.aten any.default(%both) : (tensor<3xi1>) -> tensor<i1>
    %go = dycl.item %any : tensor<i1> -> i1
    dycl.condition(%go) %acc, %updates, %state, %halt : tensor<3x16xf32>, tensor<3xf32>, tensor<3x16xf32>, tensor<3xf32>
  } do (%acc1: tensor<3x16xf32>, %u1: tensor<3xf32>, %s1: tensor<3x16xf32>, %p1: tensor<3xf32>) {
    %xw = dycl.aten linear.default(%x, %wxh, none) : (tensor<3x16xf32>, tensor<16x16xf32>) -> tensor<3x16xf32>
    %hw = dycl.aten linear.default(%s1, %whh, none) : (tensor<3x16xf32>, tensor<16x16xf32>) -> tensor<3x16xf32>
    %pre = dycl.aten add.Tensor(%xw, %hw, 1) : (tensor<3x16xf32>, tensor<3x16xf32>) -> tensor<3x16xf32>
    %s2 = dycl.aten tanh.default(%pre) : (tensor<3x16xf32>) -> tensor<3x16xf32>
    %lp = dycl.aten linear.default(%s2, %wp, %bp) : (tensor<3x16xf32>, tensor<1x16xf32>, tensor<1xf32>) -> tensor<3x1xf32>
    %sp = dycl.aten sigmoid.default(%lp) : (tensor<3x1xf32>) -> tensor<3x1xf32>
    %q = dycl.aten squeeze.dim(%sp, 1) : (tensor<3x1xf32>) -> tensor<3xf32>
    %running = dycl.aten lt.Scalar(%p1, 0.99) : (tensor<3xf32>) -> tensor<3xi1>
    %rf = dycl.aten _to_copy.default(%running, f32, none, none, none, false, none) : (tensor<3xi1>) -> tensor<3xf32>
    %step = dycl.aten mul.Tensor(%q, %rf) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    %half = dycl.aten mul.Scalar(%step, 0.4) : (tensor<3xf32>) -> tensor<3xf32>
    %p2 = dycl.aten add.Tensor(%p1, %half, 1) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    %u2 = dycl.aten add.Tensor(%u1, %rf, 1) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    %w = dycl.aten unsqueeze.default(%step, 1) : (tensor<3xf32>) -> tensor<3x1xf32>
    %ws = dycl.aten mul.Tensor(%s2, %w) : (tensor<3x16xf32>, tensor<3x1xf32>) -> tensor<3x16xf32>
    %acc2 = dycl.aten add.Tensor(%acc1, %ws, 1) : (tensor<3x16xf32>, tensor<3x16xf32>) -> tensor<3x16xf32>
    dycl.yield %acc2, %u2, %s2, %p2 : tensor<3x16xf32>, tensor<3xf32>, tensor<3x16xf32>, tensor<3xf32>
  }
  dycl.return %out, %n : tensor<3x16xf32>, tensor<3xf32>
}
