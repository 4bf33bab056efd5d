"""Loops of random programs.

Every loop ends: its bound is part of its head, or its first statement counts, or grows what the head tests.
"""

from tools.fuzz.blocks import block, block_size, leak
from tools.fuzz.writer import Scope, Writer


def loop(writer: Writer, head: str, scope: Scope, first: tuple[str, ...] = ()) -> bool:
    scope.in_loop = True
    writer.emit(head)
    block(writer, scope, block_size(writer) + writer.chance(0.4), first)
    leak(writer, scope)
    if writer.chance(0.12):
        writer.emit("else:")
        block(writer, writer.scope.inner(is_static=False), 1)
    return False


def for_statement(writer: Writer) -> bool:
    index, item = writer.fresh("i"), writer.fresh("t")
    head, made = writer.random.choice(_heads(writer, index, item))
    # A list that a loop goes over must not grow in it without end.
    over = frozenset(name for name in writer.scope.kinds if name in head.replace("(", " ").replace(")", " ").split())
    scope = writer.scope.inner(is_static=False, frozen=writer.scope.frozen | over)
    scope.kinds |= made
    return loop(writer, f"for {head}:", scope)


def _heads(writer: Writer, index: str, item: str) -> list[tuple[str, dict[str, str]]]:
    """Return the heads that a `for` may have here, each with the kinds of the names that it sets."""
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
    return choices


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
            return loop(writer, f"while {test}:", inner, (f"{counter} += 1",))
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
            return loop(writer, f"while {measure} < {limit}:", inner, (growth,))
        case 4:
            name = writer.fresh("LE")
            writer.emit(f"{name} = {writer.random.choice(('[]', '[]', '[' + writer.expression('T', 2) + ']'))}")
            writer.declare("LE", name)
            inner = scope.inner(is_static=False, frozen=scope.frozen | {name})
            head = f"while len({name}) < {most}:" if writer.chance(0.4) else f"while len({name}) < {most} and {test}:"
            return loop(writer, head, inner, (f"{name}.append({writer.expression('T')})",))
        case 5:
            name, flag = writer.fresh("i"), writer.fresh("b")
            writer.emit(f"{name}, {flag} = 0, False")
            writer.declare("i", name)
            writer.declare("b", flag)
            inner = scope.inner(is_static=False, frozen=scope.frozen | {name, flag})
            first = (f"{name} += 1", f"{flag} = {name} >= {most} or bool({writer.expression('C')})")
            return loop(writer, f"while not {flag}:", inner, first)
        case _:
            name = writer.fresh("R")
            writer.emit(f"{name} = {writer.random.choice((writer.expression('R'), writer.expression('T')))}")
            writer.declare("R", name)
            inner = scope.inner(is_static=False, frozen=scope.frozen | {name})
            first = (f"{name} = torch.cat([{name}, {writer.expression('T')}], 0)",)
            return loop(writer, f"while {name}.shape[0] < {most + 1}:", inner, first)


def _endless(writer: Writer, scope: Scope, first: tuple[str, ...]) -> bool:
    scope.in_loop = True
    writer.emit("while True:")
    block(writer, scope, block_size(writer) + 1, first)
    return False
