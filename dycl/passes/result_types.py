"""Result types that cannot be: what a program states of an op's results against what torch says of them.

torch's schema, which the verifier checks, says nothing of sizes and little of element types. A fake tensor has both.
"""

from collections.abc import Hashable, Sequence

from xdsl.ir import Attribute, Operation

from dycl.ir.ops import AtenOp
from dycl.ir.types import element_of, is_tensor, shape_of
from dycl.ir.verify import InvalidProgram
from dycl.passes.fake_tensors import FakeTracer, type_of


def check_result_types(root: Operation) -> None:
    """Check the results of the ATen ops inside `root`. Ops with equal arguments and types are run once.

    Raises:
        InvalidProgram: a result has another element type, number of dimensions or size than it states
    """
    tracer = FakeTracer()
    known: dict[Hashable, Sequence[Attribute | None] | None] = {}
    for op in root.walk():
        if not isinstance(op, AtenOp):
            continue
        key = (op.overload.data, op.arguments, tuple(op.operand_types))
        if key not in known:
            fakes = tracer.run(op)
            known[key] = None if fakes is None else list(map(type_of, fakes))
        found = known[key]
        if found is None or len(found) != len(op.results):
            continue
        for index, (stated, given) in enumerate(zip(op.result_types, found, strict=True)):
            if given is not None and not _agree(stated, given):
                raise InvalidProgram(op, f"result {index} of {op.overload.data} is {given}, not {stated}")


def _agree(stated: Attribute, given: Attribute) -> bool:
    """Whether a value can be of both types."""
    if not is_tensor(stated) or element_of(stated) != element_of(given):
        return False
    sizes, others = shape_of(stated), shape_of(given)
    if len(sizes) != len(others):
        return False
    return all(a is None or b is None or a == b for a, b in zip(sizes, others, strict=True))
