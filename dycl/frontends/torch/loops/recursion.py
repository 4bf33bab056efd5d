"""Recursion whose depth depends on tensors: the function becomes a function of the program.

Capture notices that a function calls itself on ever deeper branches, and begins again with that known. The function is
then evaluated on its own, with the tensors and run-time numbers among its arguments as parameters. What it returns is
first found from the ways on which it does not call itself; then it is evaluated again, with calls in it. Where a call
passes or a return gives a type that is not the one assumed, the assumption is widened and evaluation repeated.

What a function reads from around it may have changed by its next call: the names of a loop, a list's length. So every
call from outside evaluates it anew, and uses the function of an earlier call where the same one has come out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import TYPE_CHECKING

import torch
from xdsl.dialects.arith import ConstantOp as ScalarConstantOp
from xdsl.dialects.builtin import StringAttr, SymbolRefAttr
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from dycl.errors import an
from dycl.frontends.torch.activation import Activation, Code
from dycl.frontends.torch.objects.records import made_record, record_fields
from dycl.frontends.torch.paths.control import LEFT, Departed, Leave, Left, Raised
from dycl.frontends.torch.paths.guards import is_guarded
from dycl.frontends.torch.paths.journal import Env, WrittenSlot
from dycl.frontends.torch.results.results import Results, emit_failure, emit_return, finish
from dycl.frontends.torch.syntax.source import FunctionNode
from dycl.frontends.torch.tensors.heap import storage_of, type_of
from dycl.frontends.torch.values import SCALAR_TYPE, Choice, ModelRaised, Scalar, Symbolic, Value, is_number, kind_of
from dycl.ir.call_graph import calls, reachable
from dycl.ir.ops import AssertOp, ConstantOp, ParamOp
from dycl.ir.types import is_tensor, join
from dycl.runtime.structure import Fixed, Group, Leaf, Number, Structure, Variants

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

MAX_ROUNDS = 8
DEPTH = 3
"""How often a function must have called itself, each time further inside branches, to count as recursive."""

MAX_VARIANTS = 8
"""How many functions one recursive function may become, by the kinds of its arguments."""


class RecursionFound(Exception):
    """Capture has to begin again: a function turns out to call itself for as long as tensors say."""


@dataclass
class Recursion:
    """The functions that are known to be recursive, and those that the program has for them."""

    found: set[FunctionNode] = field(default_factory=set[FunctionNode])
    functions: list["Outlined"] = field(default_factory=list["Outlined"])
    open: list["Outlined"] = field(default_factory=list["Outlined"])
    """Those that are being evaluated, outermost first."""

    def used(self, main: FuncOp) -> list[FuncOp]:
        """Return the functions that the program calls."""
        made = [outlined.function for outlined in self.functions if outlined.function is not None]
        names = reachable([main.sym_name.data], calls([main, *made]))
        return [function for function in made if function.sym_name.data in names]

    def notice(self, capture: "Capture", node: FunctionNode) -> None:
        """Look, before a call of a function, whether it calls itself further and further inside branches.

        Raises:
            RecursionFound: it does
        """
        depths = [activation.depth for activation in capture.stack if activation.code.node is node]
        last = [*depths[-DEPTH:], capture.depth]
        if len(depths) >= DEPTH and all(outer < inner for outer, inner in pairwise(last)):
            self.found.add(node)
            raise RecursionFound

    def call(
        self, capture: "Capture", code: Code, names: dict[str, Value], run: Callable[[Activation], object]
    ) -> Value:
        """Call a recursive function."""
        template, dynamic = _split(capture, names)
        for outlined in self.open:
            if outlined.is_of(code) and outlined.takes(template, dynamic):
                return outlined.call(capture, dynamic)
        if sum(outlined.is_of(code) for outlined in self.open) >= MAX_VARIANTS:
            raise self._of_many_kinds(capture, code)
        taken = {outlined.name for outlined in (*self.functions, *self.open)}
        name = next(name for number in count() if (name := f"{code.name.strip('<>')}_{number}") not in taken)
        outlined = Outlined(code, name, template, [_type(value) for value in dynamic])
        self.open.append(outlined)
        try:
            is_new = outlined.evaluate(capture, dynamic, run)
        finally:
            self.open.remove(outlined)
        known = [other for other in self.functions if other.code.node is code.node]
        if is_new and not any(map(outlined.becomes, known)):
            if len(known) >= MAX_VARIANTS:
                raise self._of_many_kinds(capture, code)
            self.functions.append(outlined)
        return outlined.call(capture, dynamic)

    def _of_many_kinds(self, capture: "Capture", code: Code) -> Exception:
        return capture.error(
            f"calls of the recursive function `{code.name}` with arguments of more than {MAX_VARIANTS} kinds",
            "each kind, each length of a list, each value of a Python object that it reads is a function of its own",
            "pass what differs as tensors or numbers; what each call collects, join from what the calls return, or "
            "keep it in one tensor that `torch.cat` makes longer",
        )


@dataclass(frozen=True)
class _Hole:
    """Stands for a tensor, or for a number of a kind, among the arguments."""

    index: int


def _split(capture: "Capture", names: Mapping[str, Value]) -> tuple[object, list[Value]]:
    """Return the arguments with holes for tensors and numbers, and these."""
    dynamic: list[Value] = []

    def template(value: Value) -> object:
        value = capture.usable(value)
        if isinstance(value, torch.Tensor) or (is_number(value) and not isinstance(value, bool)):
            dynamic.append(value)
            return _Hole(len(dynamic) - 1)
        if isinstance(value, Symbolic):
            raise capture.error(f"{value.describe()} as an argument of a recursive function")
        if isinstance(value, tuple | list) and type(value) in (tuple, list):
            return (type(value), *map(template, value))
        if isinstance(value, dict) and capture.holds_unknown(value):
            return (dict, tuple(value), *map(template, value.values()))
        fields = record_fields(capture, value)
        if fields is not None:
            return (_Record(type(value), tuple(fields)), *(template(item) for item in fields.values()))
        return value

    return tuple((name, template(value)) for name, value in names.items()), dynamic


@dataclass(frozen=True)
class _Record:
    """Stands for an object that the program has made, before its attributes."""

    cls: type
    names: tuple[str, ...]


def _same(one: object, other: object) -> bool:
    if isinstance(one, _Hole) or isinstance(other, _Hole):
        return one == other
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    try:
        return one is other or bool(one == other)
    except Exception:
        return False


@dataclass(eq=False)
class Outlined:
    """A recursive function, evaluated for arguments that agree but for their tensors and numbers."""

    code: Code
    name: str
    template: object
    entry: Sequence[Attribute]
    """The types of the first call's tensors and numbers."""
    types: list[Attribute] = field(default_factory=list[Attribute])
    results: Results | None = None
    """None until the first evaluation has ended: calls do not return yet."""
    lifted: list[SSAValue] = field(default_factory=list[SSAValue])
    """What the function uses from around it, which every call passes too."""
    function: FuncOp | None = None
    widened: bool = False
    guarded: bool = False
    """Whether it calls itself inside a `try` or `with` of its own."""

    def is_of(self, code: Code) -> bool:
        """Whether this is that function, with the same names around it."""
        return self.code.node is code.node and self.code.env is code.env and self.code.cells == code.cells

    def takes(self, template: object, dynamic: Sequence[Value]) -> bool:
        """Whether a call's arguments agree with those of this function, but for sizes."""
        if not _same(self.template, template):
            return False
        return all(join(_type(value), type) is not None for value, type in zip(dynamic, self.types, strict=True))

    def becomes(self, other: "Outlined") -> bool:
        """Take the place of another function's evaluation where both have come out the same; return whether so."""
        assert self.function is not None and other.function is not None
        assert self.results is not None and other.results is not None
        if repr(self.results.structure) != repr(other.results.structure):
            return False
        if self.results.classes != other.results.classes:
            return False
        own, calls = self.name, _calls_of(self.name, self.function.body.block)
        self._rename(other.name, calls)
        if self.function.is_structurally_equivalent(other.function):
            return True
        self._rename(own, calls)
        return False

    def _rename(self, name: str, calls: Sequence[CallOp]) -> None:
        assert self.function is not None
        self.name, self.function.sym_name = name, StringAttr(name)
        for call in calls:
            call.callee = SymbolRefAttr(name)

    def call(self, capture: "Capture", dynamic: Sequence[Value]) -> Value:
        for index, (value, known) in enumerate(zip(dynamic, self.types, strict=True)):
            joined = join(_type(value), known)
            if joined is not None and joined != known:
                self.types[index], self.widened = joined, True
        if is_guarded(capture):
            if self.function is not None:
                self._check_raises(capture, self.function.body.block)
            else:
                self.guarded = True
        if self.results is None:
            raise Departed(LEFT)
        operands = [value for value in map(capture.ssa_of, dynamic) if value is not None]
        op = CallOp(SymbolRefAttr(self.name), [*operands, *self.lifted], self.results.types)
        return _rebuilt(capture, self.results, capture.builder.emit(op).results)

    def evaluate(self, capture: "Capture", dynamic: Sequence[Value], run: Callable[[Activation], object]) -> bool:
        """Find the function; return False where it is one that is known."""
        functions = capture.recursion.functions
        inner = len(functions)
        like = self._like(functions)
        if like is not None:
            # It is evaluated as if it were this function, for those that it calls to come out the same too.
            own, self.name, self.types, self.results = self.name, like.name, list(like.types), like.results
            if self._settles(capture, dynamic, run) and len(functions) == inner and self.becomes(like):
                return False
            self.name, self.results, self.function, self.lifted = own, None, None, []
        self.types = list(self.entry)
        for _ in range(MAX_ROUNDS):
            # What it called in the last round knew less of its results.
            del functions[inner:]
            if self._settles(capture, dynamic, run):
                self._check_inner(capture, functions[inner:])
                return True
        raise capture.error(
            f"what the recursive function `{self.code.name}` returns is of another kind at every depth",
            "the result of a call has one structure, however deep it went",
            "return the same structure from every `return`",
        )

    def _settles(self, capture: "Capture", dynamic: Sequence[Value], run: Callable[[Activation], object]) -> bool:
        """Evaluate the function once; where what it was taken to return comes out, make it."""
        self.widened = False
        block, results = self._round(capture, dynamic, run)
        known, self.results = self.results, results
        if self.widened or known is None or (known.structure, known.types) != (results.structure, results.types):
            return False
        self._finish(capture, block, results)
        return True

    def _like(self, functions: Sequence["Outlined"]) -> "Outlined | None":
        """Return the function of an earlier call with such arguments: most often it comes out again."""
        return next(
            (
                other
                for other in functions
                if other.code.node is self.code.node
                and _same(other.template, self.template)
                and list(other.entry) == list(self.entry)
            ),
            None,
        )

    def _round(
        self, capture: "Capture", dynamic: Sequence[Value], run: Callable[[Activation], object]
    ) -> tuple[Block, Results]:
        block = Block(arg_types=self.types)
        before = (capture.exits, capture.pendings, capture.open_loops, capture.stack, capture.counters)
        capture.exits, capture.pendings, capture.open_loops, capture.counters = [], [], [], set()
        caller = before[3][-1]
        capture.enter(block)
        capture.builder.functions.append(block)
        level = len(capture.journal.levels)
        arguments = [self._parameter(capture, value, arg) for value, arg in zip(dynamic, block.args, strict=True)]
        names: dict[str, Value] = dict(_filled(capture, self.template, arguments))
        start = capture.journal.clock
        env = Env(capture.journal.tick(), self.code.env, names)
        activation = Activation(
            capture, self.code, env, caller.node, (caller.place, *caller.calls), capture.where(), is_main=True
        )
        capture.stack = [before[3][0], activation]
        try:
            completion = run(activation)
            match completion:
                case Leave(scope, value) if scope is activation.scope:
                    emit_return(capture, value)
                case Raised(error):
                    if not capture.exits:
                        raise error
                    assert isinstance(error, ModelRaised)
                    emit_failure(capture, error)
                case Left():
                    pass
                case _:
                    raise AssertionError(f"a recursive function ends in {completion}")
            capture.builder.blocks.pop()
            if not capture.exits:
                raise capture.error(f"the recursive function `{self.code.name}` never returns")
            state = capture.journal.since(level - 1)
            for slot, _ in state.values():
                if slot.birth <= start and not isinstance(slot, WrittenSlot):
                    raise capture.error(
                        f"a change to {slot.label}, from around a recursive function",
                        "calls of the function hand over their arguments and results only",
                        "return what it changes",
                    )
            results: Results = capture.without_modes(lambda: finish(capture.exits))
        finally:
            capture.builder.functions.remove(block)
            while len(capture.journal.levels) >= level:
                capture.journal.rollback()
            capture.exits, capture.pendings, capture.open_loops, capture.stack, capture.counters = before
        return block, results

    def _parameter(self, capture: "Capture", value: Value, argument: SSAValue) -> Value:
        if not is_tensor(argument.type):
            return Scalar(argument)
        fake = capture.recorder.fake(value)
        made = capture.new_tensor(argument, [fake])
        capture.heap.add_names(made, [storage_of(fake)] if capture.heap.knows(fake) else [])
        capture.heap.freeze(made, f"an argument of the recursive function `{self.code.name}`")
        return made

    def _finish(self, capture: "Capture", block: Block, results: Results) -> None:
        """Make the function, with what it uses from around it as further parameters."""
        if self.guarded:
            self._check_raises(capture, block)
        inner = set(_defined_in(block))
        clones: dict[SSAValue, SSAValue] = {}
        first = block.first_op
        for op in list(_operations(block)):
            for index, operand in enumerate(op.operands):
                if operand in inner:
                    continue
                if operand not in clones:
                    owner = operand.owner
                    if isinstance(owner, ParamOp | ConstantOp | ScalarConstantOp):
                        copy = owner.clone()
                        copy.location = owner.location
                        assert first is not None
                        block.insert_op_before(copy, first)
                        clones[operand] = copy.results[0]
                        copy.results[0].name_hint = operand.name_hint
                    else:
                        clones[operand] = block.insert_arg(operand.type, len(block.args))
                        clones[operand].name_hint = operand.name_hint
                        self.lifted.append(operand)
                op.operands[index] = clones[operand]
        for call in _calls_of(self.name, block):
            call.operands = [*call.operands, *(clones[value] for value in self.lifted)]
        types = [argument.type for argument in block.args]
        self.function = FuncOp(self.name, (types, results.types), Region(block), visibility="private")
        self.function.location = capture.where()

    def _check_inner(self, capture: "Capture", functions: Sequence["Outlined"]) -> None:
        """Refuse calls from other functions, which do not have what this one uses from around it."""
        for other in functions if self.lifted else ():
            if other.function is not None and _calls_of(self.name, other.function.body.block):
                raise capture.error(
                    f"the recursive functions `{self.code.name}` and `{other.code.name}`, which call each other and "
                    "use tensors from around them",
                    "calls of such functions hand over their arguments only",
                    "pass those tensors as arguments",
                )

    def _check_raises(self, capture: "Capture", block: Block) -> None:
        """Refuse a function that may raise, or calls one that may, where a `try` would handle it."""
        own = set(_calls_of(self.name, block))
        if any(isinstance(op, AssertOp) or (isinstance(op, CallOp) and op not in own) for op in block.walk()):
            raise capture.error(
                f"an exception of the recursive function `{self.code.name}`, inside a `try` or `with`",
                "calls of the function hand over their arguments and results only",
                "return a flag instead of the exception",
            )


