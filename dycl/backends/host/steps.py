"""The straight-line ops of a host program: launches, calls, views, constants, scalars."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from xdsl.dialects import arith
from xdsl.dialects.func import CallOp
from xdsl.ir import Operation, SSAValue

from dycl.backends.host.arithmetic import Expression, arithmetic, literal
from dycl.backends.host.buffers import kind_of
from dycl.backends.host.layout import Line, Suite
from dycl.backends.host.sites import FunctionBuffers, Sites
from dycl.backends.host.sources import comment, place, shown
from dycl.backends.host.variables import Variables
from dycl.errors import DyclError
from dycl.ir.host_ops import SELECT, append_axis, is_host_append, is_host_arithmetic, is_host_view, selection
from dycl.ir.locations import describe
from dycl.ir.ops import AssertOp, AtenOp, ConstantOp, DimOp, ItemOp, LaunchOp, ParamOp, ScalarTensorOp
from dycl.ir.scalars import attribute_scalar
from dycl.ir.types import shape_of


class Callee(NamedTuple):
    """How a function is called: by which name, and with which `k`; and whether it gives a single result as a tuple."""

    name: str
    k: str
    returns_tuple: bool


class Steps:
    """Writes the straight-line ops of one function."""

    def __init__(self, variables: Variables, buffers: FunctionBuffers, functions: Mapping[str, Callee], sites: Sites):
        """`functions` holds how each function is called."""
        self._variables = variables
        self._buffers = buffers
        self._functions = functions
        self._sites = sites
        self._commented: str | None = None
        self._writers: Mapping[type[Operation], Callable[..., Suite]] = {
            AssertOp: self._assert,
            AtenOp: self._aten,
            CallOp: self._call,
            ConstantOp: self._constant,
            DimOp: self._dim,
            ItemOp: self._item,
            LaunchOp: self._launch,
            ParamOp: self._param,
            ScalarTensorOp: self._scalar_tensor,
        }

    def write(self, op: Operation) -> Suite:
        """Return the statements of an op.

        Raises:
            DyclError: the host cannot do it
        """
        if is_host_arithmetic(op):
            return self._arithmetic(op)
        writer = self._writers.get(type(op))
        if writer is None:
            raise DyclError(
                f"the host program cannot do {op.name}, at {describe(op)}: "
                "it belongs in a kernel, which the passes form-regions and outline-regions make"
            )
        return writer(op)

    def comments(self, op: Operation) -> list[Line]:
        """Return the op's source line as a comment, unless it was the last one given."""
        text = comment(op)
        if text is None or text == self._commented:
            return []
        self._commented = text
        return [Line(text)]

    def forget_comment(self) -> None:
        """Have the next comment given, whatever the last one was."""
        self._commented = None

    def _arithmetic(self, op: Operation) -> Suite:
        (result,) = op.results
        if isinstance(op, arith.ConstantOp):
            value = attribute_scalar(op.value)
            assert value is not None
            self._variables[result] = literal(value)
            return []
        operands = [self._variables[operand] for operand in op.operands]
        return self._variables.scalar(op, result, arithmetic(op, operands))

    def _dim(self, op: DimOp) -> Suite:
        axis = op.axis.value.data
        size = shape_of(op.tensor.type)[axis]
        if size is not None:
            self._variables[op.size] = literal(size)
            return []
        return self._variables.scalar(op, op.size, Expression(f"{self._variables.text(op.tensor)}.shape[{axis}]"))

    def _item(self, op: ItemOp) -> Suite:
        return self._variables.scalar(
            op, op.scalar, Expression(f"{self._variables.text(op.tensor)}.item()", reads=True)
        )

    def _constant(self, op: ConstantOp) -> Suite:
        kind = kind_of(op.result.type)
        values = list(op.value.get_values())
        if kind.dtype == "bool":
            values = list(map(bool, values))
        listed = values[0] if values and op.value.is_splat() else values
        text = repr(listed).replace("nan", 'float("nan")').replace("inf", 'float("inf")')
        return self._prepared(op.result, f'constant("{kind.dtype}", {kind.shape}, {text})')

    def _param(self, op: ParamOp) -> Suite:
        return self._prepared(op.value, f"stored({op.key.data!r})")

    def _prepared(self, value: SSAValue, maker: str) -> Suite:
        if value.first_use is None:
            return []
        name = self._variables.declare(value)
        return [Line(f"{name} = {self._sites.add(name, maker)}")]

    def _aten(self, op: AtenOp) -> Suite:
        if is_host_append(op):
            return self._append(op)
        if not is_host_view(op):
            raise DyclError(
                f"the host program cannot do {op.overload.data}, at {describe(op)}: "
                "it belongs in a kernel, which the passes form-regions and outline-regions make"
            )
        return self._view(op)

    def _append(self, op: AtenOp) -> Suite:
        (result,) = op.results
        axis = append_axis(op)
        assert axis is not None
        name = self._variables.target(result)
        site = self._sites.add(name, f"append({axis})" if axis else "append()")
        return [*self.comments(op), Line(f"{name} = {site}({self._variables.texts(op.inputs)})")]

    def _view(self, op: AtenOp) -> Suite:
        source, result = op.inputs[0], op.results[0]
        if result.first_use is None:
            return []
        name = self._variables.declare(result)
        arguments = [self._variables.text(source)]
        if op.overload.data == SELECT:
            axis, index = selection(op)
            before = ":, " * axis
            if isinstance(index, SSAValue):
                arguments.append(self._variables.text(index))
                site = self._sites.add(name, f"view(lambda x, i: x[{before}i, ...])")
            else:
                site = self._sites.add(name, f"view(lambda x: x[{before}{index}, ...])")
        elif shape_of(source.type) == shape_of(result.type):
            return [Line(f"{name} = {arguments[0]}")]
        else:
            site = self._sites.add(name, f"view(lambda x: x.reshape({kind_of(result.type).shape}))")
        return [Line(f"{name} = {site}({', '.join(arguments)})")]

    def _scalar_tensor(self, op: ScalarTensorOp) -> Suite:
        if op.tensor.first_use is None:
            return []
        name = self._variables.declare(op.tensor)
        return [self._stored(op, op.tensor, name, self._variables.text(op.scalar), ())]

    def _stored(self, op: Operation, value: SSAValue, name: str, text: str, kept: Sequence[SSAValue]) -> Line:
        """Copy an array or a number to the buffer of `value`."""
        site = self._sites.add(name, f"store({self._buffers.choice(value)})")
        arguments = [text, *map(self._variables.text, (*self._buffers.kept(op), *kept))]
        return Line(f"{name} = {site}({', '.join(arguments)})")

    def _launch(self, op: LaunchOp) -> Suite:
        kept = self._buffers.kept(op)
        outputs = "".join(f", {self._buffers.choice(result)}" for result in op.results)
        keyword = f", kept={len(kept)}" if kept else ""
        site = self._sites.add(op.kernel, f'launch("{op.kernel}"{outputs}{keyword})')
        call = f"{site}({self._variables.texts((*op.inputs, *kept))})"
        targets = [self._variables.target(result) for result in op.res]
        if all(target == "_" for target in targets):
            return [*self.comments(op), Line(call)]
        return [*self.comments(op), Line(f"{', '.join(targets)} = {call}")]

    def _call(self, op: CallOp) -> Suite:
        """Call a function of the program; its results are in its own buffers, which its next call overwrites, so those
        that are needed longer are copied."""
        callee = self._functions[op.callee.string_value()]
        call = f"{callee.name}({', '.join([callee.k, *map(self._variables.text, op.operands)])})"
        if not op.results:
            return [*self.comments(op), Line(call)]
        targets = [self._variables.target(result) for result in op.results]
        comma = "," if callee.returns_tuple and len(targets) == 1 else ""
        suite: Suite = [*self.comments(op), Line(f"{', '.join(targets)}{comma} = {call}")]
        stored: list[SSAValue] = []
        for result, name in zip(op.results, targets, strict=True):
            if name == "_":
                continue
            if self._buffers.has(result):
                suite.append(self._stored(op, result, name, name, stored))
                stored.append(result)
        return suite

    def _assert(self, op: AssertOp) -> Suite:
        frame = place(op)
        message = f"{op.message.data} ({shown(frame)})" if frame else op.message.data
        return [*self.comments(op), Line(f"assert {self._variables.text(op.condition)}, {message!r}")]
