"""Values as torch's fake tensors see them: a shape and a dtype without elements, a size known only at run time as a
symbol. torch is imported when the first one is made."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from xdsl.dialects import arith
from xdsl.dialects.builtin import f64, i1
from xdsl.ir import Attribute, Operation, SSAValue

from dycl.ir import schema
from dycl.ir.ops import AtenOp, DimOp
from dycl.ir.scalars import constant_scalar
from dycl.ir.types import element_of, is_tensor, join, refines, shape_of, tensor_type

if TYPE_CHECKING:
    import sympy
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.symbolic_shapes import ShapeEnv

Fake: TypeAlias = "torch.Tensor | bool | int | float"
"""A fake tensor or a number; a number known only at run time is one of torch's SymInt, SymFloat and SymBool, which
torch lets stand for it."""

_TRIALS = ((0, 0), (1, 0), (2, 0), (3, 2))
"""Sizes with which a claim about unknown ones is tried: that of the first unknown, and by how much the next differs."""

_SIZES: Mapping[type[Operation], Callable[[int, int], int]] = {
    arith.AddiOp: lambda a, b: a + b,
    arith.SubiOp: lambda a, b: a - b,
    arith.MuliOp: lambda a, b: a * b,
    arith.FloorDivSIOp: lambda a, b: a // b,
}


def refined(type: Attribute, fake: Fake) -> Attribute:
    """Return a tensor type with the sizes that a fake tensor adds to it; another type as it is."""
    sizes = _sizes(fake)
    if not is_tensor(type) or sizes is None or len(sizes) != len(shape_of(type)):
        return type
    found = [_known(size) if known is None else known for known, size in zip(shape_of(type), sizes, strict=True)]
    return tensor_type(found, element_of(type))


def _sizes(fake: Fake) -> "Sequence[int] | None":
    return None if isinstance(fake, bool | int | float) else getattr(fake, "shape", None)


def _known(size: int) -> int | None:
    return size if type(size) is int else None


@dataclass
class FakeTracer:
    """The fake tensors and numbers of a function's values, made as they are asked for."""

    types: dict[SSAValue, Attribute] = field(default_factory=dict[SSAValue, Attribute])
    fakes: dict[SSAValue, Fake] = field(default_factory=dict[SSAValue, Fake])

    @cached_property
    def mode(self) -> "FakeTensorMode":
        from torch._subclasses.fake_tensor import FakeTensorMode
        from torch.fx.experimental.symbolic_shapes import ShapeEnv

        env = ShapeEnv(allow_scalar_outputs=True, allow_dynamic_output_shape_ops=True)
        return FakeTensorMode(allow_non_fake_inputs=True, shape_env=env)

    @property
    def env(self) -> "ShapeEnv":
        env = self.mode.shape_env
        assert env is not None
        return env

    def set(self, value: SSAValue, type: Attribute, fake: "Fake | None") -> None:
        """Give a value a type, and the fake that an op gave it where that says no less."""
        self.types[value] = type
        if fake is not None and refined(type, fake) == type and _says(fake, type):
            self.fakes[value] = fake
        else:
            self.fakes.pop(value, None)

    def of(self, value: SSAValue) -> Fake:
        if value not in self.fakes:
            constant = constant_scalar(value)
            self.fakes[value] = self._fresh(self.types.get(value, value.type)) if constant is None else constant
        return self.fakes[value]

    def run(self, op: AtenOp, value_of: Callable[[SSAValue], Fake] | None = None) -> "Sequence[Fake] | None":
        """Return an op's results, None where fake tensors cannot tell them."""
        try:
            with self.mode:
                return schema.call(op, value_of or self.of)
        except Exception:  # torch says in many ways that a result depends on elements, or on a size it does not know
            return None

    def scalar(self, op: Operation) -> "Sequence[Fake] | None":
        """Return the result of an op that computes with sizes, None for other ops."""
        if isinstance(op, DimOp):
            sizes = _sizes(self.of(op.tensor))
            return None if sizes is None else (sizes[op.axis.value.data],)
        if type(op) not in _SIZES or not any(operand in self.fakes for operand in op.operands):
            return None
        a, b = (self.of(operand) for operand in op.operands)
        size = _SIZES[type(op)]
        try:
            return (size(a, b),)  # pyright: ignore[reportArgumentType]: an i64 stands for an int
        except ZeroDivisionError:
            return None

    def confirmed(self, op: AtenOp, declared: Sequence[Attribute], claimed: Sequence[Attribute]) -> list[Attribute]:
        """Return the claimed types without the sizes that some choice of the unknown sizes refutes.

        torch takes an unknown size to be neither 0 nor 1 where that decides a result's.
        """
        types = list(claimed)
        if types == list(declared):
            return types
        operands = {operand: self.of(operand) for operand in op.operands}
        symbols = sorted({symbol for fake in operands.values() for symbol in _symbols(fake)}, key=str)
        for first, difference in _TRIALS:
            sizes = {symbol: first + difference * index for index, symbol in enumerate(symbols)}
            try:
                concrete = {operand: self._concrete(fake, sizes) for operand, fake in operands.items()}
            except (TypeError, ValueError, RuntimeError):
                continue  # not a shape
            results = self.run(op, concrete.__getitem__)
            for index, fake in enumerate(results or ()):
                agreed = join(types[index], _type_of(fake, types[index]))
                if agreed is not None and refines(agreed, declared[index]):
                    types[index] = agreed
        return types

    def _fresh(self, type: Attribute) -> Fake:
        import torch

        if type == i1:
            return self.env.create_unbacked_symbool()  # pyright: ignore[reportReturnType]: stands for a bool
        if type == f64:
            return self.env.create_unbacked_symfloat()  # pyright: ignore[reportReturnType]: stands for a float
        if not is_tensor(type):
            return self.env.create_unbacked_symint()  # pyright: ignore[reportReturnType]: stands for an int
        sizes = [self._fresh_size() if size is None else size for size in shape_of(type)]
        with self.mode:
            return torch.empty(sizes, dtype=schema.torch_dtype(element_of(type)))

    def _fresh_size(self) -> int:
        import torch

        size = self.env.create_unbacked_symint()
        torch._check(size >= 0)  # pyright: ignore[reportPrivateUsage]: torch documents it for its users
        return size  # pyright: ignore[reportReturnType]: stands for an int

    def _concrete(self, fake: Fake, sizes: "Mapping[sympy.Symbol, int]") -> Fake:
        import torch

        shape = _sizes(fake)
        if shape is None:
            return _evaluated(fake, sizes)
        assert isinstance(fake, torch.Tensor)
        with self.mode:
            return torch.empty([int(_evaluated(size, sizes)) for size in shape], dtype=fake.dtype)


def _type_of(fake: Fake, like: Attribute) -> Attribute:
    sizes = _sizes(fake)
    return like if sizes is None else tensor_type([_known(size) for size in sizes], element_of(like))


def _says(fake: Fake, type: Attribute) -> bool:
    """Whether a fake says of each size what a type says."""
    sizes = _sizes(fake)
    if sizes is None:
        return not is_tensor(type)
    return [_known(size) for size in sizes] == list(shape_of(type))


def _symbols(fake: Fake) -> "Iterator[sympy.Symbol]":
    for number in (fake,) if (sizes := _sizes(fake)) is None else sizes:
        node = getattr(number, "node", None)
        if node is not None:
            yield from node.expr.free_symbols


def _evaluated(number: Fake, sizes: "Mapping[sympy.Symbol, int]") -> Fake:
    node = getattr(number, "node", None)
    if node is None:
        return number
    value = node.expr.subs(sizes)
    return bool(value) if value.is_Boolean else int(value) if value.is_integer else float(value)
