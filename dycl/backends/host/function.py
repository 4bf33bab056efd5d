"""A function of the host program: the control flow of host IR as Python's.

A branch's result is a variable that each side assigns. A value that a loop carries is a variable that is assigned where
the body ends. A branch that leaves the function or the loop is written as such, and what the other side does follows it
unindented.
"""

from collections.abc import Mapping, Sequence

from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Block, Operation, SSAValue

from dycl.backends.host.arithmetic import negation
from dycl.backends.host.buffers import assign_buffers
from dycl.backends.host.call_results import leave_in_place
from dycl.backends.host.layout import Line, Nested, Suite, conditional
from dycl.backends.host.lifetimes import lifetimes
from dycl.backends.host.sites import FunctionBuffers, Sites
from dycl.backends.host.steps import Callee, Steps
from dycl.backends.host.variables import Variables
from dycl.ir.host_ops import is_host_append, is_host_view
from dycl.ir.ops import (
    AtenOp,
    BreakOp,
    ConditionOp,
    ContinueOp,
    ForOp,
    IfOp,
    LaunchOp,
    ReturnOp,
    SwitchOp,
    WhileOp,
    YieldOp,
)
from dycl.ir.types import is_static, is_tensor

RUNTIME_NAMES = ("divide", "elementary", "maximum", "minimum", "quotient", "remainder")
"""What a host program imports besides `usage`."""

OWN_NAMES = ("decide", "prepare", "prepare_level", "usage", *RUNTIME_NAMES)
"""Names of a host program that its functions and variables leave free."""


class FunctionWriter:
    """Writes one function."""

    def __init__(
        self, function: FuncOp, decisions: Mapping[Operation, int], functions: Mapping[str, Callee], sites: Sites
    ):
        """`decisions` holds the index of each branch, `functions` how each function is called."""
        self._function = function
        self._decisions = decisions
        self._calls_itself = functions[function.sym_name.data].k != "k"
        self._variables = Variables(["k", *OWN_NAMES, *(callee.name for callee in functions.values())])
        found = lifetimes(function)
        leave_in_place(found)
        assigned = assign_buffers(found)
        buffers = FunctionBuffers(assigned, sites.add_buffers(assigned.kinds))
        self._steps = Steps(self._variables, buffers, functions, sites)

    def write(self, names: Sequence[str], returns_tuple: bool) -> tuple[str, Suite]:
        """Return the parameters, named as `names` says where it does, and the body.

        Raises:
            DyclError: an op is not one that the host can do
        """
        self._returns_tuple = returns_tuple
        self._is_called = not returns_tuple or self._calls_itself
        block = self._function.body.block
        wishes = [*names, *[None] * (len(block.args) - len(names))]
        arguments = [self._variables.declare(argument, wish) for argument, wish in zip(block.args, wishes, strict=True)]
        return ", ".join(["k", *arguments]), self._block(block)

    def _block(self, block: Block) -> Suite:
        """Return a block's statements, all but those of a terminator that hands on values."""
        self._steps.forget_comment()
        suite: Suite = []
        for op in block.ops:
            match op:
                case IfOp():
                    suite += self._if(op)
                case SwitchOp():
                    suite += self._switch(op)
                case ForOp():
                    suite += self._for(op)
                case WhileOp():
                    suite += self._while(op)
                case ReturnOp():
                    suite.append(self._return(op))
                case YieldOp() | ConditionOp() | BreakOp() | ContinueOp():
                    pass
                case _:
                    suite += self._steps.write(op)
        self._steps.forget_comment()
        return suite

    def _return(self, op: ReturnOp) -> Line:
        values = self._variables.texts(op.values)
        if self._is_called:
            types = self._function.function_type.outputs
            values = ", ".join(map(self._variables.handed_on, op.values, types))
        if len(op.values) == 1:
            return Line(f"return ({values},)" if self._returns_tuple else f"return {values}")
        return Line(f"return {values or '()'}")

    def _body(self, block: Block, targets: Sequence[SSAValue]) -> Suite:
        """Return a block's statements, and what its terminator does; a `yield` assigns to `targets`."""
        if isinstance(block.parent_op(), ForOp | WhileOp) and isinstance(end := block.last_op, YieldOp):
            self._compute_in_place(block, targets, end)
        suite = self._block(block)
        match block.last_op:
            case YieldOp() as end:
                suite += self._variables.move(targets, end.values)
            case BreakOp() as end:
                suite += [*self._variables.move(_loop_around(end).results, end.values), Line("break")]
            case ContinueOp() as end:
                suite += [*self._variables.move(_carried(_loop_around(end)), end.values), Line("continue")]
            case _:
                pass
        return suite

    def _compute_in_place(self, body: Block, targets: Sequence[SSAValue], end: YieldOp) -> None:
        """Let results be computed in the variables of the next iteration, where this one does not read these again."""
        place = {op: number for number, op in enumerate(body.ops)}
        for target, value in zip(targets, end.values, strict=True):
            op = value.owner
            if target not in self._variables or value in self._variables or not isinstance(op, LaunchOp | AtenOp):
                continue
            if is_static(value.type) != is_static(target.type) or op not in place or is_host_view(op):
                continue
            name = self._variables.text(target)
            holders = [argument for argument in body.args if _name(self._variables, argument) == name]
            if all(_is_read_until(op, use.operation, place) for holder in holders for use in holder.uses):
                self._variables.alias(value, target)

    def _side(self, block: Block, results: Sequence[SSAValue]) -> Suite:
        """Return the statements of one side of a branch; results are computed in their variables where they can be."""
        end = block.last_op
        if isinstance(end, YieldOp):
            for result, value in zip(results, end.values, strict=True):
                if result in self._variables and value not in self._variables and _may_share(result, value, block):
                    self._variables.alias(value, result)
        return self._body(block, results)

    def _if(self, op: IfOp) -> Suite:
        self._variables.declare_used(op.res)
        comments = self._steps.comments(op)
        condition = self._variables[op.condition]
        yes = Line(condition.text, self._decisions[op])
        no = Line(negation(condition).text, self._decisions[op], negated=True)
        then, otherwise = self._side(op.then_block, op.res), self._side(op.else_block, op.res)
        if not isinstance(op.then_block.last_op, YieldOp):
            return [conditional(comments, yes, then, []), *otherwise]
        if not isinstance(op.else_block.last_op, YieldOp):
            return [conditional(comments, no, otherwise, []), *then]
        if otherwise and not then:
            return [conditional(comments, no, otherwise, [])]
        return [conditional(comments, yes, then, otherwise)]

    def _switch(self, op: SwitchOp) -> Suite:
        self._variables.declare_used(op.res)
        head = [*self._steps.comments(op), Line(f"match {self._variables.text(op.index)}:", self._decisions[op])]
        cases: Suite = []
        for value, region in zip(op.case_values, op.case_regions, strict=True):
            cases += [Line(f"case {value}:"), Nested(self._side(region.block, op.res))]
        cases += [Line("case _:"), Nested(self._side(op.default_region.block, op.res))]
        return [*head, Nested(cases)]

    def _for(self, op: ForOp) -> Suite:
        induction, *carried = op.body.block.args
        for argument, result in zip(carried, op.res, strict=True):
            if argument.first_use is not None or result.first_use is not None:
                self._variables.declare(argument)
                self._variables.alias(result, argument)
        head = [*self._steps.comments(op), *self._variables.move(carried, op.inits)]
        start, stop, step = map(self._variables.text, (op.start, op.stop, op.step))
        bounds = f"{start}, {stop}, {step}" if step != "1" else f"{start}, {stop}" if start != "0" else stop
        head.append(Line(f"for {self._variables.declare(induction)} in range({bounds}):"))
        return [*head, Nested(self._body(op.body.block, carried), is_loop=True)]

    def _while(self, op: WhileOp) -> Suite:
        before, body = op.before.block, op.body.block
        end = before.last_op
        assert isinstance(end, ConditionOp)
        comments = self._steps.comments(op)
        unshared = {self._variables.declare(argument): argument for argument in before.args}
        for handed, argument, result in zip(end.values, body.args, op.res, strict=True):
            if handed.type == argument.type and unshared.get(name := _name(self._variables, handed)) is handed:
                del unshared[name]
                self._variables.alias(argument, handed)
            self._variables.declare(argument)
            self._variables.alias(result, argument)
        suite = [*comments, *self._variables.move(before.args, op.inits)]
        head = [*self._block(before), *self._variables.move(body.args, end.values)]
        condition = self._variables[end.condition]
        rest = self._body(body, before.args)
        if not head:
            return [*suite, Line(f"while {condition.text}:", self._decisions[op]), Nested(rest, is_loop=True)]
        test = Line(negation(condition).text, self._decisions[op], negated=True)
        head.append(conditional([], test, [Line("break")], []))
        return [*suite, Line("while True:"), Nested([*head, *rest], is_loop=True)]


