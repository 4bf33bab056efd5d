"""Compound statements of random programs: branches, loops, exits, handlers and functions.

Every loop ends: its bound is part of its head, or its first statement counts, or grows what the head tests.
"""

from collections.abc import Callable

from tools.fuzz.templates import parse_template
from tools.fuzz.writer import Scope, Writer

MAX_DEPTH = 4
MERGED = ("T", "T", "T", "i", "f", "b", "OT", "V", "S", "LE", "P", "FT", "t", "R", "Li", "LT", "DT")
"""Kinds of variables that both sides of a branch make."""


def block(
    writer: Writer, scope: Scope, statements: int, first: tuple[str, ...] = (), last: tuple[str, ...] = ()
) -> bool:
    """Write a block; return whether control never goes on behind it."""
    with writer.within(scope):
        for line in first:
            writer.emit(line)
        leaves = body(writer, statements)
        if not leaves:
            for line in last:
                writer.emit(line)
            if not first and not last and statements == 0:
                writer.emit("pass")
        return leaves


def body(writer: Writer, statements: int) -> bool:
    """Write statements at the place where we are; return whether the last of them leaves it."""
    for index in range(statements):
        writer.budget -= 1
        if (
            index
            and (writer.scope.in_loop or writer.scope.returns)
            and not writer.scope.is_static
            and writer.chance(0.12)
        ):
            leave(writer)
            return True
        if statement(writer):
            return True
    if statements and not writer.scope.is_static and writer.chance(0.15):
        leave(writer)
        return True
    return False


def statement(writer: Writer) -> bool:
    if writer.indent < MAX_DEPTH + 1 and writer.budget > 0 and writer.chance(0.42):
        kinds = list(COMPOUND)
        weights = [weight for _, weight in COMPOUND.items()]
        return writer.random.choices(kinds, weights)[0](writer)
    writer.simple_statement()
    return False


def leave(writer: Writer) -> None:
    ways: list[Callable[[Writer], None]] = [_return, _raise]
    weights = [4, 1]
    if writer.scope.in_loop:
        ways += [_break, _continue]
        weights += [6, 5]
    writer.random.choices(ways, weights)[0](writer)


def _break(writer: Writer) -> None:
    writer.emit("break")


def _continue(writer: Writer) -> None:
    writer.emit("continue")


def _return(writer: Writer) -> None:
    if writer.scope.returns:
        writer.emit(f"return {writer.expression(writer.scope.returns, 1)}")
    else:
        writer.emit("return")


def _raise(writer: Writer) -> None:
    error = writer.random.choice(
        ("ValueError('no')", "Stop", "Stop('done', 1)", "RuntimeError('bad')", "KeyError('k')")
    )
    writer.emit(f"raise {error}")


def _size(writer: Writer) -> int:
    return writer.random.choice((1, 1, 2, 2, 3))


def _forget(writer: Writer, *inner: Scope) -> None:
    """Now and then let a name live on that only some paths set: reading it may be an error, in eager too."""
    for scope in inner:
        for name, kind in scope.kinds.items():
            if name not in writer.scope.kinds and writer.chance(0.04):
                writer.scope.kinds[name] = kind


def if_statement(writer: Writer) -> bool:
    shared = [
        (writer.fresh(kind), kind) for kind in writer.random.sample(MERGED, writer.random.choice((0, 0, 0, 1, 1, 2)))
    ]
    test = writer.expression("C")
    if writer.chance(0.08):
        name = writer.fresh("S")
        test = f"({name} := {writer.expression('S', 1)}) > {writer.expression('c')}"
        writer.declare("S", name)
    scopes: list[Scope] = []
    goes_on: list[bool] = []

    def side(head: str) -> None:
        scope = writer.scope.inner(is_static=False)
        writer.emit(head)
        with writer.within(scope):
            for name, kind in shared:
                writer.emit(f"{name} = {writer.expression(kind, 1)}")
            leaves = body(writer, _size(writer) - (1 if shared and writer.chance(0.5) else 0))
        scopes.append(scope)
        goes_on.append(not leaves)

    side(f"if {test}:")
    while len(scopes) < 3 and writer.chance(0.12):
        side(f"elif {writer.expression('C')}:")
    has_else = bool(shared) or writer.chance(0.45)
    if has_else:
        side("else:")
    if not has_else or any(goes_on):
        for name, kind in shared:
            writer.declare(kind, name)
    _forget(writer, *scopes)
    return has_else and not any(goes_on)


