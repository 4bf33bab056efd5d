"""Statements of random programs of which a path executes some blocks: `if`, `match`, `try`; and `with`."""

from tools.fuzz.blocks import block, block_size, body, leak
from tools.fuzz.exits import leave, write_raise
from tools.fuzz.writer import Scope, Writer

MERGED = ("T", "T", "T", "i", "f", "b", "OT", "V", "S", "LE", "P", "FT", "t", "R", "Li", "LT", "DT")
"""Kinds of variables that both sides of a branch make."""


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
            leaves = body(writer, block_size(writer) - (1 if shared and writer.chance(0.5) else 0))
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
    leak(writer, *scopes)
    return has_else and not any(goes_on)


def match_statement(writer: Writer) -> bool:
    writer.emit(f"match {writer.expression('i')} % 4:")
    for pattern in ("case 0:", "case 1 | 2:", "case _:")[: writer.random.randint(2, 3)]:
        writer.indent += 1
        writer.emit(pattern)
        block(writer, writer.scope.inner(is_static=False), block_size(writer))
        writer.indent -= 1
    return False


def try_statement(writer: Writer) -> bool:
    writer.emit("try:")
    inner = writer.scope.inner(is_static=False)
    with writer.within(inner):
        body(writer, 1) if writer.chance(0.5) else None
        writer.emit(f"if {writer.expression('C')}:")
        writer.indent += 1
        write_raise(writer) if writer.chance(0.8) else leave(writer)
        writer.indent -= 1
        body(writer, block_size(writer))
    handler = writer.random.choice(
        ("ValueError", "Exception", "(Stop, ValueError)", "Stop as error", "Exception as error")
    )
    writer.emit(f"except {handler}:")
    block(writer, writer.scope.inner(is_static=False), block_size(writer))
    if writer.chance(0.2):
        writer.emit("else:")
        block(writer, writer.scope.inner(is_static=False), 1)
    if writer.chance(0.25):
        writer.emit("finally:")
        with writer.within(writer.scope.inner(is_static=False)):
            writer.simple_statement()
    return False


def with_statement(writer: Writer) -> bool:
    writer.emit(
        f"with {writer.random.choice(('torch.no_grad()', 'torch.inference_mode()', 'contextlib.nullcontext()'))}:"
    )
    inner = writer.scope.inner()
    leaves = block(writer, inner, block_size(writer))
    for name, kind in inner.kinds.items():
        writer.scope.kinds.setdefault(name, kind)
    return leaves
