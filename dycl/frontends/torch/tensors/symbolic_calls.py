"""The arguments of a call with sizes known only at run time: what symbols are in them, and numbers in their place."""

from collections.abc import Hashable, Iterator, Sequence

import sympy
import torch

from dycl.frontends.torch.tensors.heap import storage_of
from dycl.frontends.torch.tensors.symbols import SYMBOLIC
from dycl.frontends.torch.values import Value
from dycl.ir.size_bounds import Expression
from dycl.ir.size_env import Assignment


def concrete(value: Value, assignment: Assignment) -> Value:
    """Return an argument with numbers for its sizes."""
    if isinstance(value, torch.Tensor):
        geometry = (*value.size(), *value.stride())
        if all(type(number) is int for number in geometry):
            return value
        sizes = [_number(size, assignment) for size in value.size()]
        strides = [_number(stride, assignment) for stride in value.stride()]
        return torch.empty_strided(sizes, strides, dtype=value.dtype, device="cpu")
    if isinstance(value, SYMBOLIC):
        return _number(value, assignment)
    if isinstance(value, list | tuple):
        return [concrete(item, assignment) for item in value]
    return value


def filled(value: Value, assignment: Assignment) -> Value:
    """Return an argument with numbers for its sizes, and a tensor of zeros for a traced one."""
    if isinstance(value, torch.Tensor):
        sizes = [_number(size, assignment) for size in value.size()]
        strides = [_number(stride, assignment) for stride in value.stride()]
        count = 1 + sum(max(size - 1, 0) * stride for size, stride in zip(sizes, strides, strict=True))
        return torch.zeros(count, dtype=value.dtype).as_strided(sizes, strides)
    if isinstance(value, list | tuple):
        return [filled(item, assignment) for item in value]
    if isinstance(value, dict):
        return {name: filled(item, assignment) for name, item in value.items()}
    return _number(value, assignment)


def concrete_key(value: Value, assignment: Assignment) -> Hashable:
    """Return what tells `concrete(value, assignment)` apart, as far as results' geometries go."""
    if isinstance(value, torch.Tensor):
        sizes = tuple(_number(size, assignment) for size in value.size())
        return (value.dtype, sizes, tuple(_number(stride, assignment) for stride in value.stride()))
    if isinstance(value, SYMBOLIC):
        number = _number(value, assignment)
        return (type(number), number)
    if isinstance(value, dict):
        return tuple((name, concrete_key(item, assignment)) for name, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(concrete_key(item, assignment) for item in value)
    return (type(value), str(value))


def _number(value: Value, assignment: Assignment) -> Value:
    if not isinstance(value, SYMBOLIC):
        return value
    expression = value.node.expr
    found = assignment[expression] if expression in assignment else expression.subs(assignment)
    if isinstance(value, torch.SymInt):
        return int(found)
    if isinstance(value, torch.SymBool):
        return found == sympy.true
    return float(found) if isinstance(found, int) or found.is_number else 0.5


def storages(value: Value) -> set[int]:
    """Return the memories of the tensors in nested lists and tuples."""
    return set(map(storage_of, tensors_in(value)))


def strided(sizes: Sequence[Value], strides: Sequence[Value], dtype: torch.dtype) -> torch.Tensor:
    """Return a tensor in memory of its own."""
    return torch.empty_strided(sizes, strides, dtype=dtype, device="cpu")


def tensors_in(value: Value) -> list[torch.Tensor]:
    """Return the tensors of nested lists and tuples."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in tensors_in(item)]
    return []


def _numbers_of(value: Value) -> Iterator[Value]:
    if isinstance(value, torch.Tensor):
        yield from value.size()
    elif isinstance(value, dict):
        yield from _numbers_of(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers_of(item)
    else:
        yield value


def sizes_of(value: Value) -> Iterator[Expression]:
    """The expressions of symbols among sizes and integer arguments."""
    return (number.node.expr for number in _numbers_of(value) if isinstance(number, torch.SymInt))


def symbols_of(value: Value) -> list[Expression]:
    """Return the symbols in sizes, strides and integer arguments."""
    strides = (
        step.node.expr for tensor in tensors_in(value) for step in tensor.stride() if isinstance(step, torch.SymInt)
    )
    found = {symbol for expression in (*sizes_of(value), *strides) for symbol in expression.free_symbols}
    return sorted(found, key=str)


def key_of(value: Value) -> Hashable:
    """Return what tells arguments apart, as far as results' sizes go."""
    if isinstance(value, torch.Tensor):
        return (value.dtype, key_of(tuple(value.size())), key_of(value.stride()))
    if isinstance(value, list | tuple):
        return tuple(map(key_of, value))
    return value.node.expr if isinstance(value, SYMBOLIC) else (type(value), str(value))


def is_symbolic(value: Value) -> bool:
    """Whether there is a size, or another integer, that is known only at run time in a call's arguments."""
    return any(isinstance(number, torch.SymInt) for number in _numbers_of(value))
