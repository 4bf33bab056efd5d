// An LSTM cell that feeds its argmax back until the end token, or 20 times. The attention's projection is the same each time.
func.func @main(%feature: tensor<1x32xf32> {dycl.name = "feature"}) -> (tensor<?xi64>, i64) {
  %0 = arith.constant 0 : i64
  %1 = arith.constant 1 : i64
  %max = arith.constant 20 : i64
  %end = arith.constant 3 : i64
  %emb = dycl.param "emb" : tensor<50x32xf32>
  %wih = dycl.param "wih" : tensor<128x32xf32>
  %whh = dycl.param "whh" : tensor<128x32xf32>
  %bih = dycl.param "bih" : tensor<128xf32>
  %bhh = dycl.param "bhh" : tensor<128xf32>
  %wout = dycl.param "wout" : tensor<50x32xf32>
  %watt = dycl.param "watt" : tensor<32x32xf32>
  %h0 = dycl.aten tanh.default(%feature) : (tensor<1x32xf32>) -> tensor<1x32xf32>
  %c0 = dycl.aten mul.Scalar(%h0, 0.0) : (tensor<1x32xf32>) -> tensor<1x32xf32>
  %start = dycl.constant dense<1> : tensor<1xi64>
  %false = arith.constant false
  %true = arith.constant true
  %tokens, %steps, %tok, %h, %c, %done = dycl.while (%ts : tensor<?xi64> = %start : tensor<1xi64>, %n = %0 : i64, %t = %start : tensor<1xi64>, %hh = %h0 : tensor<1x32xf32>, %cc = %c0 : tensor<1x32xf32>, %d = %false : i1) -> (tensor<?xi64>, i64, tensor<1xi64>, tensor<1x32xf32>, tensor<1x32xf32>, i1) {
    %notdone = arith.xori %d, %true : i1
    %less = arith.cmpi slt, %n, %max : i64
    %go = arith.andi %notdone, %less : i1
    dycl.condition(%go) %ts, %n, %t, %hh, %cc, %d : tensor<?xi64>, i64, tensor<1xi64>, tensor<1x32xf32>, tensor<1x32xf32>, i1
  } do (%ts1: tensor<?xi64>, %n1: i64, %t1: tensor<1xi64>, %h1: tensor<1x32xf32>, %c1: tensor<1x32xf32>, %d1: i1) {
    %x = dycl.aten embedding.default(%emb, %t1, -1, false, false) : (tensor<50x32xf32>, tensor<1xi64>) -> tensor<1x32xf32>
    %att = dycl.aten linear.default(%feature, %watt, none) : (tensor<1x32xf32>, tensor<32x32xf32>) -> tensor<1x32xf32>
    %xa = dycl.aten add.Tensor(%x, %att, 1) : (tensor<1x32xf32>, tensor<1x32xf32>) -> tensor<1x32xf32>
    %h2, %c2 = dycl.aten lstm_cell.default(%xa, [%h1, %c1], %wih, %whh, %bih, %bhh) : (tensor<1x32xf32>, tensor<1x32xf32>, tensor<1x32xf32>, tensor<128x32xf32>, tensor<128x32xf32>, tensor<128xf32>, tensor<128xf32>) -> (tensor<1x32xf32>, tensor<1x32xf32>)
    %logits = dycl.aten linear.default(%h2, %wout, none) : (tensor<1x32xf32>, tensor<50x32xf32>) -> tensor<1x50xf32>
    %next = dycl.aten argmax.default(%logits, 1, false) : (tensor<1x50xf32>) -> tensor<1xi64>
    %cat = dycl.aten cat.default([%ts1, %next], 0) : (tensor<?xi64>, tensor<1xi64>) -> tensor<?xi64>
    %token = dycl.item %next : tensor<1xi64> -> i64
    %isend = arith.cmpi eq, %token, %end : i64
    %n2 = arith.addi %n1, %1 : i64
    dycl.yield %cat, %n2, %next, %h2, %c2, %isend : tensor<?xi64>, i64, tensor<1xi64>, tensor<1x32xf32>, tensor<1x32xf32>, i1
  }
  dycl.return %tokens, %steps : tensor<?xi64>, i64
}
