"""Values as torch's fake tensors see them: a shape and a dtype without elements, a size known only at run time as a
symbol. torch is imported when the first one is made."""

import logging
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from xdsl.dialects import arith
from xdsl.dialects.builtin import f64, i1
from xdsl.ir import Attribute, Operation, SSAValue

from dycl.ir import schema
from dycl.ir.ops import AtenOp, DimOp
from dycl.ir.scalars import constant_scalar
from dycl.ir.types import element_of, is_tensor, shape_of, tensor_type

if TYPE_CHECKING:
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    from dycl.ir.size_bounds import Expression
    from dycl.ir.size_env import Assignment, SizeEnv

Fake: TypeAlias = "torch.Tensor | bool | int | float"
"""A fake tensor or a number; a number known only at run time is one of torch's SymInt, SymFloat and SymBool, which
torch lets stand for it."""

Verdict: TypeAlias = bool | int
"""Whether a size that torch told is right in all trials; the size that they have instead."""

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


def type_of(fake: Fake) -> Attribute | None:
    """Return the type of a fake tensor, None for a number."""
    sizes = _sizes(fake)
    if isinstance(fake, bool | int | float) or sizes is None:
        return None
    return tensor_type([_known(size) for size in sizes], schema.element_type(fake.dtype))


@dataclass
class FakeTracer:
    """The fake tensors and numbers of a function's values, made as they are asked for."""

    types: dict[SSAValue, Attribute] = field(default_factory=dict[SSAValue, Attribute])
    fakes: dict[SSAValue, Fake] = field(default_factory=dict[SSAValue, Fake])
    named: dict[str, int] = field(default_factory=dict[str, int])
    """The sizes that a signature names."""
    known: dict[Hashable, Sequence[Fake] | None] = field(default_factory=dict[Hashable, "Sequence[Fake] | None"])
    """The results of calls, for those that are alike."""

    @cached_property
    def env(self) -> "SizeEnv":
        from dycl.ir.size_env import SizeEnv

        return SizeEnv()

    @cached_property
    def mode(self) -> "FakeTensorMode":
        from torch._subclasses.fake_tensor import FakeTensorMode

        return FakeTensorMode(allow_non_fake_inputs=True, shape_env=self.env)

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

    def input(self, type: Attribute, sizes: Sequence[int | str], bounds: Mapping[str, tuple[int, int]]) -> Fake:
        """Return the fake tensor of an input; sizes of one name are one symbol."""
        for name in sizes:
            if isinstance(name, str) and name not in self.named:
                self.named[name] = self._size(*bounds.get(name, (0, None)))
        return self._empty([size if isinstance(size, int) else self.named[size] for size in sizes], type)

    def run(self, op: AtenOp) -> "Sequence[Fake] | None":
        """Return an op's results, None where fake tensors cannot tell them.

        torch takes an unknown size for another one, or to be neither 0 nor 1, where it could not tell a result
        otherwise. So the op is tried at sizes, and a size that is another one in some trial becomes a new symbol.
        """
        operands = list(map(self.of, op.operands))
        symbols = {symbol for operand in operands for symbol in _symbols(operand)}
        if not symbols:
            return self._call(op, self.of)
        key = (op.overload.data, op.arguments, tuple(map(_key, operands)))
        if key in self.known:
            return self.known[key]
        self.env.claims.clear()
        results = self._call(op, self.of)
        verdicts = None if results is None else self._verdicts(op, results, sorted(symbols, key=str))
        found = None
        if results is not None and verdicts is not None:
            found = list(map(self._corrected, results, verdicts))
        # A symbol that the call has made is another one in the next call.
        if found is None or symbols.issuperset(symbol for result in found for symbol in _symbols(result)):
            self.known[key] = found
        return found

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

    def _call(self, op: AtenOp, value_of: Callable[[SSAValue], Fake]) -> "Sequence[Fake] | None":
        # torch logs what it cannot tell before it says so.
        log = logging.getLogger("torch._subclasses.fake_tensor")
        disabled, log.disabled = log.disabled, True
        self.env.mark()
        try:
            with self.mode:
                return schema.call(op, value_of)
        except Exception:  # torch says in many ways that a result depends on elements, or on a size it does not know
            return None
        finally:
            self.env.release()
            log.disabled = disabled

    def _at(self, op: AtenOp, assignment: "Assignment") -> "Sequence[Fake] | None":
        """Return an op's results at these sizes, None where it fails there."""
        try:
            operands = {operand: self._concrete(self.of(operand), assignment) for operand in op.operands}
        except (TypeError, ValueError, RuntimeError):
            return None  # not a shape
        return self._call(op, operands.__getitem__)

    def _verdicts(
        self, op: AtenOp, results: Sequence[Fake], symbols: "Sequence[Expression]"
    ) -> Sequence[Sequence[Verdict]] | None:
        """Try an op; None where the number of dimensions of a result depends on sizes."""
        trials: list[tuple[Assignment, Sequence[Fake]]] = []
        for assignment in self.env.assignments(symbols, list(dict.fromkeys(self.env.claims))):
            found = self._at(op, assignment)
            if found is not None:
                if list(map(_rank, found)) != list(map(_rank, results)):
                    return None
                trials.append((assignment, found))
        verdicts: list[list[Verdict]] = []
        for index, result in enumerate(results):
            tried = [(assignment, _sizes(found[index]) or ()) for assignment, found in trials]
            verdicts.append(
                [
                    _verdict(size, [(assignment, sizes[axis]) for assignment, sizes in tried])
                    for axis, size in enumerate(_sizes(result) or ())
                ]
            )
        return verdicts

    def _corrected(self, result: Fake, verdicts: Sequence[Verdict]) -> Fake:
        sizes = _sizes(result)
        if sizes is None or isinstance(result, bool | int | float) or all(verdict is True for verdict in verdicts):
            return result
        kept = [
            size if verdict is True else self._size() if verdict is False else verdict
            for size, verdict in zip(sizes, verdicts, strict=True)
        ]
        return self._empty(kept, tensor_type([None] * len(kept), schema.element_type(result.dtype)))

    def _fresh(self, type: Attribute) -> Fake:
        if type == i1:
            return self.env.create_unbacked_symbool()  # pyright: ignore[reportReturnType]: stands for a bool
        if type == f64:
            return self.env.create_unbacked_symfloat()  # pyright: ignore[reportReturnType]: stands for a float
        if not is_tensor(type):
            return self._size(None, None)
        return self._empty([self._size() if size is None else size for size in shape_of(type)], type)

    def _size(self, low: int | None = 0, high: int | None = None) -> int:
        return self.env.size(low, high)  # pyright: ignore[reportReturnType]: stands for an int

    def _empty(self, sizes: Sequence[int], type: Attribute) -> Fake:
        import torch

        with self.mode:
            return torch.empty(sizes, dtype=schema.torch_dtype(element_of(type)))

    def _concrete(self, fake: Fake, assignment: "Assignment") -> Fake:
        shape = _sizes(fake)
        if shape is None or isinstance(fake, bool | int | float):
            return _evaluated(fake, assignment)
        like = tensor_type([None] * len(shape), schema.element_type(fake.dtype))
        return self._empty([int(_evaluated(size, assignment)) for size in shape], like)


