"""What of an exported program is refused, and how it is said."""

from collections.abc import Sequence

from dycl.errors import DyclError
from dycl.frontends.exported.places import Place


class UnsupportedNode(DyclError):
    """A node that cannot be taken: what, where in the user's program, why, and what to do instead.

    `places` lead to the node, innermost first; torch does not know them of every node.
    """

    def __init__(
        self, message: str, node: str, places: Sequence[Place] = (), reason: str = "", advice: str = ""
    ) -> None:
        self.message = message
        self.node = node
        self.places = tuple(places)
        self.reason = reason
        self.advice = advice
        where = f" (node `{node}` of the exported graph)" if node else ""
        lines = [f"{self.places[0].frame}: {message}{where}" if self.places else f"{message}{where}"]
        if self.places and self.places[0].code:
            lines.append(self.places[0].excerpt())
        if reason:
            lines.append(f"  because {reason}")
        if advice:
            lines.append(f"  instead: {advice}")
        lines += [f"  called from {place.frame}" for place in self.places[1:]]
        super().__init__("\n".join(lines))
