// RUN: dycl-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: torch has no ATen overload 'conv2.default'; did you mean {{.*}}conv2d.default{{.*}}: `{{.*}}` in @main at net.py:3
func.func @main(%x: tensor<2xf32>) {
  %y = dycl.aten conv2.default(%x) : (tensor<2xf32>) -> tensor<2xf32> loc("net.py":3:0)
  dycl.return
}

// -----

// CHECK: torch has no ATen overload 'add'
func.func @main(%x: tensor<2xf32>) {
  %y = dycl.aten add(%x) : (tensor<2xf32>) -> tensor<2xf32>
  dycl.return
}

// -----

// CHECK: add_.Tensor writes to its arguments; a program holds only functional overloads
func.func @main(%x: tensor<2xf32>) {
  %y = dycl.aten add_.Tensor(%x, %x, 1) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  dycl.return
}

// -----

// CHECK: add.Tensor takes 3 arguments (self: Tensor, other: Tensor, alpha: Scalar), not 2
func.func @main(%x: tensor<2xf32>) {
  %y = dycl.aten add.Tensor(%x, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  dycl.return
}

// -----

// CHECK: argument 1 ('other') of add.Tensor must be Tensor, not 1.5
func.func @main(%x: tensor<2xf32>) {
  %y = dycl.aten add.Tensor(%x, 1.5, 1) : (tensor<2xf32>) -> tensor<2xf32>
  dycl.return
}

// -----

// CHECK: argument 2 ('bias') of conv2d.default must be Tensor?, not true
func.func @main(%x: tensor<1x1x4x4xf32>) {
  %y = dycl.aten conv2d.default(%x, %x, true, [1, 1], [0, 0], [1, 1], 1) : (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) -> tensor<1x1x1x1xf32>
  dycl.return
}

// -----

// CHECK: argument 3 ('stride') of conv2d.default must be int[], not [1, 'a']
func.func @main(%x: tensor<1x1x4x4xf32>) {
  %y = dycl.aten conv2d.default(%x, %x, none, [1, "a"], [0, 0], [1, 1], 1) : (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) -> tensor<1x1x1x1xf32>
  dycl.return
}

// -----

// CHECK: argument 1 ('dim') of sum.dim_IntList must be int[]?, not [an f64]
func.func @main(%x: tensor<2xf32>, %f: f64) {
  %y = dycl.aten sum.dim_IntList(%x, [%f], false, none) : (tensor<2xf32>, f64) -> tensor<f32>
  dycl.return
}

// -----

// CHECK: argument 1 ('tensors') of einsum.default must be Tensor[], not [a tensor<2xf32>, 1]
func.func @main(%x: tensor<2xf32>) {
  %y = dycl.aten einsum.default("i,i->", [%x, 1], none) : (tensor<2xf32>) -> tensor<f32>
  dycl.return
}

// -----

// CHECK: max.dim gives 2 values, not 1
func.func @main(%x: tensor<2xf32>) {
  %y = dycl.aten max.dim(%x, 0, false) : (tensor<2xf32>) -> tensor<f32>
  dycl.return
}

// -----

// CHECK: result 0 of relu.default is Tensor, which cannot have type i64
func.func @main(%x: tensor<2xf32>) {
  %y = dycl.aten relu.default(%x) : (tensor<2xf32>) -> i64
  dycl.return
}

// -----

// CHECK: batch_norm.default writes to its running statistics where 'training' is true; it must be false
func.func @main(%x: tensor<2x3xf32>, %m: tensor<3xf32>) {
  %y = dycl.aten batch_norm.default(%x, none, none, %m, %m, true, 0.1, 0.00001, false) : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  dycl.return
}
