"""Names in the host program: those of the source's variables, each used once."""

import builtins
import keyword
import re
from collections.abc import Iterable

RESERVED = frozenset([*keyword.kwlist, *keyword.softkwlist, *dir(builtins)])


class Names:
    """Gives out names of one scope; a name that is taken gets a number."""

    def __init__(self, taken: Iterable[str] = ()):
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def fresh(self, wish: str) -> str:
        """Return `wish`, as a Python name, where it is free, else `wish_1` or the next that is."""
        stem = re.sub(r"\W", "_", wish, flags=re.ASCII) or "value"
        stem = f"_{stem}" if stem[0].isdigit() else stem
        name = f"{stem}_" if stem in RESERVED else stem
        number = self._next.get(stem, 1)
        while name in self._taken:
            name = f"{stem}_{number}"
            number += 1
        self._next[stem] = number
        self._taken.add(name)
        return name