def _loop(writer: Writer, head: str, scope: Scope, first: tuple[str, ...] = (), last: tuple[str, ...] = ()) -> bool:
    scope.in_loop = True
    writer.emit(head)
    count = _size(writer) + writer.chance(0.4)
    block(writer, scope, count, first, last)
    _forget(writer, scope)
    if writer.chance(0.12):
        other = writer.scope.inner(is_static=False)
        writer.emit("else:")
        block(writer, other, 1)
    return False


def for_statement(writer: Writer) -> bool:
    index, item = writer.fresh("i"), writer.fresh("t")
    expression, variables = writer.expression, writer.variables
    choices: list[tuple[str, dict[str, str]]] = [
        (f"{index} in range({writer.random.randint(1, 4)})", {index: "s"}),
        (f"{index} in range({writer.random.randint(1, 3)})", {index: "s"}),
        (f"{index} in range(min({expression('i')}, 4))", {index: "i"}),
        (f"{index} in range({expression('i')} % 4)", {index: "i"}),
        (f"{index} in range({expression('k')}, min({expression('i')}, 5))", {index: "i"}),
        (f"{index} in range(min({expression('i')}, 4), -1, -{writer.random.randint(1, 2)})", {index: "i"}),
        (f"{index} in range(0, min({expression('i')}, 6), 2)", {index: "i"}),
        (f"{index} in reversed(range(min({expression('i')}, 4)))", {index: "i"}),
        (f"{item} in ({expression('T')}, {expression('T')})", {item: "T"}),
        (f"{item} in {expression('LT')}", {item: "T"}),
        (f"{item} in {expression('T')}", {item: "V"}),
        (f"{item} in {expression('R')}", {item: "V"}),
        (f"{index}, {item} in enumerate({expression('LT')})", {index: "s", item: "T"}),
        (f"{index}, {item} in enumerate({expression('R')})", {index: "i", item: "V"}),
        (f"{index}, {item} in enumerate(range(min({expression('i')}, 3)), {expression('k')})", {index: "i", item: "i"}),
        (f"{index}, {item} in zip(range(3), {expression('LT')})", {index: "s", item: "T"}),
        (f"{index} in (1, 2)", {index: "s"}),
        (f"{index} in ('a', 'b')", {index: "w"}),
        (f"{item} in {expression('M')}[0].nonzero().squeeze(1)", {item: "I"}),
        (f"{item} in range(len({expression('LT')}))", {item: "i"}),
    ]
    if writer.scope.kinds.get("self"):
        choices += [
            (f"{item} in self.layers", {item: "FT"}),
            (f"{index}, {item} in enumerate(self.layers)", {index: "s", item: "FT"}),
            (f"{index} in range(len(self.layers))", {index: "s"}),
        ]
    for kind, heads in {
        "LE": [(f"{item} in $", {item: "T"}), (f"{index}, {item} in enumerate($)", {index: "i", item: "T"})],
        "Li": [(f"{index} in $", {index: "i"})],
        "LP": [(f"{item}, {index} in $", {index: "i", item: "T"})],
        "DT": [(f"{index}, {item} in $.items()", {index: "w", item: "T"}), (f"{index} in $", {index: "w"})],
    }.items():
        for name in variables(kind)[-2:]:
            choices += [(f"{head.replace('$', name)}", made) for head, made in heads]
    head, made = writer.random.choice(choices)
    # A list that a loop goes over must not grow in it without end.
    over = frozenset(name for name in writer.scope.kinds if name in head.replace("(", " ").replace(")", " ").split())
    scope = writer.scope.inner(is_static=False, frozen=writer.scope.frozen | over)
    scope.kinds |= made
    return _loop(writer, f"for {head}:", scope)


