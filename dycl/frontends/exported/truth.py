"""Tensors and numbers as conditions."""

import operator
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import i1
from xdsl.ir import SSAValue

from dycl.frontends.exported.arithmetic import as_ssa, compute
from dycl.ir.ops import ItemOp
from dycl.ir.types import is_tensor

if TYPE_CHECKING:
    from dycl.frontends.exported.graphs import Held, Reader


def truth(reader: "Reader", value: "Held") -> SSAValue:
    """Return a number or a tensor of one element as an i1.

    Raises:
        Refusal: it is neither
    """
    if isinstance(value, SSAValue) and is_tensor(value.type):
        value = reader.builder.emit(ItemOp(value)).scalar
    number = reader.number(value)
    if not isinstance(number, SSAValue):
        return reader.builder.constant(bool(number))
    return number if number.type == i1 else as_ssa(reader.builder, compute(reader.builder, operator.ne, (number, 0)))