def _calls_of(name: str, block: Block) -> list[CallOp]:
    return [op for op in _operations(block) if isinstance(op, CallOp) and op.callee.string_value() == name]


def _type(value: Value) -> Attribute:
    return type_of(value) if isinstance(value, torch.Tensor) else SCALAR_TYPE[kind_of(value)]


def _filled(capture: "Capture", template: object, arguments: Sequence[Value]) -> Value:
    """Return the arguments' names and values, by their template."""

    def fill(part: object) -> Value:
        if isinstance(part, _Hole):
            return arguments[part.index]
        if isinstance(part, tuple) and part and part[0] in (tuple, list):
            kind, *items = part
            made = kind(map(fill, items))
            return capture.born(made) if kind is list else made
        if isinstance(part, tuple) and part and part[0] is dict:
            _, keys, *items = part
            return capture.born(dict(zip(keys, map(fill, items), strict=True)))
        if isinstance(part, tuple) and part and isinstance(part[0], _Record):
            return made_record(capture, part[0].cls, dict(zip(part[0].names, map(fill, part[1:]), strict=True)))
        return part

    assert isinstance(template, tuple)
    return [(name, fill(part)) for name, part in template]


def _rebuilt(capture: "Capture", results: Results, values: Sequence[SSAValue]) -> Value:
    """Return what a call returns, as the function's `return` wrote it."""

    def build(structure: Structure) -> Value:
        match structure:
            case Fixed(value):
                return value
            case Leaf(index):
                found = values[index]
                return capture.new_tensor_of(found) if is_tensor(found.type) else Scalar(found)
            case Number(index):
                return capture.item(capture.new_tensor_of(values[index]))
            case Variants(index, structures):
                return Choice(Scalar(values[index]), [build(part) for part in structures])
            case Group("tuple", items):
                return tuple(map(build, items))
            case Group("list", items):
                return capture.born([build(item) for item in items])
            case Group("dict", items, keys):
                return capture.born(dict(zip(keys, map(build, items), strict=True)))
            case Group(kind, items, keys, name) if kind in ("namedtuple", "dataclass"):
                fields = {str(key): build(item) for key, item in zip(keys, items, strict=True)}
                return made_record(capture, results.classes[name], fields)
            case _:
                raise capture.error(
                    f"a recursive function that returns {an(type(structure).__name__.lower())} of run-time length",
                    advice="return tensors",
                )

    return build(results.structure)


def _operations(block: Block) -> list[Operation]:
    return [inner for op in block.ops for inner in op.walk()]


def _defined_in(block: Block) -> list[SSAValue]:
    found: list[SSAValue] = list(block.args)
    for op in _operations(block):
        found.extend(op.results)
        for region in op.regions:
            found.extend(argument for inner in region.blocks for argument in inner.args)
    return found
