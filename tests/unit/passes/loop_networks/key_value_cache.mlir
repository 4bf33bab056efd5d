// Attention over keys and values that grow with each token.
func.func @main(%prompt: tensor<1xi64> {dycl.name = "prompt"}) -> (tensor<1x?xi64>, tensor<1x2x?x8xf32>) {
  %0 = arith.constant 0 : i64
  %max = arith.constant 12 : i64
  %eos = arith.constant 3 : i64
  %emb = dycl.param "emb" : tensor<50x16xf32>
  %wq = dycl.param "wq" : tensor<16x16xf32>
  %wk = dycl.param "wk" : tensor<16x16xf32>
  %wv = dycl.param "wv" : tensor<16x16xf32>
  %wo = dycl.param "wo" : tensor<50x16xf32>
  %k0 = dycl.constant dense<> : tensor<1x2x0x8xf32>
  %ids0 = dycl.aten unsqueeze.default(%prompt, 0) : (tensor<1xi64>) -> tensor<1x1xi64>
  %ids, %k, %v, %tok = dycl.while (%is : tensor<1x?xi64> = %ids0 : tensor<1x1xi64>, %ks : tensor<1x2x?x8xf32> = %k0 : tensor<1x2x0x8xf32>, %vs : tensor<1x2x?x8xf32> = %k0 : tensor<1x2x0x8xf32>, %t = %prompt : tensor<1xi64>) -> (tensor<1x?xi64>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1xi64>) {
    %n = dycl.dim %is, 1 : tensor<1x?xi64>
    %less = arith.cmpi slt, %n, %max : i64
    dycl.condition(%less) %is, %ks, %vs, %t : tensor<1x?xi64>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1xi64>
  } do (%i1: tensor<1x?xi64>, %k1: tensor<1x2x?x8xf32>, %v1: tensor<1x2x?x8xf32>, %t1: tensor<1xi64>) {
    %x = dycl.aten embedding.default(%emb, %t1, -1, false, false) : (tensor<50x16xf32>, tensor<1xi64>) -> tensor<1x16xf32>
    %q = dycl.aten linear.default(%x, %wq, none) : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
    %kk = dycl.aten linear.default(%x, %wk, none) : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
    %vv = dycl.aten linear.default(%x, %wv, none) : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
    %q4 = dycl.aten view.default(%q, [1, 2, 1, 8]) : (tensor<1x16xf32>) -> tensor<1x2x1x8xf32>
    %k4 = dycl.aten view.default(%kk, [1, 2, 1, 8]) : (tensor<1x16xf32>) -> tensor<1x2x1x8xf32>
    %v4 = dycl.aten view.default(%vv, [1, 2, 1, 8]) : (tensor<1x16xf32>) -> tensor<1x2x1x8xf32>
    %k2 = dycl.aten cat.default([%k1, %k4], 2) : (tensor<1x2x?x8xf32>, tensor<1x2x1x8xf32>) -> tensor<1x2x?x8xf32>
    %v2 = dycl.aten cat.default([%v1, %v4], 2) : (tensor<1x2x?x8xf32>, tensor<1x2x1x8xf32>) -> tensor<1x2x?x8xf32>
    %kt = dycl.aten transpose.int(%k2, 2, 3) : (tensor<1x2x?x8xf32>) -> tensor<1x2x8x?xf32>
    %sc = dycl.aten matmul.default(%q4, %kt) : (tensor<1x2x1x8xf32>, tensor<1x2x8x?xf32>) -> tensor<1x2x1x?xf32>
    %sm = dycl.aten softmax.int(%sc, 3, none) : (tensor<1x2x1x?xf32>) -> tensor<1x2x1x?xf32>
    %o = dycl.aten matmul.default(%sm, %v2) : (tensor<1x2x1x?xf32>, tensor<1x2x?x8xf32>) -> tensor<1x2x1x8xf32>
    %of = dycl.aten reshape.default(%o, [1, 16]) : (tensor<1x2x1x8xf32>) -> tensor<1x16xf32>
    %logits = dycl.aten linear.default(%of, %wo, none) : (tensor<1x16xf32>, tensor<50x16xf32>) -> tensor<1x50xf32>
    %next = dycl.aten argmax.default(%logits, 1, false) : (tensor<1x50xf32>) -> tensor<1xi64>
    %nu = dycl.aten unsqueeze.default(%next, 0) : (tensor<1xi64>) -> tensor<1x1xi64>
    %cat = dycl.aten cat.default([%i1, %nu], 1) : (tensor<1x?xi64>, tensor<1x1xi64>) -> tensor<1x?xi64>
    %token = dycl.item %next : tensor<1xi64> -> i64
    %isend = arith.cmpi eq, %token, %eos : i64
    dycl.if %isend {
      dycl.break %cat, %k2, %v2, %next : tensor<1x?xi64>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1xi64>
    }
    dycl.yield %cat, %k2, %v2, %next : tensor<1x?xi64>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1xi64>
  }
  dycl.return %ids, %k : tensor<1x?xi64>, tensor<1x2x?x8xf32>
}
