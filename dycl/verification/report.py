"""What a verification found."""

from dataclasses import asdict, dataclass, field


@dataclass
class UnreachedSide:
    """A way out of a decision that no run has taken, sampled or forced: nothing is known of what lies there."""

    source: str
    """Where the program's source decides it, as `file:line`."""
    kind: str
    """`if`, `switch` or `while`."""
    side: str
    """`true`, `false`, the number of a switch's case, or `default`."""
    reason: str

    def __str__(self) -> str:
        match self.kind, self.side:
            case "while", "true":
                what = "the loop was never entered"
            case "while", _:
                what = "the loop was never left by its condition"
            case "switch", _:
                what = f"case {self.side} was not taken" if self.side != "default" else "no case was ever left out"
            case _:
                what = f"the condition was never {self.side}"
        return f"{self.source}: {what}; {self.reason}"


@dataclass
class VerifyReport:
    """Counts over the samples and the forced runs; errors are the largest over all float outputs.

    A relative error is the largest absolute error of an output over that output's largest magnitude.
    """

    samples: int = 0
    raised: int = 0
    """Samples on which both programs raised: nothing else is compared on them."""
    inconsistent: int = 0
    """Samples whose path, structure, shapes or discrete outputs differ from the source program's."""
    near_ties: int = 0
    """Samples that left the source's path at a decision within the tie margin of its threshold."""
    beyond_tolerance: int = 0
    """Samples on the source's path with a float output beyond the tolerance."""
    max_abs_error: float = 0.0
    max_rel_error: float = 0.0
    branches: int = 0
    sides: int = 0
    sides_covered: int = 0
    sides_covered_by_samples: int = 0
    forced_runs: int = 0
    forced_faults: int = 0
    """Forced runs whose outputs or decisions differ from the interpreter's."""
    forced_max_abs_error: float = 0.0
    tolerance: float = 1e-5
    faults: list[str] = field(default_factory=list[str])
    """The first few faults in words."""
    unreached: list[UnreachedSide] = field(default_factory=list[UnreachedSide])

    @property
    def is_faulty(self) -> bool:
        """Whether the two programs differ."""
        return bool(self.inconsistent or self.beyond_tolerance or self.forced_faults)

    @property
    def ok(self) -> bool:
        """Whether they agree, and every side of every branch was taken."""
        return not (self.is_faulty or self.sides_covered < self.sides)

    def to_json(self) -> dict[str, object]:
        return {**asdict(self), "ok": self.ok}

    def add_fault(self, text: str) -> None:
        if len(self.faults) < 10:
            self.faults.append(text)
