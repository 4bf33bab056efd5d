"""What a function of the host program prepares: its buffers, and the calls that write them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.ir import Operation, SSAValue

from dycl.backends.host.buffers import Buffers, Kind
from dycl.backends.host.names import Names


@dataclass
class Sites:
    """The calls and constants of functions, `k.NAME` in the program, and the code that makes them."""

    names: Names = field(default_factory=lambda: Names(["deeper", "levels"]))
    buffer_names: Names = field(default_factory=lambda: Names(["frame", "k"]))
    buffer_lines: list[str] = field(default_factory=list[str])
    lines: list[str] = field(default_factory=list[str])

    def add(self, wish: str, maker: str) -> str:
        """Prepare `k.NAME = frame.MAKER`, with a name like `wish`; return `k.NAME`."""
        name = f"k.{self.names.fresh(wish)}"
        self.lines.append(f"{name} = frame.{maker}")
        return name

    def add_buffers(self, kinds: Sequence[Kind]) -> list[str]:
        """Prepare buffers; return their names."""
        found: list[str] = []
        for kind in kinds:
            sizes = "x".join(map(str, kind.shape))
            name = self.buffer_names.fresh(f"{kind.dtype}_{sizes}" if sizes else kind.dtype)
            self.buffer_lines.append(f'{name} = frame.buffer("{kind.dtype}", {kind.shape})')
            found.append(name)
        return found


@dataclass(frozen=True)
class FunctionBuffers:
    """The buffers of one function by name."""

    buffers: Buffers
    names: Sequence[str]

    def kept(self, op: Operation) -> Sequence[SSAValue]:
        """Return the tensors whose buffers an op must leave alone, besides those that it reads."""
        return self.buffers.kept.get(op, ())

    def has(self, value: SSAValue) -> bool:
        """Whether a result goes to a buffer."""
        return value in self.buffers.choices

    def choice(self, value: SSAValue) -> str:
        """Return where a result goes, as Python: a buffer, several to choose from, or None for a fresh array."""
        found = [self.names[number] for number in self.buffers.choices.get(value, ())]
        if not found:
            return "None"
        return found[0] if len(found) == 1 else f"({', '.join(found)})"
