"""Functions that random programs define and call: closures, recursion and generators."""

from functools import wraps

from tools.fuzz.blocks import block, block_size, body
from tools.fuzz.loops import loop
from tools.fuzz.writer import Compound, Scope, Writer


def _not_nested(write: Compound) -> Compound:
    """Write a simple statement instead, in a function that is inside another."""

    @wraps(write)
    def written(writer: Writer) -> bool:
        if not writer.scope.in_function:
            return write(writer)
        writer.simple_statement()
        return False

    return written


@_not_nested
def function_statement(writer: Writer) -> bool:
    """Define a function inside the current one."""
    name = writer.fresh("FT")
    outer = writer.scope
    parameter = writer.fresh("T")
    writer.emit(f"def {name}({parameter}, extra={writer.expression('k')}):")
    kinds = {**outer.kinds, parameter: "T", "extra": "i"}
    inner = Scope(kinds, frozenset(outer.kinds), returns="T", in_function=True, is_static=True)
    if not block(writer, inner, block_size(writer) + 1):
        with writer.within(inner):
            writer.emit(f"return {writer.expression('T')}")
    writer.declare("FT", name)
    return False


@_not_nested
def nonlocal_statement(writer: Writer) -> bool:
    """Define and call a function that changes a name of the current one."""
    names = writer.variables("T", assignable=True) + writer.variables("i", assignable=True)
    if not names:
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


@_not_nested
def recursive_statement(writer: Writer) -> bool:
    """Define a function that calls itself, until a tensor or a count says no more, and call it."""
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


@_not_nested
def generator_statement(writer: Writer) -> bool:
    name, item = writer.fresh("g"), writer.fresh("T")
    writer.emit(f"def {name}(t):")
    writer.emit(f"    for j in range({writer.random.randint(1, 3)}):")
    writer.emit(f"        t = {writer.random.choice(('torch.tanh(t) + j', 't * 1.5', 'self.layers[j](t)'))}")
    writer.emit("        yield t")
    scope = writer.scope.inner(is_static=False)
    scope.kinds[item] = "T"
    return loop(writer, f"for {item} in {name}({writer.expression('T')}):", scope)
