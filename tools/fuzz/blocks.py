"""Blocks of random programs: their statements, and how many there are."""

from tools.fuzz.exits import leave
from tools.fuzz.writer import Scope, Writer

MAX_DEPTH = 4


def block(writer: Writer, scope: Scope, statements: int, first: tuple[str, ...] = ()) -> bool:
    """Write a block, which begins with the lines `first`; return whether control never goes on behind it."""
    with writer.within(scope):
        for line in first:
            writer.emit(line)
        return body(writer, statements)


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
        kinds, weights = list(writer.compounds), list(writer.compounds.values())
        return writer.random.choices(kinds, weights)[0](writer)
    writer.simple_statement()
    return False


def block_size(writer: Writer) -> int:
    return writer.random.choice((1, 1, 2, 2, 3))


def leak(writer: Writer, *inner: Scope) -> None:
    """Now and then let a name live on that only some paths set: reading it may be an error, in eager too."""
    for scope in inner:
        for name, kind in scope.kinds.items():
            if name not in writer.scope.kinds and writer.chance(0.04):
                writer.scope.kinds[name] = kind