def while_statement(writer: Writer) -> bool:
    way = writer.random.randrange(7)
    counter, most = writer.fresh("i"), writer.random.choice((1, 2, 3, 3, 4, 5, 7))
    test = writer.expression("C", 1)
    scope = writer.scope
    match way:
        case 0 | 1:
            if writer.chance(0.3):
                writer.emit(f"{counter} = {writer.expression('k')}")
            else:
                writer.emit(f"{counter} = 0")
            writer.declare("i", counter)
            inner = scope.inner(is_static=False, frozen=scope.frozen | {counter})
            test = f"{test} and {counter} < {most}" if way else f"{counter} < {most} and {test}"
            return _loop(writer, f"while {test}:", inner, (f"{counter} += 1",))
        case 2:
            writer.emit(f"{counter} = 0")
            writer.declare("i", counter)
            inner = scope.inner(is_static=False, frozen=scope.frozen | {counter})
            return _endless(writer, inner, (f"{counter} += 1", f"if {counter} > {most}:", "    break"))
        case 3:
            name = writer.fresh("T")
            writer.emit(f"{name} = {writer.expression('T')}")
            writer.declare("T", name)
            inner = scope.inner(is_static=False, frozen=scope.frozen | {name})
            limit = writer.random.choice(("4", "10", "20"))
            measure = writer.random.choice((f"{name}.sum()", f"{name}.max()", f"{name}.abs().sum().item()"))
            # Frozen names can still be written in place through aliases: only growth that holds for any content counts.
            growth = writer.random.choice((f"{name} = {name}.abs() * 1.5 + 0.6", f"{name} = {name}.abs() + 1.3"))
            return _loop(writer, f"while {measure} < {limit}:", inner, (growth,))
        case 4:
            name = writer.fresh("LE")
            writer.emit(f"{name} = {writer.random.choice(('[]', '[]', '[' + writer.expression('T', 2) + ']'))}")
            writer.declare("LE", name)
            inner = scope.inner(is_static=False, frozen=scope.frozen | {name})
            head = f"while len({name}) < {most}:" if writer.chance(0.4) else f"while len({name}) < {most} and {test}:"
            return _loop(writer, head, inner, (f"{name}.append({writer.expression('T')})",))
        case 5:
            name, flag = writer.fresh("i"), writer.fresh("b")
            writer.emit(f"{name}, {flag} = 0, False")
            writer.declare("i", name)
            writer.declare("b", flag)
            inner = scope.inner(is_static=False, frozen=scope.frozen | {name, flag})
            first = (f"{name} += 1", f"{flag} = {name} >= {most} or bool({writer.expression('C')})")
            return _loop(writer, f"while not {flag}:", inner, first)
        case _:
            name = writer.fresh("R")
            writer.emit(f"{name} = {writer.random.choice((writer.expression('R'), writer.expression('T')))}")
            writer.declare("R", name)
            inner = scope.inner(is_static=False, frozen=scope.frozen | {name})
            first = (f"{name} = torch.cat([{name}, {writer.expression('T')}], 0)",)
            return _loop(writer, f"while {name}.shape[0] < {most + 1}:", inner, first)


def _endless(writer: Writer, scope: Scope, first: tuple[str, ...]) -> bool:
    scope.in_loop = True
    writer.emit("while True:")
    block(writer, scope, _size(writer) + 1, first)
    return False


def try_statement(writer: Writer) -> bool:
    writer.emit("try:")
    inner = writer.scope.inner(is_static=False)
    with writer.within(inner):
        body(writer, 1) if writer.chance(0.5) else None
        writer.emit(f"if {writer.expression('C')}:")
        writer.indent += 1
        _raise(writer) if writer.chance(0.8) else leave(writer)
        writer.indent -= 1
        body(writer, _size(writer))
    handler = writer.random.choice(
        ("ValueError", "Exception", "(Stop, ValueError)", "Stop as error", "Exception as error")
    )
    writer.emit(f"except {handler}:")
    caught = writer.scope.inner(is_static=False)
    left = block(writer, caught, _size(writer))
    if writer.chance(0.2):
        writer.emit("else:")
        block(writer, writer.scope.inner(is_static=False), 1)
    if writer.chance(0.25):
        writer.emit("finally:")
        with writer.within(writer.scope.inner(is_static=False)):
            writer.simple_statement()
    del left
    return False


def with_statement(writer: Writer) -> bool:
    writer.emit(
        f"with {writer.random.choice(('torch.no_grad()', 'torch.inference_mode()', 'contextlib.nullcontext()'))}:"
    )
    inner = writer.scope.inner()
    leaves = block(writer, inner, _size(writer))
    for name, kind in inner.kinds.items():
        writer.scope.kinds.setdefault(name, kind)
    return leaves


def match_statement(writer: Writer) -> bool:
    writer.emit(f"match {writer.expression('i')} % 4:")
    for pattern in ("case 0:", "case 1 | 2:", "case _:")[: writer.random.randint(2, 3)]:
        writer.indent += 1
        writer.emit(pattern)
        block(writer, writer.scope.inner(is_static=False), _size(writer))
        writer.indent -= 1
    return False


