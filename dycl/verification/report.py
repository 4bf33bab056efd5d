"""What a verification found."""

from dataclasses import asdict, dataclass, field


@dataclass
class VerifyReport:
    """Counts over the samples and the forced runs; errors are the largest over all float outputs.

    A relative error is the largest absolute error of an output over that output's largest magnitude.
    """

    samples: int = 0
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

    @property
    def ok(self) -> bool:
        return not (self.inconsistent or self.beyond_tolerance or self.forced_faults or self.sides_covered < self.sides)

    def to_json(self) -> dict[str, object]:
        return {**asdict(self), "ok": self.ok}

    def add_fault(self, text: str) -> None:
        if len(self.faults) < 10:
            self.faults.append(text)
