"""What a failing compiled program raises: what its source would, with the place in it.

Nothing is checked for this while a program runs well. A node that finds an index out of range is named by the compiler
after the source's operation, the line, and the class of exception that eager execution raises.
"""

import re

from dycl.errors import source_error

_NODE = re.compile(
    r"running \w+ node\. Name:'(?P<packet>\w+)\S* (?:(?P<place>\S+:\d+) )?(?:(?P<kind>[A-Z]\w+Error) )?#\d+' "
    r"Status Message: (?P<reason>.*)",
    re.DOTALL,
)
"""What ONNX Runtime says of a node that failed; its name may end in an exception's."""

_MISFIT = re.compile(
    r"Attempting to broadcast an axis by a dimension other than 1\. (\d+) by (\d+)"
    r"|Input \w+ must have shape (\{[\d,]+\})\. Actual:(\{[\d,]+\})"
)
"""Where the check of the sizes comes behind the node."""

_OUT_OF_RANGE = re.compile(r"out of data bounds|out of bounds|out of range|invalid ind", re.IGNORECASE)
_INDEX = re.compile(r"idx=(-?\d+) must be within the inclusive range \[-\d+,(\d+)\]")
_LARGEST = (2**31 - 1, 2**63 - 1)
"""What stands for a negative index where those are not taken."""

_COUNTS = ("bincount", "repeat_interleave")


def source_failure(error: Exception) -> Exception | None:
    """Return what the source raises in the place of `error`, None where that is not known to be another exception."""
    if type(error) is AssertionError:
        found = source_error(str(error))
        return found if type(found) is not AssertionError else None
    node = _NODE.search(str(error))
    if node is None:
        return None
    place = f" ({node['place']})" if node["place"] else ""
    misfit = _MISFIT.search(node["reason"])
    if misfit is not None:
        one, other = filter(None, misfit.groups())
        return source_error(f"RuntimeError: `{node['packet']}`: sizes {one} and {other} do not fit{place}")
    if node["kind"] is None or not _OUT_OF_RANGE.search(node["reason"]):
        return None
    return source_error(f"{node['kind']}: `{node['packet']}`: {_reason(node['packet'], node['reason'])}{place}")


def _reason(packet: str, reason: str) -> str:
    if packet in _COUNTS:
        return "a count is negative"
    found = _INDEX.search(reason)
    if found is None:
        return "an index is out of range"
    index, last = int(found[1]), int(found[2])
    shown = "a negative index" if index in _LARGEST else f"index {index}"
    return f"{shown} is out of range for size {last + 1}"
