"""Tests of one element against a constant, which the host can do as well as a kernel.

`item(t < c)` on a tensor of one element is `item(t) < c` on numbers, where `c` is first rounded as torch rounds it: to
the tensor's own type. Reading an element that is there costs the host a tenth of what one more op costs a kernel.
"""

from dataclasses import dataclass
from struct import pack, unpack

from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, IntegerType, Signedness, f32, f64, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue

from dycl.ir.host_ops import RESHAPES, is_host_view
from dycl.ir.ops import AtenOp, ItemOp
from dycl.ir.types import element_of

_FLOAT_PREDICATES = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_INTEGER_PREDICATES = {"eq": "eq", "ne": "ne", "lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge"}

_EXACT_INTEGERS = 1 << 53
"""Up to here every integer is a float."""


@dataclass(frozen=True)
class ElementTest:
    """`item(tensor) predicate constant`, where the tensor has one element."""

    tensor: SSAValue
    packet: str
    constant: IntegerAttr | FloatAttr

    def on_host(self, tensor: SSAValue) -> list[Operation]:
        """Return ops that do the test on `tensor`, which stands for the test's own; the last gives the i1."""
        element = ItemOp(tensor)
        constant = arith.ConstantOp(self.constant)
        if isinstance(self.constant, FloatAttr):
            test = arith.CmpfOp(element, constant, _FLOAT_PREDICATES[self.packet])
        else:
            test = arith.CmpiOp(element, constant, _INTEGER_PREDICATES[self.packet])
        return [element, constant, test]


def element_test(op: Operation) -> ElementTest | None:
    """Return the test whose outcome `op` gives, if it is one: the item of a comparison with a constant."""
    if not isinstance(op, ItemOp):
        return None
    compared = _without_reshapes(op.tensor).owner
    if not (isinstance(compared, AtenOp) and compared.packet in _FLOAT_PREDICATES and len(compared.inputs) == 1):
        return None
    if compared.overload.data != f"{compared.packet}.Scalar":
        return None
    tensor = compared.inputs[0]
    constant = _as_element(compared.arguments.data[1], element_of(tensor.type))
    return ElementTest(tensor, compared.packet, constant) if constant is not None else None


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