def _sizes(fake: Fake) -> "Sequence[int] | None":
    return None if isinstance(fake, bool | int | float) else getattr(fake, "shape", None)


def _rank(fake: Fake) -> int:
    return len(_sizes(fake) or ())


def _known(size: int) -> int | None:
    return size if type(size) is int else None


def _says(fake: Fake, type: Attribute) -> bool:
    """Whether a fake says of each size what a type says."""
    sizes = _sizes(fake)
    if sizes is None:
        return not is_tensor(type)
    return [_known(size) for size in sizes] == list(shape_of(type))


def _agrees(size: int, assignment: "Assignment", tried: int) -> bool:
    """Whether a size is what a trial gave; a symbol that the op has made stands for any."""
    node = getattr(size, "node", None)
    expected = size if node is None else node.expr.subs(assignment)
    return not (isinstance(expected, int) or expected.is_number) or (type(tried) is int and expected == tried)


def _verdict(size: int, tried: "Sequence[tuple[Assignment, int]]") -> Verdict:
    if all(_agrees(size, assignment, found) for assignment, found in tried):
        return True
    sizes = {found for _, found in tried}
    return tried[0][1] if len(sizes) == 1 and len(tried) > 1 and type(tried[0][1]) is int else False


def _key(fake: Fake) -> Hashable:
    sizes = _sizes(fake)
    if sizes is None or isinstance(fake, bool | int | float):
        node = getattr(fake, "node", None)
        return (type(fake), str(fake)) if node is None else node.expr
    return (str(fake.dtype), tuple(map(_key, sizes)))


def _symbols(fake: Fake) -> "Iterator[Expression]":
    for number in (fake,) if (sizes := _sizes(fake)) is None else sizes:
        node = getattr(number, "node", None)
        if node is not None:
            yield from node.expr.free_symbols


def _evaluated(number: Fake, assignment: "Assignment") -> Fake:
    node = getattr(number, "node", None)
    if node is None:
        return number
    value = node.expr.subs(assignment)
    return bool(value) if value.is_Boolean else int(value) if value.is_integer else float(value)
