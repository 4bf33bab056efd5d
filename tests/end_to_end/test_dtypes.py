"""Ops on every dtype that eager execution takes: captured and compiled they give the same, or are refused by name."""

import re
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import dycl
from dycl.errors import DyclError

DTYPES = {
    "bool": torch.bool,
    "u8": torch.uint8,
    "i8": torch.int8,
    "i16": torch.int16,
    "i32": torch.int32,
    "i64": torch.int64,
    "f16": torch.float16,
    "f32": torch.float32,
    "f64": torch.float64,
}
TOLERANCES = {torch.float16: 3e-3, torch.float32: 1e-5, torch.float64: 1e-10}

X = torch.tensor([[0.75, -2.5, 3.0], [-1.0, 0.0, 2.0]], dtype=torch.float64)
Y = torch.tensor([[2.0, 3.5, -1.0], [1.0, -3.0, 2.0]], dtype=torch.float64)
INDEX = torch.tensor([[0, 1, 0], [1, 1, 0]])


def operands(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Two matrices with negative elements where the dtype has them; the second has no zero."""
    if dtype == torch.bool:
        return X > 0, Y > 0
    if dtype == torch.uint8:
        return X.abs().to(dtype), Y.abs().to(dtype)
    return X.to(dtype), Y.to(dtype)


OPS: dict[str, Callable[[torch.Tensor, torch.Tensor], object]] = {
    "and": lambda a, c: a & c,
    "or": lambda a, c: a | c,
    "xor": lambda a, c: a ^ c,
    "bitwise_not": lambda a, c: ~a,
    "logical_and": lambda a, c: torch.logical_and(a, c),
    "logical_xor": lambda a, c: torch.logical_xor(a, c),
    "logical_not": lambda a, c: a.logical_not(),
    "shift_left_by_tensor": lambda a, c: a << c,
    "shift_left_by_number": lambda a, c: a << 2,
    "shift_right_by_tensor": lambda a, c: a >> c,
    "shift_right_by_number": lambda a, c: a >> 1,
    "add": lambda a, c: (a + c, a + 1, a + 0.5),
    "add_alpha": lambda a, c: torch.add(a, c, alpha=2),
    "sub": lambda a, c: (a - c, a - 1, 1 - a),
    "mul": lambda a, c: (a * c, a * 2, a * 0.5),
    "div": lambda a, c: (a / c.abs(), a / 2),
    "floor_divide": lambda a, c: (a // c, a // 2, a // -2),
    "floor_divide_by_one": lambda a, c: a // (c * 0 + 1),
    "truncated_divide": lambda a, c: torch.div(a, c, rounding_mode="trunc"),
    "floored_divide": lambda a, c: torch.div(a, c, rounding_mode="floor"),
    "remainder": lambda a, c: (a % c, a % 3, a % -2),
    "fmod": lambda a, c: (torch.fmod(a, c), torch.fmod(a, -2)),
    "neg": lambda a, c: -a,
    "abs": lambda a, c: a.abs(),
    "sign": lambda a, c: a.sign(),
    "square": lambda a, c: a.square(),
    "power": lambda a, c: (a**2, a**3, a**1, a**0),
    "power_of_tensors": lambda a, c: a.abs() ** c.abs(),
    "power_of_number": lambda a, c: 2 ** a.abs(),
    "sqrt": lambda a, c: a.abs().sqrt(),
    "rsqrt": lambda a, c: c.abs().rsqrt(),
    "exp": lambda a, c: a.exp(),
    "expm1": lambda a, c: a.expm1(),
    "log": lambda a, c: (c.abs().log(), c.abs().log2(), c.abs().log10(), c.abs().log1p()),
    "trigonometry": lambda a, c: (a.sin(), a.cos(), a.tan()),
    "hyperbola": lambda a, c: (a.sinh(), a.cosh(), a.tanh()),
    "error_function": lambda a, c: (a.erf(), a.erfc()),
    "sinc": lambda a, c: a.sinc(),
    "angle": lambda a, c: a.angle(),
    "deg2rad": lambda a, c: (a.deg2rad(), a.rad2deg()),
    "floor": lambda a, c: (a.floor(), a.ceil()),
    "round": lambda a, c: a.round(),
    "trunc": lambda a, c: a.trunc(),
    "frac": lambda a, c: a.frac(),
    "isnan": lambda a, c: (a.isnan(), a.isinf(), a.isfinite()),
    "nan_to_num": lambda a, c: a.nan_to_num(),
    "sigmoid": lambda a, c: a.sigmoid(),
    "relu": lambda a, c: (a.relu(), F.relu6(a)),
    "gelu": lambda a, c: (F.gelu(a), F.gelu(a, approximate="tanh")),
    "elu": lambda a, c: (F.elu(a), F.elu(a, alpha=0.5)),
    "selu": lambda a, c: (F.selu(a), F.celu(a, alpha=0.5)),
    "softplus": lambda a, c: (F.softplus(a), F.softplus(a, beta=2.0, threshold=3.0)),
    "leaky_relu": lambda a, c: F.leaky_relu(a, 0.2),
    "silu": lambda a, c: (F.silu(a), F.mish(a), F.logsigmoid(a)),
    "hardtanh": lambda a, c: F.hardtanh(a),
    "hardswish": lambda a, c: (F.hardswish(a), F.hardsigmoid(a)),
    "softmax": lambda a, c: (a.softmax(-1), F.log_softmax(a, -1)),
    "compare": lambda a, c: (a == c, a != c, a < c, a <= 1, a > 0, a >= c),
    "maximum": lambda a, c: (torch.maximum(a, c), torch.minimum(a, c)),
    "clamp": lambda a, c: (a.clamp(0, 1), a.clamp(min=1), a.clamp(max=1)),
    "clamp_tensor": lambda a, c: a.clamp(a.min(), c.max()),
    "where": lambda a, c: (torch.where(INDEX > 0, a, c), torch.where(a > 0, a, a.flip(0))),
    "where_number": lambda a, c: torch.where(INDEX > 0, a, 1),
    "masked_fill": lambda a, c: a.masked_fill(INDEX > 0, 1),
    "masked_select": lambda a, c: a.masked_select(INDEX > 0),
    "masked_scatter": lambda a, c: a.masked_scatter(INDEX > 0, c),
    "index_by_mask": lambda a, c: a[a > 0],
    "lerp": lambda a, c: torch.lerp(a, c, 0.25),
    "addcmul": lambda a, c: torch.addcmul(a, a, c, value=2),
    "sum": lambda a, c: (a.sum(), a.sum(1), a.sum(1, keepdim=True)),
    "sum_as": lambda a, c: a.sum(1, dtype=torch.int8),
    "mean": lambda a, c: (a.mean(), a.mean(1)),
    "prod": lambda a, c: (a.prod(), a.prod(1)),
    "prod_as": lambda a, c: a.prod(1, dtype=torch.uint8),
    "any": lambda a, c: (a.any(), a.any(1)),
    "all": lambda a, c: (a.all(), a.all(1)),
    "max": lambda a, c: (a.max(), a.min()),
    "max_dim": lambda a, c: (a.max(1), a.min(1)),
    "amax": lambda a, c: (a.amax(1), a.amin(1)),
    "argmax": lambda a, c: (a.argmax(), a.argmax(1), a.argmin(1)),
    "var": lambda a, c: (a.var(), a.std(1)),
    "norm": lambda a, c: (a.norm(), a.norm(1)),
    "logsumexp": lambda a, c: a.logsumexp(1),
    "count_nonzero": lambda a, c: a.count_nonzero(),
    "nonzero": lambda a, c: a.nonzero(),
    "cumsum": lambda a, c: (a.cumsum(0), a.cumsum(1)),
    "cumsum_as": lambda a, c: a.cumsum(1, dtype=torch.int8),
    "cumprod": lambda a, c: (a.cumprod(0), a.cumprod(1)),
    "cummax": lambda a, c: (a.cummax(1), a.cummin(1)),
    "logcumsumexp": lambda a, c: a.logcumsumexp(0),
    "diff": lambda a, c: a.diff(),
    "topk": lambda a, c: (a.topk(2, 1).values, a.topk(1, 1, largest=False)),
    "sort": lambda a, c: (a.sort(dim=1, stable=True), a.sort(dim=1, descending=True, stable=True)),
    "argsort": lambda a, c: a.argsort(dim=1, stable=True),
    "median": lambda a, c: (a.median(), a.median(1).values, a.flatten()[:4].median()),
    "kthvalue": lambda a, c: a.kthvalue(2).values,
    "unique": lambda a, c: a.unique(),
    "isin": lambda a, c: torch.isin(a, c),
    "searchsorted": lambda a, c: torch.searchsorted(a.sort(1).values, c, right=True),
    "bucketize": lambda a, c: torch.bucketize(a, c.flatten().sort().values),
    "histc": lambda a, c: a.histc(3),
    "bincount": lambda a, c: a.flatten().abs().bincount(),
    "cat": lambda a, c: (torch.cat([a, c]), torch.stack([a, c]), torch.cat([a, a[:0]])),
    "pad": lambda a, c: F.pad(a, (1, 1)),
    "tril": lambda a, c: (a.tril(), a.triu(1)),
    "flip": lambda a, c: (a.flip(0), a.roll(1, 0)),
    "expand": lambda a, c: (a[:1].expand(4, 3), a.repeat(2, 1)),
    "unfold": lambda a, c: a.unfold(1, 2, 1),
    "split": lambda a, c: (a.split(1)[0], a.unbind(1)[1]),
    "index": lambda a, c: (a[:, 0], a[INDEX[0]], a[1, INDEX[1]]),
    "index_put": lambda a, c: a.index_put((INDEX[0, :2],), c),
    "index_add": lambda a, c: a.index_add(0, INDEX[0, :2], c),
    "index_select": lambda a, c: a.index_select(1, INDEX[0]),
    "gather": lambda a, c: (a.gather(1, INDEX), a.take_along_dim(INDEX, 1)),
    "scatter": lambda a, c: a.scatter(1, INDEX[:, :1], c),
    "scatter_add": lambda a, c: a.scatter_add(1, INDEX, c),
    "scatter_reduce": lambda a, c: a.scatter_reduce(1, INDEX, c, "amax"),
    "embedding": lambda a, c: F.embedding(INDEX, a),
    "matmul": lambda a, c: (a @ c.t(), a @ c[0], torch.bmm(a[None], c.t()[None])),
    "dot": lambda a, c: torch.dot(a[0], c[0]),
    "outer": lambda a, c: torch.outer(a[0], c[0]),
    "einsum": lambda a, c: torch.einsum("ij,kj->ik", a, c),
    "linear": lambda a, c: (F.linear(a, c), F.linear(a, c, c[0, :2]), F.linear(a[None], c)),
    "addmm": lambda a, c: torch.addmm(a[:, :2], a, c.t(), beta=2, alpha=3),
    "cdist": lambda a, c: (torch.cdist(a, c), torch.cdist(a, c, p=1.0), torch.cdist(a, c, p=3.0)),
    "cdist_of_extremes": lambda a, c: (torch.cdist(a, c, p=float("inf")), torch.cdist(a, c, p=0.0)),
    "cosine_similarity": lambda a, c: F.cosine_similarity(a, c),
    "layer_norm": lambda a, c: F.layer_norm(a, (3,)),
    "max_pool": lambda a, c: F.max_pool1d(a[None], 2),
    "average_pool": lambda a, c: F.avg_pool1d(a[None], 2),
    "average_pool_padded": lambda a, c: F.avg_pool2d(a[None], 2, padding=1, ceil_mode=True, count_include_pad=False),
    "average_pool_divided": lambda a, c: F.avg_pool2d(a[None], 2, 1, 1, divisor_override=3),
    "conv": lambda a, c: F.conv1d(a[None], c[None]),
    "one_hot": lambda a, c: F.one_hot(a.abs(), 4),
    "item": lambda a, c: (a[0, 0].item(), a[0, 1].item() > 0),
    "like": lambda a, c: (torch.full_like(a, 1), a.new_zeros(2), a.clone().fill_(1)),
    "arange": lambda a, c: torch.arange(3) + a,
    "convert": lambda a, c: (a.bool(), a.int(), a.long(), a.half(), a.float(), a.double()),
    "convert_small": lambda a, c: (a.abs().to(torch.uint8), a.to(torch.int8), a.to(torch.int16)),
}

REFUSED: dict[tuple[str, str], str] = {
    **{("histc", dtype): "it has no ONNX form" for dtype in ("f16", "f32", "f64")},
    **{("conv", dtype): "Conv" for dtype in ("u8", "i8", "i16", "i32", "i64", "f64")},
    ("shift_left_by_number", "bool"): "Expected input tensor to have an integral dtype",
    ("shift_right_by_number", "bool"): "Expected input tensor to have an integral dtype",
}
"""What eager execution takes, and dycl does not, with the reason that it gives: ONNX Runtime has no such kernel, and
FakeTensors no shifts of bools."""

GROUP = 8
"""Ops that one program calls: a program of its own for each would take twice as long."""

GROUPS = [list(OPS)[start : start + GROUP] for start in range(0, len(OPS), GROUP)]


class Each(nn.Module):
    """Calls each op on operands of the dtypes that it takes."""

    def __init__(self, taken: dict[str, list[str]]):
        super().__init__()
        self.ops = [OPS[name] for name in taken]
        self.places = [[list(DTYPES).index(dtype) for dtype in dtypes] for dtypes in taken.values()]

    def forward(self, a0, a1, a2, a3, a4, a5, a6, a7, a8, c0, c1, c2, c3, c4, c5, c6, c7, c8):
        a = (a0, a1, a2, a3, a4, a5, a6, a7, a8)
        c = (c0, c1, c2, c3, c4, c5, c6, c7, c8)
        return [[op(a[i], c[i]) for i in places] for op, places in zip(self.ops, self.places, strict=True)]


def eager(name: str, dtype: str) -> object:
    """What eager execution gives, None where it raises."""
    try:
        return OPS[name](*operands(DTYPES[dtype]))
    except (RuntimeError, TypeError, IndexError):
        return None


def compiled(taken: dict[str, list[str]]) -> object:
    inputs = [tensor for index in (0, 1) for tensor in [operands(dtype)[index] for dtype in DTYPES.values()]]
    return dycl.compile(Each(taken).eval(), inputs)(*inputs)


@pytest.mark.parametrize("names", GROUPS, ids=lambda names: f"{names[0]}-to-{names[-1]}")
def test_ops_give_on_each_dtype_what_eager_execution_gives(names: list[str]) -> None:
    expected = {(name, dtype): eager(name, dtype) for name in names for dtype in DTYPES}
    taken = {
        name: [dtype for dtype in DTYPES if expected[name, dtype] is not None and (name, dtype) not in REFUSED]
        for name in names
    }
    found = compiled(taken)
    assert isinstance(found, list)
    for (name, dtypes), values in zip(taken.items(), found, strict=True):
        assert dtypes or any(name == refused for refused, _ in REFUSED), f"{name} raises on every dtype"
        for dtype, value in zip(dtypes, values, strict=True):
            assert_same(value, expected[name, dtype], dtype, f"{name} of {dtype}")


def assert_same(found: object, expected: object, dtype: str, label: str) -> None:
    if isinstance(expected, torch.Tensor):
        assert isinstance(found, torch.Tensor), label
        tolerance = max(TOLERANCES.get(expected.dtype, 0), TOLERANCES.get(DTYPES[dtype], 0))
        torch.testing.assert_close(
            found, expected, rtol=tolerance, atol=tolerance, equal_nan=True, msg=lambda text: f"{label}: {text}"
        )
    elif isinstance(expected, tuple):
        assert isinstance(found, tuple) and len(found) == len(expected), label
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other, dtype, label)
    else:
        assert type(found) is type(expected) and found == expected, label


@pytest.mark.parametrize(("name", "dtype"), REFUSED)
def test_what_is_not_taken_is_refused_with_the_op_and_the_place(name: str, dtype: str) -> None:
    assert eager(name, dtype) is not None
    with pytest.raises(DyclError) as refusal:
        compiled({name: [dtype]})
    message = str(refusal.value)
    assert re.search(rf'test_dtypes.py:\d+: .*\n.*"{name}"', message)
    assert REFUSED[name, dtype] in message
