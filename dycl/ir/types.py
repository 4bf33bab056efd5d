"""The types of dycl values: ranked tensors and host scalars.

A tensor is `tensor<1x3x32x32xf32>`; a size known only at run time is `?`. A host scalar is `i1`, `i64` or `f64`:
Python's bool, int and float.
"""

from collections.abc import Sequence
from typing import TypeAlias

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IntegerType,
    Signedness,
    TensorType,
    bf16,
    f16,
    f32,
    f64,
    i1,
    i8,
    i16,
    i32,
    i64,
)
from xdsl.ir import Attribute

ElementType: TypeAlias = IntegerType | Float16Type | BFloat16Type | Float32Type | Float64Type
Tensor: TypeAlias = TensorType[Attribute]

ui8 = IntegerType(8, Signedness.UNSIGNED)

ELEMENT_TYPES: dict[str, ElementType] = {
    "bool": i1,
    "u8": ui8,
    "i8": i8,
    "i16": i16,
    "i32": i32,
    "i64": i64,
    "f16": f16,
    "bf16": bf16,
    "f32": f32,
    "f64": f64,
}
"""Element types by the name that signatures use."""

DTYPE_NAMES: dict[Attribute, str] = {element: name for name, element in ELEMENT_TYPES.items()}
"""The name that signatures use, by element type."""

SCALAR_TYPES: tuple[IntegerType | Float64Type, ...] = (i1, i64, f64)


def tensor_type(shape: Sequence[int | None], element: Attribute) -> Tensor:
    """Return the tensor type of `shape`, where None is a size known only at run time."""
    return TensorType(element, [DYNAMIC_INDEX if size is None else size for size in shape])


def shape_of(type: Attribute) -> tuple[int | None, ...]:
    """Return the sizes of a tensor type, None for `?`."""
    assert isinstance(type, TensorType)
    return tuple(None if size == DYNAMIC_INDEX else size for size in type.get_shape())


def element_of(type: Attribute) -> Attribute:
    """Return the element type of a tensor type."""
    assert isinstance(type, TensorType)
    return type.get_element_type()


def is_tensor(type: Attribute) -> bool:
    return isinstance(type, TensorType)


def is_scalar(type: Attribute) -> bool:
    return type in SCALAR_TYPES


def is_static(type: Attribute) -> bool:
    """Whether every size of the type is known: true of all scalars."""
    return not isinstance(type, TensorType) or None not in shape_of(type)


def refines(precise: Attribute, general: Attribute) -> bool:
    """Whether every value of type `precise` is also a value of type `general`.

    Types are equal, or tensors of one element type and rank whose sizes agree wherever `general` states one.
    """
    if precise == general:
        return True
    if not (isinstance(precise, TensorType) and isinstance(general, TensorType)):
        return False
    if element_of(precise) != element_of(general) or precise.get_num_dims() != general.get_num_dims():
        return False
    return all(g is None or p == g for p, g in zip(shape_of(precise), shape_of(general), strict=True))


def join(left: Attribute, right: Attribute) -> Attribute | None:
    """Return the most precise type that both types refine, None where there is none."""
    if left == right:
        return left
    if not (isinstance(left, TensorType) and isinstance(right, TensorType)):
        return None
    if element_of(left) != element_of(right) or left.get_num_dims() != right.get_num_dims():
        return None
    sizes = [a if a == b else None for a, b in zip(shape_of(left), shape_of(right), strict=True)]
    return tensor_type(sizes, element_of(left))


def join_types(types: Sequence[Attribute]) -> Attribute:
    """Return the most precise type that all of some types refine; they differ in sizes only."""
    found = types[0]
    for type in types[1:]:
        joined = join(found, type)
        assert joined is not None, f"{found} and {type} were merged"
        found = joined
    return found
