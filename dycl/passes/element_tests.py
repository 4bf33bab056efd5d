"""Tests of one element against a number or another element, which the host can do as well as a kernel.

`item(t < c)` on a tensor of one element is `item(t) < c` on numbers, where `c` is first rounded as torch rounds it: to
the tensor's own type. So is `item(t < n)` for an integer of the host, and `item(t < u)` for an element of the same
type. Reading an element that is there costs the host a tenth of what one more op costs a kernel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from struct import pack, unpack

from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, IntegerType, Signedness, f32, f64, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue

from dycl.ir.host_ops import RESHAPES, is_host_view
from dycl.ir.ops import AtenOp, ItemOp
from dycl.ir.types import element_of, is_tensor, shape_of

_FLOAT_PREDICATES = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_INTEGER_PREDICATES = {"eq": "eq", "ne": "ne", "lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge"}

_EXACT_INTEGERS = 1 << 53
"""Up to here every integer is a float."""


@dataclass(frozen=True)
class ElementTest:
    """`item(tensor) predicate other`, where the tensor has one element; `other` is a constant, an integer of the host,
    or another tensor of one element."""

    tensor: SSAValue
    packet: str
    other: IntegerAttr | FloatAttr | SSAValue

    @property
    def operands(self) -> list[SSAValue]:
        """What the test is done on."""
        return [self.tensor, self.other] if isinstance(self.other, SSAValue) else [self.tensor]

    def on_host(self, given: Mapping[SSAValue, SSAValue]) -> list[Operation]:
        """Return ops that do the test on what is given for its operands; the last gives the i1."""
        element = ItemOp(given[self.tensor])
        ops: list[Operation] = [element]
        if not isinstance(self.other, SSAValue):
            ops.append(arith.ConstantOp(self.other))
        elif is_tensor(self.other.type):
            ops.append(ItemOp(given[self.other]))
        other = ops[-1].results[0] if len(ops) > 1 else given[self.operands[-1]]
        if element.scalar.type == f64:
            return [*ops, arith.CmpfOp(element, other, _FLOAT_PREDICATES[self.packet])]
        return [*ops, arith.CmpiOp(element, other, _INTEGER_PREDICATES[self.packet])]


def element_test(op: Operation) -> ElementTest | None:
    """Return the test whose outcome `op` gives, if it is one: the item of a comparison of one element."""
    if not isinstance(op, ItemOp):
        return None
    compared = _without_reshapes(op.tensor).owner
    if not (isinstance(compared, AtenOp) and compared.packet in _FLOAT_PREDICATES and compared.inputs):
        return None
    tensor = compared.inputs[0]
    other = _other(compared, tensor)
    return ElementTest(tensor, compared.packet, other) if other is not None else None


def _other(compared: AtenOp, tensor: SSAValue) -> IntegerAttr | FloatAttr | SSAValue | None:
    """Return what the only element of a tensor is compared with, None where the host might do it differently."""
    element = element_of(tensor.type)
    match compared.overload.data.rpartition(".")[2], len(compared.inputs):
        case "Scalar", 1:
            return _as_element(compared.arguments.data[1], element)
        case "Scalar", 2:
            return compared.inputs[1] if element == compared.inputs[1].type == i64 else None
        case "Tensor", 2:
            other = compared.inputs[1]
            same = element_of(other.type) == element != i1
            return other if same and all(map(_has_one_element, (tensor.type, other.type))) else None
        case _:
            return None


def _has_one_element(type: Attribute) -> bool:
    return all(size == 1 for size in shape_of(type))


def _without_reshapes(value: SSAValue) -> SSAValue:
    while isinstance(op := value.owner, AtenOp) and op.overload.data in RESHAPES and is_host_view(op):
        value = op.inputs[0]
    return value


def _as_element(constant: Attribute, element: Attribute) -> IntegerAttr | FloatAttr | None:
    """Return the host scalar that equals `constant` once torch has converted it to a tensor's element type.

    None where torch would convert the tensor instead, or where the conversion is not one that this knows to be exact.
    """
    match constant:
        case IntegerAttr() if isinstance(element, IntegerType) and element != i1:
            value, bits = constant.value.data, element.width.data
            if element.signedness.data == Signedness.UNSIGNED:
                fits = 0 <= value < 1 << bits
            else:
                fits = -(1 << bits - 1) <= value < 1 << bits - 1
            return IntegerAttr(value, i64) if fits else None
        case IntegerAttr() if abs(constant.value.data) <= _EXACT_INTEGERS:
            number = float(constant.value.data)
        case FloatAttr():
            number = constant.value.data
        case _:
            return None
    if element == f64:
        return FloatAttr(number, f64)
    if element == f32:
        rounded = _to_f32(number)
        return FloatAttr(rounded, f64) if rounded is not None else None
    return None


def _to_f32(number: float) -> float | None:
    try:
        (rounded,) = unpack("<f", pack("<f", number))
    except OverflowError:
        return None
    assert isinstance(rounded, float)
    return rounded