def function_statement(writer: Writer) -> bool:
    """Define a function inside the current one."""
    if writer.scope.in_function:
        writer.simple_statement()
        return False
    name = writer.fresh("FT")
    outer = writer.scope
    parameter = writer.fresh("T")
    writer.emit(f"def {name}({parameter}, extra={writer.expression('k')}):")
    kinds = {**outer.kinds, parameter: "T", "extra": "i"}
    inner = Scope(kinds, frozenset(outer.kinds), returns="T", in_function=True, is_static=True)
    if not block(writer, inner, _size(writer) + 1):
        with writer.within(inner):
            writer.emit(f"return {writer.expression('T')}")
    writer.declare("FT", name)
    return False


def nonlocal_statement(writer: Writer) -> bool:
    """Define and call a function that changes a name of the current one."""
    names = writer.variables("T", assignable=True) + writer.variables("i", assignable=True)
    if writer.scope.in_function or not names:
        writer.simple_statement()
        return False
    changed, name = writer.random.choice(names), writer.fresh("g")
    kind = writer.scope.kinds[changed]
    writer.emit(f"def {name}():")
    with writer.within(
        writer.scope.inner(frozen=frozenset(writer.scope.kinds), in_function=True, in_loop=False, returns="")
    ):
        writer.emit(f"nonlocal {changed}")
        if writer.chance(0.4):
            writer.emit(f"if {writer.expression('C')}:")
            writer.emit("    return")
        writer.emit(f"{changed} = {writer.expression(kind)}")
    writer.emit(f"{name}()")
    if writer.chance(0.4):
        writer.emit(f"if {writer.expression('C')}:")
        writer.emit(f"    {name}()")
    return False


def recursive_statement(writer: Writer) -> bool:
    """Define a function that calls itself, until a tensor or a count says no more, and call it."""
    if writer.scope.in_function:
        writer.simple_statement()
        return False
    name, parameter = writer.fresh("g"), writer.fresh("T")
    inner = Scope(
        {**writer.scope.kinds, parameter: "T", "d": "i"},
        frozenset({*writer.scope.kinds, "d"}),
        returns="T",
        in_function=True,
    )
    if writer.chance(0.5):
        writer.emit(f"def {name}({parameter}, d=0):")
        with writer.within(inner):
            writer.emit(f"if d > {writer.expression('k')} or {writer.expression('C')}:")
            writer.emit(f"    return {writer.expression('T')}")
            if writer.chance(0.5):
                body(writer, 1)
            writer.emit(
                f"return {name}({writer.expression('T')}, d + 1)" + writer.random.choice(("", f" + {parameter}"))
            )
    else:
        writer.emit(f"def {name}({parameter}):")
        with writer.within(inner):
            del inner.kinds["d"]
            writer.emit(f"if {parameter}.sum() > {writer.random.choice(('5', '9'))}:")
            writer.emit(f"    return {writer.expression('T')}")
            writer.emit(
                f"return {name}({parameter}.abs() * 1.5 + 0.7)" + writer.random.choice(("", f" * 0.5 + {parameter}"))
            )
    result = writer.fresh("T")
    writer.emit(f"{result} = {name}({writer.expression('T')})")
    writer.declare("T", result)
    return False


def generator_statement(writer: Writer) -> bool:
    if writer.scope.in_function:
        writer.simple_statement()
        return False
    name, item = writer.fresh("g"), writer.fresh("T")
    writer.emit(f"def {name}(t):")
    writer.emit(f"    for j in range({writer.random.randint(1, 3)}):")
    writer.emit(f"        t = {writer.random.choice(('torch.tanh(t) + j', 't * 1.5', 'self.layers[j](t)'))}")
    writer.emit("        yield t")
    scope = writer.scope.inner(is_static=False)
    scope.kinds[item] = "T"
    return _loop(writer, f"for {item} in {name}({writer.expression('T')}):", scope)


def comprehension_statement(writer: Writer) -> bool:
    """Assign a value that takes several templates to say."""
    line = writer.random.choice(
        (
            "1 $+LT = [v * $c for v in $LT if $s > 0] or [$T]",
            "1 $+Li = [j for j in range($k) if j % 2 == 0]",
            "1 $+DT = {key: v for key, v in zip('ab', [$T, $T])}",
            "1 $+f = sum(v.sum().item() for v in $LT)",
            "1 $+LP = [(v * j, j) for v in $LT for j in range(2)]",
        )
    )
    writer.emit(writer.fill(parse_template(line), 0))
    return False


COMPOUND: dict[Callable[[Writer], bool], int] = {
    if_statement: 34,
    for_statement: 20,
    while_statement: 18,
    try_statement: 5,
    with_statement: 1,
    match_statement: 1,
    function_statement: 3,
    nonlocal_statement: 1,
    recursive_statement: 2,
    generator_statement: 1,
    comprehension_statement: 2,
}
