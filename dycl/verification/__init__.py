"""Whether a compiled program gives what its source gives: eager against interpreter against compiled."""

from dycl.verification.evaluation import BranchUse, Evaluation, ExitUse, evaluate
from dycl.verification.report import UnreachedSide, VerifyReport
from dycl.verification.sampling import sample_inputs
from dycl.verification.verify import verify

__all__ = ["BranchUse", "Evaluation", "ExitUse", "UnreachedSide", "VerifyReport", "evaluate", "sample_inputs", "verify"]
