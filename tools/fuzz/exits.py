"""How a random program leaves a block before its end: `return`, `raise`, `break` and `continue`."""

from collections.abc import Callable

from tools.fuzz.writer import Writer


def leave(writer: Writer) -> None:
    ways: list[Callable[[Writer], None]] = [_return, write_raise]
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


def write_raise(writer: Writer) -> None:
    error = writer.random.choice(
        ("ValueError('no')", "Stop", "Stop('done', 1)", "RuntimeError('bad')", "KeyError('k')")
    )
    writer.emit(f"raise {error}")
