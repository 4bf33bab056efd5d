"""Methods of lists, dicts, sets, tuples and strings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dycl.errors import an
from dycl.frontends.torch.objects.grown_lists import call_method, extended
from dycl.frontends.torch.paths.grown import grown_of, of_list, write
from dycl.frontends.torch.values import Symbolic, Value, unknown_text

if TYPE_CHECKING:
    from dycl.frontends.torch.capture import Capture

_CHANGES = frozenset(
    [
        "append",
        "extend",
        "insert",
        "pop",
        "remove",
        "clear",
        "reverse",
        "update",
        "setdefault",
        "popitem",
        "add",
        "discard",
        "appendleft",
        "popleft",
        "extendleft",
        "rotate",
        "move_to_end",
        "difference_update",
        "intersection_update",
        "symmetric_difference_update",
        "__delitem__",
        "__iadd__",
        "__iand__",
        "__imul__",
        "__ior__",
        "__isub__",
        "__ixor__",
        "__setitem__",
    ]
)
_COMPARES = frozenset(["index", "count", "remove", "sort"])
"""Methods that compare elements."""
_KEYED = frozenset(["get", "pop", "setdefault", "add", "discard", "__contains__"])
_MAKES = frozenset(["copy", "split", "splitlines", "fromkeys"])


def call_counter_method(capture: "Capture", method: Value, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    """Call one of the methods that a `Counter` has beside those of a dict: they count in Python."""
    owner: Counter[Value] = method.__self__
    refuse_counting(capture, owner, *args, *kwargs.values())
    if method.__name__ in ("update", "subtract"):
        capture.mutate(owner)
    return capture.native(method, *args, **kwargs)


def refuse_counting(capture: "Capture", *values: Value) -> None:
    if any(isinstance(value, Counter) for value in values) and any(map(capture.holds_unknown, values)):
        raise capture.error(
            "arithmetic of a Counter whose counts are known only at run time",
            "it leaves out what has not been counted, which is known only when the program runs",
            "add to its items one by one, or count with torch.bincount",
        )


def _is_ordered_at_run_time(capture: "Capture", values: Value, options: Mapping[str, Value]) -> bool:
    return bool(options.get("key")) or capture.holds_unknown(values)


def call_container_method(
    capture: "Capture", method: Value, args: Sequence[Value], kwargs: Mapping[str, Value]
) -> Value:
    owner, name = method.__self__, method.__name__
    grown = grown_of(capture, owner)
    if grown is not None:
        return call_method(capture, owner, grown, "extend" if name == "__iadd__" else name, args)
    if name in ("extend", "__iadd__") and args and (more := grown_of(capture, args[0])) is not None:
        write(capture, owner, extended(capture, of_list(capture, owner), more) if owner else more)
        return owner if name == "__iadd__" else None
    capture.usable(owner)
    if isinstance(owner, str):
        if any(map(capture.holds_unknown, (*args, *kwargs.values()))):
            return unknown_text()
        result = capture.native(method, *args, **kwargs)
        return capture.born(result) if isinstance(result, list) else result
    if name == "sort" and isinstance(owner, list) and _is_ordered_at_run_time(capture, owner, kwargs):
        from dycl.frontends.torch.objects.ordering import ordered

        found = ordered(capture, owner, **kwargs)
        capture.mutate(owner)
        owner[:] = found
        return None
    if name in _COMPARES and (capture.holds_unknown(owner) or any(map(capture.holds_unknown, args))):
        raise capture.error(
            f"`.{name}()` on {an(type(owner).__name__)} of values known only at run time",
            "which elements are equal or larger is not known while the program is compiled",
            "stack the values into a tensor and use torch's operations",
        )
    if isinstance(owner, dict | set) and name in _KEYED and args:
        args = [capture.key(args[0]), *args[1:]]
    if isinstance(owner, list) and name in ("pop", "insert") and args and isinstance(args[0], Symbolic):
        raise capture.error(f"`.{name}()` at an index known only at run time")
    if name in _CHANGES or name == "sort":
        if name == "clear":
            capture.state.clear(owner)
        capture.mutate(owner)
    if name == "extend" or (name == "update" and isinstance(owner, set)):
        from dycl.frontends.torch.syntax.iteration import elements

        args = [list(elements(capture, value)) for value in args]
    result = capture.native(method, *args, **kwargs)
    capture.state.inherit(owner, result)
    return capture.born(result) if name in _MAKES and isinstance(result, list | dict | set) else result
