"""The passes by name: the built-in ones, and those that installed packages add.

A package adds a pass through the entry-point group `dycl.passes`:

    [project.entry-points."dycl.passes"]
    my-pass = "my_package.my_pass:MyPass"

A pass is imported when it is asked for, never before.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from dycl.errors import DyclError, UsageError
from dycl.passes.base import Pass

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "dycl.passes"

BUILTIN_PASSES = (
    "unroll-loops",
    "propagate-constants",
    "infer-shapes",
    "canonicalize",
    "cse",
    "dce",
    "thread-branches",
    "hoist-invariants",
    "rotate-loops",
    "sink",
    "duplicate-tails",
    "form-regions",
    "hoist-to-host",
    "outline-regions",
    "share-kernels",
)
"""In the order in which a reader wants to meet them. `unroll-loops` is `dycl.passes.unroll_loops.UnrollLoopsPass`."""


class UnknownPass(UsageError):
    """No pass has this name."""


class BrokenPass(DyclError):
    """An installed package names a pass that cannot be imported or is not one."""


def pass_names() -> tuple[str, ...]:
    """Return the names of all passes, the built-in ones first."""
    return (*BUILTIN_PASSES, *sorted(set(_entry_points()) - set(BUILTIN_PASSES)))


def pass_named(name: str) -> type[Pass]:
    """Return the pass of that name.

    Raises:
        UnknownPass: there is none
        BrokenPass: a package offers it, but it cannot be loaded
    """
    if name in BUILTIN_PASSES:
        module = name.replace("-", "_")
        found: object = getattr(import_module(f"dycl.passes.{module}"), class_name(name))
        return _checked(name, found, "dycl")
    entry = _entry_points().get(name)
    if entry is None:
        raise UnknownPass(f"unknown pass '{name}'{nearest(name, pass_names())}")
    origin = f"{entry.value} of {entry.dist.name if entry.dist else 'an unknown package'}"
    try:
        found = entry.load()
    except Exception as error:
        raise BrokenPass(f"pass '{name}' cannot be loaded from {origin}: {type(error).__name__}: {error}") from error
    return _checked(name, found, origin)


def class_name(name: str) -> str:
    """Return the name of a built-in pass's class: `UnrollLoopsPass` for `unroll-loops`."""
    return "".join(part.capitalize() for part in name.split("-")) + "Pass"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the known name most like `name`, nothing where none is."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{found[0]}'?" if found else ""


def _entry_points() -> "dict[str, EntryPoint]":
    # Costs a tenth of dycl-opt's start.
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _checked(name: str, found: object, origin: str) -> type[Pass]:
    if not (isinstance(found, type) and issubclass(found, Pass)):
        raise BrokenPass(f"pass '{name}' from {origin} is not a dycl.passes.Pass")
    if found.name != name:
        raise BrokenPass(f"pass '{name}' from {origin} calls itself '{found.name}'")
    return found
