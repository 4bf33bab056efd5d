"""Whether a compiled program gives what its source gives: eager against interpreter against compiled."""

from dycl.verification.report import VerifyReport
from dycl.verification.sampling import sample_inputs
from dycl.verification.verify import verify

__all__ = ["VerifyReport", "sample_inputs", "verify"]
