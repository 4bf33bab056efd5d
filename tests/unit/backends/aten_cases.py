"""Calls of ATen overloads that dynamic networks make, on small tensors."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from tests.unit.backends.kernel_building import Dynamic, Scalar, Weight

G = torch.Generator().manual_seed(0)


@dataclass
class Case:
    overload: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.overload


def f(*shape: int, low: float = -2.0, high: float = 2.0) -> torch.Tensor:
    return torch.rand(shape, generator=G) * (high - low) + low


def positive(*shape: int) -> torch.Tensor:
    return f(*shape, low=0.2, high=3.0)


def integers(*shape: int, low: int = -5, high: int = 6, dtype: torch.dtype = torch.int64) -> torch.Tensor:
    return torch.randint(low, high, shape, generator=G).to(dtype)


def flags(*shape: int) -> torch.Tensor:
    return f(*shape) > 0


def w(*shape: int) -> Weight:
    return Weight(f(*shape) / 2)


def case(overload: str, *arguments: Any, **keywords: Any) -> Case:
    return Case(overload, arguments, keywords)


def elementwise() -> Iterator[Case]:
    names = "abs ceil cos erf exp floor neg relu round sigmoid sign sin sqrt tan tanh silu gelu hardswish hardsigmoid"
    names += " square rsqrt reciprocal log atan log1p expm1 exp2 log2 log10 softplus mish elu selu leaky_relu relu6"
    names += " log_sigmoid trunc frac sinh cosh isnan isinf isfinite logical_not positive hardtanh celu acos asin erfc"
    for name in names.split():
        clamped = f(3, 4, low=-0.9, high=0.9) if name in ("acos", "asin") else f(3, 4)
        x = positive(3, 4) if name in ("sqrt", "rsqrt", "log", "log1p", "log2", "log10", "reciprocal") else clamped
        yield case(f"{name}.default", x)
    for name in ("exp", "sigmoid", "sqrt", "abs", "neg", "relu", "floor", "sign", "round", "tanh"):
        yield case(f"{name}.default", integers(5, low=0))
    yield case("sigmoid.default", flags(4))
    yield case("gelu.default", f(3, 4), approximate="tanh")
    yield case("leaky_relu.default", f(3, 4), 0.2)
    yield case("elu.default", f(3, 4), 0.5)
    yield case("softplus.default", f(3, 4), 2.0, 1.0)
    yield case("exp.default", f(3, 4).double())
    yield case("clamp.default", f(3, 4), -0.5, 0.5)
    yield case("clamp.default", f(3, 4), None, 0.5)
    yield case("clamp.default", integers(6), -2, 3)
    yield case("clamp.default", integers(6), 0.5, None)
    yield case("clamp.Tensor", f(3, 4), f(4), None)
    yield case("clamp_min.default", f(3, 4), 0.1)
    yield case("clamp_max.default", f(3, 4), 0.1)
    yield case("hardtanh.default", f(3, 4), 0.0, 6.0)
    yield case("prelu.default", f(2, 3, 4), w(3))
    yield case("glu.default", f(2, 6))
    yield case("threshold.default", f(6), 0.1, 0.0)
    yield case("nan_to_num.default", torch.tensor([float("nan"), 1.0, float("inf")]))
    yield case("clip.default", f(3, 4), -0.5, 0.5)
    yield case("clip.Tensor", f(3, 4), f(4), None)
    yield case("clamp_min.Tensor", f(3, 4), f(4))
    yield case("clamp_max.Tensor", f(3, 4), f())
    yield case("bitwise_not.default", flags(5))
    yield case("bitwise_not.default", integers(5))
    yield case("lerp.Scalar", f(4), f(4), 0.3)
    yield case("lerp.Tensor", f(4), f(4), f(4))
    yield case("addcmul.default", f(4), f(4), f(4), value=0.5)
    yield case("addcdiv.default", f(4), f(4), positive(4), value=0.5)


def binary() -> Iterator[Case]:
    tensors = (f(3, 4), f(4)), (f(3, 4), integers(4)), (integers(3, 4), f()), (integers(4), integers(4))
    for name in ("add", "sub", "mul"):
        for left, right in tensors:
            yield case(f"{name}.Tensor", left, right)
        yield case(f"{name}.Scalar", f(4), 0.7)
        yield case(f"{name}.Scalar", integers(4), 2)
        yield case(f"{name}.Scalar", integers(4), 0.5)
        yield case(f"{name}.Tensor", f(4).double(), f())
        yield case(f"{name}.Scalar", f(4), Scalar(0.3))
        yield case(f"{name}.Scalar", integers(4), Scalar(3))
    yield case("add.Tensor", f(4), f(4), alpha=2)
    yield case("sub.Tensor", f(4), f(4), alpha=0.5)
    yield case("add.Tensor", flags(6), flags(6))
    yield case("mul.Tensor", flags(6), flags(6))
    yield case("mul.Tensor", flags(6), f(6))
    yield case("add.Tensor", integers(4, dtype=torch.int32), integers(4))
    yield case("rsub.Scalar", f(4), 1)
    yield case("rsub.Scalar", f(4), 1, 2)
    yield case("rsub.Tensor", f(4), f(4), alpha=2)
    yield case("true_divide.Tensor", f(4), positive(4))
    yield case("true_divide.Scalar", integers(4), 2)
    yield case("div.Tensor", f(4), positive(4))
    yield case("div.Tensor", integers(4), integers(4, low=1))
    yield case("div.Scalar", integers(4), 2)
    yield case("div.Scalar", f(4), Scalar(4))
    for mode in ("floor", "trunc", None):
        yield case("div.Tensor_mode", f(8) * 3, f(8), rounding_mode=mode)
        yield case("div.Tensor_mode", integers(8), torch.tensor([2, -2, 3, -3, 1, -1, 4, -4]), rounding_mode=mode)
    yield case("div.Scalar_mode", integers(8), 3, rounding_mode="floor")
    yield case("floor_divide.default", integers(8), torch.tensor([2, -2, 3, -3, 1, -1, 4, -4]))
    yield case("floor_divide.default", torch.tensor([1.0, -1.0, 5.5, 1.0]), torch.tensor([0.1, 0.1, -2.0, 0.0]))
    yield case("floor_divide.Scalar", torch.tensor([7, -7]), 2)
    for left, right in ((f(8) * 3, f(8)), (integers(8), torch.tensor([2, -2, 3, -3, 1, -1, 4, -4]))):
        yield case("remainder.Tensor", left, right)
        yield case("fmod.Tensor", left, right)
    yield case("remainder.Scalar", torch.tensor([7, -7]), 3)
    yield case("remainder.Scalar", f(6), 0.7)
    yield case("pow.Tensor_Scalar", positive(4), 2)
    yield case("pow.Tensor_Scalar", positive(4), 0.5)
    yield case("pow.Tensor_Scalar", positive(4), 3.5)
    yield case("pow.Tensor_Scalar", integers(4), 3)
    yield case("pow.Tensor_Tensor", positive(4), f(4))
    yield case("pow.Scalar", 2, f(4))
    yield case("maximum.default", f(4), f(4))
    yield case("minimum.default", f(4), integers(4))
    yield case("max.other", integers(4), integers(4))
    yield case("maximum.default", flags(4), flags(4))
    yield case("min.other", integers(4), f(4))
    yield case("atan2.default", f(6), f(6))
    yield case("fmod.Scalar", f(6), 0.7)
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        yield case(f"{name}.Tensor", integers(8, low=0, high=3), integers(8, low=0, high=3))
        yield case(f"{name}.Tensor", integers(8, low=0, high=3), f(8))
        yield case(f"{name}.Tensor", flags(8), flags(8))
        yield case(f"{name}.Scalar", integers(8), 1)
        yield case(f"{name}.Scalar", integers(8), 0.5)
        yield case(f"{name}.Scalar", torch.tensor([0.9, 0.1, 0.5]), 0.9)
        yield case(f"{name}.Scalar", f(3, 3), Scalar(0.25))
    for name in ("and", "or", "xor"):
        yield case(f"logical_{name}.default", flags(6), flags(6))
        yield case(f"logical_{name}.default", integers(6, low=0, high=2), f(6))
        yield case(f"bitwise_{name}.Tensor", flags(6), flags(6))
        yield case(f"bitwise_{name}.Tensor", integers(6), integers(6))
        yield case(f"bitwise_{name}.Scalar", integers(6), 3)
    yield case("where.self", flags(3, 4), f(3, 4), f(4))
    yield case("where.self", flags(4), integers(4), f(4))
    yield case("where.ScalarOther", flags(4), f(4), 0)
    yield case("where.ScalarSelf", flags(4), 1.5, integers(4))
    yield case("where.Scalar", flags(4), 1.0, 0.0)
    yield case("masked_fill.Scalar", f(3, 4), flags(4), float("-inf"))
    yield case("masked_fill.Tensor", f(3, 4), flags(3, 4), f())
    for dtype in (torch.float32, torch.int64, torch.bool, torch.float64, torch.int32, torch.uint8):
        yield case("to.dtype", f(6, low=0.0), dtype)
        yield case("to.dtype", integers(6, low=0), dtype)
        yield case("to.dtype", flags(6), dtype)
    yield case("to.dtype_layout", f(4), dtype=torch.float64)
    yield case("to.device", f(4), torch.device("cpu"), torch.int32)
    yield case("to.other", f(4), integers(4))
    yield case("_to_copy.default", f(4), dtype=torch.int64)
    yield case("type_as.default", f(4), integers(4))


def shapes() -> Iterator[Case]:
    yield case("view.default", f(2, 3, 4), [6, -1])
    yield case("reshape.default", f(2, 3, 4), [4, 6])
    yield case("flatten.using_ints", f(2, 3, 4), 1)
    yield case("unflatten.int", f(2, 6), 1, [2, 3])
    yield case("squeeze.default", f(1, 3, 1))
    yield case("squeeze.dim", f(1, 3, 1), 0)
    yield case("squeeze.dims", f(1, 3, 1), [0, 2])
    yield case("unsqueeze.default", f(3, 4), -1)
    yield case("permute.default", f(2, 3, 4), [2, 0, 1])
    yield case("permute.default", f(1, 3, 1), [1, 0, 2])
    yield case("transpose.int", f(2, 3, 4), 1, 2)
    yield case("t.default", f(2, 3))
    yield case("movedim.int", f(2, 3, 4), 0, 2)
    yield case("movedim.int", f(2, 3, 4), 2, 0)
    yield case("expand.default", f(3, 1), [2, 3, 4])
    yield case("expand.default", f(3, 1), [-1, 4])
    yield case("expand_as.default", f(3, 1), f(3, 4))
    yield case("contiguous.default", f(2, 3))
    yield case("clone.default", f(2, 3))
    yield case("dropout.default", f(2, 3), 0.5, False)
    for name in ("alias", "detach", "lift_fresh", "lift_fresh_copy", "resolve_conj", "resolve_neg"):
        yield case(f"{name}.default", f(2, 3))
    for name in ("alpha_dropout", "feature_dropout", "feature_alpha_dropout"):
        yield case(f"{name}.default", f(2, 3), 0.5, False)
    for name in ("_unsafe_view", "_reshape_copy", "view_copy"):
        yield case(f"{name}.default", f(2, 3), [3, 2])
    for name in ("view_as", "reshape_as"):
        yield case(f"{name}.default", f(2, 3), f(3, 2))
    for name in ("swapaxes", "swapdims"):
        yield case(f"{name}.default", f(2, 3, 4), 0, -1)
    yield case("numpy_T.default", f(2, 3))
    yield case("numpy_T.default", f(2, 3, 4))
    yield case("mT.default", f(2, 3, 4))
    yield case("select.int", f(2, 3, 4), 1, -1)
    yield case("select.int", f(2, 1, 4), 1, 0)
    yield case("select.int", f(5, 2), 0, Scalar(3))
    yield case("slice.Tensor", f(5, 4), 0, 1, 4, 2)
    yield case("slice.Tensor", f(5, 4), 1, -2)
    yield case("slice.Tensor", f(5, 4), 0, 0, Scalar(3))
    yield case("narrow.default", f(5, 4), 0, 1, 3)
    yield case("flip.default", f(3, 4), [0, 1])
    yield case("roll.default", f(3, 4), [1], [0])
    yield case("cat.default", [f(2, 3), f(1, 3)], 0)
    yield case("cat.default", [f(2, 3), integers(2, 1)], 1)
    yield case("cat.default", [torch.empty(0), f(2, 3)], 0)
    yield case("stack.default", [f(3), f(3)], 1)
    yield case("stack.default", [f(), f()], 0)
    yield case("split.Tensor", f(5, 2), 2)
    yield case("split.sizes", f(5, 2), [1, 4])
    yield case("unsafe_split.Tensor", f(5, 2), 2)
    yield case("unsafe_split_with_sizes.default", f(5, 2), [1, 4])
    yield case("unsafe_chunk.default", f(5, 4), 2, 1)
    for name in ("concat", "concatenate"):
        yield case(f"{name}.default", [f(2, 3), f(2, 1)], 1)
    yield case("split_with_sizes.default", f(5, 2), [1, 4])
    yield case("chunk.default", f(5, 4), 2, 1)
    yield case("tensor_split.sections", f(5, 4), 3)
    yield case("unbind.int", f(3, 2))
    yield case("index_select.default", f(5, 3), 0, torch.tensor([4, 0, 0]))
    yield case("index_add.default", f(5, 3), 0, torch.tensor([4, 0, 4]), f(3, 3), alpha=1)
    yield case("index_add.default", f(5, 3), 1, torch.tensor([2, 2]), f(5, 2), alpha=0.5)
    yield case("gather.default", f(3, 4), 1, torch.tensor([[0, 3], [1, 1], [2, 0]]))
    yield case("scatter.src", f(3, 4), 1, torch.tensor([[0, 3], [1, 2], [2, 0]]), f(3, 2))
    yield case("scatter.value", f(3, 4), 1, torch.tensor([[0], [3], [1]]), 1.5)
    yield case("scatter_add.default", f(3, 4), 1, torch.tensor([[0, 0], [1, 1], [2, 3]]), f(3, 2))
    yield case("embedding.default", w(7, 3), torch.tensor([[1, 6], [0, 2]]))
    yield case("index.Tensor", f(5, 3), [torch.tensor([1, 4])])
    yield case("index.Tensor", f(5, 3), [None, torch.tensor([0, 2])])
    yield case("index.Tensor", f(5, 3), [torch.tensor([1, 4]), torch.tensor([0, 2])])
    yield case("index_put.default", f(5, 3), [torch.tensor([1, 4])], f(2, 3))
    yield case("index_put.default", f(6), [f(6) > 0.3], torch.tensor(0.0))
    yield case("index_fill.int_Scalar", f(5, 3), 0, torch.tensor([0, 2]), 1.0)
    yield case("index_add.default", f(5, 3), 0, torch.tensor([0, 2, 2]), f(3, 3))
    yield case("select_scatter.default", f(3, 4), f(4), 0, 1)
    yield case("slice_scatter.default", f(5, 4), f(2, 4), 0, 1, 3)
    yield case("masked_scatter.default", f(4), torch.tensor([True, False, True, True]), f(4))
    yield case("repeat.default", f(2, 3), [2, 1, 2])
    yield case("tile.default", f(2, 3), [2, 2])
    yield case("repeat_interleave.self_int", f(2, 3), 2, 1)
    yield case("triu.default", f(4, 4))
    yield case("tril.default", f(4, 4), -1)
    yield case("diagonal.default", f(3, 4))
    yield case("constant_pad_nd.default", f(2, 3), [1, 2], 0.5)
    yield case("pad.default", f(1, 2, 4, 4), [1, 1, 1, 1])
    yield case("reflection_pad2d.default", f(1, 2, 4, 4), [1, 1, 1, 1])
    yield case("unfold.default", f(6), 0, 3, 2)
    yield case("pixel_shuffle.default", f(1, 4, 2, 2), 2)
    yield case("upsample_nearest2d.vec", f(1, 2, 3, 3), None, [2.0, 2.0])
    yield case("upsample_bilinear2d.vec", f(1, 2, 3, 3), None, False, [2.0, 2.0])
    yield case("view.default", Dynamic(f(2, 3, 4)), [6, -1], dynamic=True)
    yield case("flatten.using_ints", Dynamic(f(2, 3, 4)), 1, dynamic=True)
    yield case("unsqueeze.default", Dynamic(f(2, 3)), 0, dynamic=True)
    yield case("cat.default", [Dynamic(f(2, 3)), Dynamic(f(1, 3))], 0, dynamic=True)
    yield case("add.Tensor", Dynamic(f(2, 3)), Dynamic(f(3)), dynamic=True)
    yield case("expand.default", Dynamic(f(2, 1)), [-1, Scalar(3)], dynamic=True)
    yield case("nonzero.default", Dynamic(integers(3, 4, low=0, high=2)), dynamic=True)
    yield case("zeros_like.default", Dynamic(f(2, 3)), dynamic=True)
    yield case("arange.default", Scalar(5), dynamic=True)
    yield case("sum.dim_IntList", Dynamic(f(2, 3)), [1], dynamic=True)
    yield case("linear.default", Dynamic(f(2, 5, 3)), w(4, 3), w(4), dynamic=True)
    yield case("index_select.default", Dynamic(f(5, 3)), 0, Dynamic(torch.tensor([4, 0])), dynamic=True)
    for name in ("split_with_sizes.default", "split.sizes", "unsafe_split_with_sizes.default"):
        yield case(name, Dynamic(f(6, 3)), [2, 3, 1], dynamic=True)
        yield case(name, f(3, 6), [Scalar(2), Scalar(4)], 1, dynamic=True)
    yield case("split.Tensor", Dynamic(f(7, 3)), 3, dynamic=True)
    yield case("split.Tensor", Dynamic(f(6, 3)), Scalar(2), dynamic=True)
    yield case("chunk.default", Dynamic(f(7, 3)), 3, dynamic=True)
    yield case("chunk.default", Dynamic(f(3, 6)), 4, 1, dynamic=True)
    yield case("diagonal_scatter.default", f(3, 4), f(3))
    yield case("diagonal_scatter.default", f(3, 4, 2), f(2, 3), 1, 0, 1)


def selections() -> Iterator[Case]:
    yield case("masked_select.default", f(3, 4), flags(3, 4), dynamic=True)
    yield case("masked_select.default", f(3, 4), flags(4), dynamic=True)
    yield case("masked_select.default", f(1, 4), flags(3, 1), dynamic=True)
    yield case("masked_select.default", Dynamic(f(3, 4)), Dynamic(flags(3, 4)), dynamic=True)
    yield case("masked_select.default", f(3), torch.tensor([False] * 3), dynamic=True)
    counts = torch.tensor([2, 0, 3])
    yield case("repeat_interleave.Tensor", counts, dynamic=True)
    yield case("repeat_interleave.Tensor", counts * 0, dynamic=True)
    yield case("repeat_interleave.self_Tensor", f(3, 4), counts, 0, dynamic=True)
    yield case("repeat_interleave.self_Tensor", Dynamic(f(4, 3)), Dynamic(counts), 1, dynamic=True)
    yield case("repeat_interleave.self_Tensor", Dynamic(f(3)), Dynamic(counts), dynamic=True)
    yield case("repeat_interleave.self_Tensor", f(3, 4), torch.tensor([2]), 1, dynamic=True)
    yield case("repeat_interleave.self_Tensor", f(3, 4), torch.tensor(2), dynamic=True)
    yield case("repeat_interleave.self_int", f(3, 4), Scalar(2), 1, dynamic=True)
    yield case("repeat_interleave.self_int", Dynamic(f(3, 4)), 2, dynamic=True)
    yield case("one_hot.default", Dynamic(torch.tensor([0, 2, 1])), 4, dynamic=True)
    yield case("_unique2.default", torch.tensor([True, True, True]), return_inverse=True, dynamic=True)
    yield case("_unique2.default", torch.tensor([[3, 1], [3, 0]]), True, True, True, dynamic=True)


def creation() -> Iterator[Case]:
    yield case("full.default", [2, 3], 0.5)
    yield case("full.default", [2], 1, dtype=torch.int64)
    yield case("full.default", [2, 3], Scalar(0.5), dtype=torch.float32)
    yield case("zeros.default", [2, 3])
    yield case("zeros.default", [0, 3])
    yield case("zeros.default", [100, 100])
    yield case("ones.default", [3], dtype=torch.bool)
    yield case("full_like.default", f(2, 3), 2)
    yield case("zeros_like.default", f(2, 3))
    yield case("ones_like.default", integers(3))
    yield case("new_zeros.default", f(2), [3])
    yield case("new_full.default", f(2), [3], 1.5)
    yield case("new_ones.default", f(2), [3])
    for name in ("fill.Scalar", "fill.Tensor"):
        yield case(name, f(2, 3), 1.5 if name == "fill.Scalar" else f())
    yield case("arange.default", 5)
    yield case("arange.start", 2, 7)
    yield case("arange.start_step", 0.0, 1.0, 0.25)
    yield case("scalar_tensor.default", 2.5)
    yield case("eye.default", 3)
    yield case("eye.default", Scalar(3), dynamic=True)
    yield case("eye.m", 2, 3, dtype=torch.int64)
    yield case("eye.m", Scalar(2), 3, dynamic=True)
    yield case("linspace.default", 0.0, 1.0, 5)
    yield case("one_hot.default", torch.tensor([0, 2, 1]), 4)


def reductions() -> Iterator[Case]:
    for x in (f(3, 4), integers(3, 4), flags(3, 4)):
        yield case("sum.default", x)
        yield case("sum.dim_IntList", x, [1], True)
        yield case("any.default", x)
        yield case("any.dim", x, 1)
        yield case("all.dim", x, 0, True)
        yield case("any.dims", x, [0, 1])
    yield case("any.default", integers(3, low=0, high=2, dtype=torch.uint8))
    yield case("all.default", flags(3))
    for name in ("any", "all"):
        yield case(f"{name}.default", flags(0, 3))
        yield case(f"{name}.dim", flags(0, 3), 0)
    for x in (f(3, 4), integers(3, 4)):
        yield case("max.default", x)
        yield case("min.default", x)
        yield case("max.dim", x, 1)
        yield case("min.dim", x, 0, True)
        yield case("amax.default", x, [0, 1])
        yield case("amin.default", x, [-1], True)
        yield case("argmax.default", x)
        yield case("argmax.default", x, 1, True)
        yield case("argmin.default", x, 0)
        yield case("prod.default", x)
        yield case("cumsum.default", x, 1)
    yield case("all.dims", flags(3, 4), [0, 1])
    yield case("prod.dim_int", f(3, 4), 1)
    yield case("var.default", f(3, 4), False)
    yield case("std.dim", f(3, 4), [0], True, True)
    yield case("std_mean.correction", f(3, 4), [1], correction=0)
    yield case("argmax.default", f(3, 4), None, True)
    yield case("max.default", flags(4))
    yield case("sum.default", f())
    yield case("sum.dim_IntList", f(2, 3, 4), [0, -1])
    yield case("sum.dim_IntList", f(2, 3), None, dtype=torch.float64)
    yield case("mean.default", f(3, 4))
    yield case("mean.dim", f(2, 3, 4), [-1, 1], True)
    yield case("mean.dim", integers(3), [0], dtype=torch.float32)
    yield case("var.correction", f(3, 4), [1], correction=1)
    yield case("var.correction", f(3, 4), None, correction=0)
    yield case("std.correction", f(3, 4), [0], correction=1, keepdim=True)
    yield case("std.default", f(6))
    yield case("var.dim", f(3, 4), [1], False)
    yield case("var_mean.correction", f(3, 4), [1], correction=1)
    for name in ("var", "std"):
        yield case(f"{name}.dim", Dynamic(f(3, 4)), [1], dynamic=True)
        yield case(f"{name}.correction", Dynamic(f(3, 4)), None, correction=0, dynamic=True)
        yield case(f"{name}.default", Dynamic(f(3, 4)), False, dynamic=True)
        yield case(f"{name}.dim", f(1, 3), [0])
        yield case(f"{name}.dim", Dynamic(f(1, 3)), [0], dynamic=True)
    yield case("var_mean.correction", Dynamic(f(3, 4)), [-1], correction=1, keepdim=True, dynamic=True)
    yield case("sort.stable", f(5).double(), stable=True)
    yield case("sort.stable", torch.tensor([2, 1, 2, 1]), stable=True, descending=True)
    yield case("norm.ScalarOpt_dim", f(3, 4), 2, [1])
    yield case("norm.Scalar", f(3, 4), 1)
    yield case("linalg_vector_norm.default", f(3, 4), 2, [1], True)
    yield case("linalg_vector_norm.default", f(3, 4), float("inf"))
    yield case("linalg_vector_norm.default", f(3, 4), 3, [1])
    yield case("logsumexp.default", f(3, 4), [1])
    yield case("softmax.int", f(3, 4), 1)
    yield case("softmax.int", f(4), 0)
    yield case("softmax.int", integers(4), 0, dtype=torch.float32)
    yield case("log_softmax.int", f(3, 4), -1)
    yield case("softmax.int", f(3, 4).double(), 1)
    yield case("softmax.int", f(), 0)
    yield case("_softmax.default", f(3, 4), 1, False)
    yield case("_log_softmax.default", f(3, 4), 1, False)
    yield case("topk.default", f(3, 6), 2)
    yield case("topk.default", f(3, 6), 2, 0, False)
    yield case("sort.default", f(3, 6), 1, True)
    yield case("sort.default", integers(12, low=0, high=3), 0)
    yield case("argsort.default", f(6))
    yield case("count_nonzero.default", integers(6, low=0, high=2))
    yield case("cosine_similarity.default", f(3, 4), f(3, 4))
    yield case("pairwise_distance.default", f(3, 4), f(3, 4))


def networks() -> Iterator[Case]:
    yield case("conv1d.default", f(1, 3, 8), w(4, 3, 3), w(4), [1], [1])
    yield case("conv2d.default", f(1, 3, 8, 8), w(4, 3, 3, 3), None, [2, 2], [1, 1])
    yield case("conv2d.default", f(3, 8, 8), w(4, 3, 3, 3), w(4))
    yield case("conv2d.default", f(1, 4, 8, 8), w(4, 1, 3, 3), w(4), [1, 1], [2, 2], [2, 2], 4)
    yield case("conv2d.default", f(1, 3, 8, 8), f(4, 3, 3, 3), f(4), [1, 1], [1, 1])
    yield case("conv2d.padding", f(1, 3, 8, 8), w(4, 3, 4, 3), w(4), [1, 1], "same", [1, 2])
    yield case("conv2d.padding", f(1, 3, 8, 8), w(4, 3, 3, 3), w(4), [2], "valid")
    yield case("conv3d.default", f(1, 2, 4, 4, 4), w(3, 2, 3, 3, 3), None)
    yield case("conv_transpose1d.default", f(1, 3, 5), w(3, 2, 3), w(2), [2], [1], [1])
    yield case("conv_transpose2d.input", f(1, 3, 5, 5), w(3, 2, 3, 3), w(2), [2, 2], [1, 1], [1, 1])
    yield case("conv_transpose2d.input", f(1, 4, 5, 5), w(4, 2, 3, 3), None, [1, 1], [0, 0], [0, 0], 2, [2, 2])
    yield case("convolution.default", f(1, 3, 8, 8), w(4, 3, 3, 3), w(4), [1, 1], [1, 1], [1, 1], False, [0, 0], 1)
    for bias in (None, w(4)):
        for x in (f(2, 3), f(3), f(2, 5, 3)):
            yield case("linear.default", x, w(4, 3), bias)
    yield case("linear.default", f(2, 3), f(4, 3), f(4))
    yield case("addmm.default", f(4), f(2, 3), w(3, 4), beta=0.5, alpha=2)
    yield case("matmul.default", f(2, 3, 4), f(4, 5))
    yield case("matmul.default", f(4), f(4))
    yield case("mm.default", f(2, 3), f(3, 2))
    yield case("bmm.default", f(2, 3, 4), f(2, 4, 2))
    yield case("baddbmm.default", f(2, 3, 2), f(2, 3, 4), f(2, 4, 2))
    yield case("baddbmm.default", f(2, 3, 2), f(2, 3, 4), f(2, 4, 2), beta=0.5, alpha=2)
    yield case("mv.default", f(3, 4), f(4))
    yield case("dot.default", f(4), f(4))
    yield case("outer.default", f(3), f(4))
    yield case("einsum.default", "bij,bjk->bik", [f(2, 3, 4), f(2, 4, 2)])
    norms = (w(4), w(4), w(4), Weight(positive(4)))
    yield case("batch_norm.default", f(2, 4, 5, 5), *norms, False, 0.1, 1e-5, True)
    yield case("batch_norm.default", f(2, 4), None, None, *norms[2:], False, 0.1, 1e-5, True)
    yield case("native_batch_norm.default", f(2, 4, 5), *norms, False, 0.1, 1e-5)
    yield case("_native_batch_norm_legit_no_training.default", f(2, 4, 5), *norms, 0.1, 1e-5)
    yield case("layer_norm.default", f(2, 3, 4), [4], w(4), w(4))
    yield case("layer_norm.default", f(2, 3, 4), [3, 4])
    yield case("group_norm.default", f(2, 4, 3, 3), 2, w(4), w(4))
    yield case("instance_norm.default", f(2, 4, 3, 3), w(4), w(4), None, None, True, 0.1, 1e-5, True)
    yield case("rms_norm.default", f(2, 3, 4), [4], w(4))
    for axes in (1, 2, 3):
        image, window = f(1, 2, *[6] * axes), [2] * axes
        yield case(f"conv{axes}d.padding", image, w(4, 2, *[3] * axes), None, [1] * axes, "same", [1] * axes)
        yield case(f"max_pool{axes}d.default", image, window)
        yield case(f"avg_pool{axes}d.default", image, window)
        yield case(f"adaptive_avg_pool{axes}d.default", image, [3] * axes)
        yield case(f"adaptive_max_pool{axes}d.default", image, [3] * axes)
        if axes > 1:
            yield case(f"max_pool{axes}d_with_indices.default", image, window)
    yield case("_adaptive_avg_pool2d.default", f(1, 2, 6, 6), [2, 3])
    yield case("conv_transpose3d.input", f(1, 2, 3, 3, 3), w(2, 3, 2, 2, 2), w(3), [2, 2, 2])
    yield case("max_pool1d.default", f(1, 3, 8), [2])
    yield case("max_pool2d.default", f(1, 3, 8, 8), [2, 2])
    yield case("max_pool2d.default", f(3, 8, 8), [3, 3], [2, 2], [1, 1], [1, 1])
    yield case("max_pool2d.default", f(1, 3, 7, 7), [3, 3], [2, 2], [1, 1], [1, 1], True)
    yield case("max_pool2d.default", f(1, 3, 8, 8), [2, 2], [1, 1], [0, 0], [2, 2])
    yield case("max_pool2d_with_indices.default", f(1, 3, 8, 8), [2, 2])
    yield case("avg_pool1d.default", f(1, 3, 8), [2])
    yield case("avg_pool2d.default", f(1, 3, 8, 8), [2, 2])
    yield case("avg_pool2d.default", f(1, 3, 8, 8), [8, 8])
    yield case("avg_pool2d.default", f(1, 3, 7, 7), [3, 3], [2, 2], [1, 1], True, False)
    yield case("avg_pool2d.default", f(1, 3, 7, 7), [3, 3], [2, 2], [1, 1], True, True)
    yield case("avg_pool2d.default", f(1, 3, 8, 8), [2, 2], [2, 2], [0, 0], False, True, 3)
    yield case("adaptive_avg_pool1d.default", f(1, 3, 8), [2])
    yield case("adaptive_avg_pool2d.default", f(1, 3, 8, 8), [1, 1])
    yield case("adaptive_avg_pool2d.default", f(3, 8, 8), [1, 1])
    yield case("adaptive_avg_pool2d.default", f(1, 3, 8, 8), [4, 2])
    yield case("adaptive_avg_pool2d.default", f(1, 3, 7, 7), [3, 3])
    yield case("adaptive_max_pool2d.default", f(1, 3, 8, 8), [2, 2])
    q, k, v = f(1, 2, 5, 4), f(1, 2, 6, 4), f(1, 2, 6, 4)
    yield case("scaled_dot_product_attention.default", q, k, v)
    yield case("scaled_dot_product_attention.default", q, k, v, None, 0.0, True)
    yield case("scaled_dot_product_attention.default", q, k, v, f(5, 6), scale=0.3)
    yield case("scaled_dot_product_attention.default", q, k, v, torch.tensor([[True] * 6] * 4 + [[False] * 6]))
    for layers, both, first in ((1, False, False), (2, True, False), (2, False, True)):
        for length in (1, 3):
            yield from recurrent(layers, both, first, length)
    state = [f(2, 4), f(2, 4)]
    yield case("lstm_cell.default", f(2, 3), state, w(16, 3), w(16, 4), w(16), w(16))
    yield case("gru_cell.default", f(2, 3), f(2, 4), w(12, 3), w(12, 4), w(12), w(12))
    yield case(
        "rnn_tanh.input", f(3, 2, 3), f(1, 2, 4), [w(4, 3), w(4, 4), w(4), w(4)], True, 1, 0.0, False, False, False
    )
    yield case("bilinear.default", f(2, 3), f(2, 4), w(5, 3, 4))


def recurrent(layers: int, both: bool, first: bool, length: int) -> Iterator[Case]:
    directions, batch, width, hidden = 1 + both, 2, 3, 4
    x = f(batch, length, width) if first else f(length, batch, width)
    for overload, gates, states in (("lstm.input", 4, 2), ("gru.input", 3, 1)):
        params = []
        for layer in range(layers):
            size = width if layer == 0 else hidden * directions
            for _ in range(directions):
                params += [w(gates * hidden, size), w(gates * hidden, hidden), w(gates * hidden), w(gates * hidden)]
        initial = [f(layers * directions, batch, hidden) for _ in range(states)]
        hx = initial if states == 2 else initial[0]
        yield case(overload, x, hx, params, True, layers, 0.0, False, both, first)
        if layers == 1:
            bare = [p for i, p in enumerate(params) if i % 4 < 2]
            yield case(overload, x, hx, bare, False, layers, 0.0, False, both, first)
            yield case(overload, x, hx, [p.tensor for p in params], True, layers, 0.0, False, both, first)


CASES = [*elementwise(), *binary(), *shapes(), *selections(), *creation(), *reductions(), *networks()]