def _name(variables: Variables, value: SSAValue) -> str:
    return variables.text(value) if value in variables else ""


def _is_read_until(op: Operation, user: Operation, place: Mapping[Operation, int]) -> bool:
    """Whether the statement of `user` comes before that of `op`, or is it; an expression may be written later."""
    statement = isinstance(user, LaunchOp | CallOp | BreakOp | ContinueOp | ReturnOp) or is_host_append(user)
    while user not in place:
        holder = user.parent_op()
        assert holder is not None
        user = holder
    return statement and place[user] <= place[op]


def _may_share(result: SSAValue, value: SSAValue, block: Block) -> bool:
    """Whether a value that a branch yields may be computed in its result's variable: a result of one of its own steps.

    Expressions are written where they are used, and a loop's results have variables of their own.
    """
    owner = value.owner
    if not isinstance(owner, Operation) or owner.parent is not block or isinstance(owner, ForOp | WhileOp):
        return False
    computed = is_tensor(value.type) or isinstance(owner, LaunchOp | IfOp | SwitchOp)
    return computed and is_static(value.type) == is_static(result.type)


def _loop_around(op: Operation) -> ForOp | WhileOp:
    loop = op.parent_op()
    while not isinstance(loop, ForOp | WhileOp):
        assert loop is not None, "a break outside a loop"
        loop = loop.parent_op()
    return loop


def _carried(loop: ForOp | WhileOp) -> Sequence[SSAValue]:
    """Return the variables of the next iteration."""
    return loop.body.block.args[1:] if isinstance(loop, ForOp) else loop.before.block.args
