// Top-2 experts: rows by nonzero, results added by index_put; experts without rows are left out.
func.func @main(%x: tensor<6x16xf32> {dycl.name = "x"}) -> tensor<6x16xf32> {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %4 = arith.constant 4 : i64
  %gate = dycl.param "gate" : tensor<4x16xf32>
  %logits = dycl.aten linear.default(%x, %gate, none) : (tensor<6x16xf32>, tensor<4x16xf32>) -> tensor<6x4xf32>
  %probs = dycl.aten softmax.int(%logits, 1, none) : (tensor<6x4xf32>) -> tensor<6x4xf32>
  %pv, %pi = dycl.aten topk.default(%probs, 2, 1, true, true) : (tensor<6x4xf32>) -> (tensor<6x2xf32>, tensor<6x2xi64>)
  %zero = dycl.aten mul.Scalar(%x, 0.0) : (tensor<6x16xf32>) -> tensor<6x16xf32>
  %r = dycl.for %i = %0 to %4 step %1 iter_args(%out = %zero : tensor<6x16xf32>) {
    %is = dycl.aten eq.Scalar(%pi, %i) : (tensor<6x2xi64>, i64) -> tensor<6x2xi1>
    %nz = dycl.aten nonzero.default(%is) : (tensor<6x2xi1>) -> tensor<?x2xi64>
    %rows = dycl.aten select.int(%nz, 1, 0) : (tensor<?x2xi64>) -> tensor<?xi64>
    %cols = dycl.aten select.int(%nz, 1, 1) : (tensor<?x2xi64>) -> tensor<?xi64>
    %count = dycl.dim %rows, 0 : tensor<?xi64>
    %none = arith.cmpi eq, %count, %0 : i64
    dycl.if %none {
      dycl.continue %out : tensor<6x16xf32>
    }
    %xi = dycl.aten index_select.default(%x, 0, %rows) : (tensor<6x16xf32>, tensor<?xi64>) -> tensor<?x16xf32>
    %y = dycl.switch %i -> (tensor<?x16xf32>) case 0 {
      %w0 = dycl.param "w0" : tensor<16x16xf32>
      %y0 = dycl.aten linear.default(%xi, %w0, none) : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
      dycl.yield %y0 : tensor<?x16xf32>
    } case 1 {
      %w1 = dycl.param "w1" : tensor<16x16xf32>
      %y1 = dycl.aten linear.default(%xi, %w1, none) : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
      dycl.yield %y1 : tensor<?x16xf32>
    } case 2 {
      %w2 = dycl.param "w2" : tensor<16x16xf32>
      %y2 = dycl.aten linear.default(%xi, %w2, none) : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
      dycl.yield %y2 : tensor<?x16xf32>
    } default {
      %w3 = dycl.param "w3" : tensor<16x16xf32>
      %y3 = dycl.aten linear.default(%xi, %w3, none) : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
      dycl.yield %y3 : tensor<?x16xf32>
    }
    %pw = dycl.aten index.Tensor(%pv, [%rows, %cols]) : (tensor<6x2xf32>, tensor<?xi64>, tensor<?xi64>) -> tensor<?xf32>
    %pu = dycl.aten unsqueeze.default(%pw, 1) : (tensor<?xf32>) -> tensor<?x1xf32>
    %yw = dycl.aten mul.Tensor(%y, %pu) : (tensor<?x16xf32>, tensor<?x1xf32>) -> tensor<?x16xf32>
    %out2 = dycl.aten index_put.default(%out, [%rows], %yw, true) : (tensor<6x16xf32>, tensor<?xi64>, tensor<?x16xf32>) -> tensor<6x16xf32>
    dycl.yield %out2 : tensor<6x16xf32>
  }
  dycl.return %r : tensor<6x16xf32>
}
