"""The values of a function of the host program: each a variable, or an expression that is written where it is used."""

from collections.abc import Iterable, Mapping, Sequence

from xdsl.dialects.builtin import f64, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue

from dycl.backends.host.arithmetic import Expression
from dycl.backends.host.layout import Line, Suite
from dycl.backends.host.lifetimes import is_in_place, may_be_buffer
from dycl.backends.host.names import Names
from dycl.ir.host_ops import is_host_value
from dycl.ir.ops import ScalarTensorOp
from dycl.ir.types import is_static, is_tensor

MAX_INLINE = 60
"""Characters: a longer expression gets a variable."""

MAX_STEPS = 8
"""Ops between an expression that reads a buffer and its use, where it is written."""

_SCALAR_WISHES: Mapping[Attribute, str] = {i1: "condition", i64: "number", f64: "value"}


class Variables:
    """Python text of a function's values."""

    def __init__(self, taken: Iterable[str]):
        self._names = Names(taken)
        self._expressions: dict[SSAValue, Expression] = {}

    def __getitem__(self, value: SSAValue) -> Expression:
        return self._expressions[value]

    def __setitem__(self, value: SSAValue, expression: Expression) -> None:
        self._expressions[value] = expression

    def __contains__(self, value: SSAValue) -> bool:
        return value in self._expressions

    def text(self, value: SSAValue) -> str:
        return self._expressions[value].text

    def texts(self, values: Iterable[SSAValue]) -> str:
        return ", ".join(map(self.text, values))

    def declare(self, value: SSAValue, wish: str | None = None) -> str:
        """Give a value a variable, unless it has one; return its name."""
        if value not in self:
            wish = wish or value.name_hint or ("t" if is_tensor(value.type) else _SCALAR_WISHES[value.type])
            self[value] = Expression(self._names.fresh(wish))
        return self.text(value)

    def declare_used(self, values: Iterable[SSAValue]) -> None:
        """Give variables to those of the values that have uses."""
        for value in values:
            if value.first_use is not None:
                self.declare(value)

    def target(self, value: SSAValue) -> str:
        """Return the variable to assign a result to."""
        return "_" if value.first_use is None else self.declare(value)

    def alias(self, value: SSAValue, other: SSAValue) -> None:
        """Let a value have the variable of another."""
        self[value] = self[other]

    def scalar(self, op: Operation, result: SSAValue, expression: Expression) -> Suite:
        """Write a pure expression where it is used, if that is once, in the same block, and short; else to a variable.

        A variable of the expression is not assigned in between: a loop's are only where its block ends.
        """
        use = result.get_user_of_unique_use()
        inline = use is not None and use.parent is op.parent and len(expression.text) <= MAX_INLINE
        if use is not None and expression.reads:
            inline = inline and _writes_nothing_before(op, use)
        if inline or result.first_use is None:
            self[result] = expression
            return []
        return [Line(f"{self.declare(result)} = {expression.text}")]

    def handed_on(self, value: SSAValue, type: Attribute) -> str:
        """Return the text of a value that goes on as one of `type`: arrays of unknown size are never written again, so
        one in a buffer is copied to become such."""
        copies = is_in_place(value.type) and not is_static(type) and may_be_buffer(value)
        return f"{self.text(value)}.copy()" if copies else self.text(value)

    def move(self, targets: Sequence[SSAValue], values: Sequence[SSAValue]) -> Suite:
        """Assign values to those of the targets that have variables, all at once."""
        pairs: list[tuple[str, str]] = []
        for target, value in zip(targets, values, strict=True):
            if target not in self:
                continue
            name, text = self.text(target), self.handed_on(value, target.type)
            if name != text:
                pairs.append((name, text))
        names, texts = ", ".join(name for name, _ in pairs), ", ".join(text for _, text in pairs)
        return [Line(f"{names} = {texts}")] if pairs else []


def _writes_nothing_before(op: Operation, use: Operation) -> bool:
    """Whether no op between `op` and `use`, later in its block, writes to a buffer; only the next few are looked at."""
    following = op.next_op
    for _ in range(MAX_STEPS):
        if following is use:
            return True
        if following is None or isinstance(following, ScalarTensorOp) or not is_host_value(following):
            return False
        following = following.next_op
    return False
