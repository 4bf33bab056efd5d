"""Backends by name, from the entry-point group `dycl.backends`."""

import difflib
from importlib.metadata import entry_points

from dycl.backends.protocol import Backend
from dycl.errors import UsageError

GROUP = "dycl.backends"
"""The entry-point group in which packages name their backends: each a class or function that makes one."""


def backend_names() -> list[str]:
    """Return the names of all backends of the installed packages."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def backend_named(name: str) -> Backend:
    """Return the backend `name`.

    Raises:
        UsageError: no installed package has it
    """
    for entry in entry_points(group=GROUP, name=name):
        return entry.load()()
    names = backend_names()
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    raise UsageError(f"there is no backend {name}: {hint}")
