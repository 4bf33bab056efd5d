"""Running passes: in order, on the ops they are anchored to, verified as they go."""

import gc
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TypeAlias

from xdsl.ir import Operation

from dycl.errors import DyclError
from dycl.passes.base import Pass
from dycl.program import Program

MODULE = "builtin.module"
FUNCTION = "func.func"
KERNEL = "dycl.kernel"


@dataclass(frozen=True)
class Nested:
    """A pipeline that runs on each op called `anchor` directly inside the op that its own pipeline runs on."""

    anchor: str
    passes: tuple["Pass | Nested", ...]

    def __str__(self) -> str:
        return f"{self.anchor}({','.join(map(str, self.passes))})"


@dataclass(frozen=True)
class PassRun:
    """One run of a pass on one op."""

    done: Pass
    op: Operation
    changed: bool
    seconds: float
    verify_seconds: float


OnPass: TypeAlias = Callable[[PassRun], None]


class PassFailure(DyclError):
    """A pass failed, or left the program invalid."""


@dataclass(frozen=True)
class PassManager:
    """A pipeline on the module. `str()` of it is its textual form."""

    passes: Sequence[Pass | Nested]

    def __str__(self) -> str:
        return str(Nested(MODULE, tuple(self.passes)))

    def run(self, program: Program, *, verify_each: bool = True, on_pass: OnPass | None = None) -> bool:
        """Run the passes on a program; return whether any of them changed it.

        After each pass that changed an op that op is verified, unless `verify_each` is off. `on_pass` is called after
        each run of a pass on an op.

        Raises:
            PassFailure: a pass refused the program or left it invalid
        """
        changed = False
        with _collector_paused():
            for done in _runs(self.passes, program.module, program, verify_each):
                changed |= done.changed
                if on_pass is not None:
                    on_pass(done)
        return changed


@contextmanager
def _collector_paused() -> Generator[None]:
    """Pause Python's cyclic garbage collector: a program is one large cycle of live objects, which it would walk again
    and again while passes make new ones."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _runs(passes: Sequence[Pass | Nested], op: Operation, program: Program, verify_each: bool) -> Iterator[PassRun]:
    for item in passes:
        if isinstance(item, Nested):
            for inner in _ops_named(op, item.anchor):
                yield from _runs(item.passes, inner, program, verify_each)
        elif item.anchor == FUNCTION and op.name == MODULE:
            for inner in _ops_named(op, FUNCTION):
                yield _run(item, inner, program, verify_each)
        elif item.anchor in ("any", op.name):
            yield _run(item, op, program, verify_each)
        else:
            raise PassFailure(f"{item.name} runs on a {item.anchor}, not on a {op.name}")


def _ops_named(op: Operation, name: str) -> list[Operation]:
    """Return the ops of that name directly inside `op`; a function that is only declared is none of them."""
    return [
        inner
        for region in op.regions
        for block in region.blocks
        for inner in block.ops
        if inner.name == name and any(region.blocks for region in inner.regions)
    ]


def _run(item: Pass, op: Operation, program: Program, verify_each: bool) -> PassRun:
    started = perf_counter()
    try:
        changed = item.apply(op, program)
    except DyclError as error:
        raise PassFailure(f"{item.name}: {error}") from error
    except Exception as error:
        error.add_note(f"in the pass {item}")
        raise
    finished = perf_counter()
    if verify_each and changed:
        from dycl.ir.verify import verify

        try:
            verify(op)
        except DyclError as error:
            raise PassFailure(f"the program is invalid after {item}: {error}") from error
    return PassRun(item, op, changed, finished - started, perf_counter() - finished)
